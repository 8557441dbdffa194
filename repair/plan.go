package repair

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/sbom"
	"github.com/wheelmend/wheelmend/wheel"
)

// A Plan is everything that a repair does to a wheel.
type Plan struct {
	Wheel     string   `json:"wheel"`
	Output    string   `json:"output"`            // file name of the result
	Policy    string   `json:"policy"`            // tag whose promises decide what is grafted
	Tags      []string `json:"tags"`              // Tag lines of WHEEL
	Grafts    []Graft  `json:"grafts"`            // sorted by member
	Edits     []Edit   `json:"edits"`             // sorted by member
	Removed   []string `json:"removed"`           // members that are dropped
	Patched   []Patch  `json:"patched,omitempty"` // Python files that lead a loader to libraries, sorted by member
	Added     []Added  `json:"added,omitempty"`   // members that come in besides grafts and the SBOM
	SBOM      string   `json:"sbom"`              // member that describes the grafts, "" for none
	Warnings  []string `json:"warnings"`          // what a person should know
	platforms []string
	pure      bool
	directory bool                // it is for the files of a directory, not for a wheel
	runPath   bool                // search paths become DT_RUNPATH
	tagsOnly  bool                // nothing but the tags changes
	excluded  []string            // sonames that are left to the user's system
	outside   map[string][]string // search path entries that lead outside, with the files that had them
	installed map[string]bool     // folders outside site-packages that the wheel installs to
	dirs      libDirs
	members   []*linkage.Image                // ELF files of the wheel
	matched   map[string]bool                 // patterns of search path entries that matched one
	kept      []string                        // search path entries that stay though they lead outside
	folded    map[*linkage.File]*linkage.File // members that go, with the one that stays
	stranded  map[*linkage.Image]bool         // libraries of the wheel to which nothing leads somebody who needs them
	policy    *policy.Policy
	verdict   *audit.Verdict
	lowering  *audit.Lowering // nil for none
	system    system
	report    *audit.Report
	graph     *linkage.Graph
	missing   []string // install names of macOS libraries that were not found, and are let go
	options   *Options
	contents  *audit.Contents
}

// An Added member is text that the wheel did not have.
type Added struct {
	Member string `json:"member"`

	content []byte
}

// A Graft is a library that is copied into the wheel.
type Graft struct {
	Source string `json:"source"` // path on this machine
	SHA256 string `json:"sha256"` // of the source, lower-case hex
	Member string `json:"member"`
	Added  bool   `json:"added,omitempty"` // nothing needs it by name; it keeps its own
	// OldSoname is the name that it had, a DT_SONAME or install name; "" if it had none.
	OldSoname string `json:"old_soname,omitempty"`

	// Package is the name and version of the system's package that it comes from; "" when
	// that is not known, and in a plan that is not carried out.
	Package string `json:"-"`
	Change

	file           *linkage.File
	version        string // that the file tells of itself, "" for none
	outsidePlatlib bool   // it lies outside site-packages, see libDirs
}

// An Edit changes one binary.
type Edit struct {
	Member string `json:"member"`
	Change

	file *linkage.File
}

// A Change is what is done to one binary, all but Slices to an ELF file. Its zero
// value changes nothing.
type Change struct {
	Soname  string   `json:"soname,omitempty"`
	Needed  []Rename `json:"needed,omitempty"`
	Removed []string `json:"removed_needed,omitempty"`
	RPath   string   `json:"rpath,omitempty"`       // new DT_RPATH; a DT_RUNPATH goes away
	RunPath string   `json:"runpath,omitempty"`     // new DT_RUNPATH
	NoPath  bool     `json:"clear_rpath,omitempty"` // both go away
	Strip   bool     `json:"strip,omitempty"`

	Interpreter string `json:"interpreter,omitempty"`     // new PT_INTERP of a program
	PlainStack  bool   `json:"clear_execstack,omitempty"` // PT_GNU_STACK asks for no executable stack
	// AnyFolder has a PE file leave to the process where its libraries are sought.
	AnyFolder bool `json:"clear_dependent_load_flags,omitempty"`
	Lowered

	Slices []SliceChange `json:"slices,omitempty"` // of a Mach-O file
}

// A Rename gives a DT_NEEDED another name.
type Rename struct {
	Old string `json:"old"`
	New string `json:"new"`
}

func (c *Change) empty() bool {
	return c.Soname == "" && len(c.Needed) == 0 && len(c.Removed) == 0 && c.RPath == "" && c.RunPath == "" && !c.NoPath && !c.Strip && c.Interpreter == "" && !c.PlainStack && !c.AnyFolder && c.Lowered.empty() && len(c.Slices) == 0
}

// NewPlan decides how the wheel of a report is repaired. It reads the libraries
// that are to be grafted, to name them by their digest, and writes nothing.
func NewPlan(ctx context.Context, rep *audit.Report, opts *Options) (*Plan, error) {
	switch {
	case rep.Unserved != nil:
		return nil, rep.Unserved
	case rep.Format == audit.Pure:
		return nil, &OptionError{OptionAllowPure, ErrPure}
	}
	p := emptyPlan(rep, opts)
	if err := p.system.choose(ctx, p); err != nil {
		return nil, err
	}
	if err := p.retag(p.system.keeps); err != nil {
		return nil, err
	}
	if err := p.planGrafts(ctx); err != nil {
		return nil, err
	}
	if err := p.planEdits(ctx); err != nil {
		return nil, err
	}
	p.planLeftovers()
	if err := p.graph.ReadError(); err != nil {
		return nil, err
	}
	return p, nil
}

// A system is what the loader of one operating system asks of a repair.
type system interface {
	// choose decides which verdict the repair goes by, and so which libraries come in,
	// and which platform tags the result gets. It refuses what no repair removes, and
	// options that have no meaning for the system.
	choose(ctx context.Context, p *Plan) error
	// keeps reports whether a platform tag of the file name may stay; if not, why says
	// so unless it goes without saying.
	keeps(p *Plan, tag string) (kept bool, why string)
	// names returns the folders of grafts, in site-packages and outside of it, and what
	// the file of each library is called there if nothing else has the name.
	names(p *Plan, libraries []*linkage.File, digests []string) (dirs libDirs, bases []string, err error)
	// change decides what changes in a member, or in a graft if there is one.
	change(ctx context.Context, p *Plan, f *linkage.File, g *Graft) (Change, error)
	// settle decides what depends on all changes, and refuses what they cannot do together.
	settle(p *Plan) error
	// graftsByPath reports whether patterns for copies match paths as well, and only what
	// was found outside the wheel.
	graftsByPath() bool
	// edit carries out a change of a file, read reads the result.
	edit(ctx context.Context, f *linkage.File, c *Change, member string) (*overlay.Overlay, error)
	read(image *overlay.Overlay) (linkage.Content, error)
	// describe tells a bill of materials where the grafts come from.
	describe(p *Plan, packages packages) ([]sbom.Graft, error)
}

// newSystem returns the system of a wheel.
func newSystem(os audit.OS) system {
	switch os {
	case audit.OSMacOS:
		return macOS{}
	case audit.OSAndroid:
		return android{}
	case audit.OSWindows:
		return &windows{}
	}
	return linux{}
}

// emptyPlan returns a plan that changes nothing yet.
func emptyPlan(rep *audit.Report, opts *Options) *Plan {
	p := &Plan{
		Wheel: rep.Wheel, options: opts, report: rep, contents: rep.Contents, graph: rep.Graph, system: newSystem(rep.OS),
		outside: map[string][]string{}, matched: map[string]bool{},
		// Empty lists, so that JSON has no null.
		Grafts: []Graft{}, Edits: []Edit{}, Removed: []string{}, Added: []Added{}, Warnings: []string{},
	}
	p.installed = installedDirs(p.holdings())
	return p
}

// planLeftovers plans what follows from the rest of the plan.
func (p *Plan) planLeftovers() {
	p.tellUnusedPaths()
	p.dropSignatures()
	p.dropCaches()
	p.amendRecord()
	p.tellStack()
	p.addLicenses()
	p.tellLowered()
	if (len(p.Grafts) > 0 || p.lowering != nil) && !p.options.NoSBOM {
		p.SBOM = p.freeName(p.contents.Reader.DistInfo()+"/sboms/wheelmend", ".cdx.json")
	}
	for _, entry := range slices.Sorted(maps.Keys(p.outside)) {
		files := p.outside[entry]
		if len(files) > 1 {
			files = []string{fmt.Sprintf("%d files (%s ...)", len(files), files[0])}
		}
		p.warn("search path entry %q leads outside the wheel; it is removed from %s", entry, files[0])
	}
	p.tellForeign(p.report.Foreign)
	p.leaveOut()
}

// tellForeign names the files of other formats, those of a kind in one line if they are
// many.
func (p *Plan) tellForeign(all []audit.Foreign) {
	const each = 3
	kinds := map[string][]string{}
	for _, f := range all {
		kinds[f.Kind] = append(kinds[f.Kind], f.Path)
	}
	for _, f := range all {
		switch paths := kinds[f.Kind]; {
		case len(paths) <= each:
			p.warn("%s (%s) is left as it is", f.Path, f.Kind)
		case f.Path == paths[0]:
			p.warn("%d files (%s) are left as they are: %s", len(paths), f.Kind, phrase.Some(paths, each))
		}
	}
}

// dropCaches removes the byte code of __pycache__. Installers write their own, and one
// of them leaves these out; without its source none of it is imported (PEP 3147).
func (p *Plan) dropCaches() {
	n := 0
	for _, m := range p.holdings() {
		dir, base := path.Split(m.Name)
		if path.Base(dir) == "__pycache__" && path.Ext(base) == ".pyc" {
			p.Removed = append(p.Removed, m.Name)
			n++
		}
	}
	if n > 0 {
		p.warn("%s of __pycache__ dropped: installers write their own", phrase.Count(n, "file"))
	}
}

// amendRecord tells which rows of RECORD are written anew, and why.
func (p *Plan) amendRecord() {
	members := map[string][]string{}
	for _, a := range p.contents.Amended() {
		kind := "malformed"
		if a.False {
			kind = "false"
		}
		members[kind] = append(members[kind], a.Member+": "+a.Why)
	}
	for _, kind := range slices.Sorted(maps.Keys(members)) {
		p.warn("RECORD is written anew for %s whose row is %s: %s", phrase.Count(len(members[kind]), "member"), kind, phrase.Some(members[kind], 2))
	}
}

// tellInfo tells what of WHEEL is written anew for the sake of installers.
func (p *Plan) tellInfo(info *wheel.Info) {
	for _, what := range info.Plain() {
		p.warn("WHEEL is written anew: %s", what)
	}
}

// dropSignatures removes the signatures of a RECORD that is written anew.
func (p *Plan) dropSignatures() {
	for _, name := range []string{"RECORD.jws", "RECORD.p7s"} {
		member := p.contents.Reader.DistInfo() + "/" + name
		if p.holds(member) {
			p.Removed = append(p.Removed, member)
			p.warn("%s is dropped: its signature does not cover the new wheel", member)
		}
	}
}

// leaveOut notes what is left to the system, and what was asked for in vain.
func (p *Plan) leaveOut() {
	p.tellUnused()
	p.excluded = p.excludedBy()
	for _, soname := range p.excluded {
		p.warn("%s is left to the system it is installed on, as asked", soname)
	}
}

// freeName returns a member name that the wheel does not have yet.
func (p *Plan) freeName(stem, ext string) string {
	name := stem + ext
	for n := 2; p.holds(name); n++ {
		name = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
	return name
}

// repaired is the word for what the plan is for.
func (p *Plan) repaired() string {
	if p.directory {
		return "directory"
	}
	return "wheel"
}

// holdings returns the members of the wheel, none for a directory.
func (p *Plan) holdings() []*wheel.Member {
	if p.contents == nil {
		return nil
	}
	return p.contents.Reader.Members()
}

// holds reports whether the wheel has a member of that name.
func (p *Plan) holds(member string) bool {
	if p.contents == nil {
		return false
	}
	_, ok := p.contents.Reader.Lookup(member)
	return ok
}

// excludedBy returns the names of libraries that exclude patterns left out, sorted.
func (p *Plan) excludedBy() []string {
	set := map[string]bool{}
	for _, l := range p.report.Libraries(p.verdict) {
		if l.Action == audit.Excluded {
			set[l.Soname] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (p *Plan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}

// warnOnce warns unless that has been done with the same words, and reports whether it did now.
func (p *Plan) warnOnce(format string, args ...any) bool {
	text := fmt.Sprintf(format, args...)
	if slices.Contains(p.Warnings, text) {
		return false
	}
	p.Warnings = append(p.Warnings, text)
	return true
}

// NothingToDo reports whether the result holds the same members as the wheel.
func (p *Plan) NothingToDo() bool {
	return len(p.contents.Amended()) == 0 && len(p.Grafts)+len(p.Edits)+len(p.Removed)+len(p.Added)+len(p.Patched) == 0 && p.Output == p.Wheel
}
