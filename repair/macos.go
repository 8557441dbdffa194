package repair

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/sbom"
)

// MacOptions tunes the repair of macOS wheels. Where libraries are sought, and for
// which architectures files have to be, is in [audit.MacOptions].
type MacOptions struct {
	IgnoreMissing bool // go on when a library was not found
	KeepRPaths    bool // leave search paths of the build machine in the files
	KeepIDs       bool // leave grafted libraries their install names (LC_ID_DYLIB), for who links to them by these
	Resign        bool // give every file a new signature, also where nothing changes
}

// A SliceChange is what is done to the slice of one architecture.
type SliceChange struct {
	Arch          string   `json:"arch"`
	InstallName   string   `json:"install_name,omitempty"`   // new LC_ID_DYLIB
	Needed        []Rename `json:"needed,omitempty"`         // libraries that it loads
	LookedUp      []string `json:"removed_needed,omitempty"` // libraries that go away; what is imported from them is looked for in the whole process
	RemovedRPaths []string `json:"removed_rpaths,omitempty"` // LC_RPATHs that go away
	Duplicates    []string `json:"duplicates,omitempty"`     // libraries and LC_RPATHs that it has several times, and once afterwards
	UUID          bool     `json:"uuid,omitempty"`           // it gets an LC_UUID, without which dyld refuses it
	Sign          bool     `json:"sign,omitempty"`           // it gets a new signature, though nothing else changes
}

func (s *SliceChange) empty() bool {
	return s.InstallName == "" && len(s.Needed)+len(s.LookedUp)+len(s.RemovedRPaths)+len(s.Duplicates) == 0 && !s.UUID && !s.Sign
}

// edits translates the change into edits of the slice.
func (s *SliceChange) edits() []macho.Edit {
	var edits []macho.Edit
	for _, rpath := range s.RemovedRPaths { // first, since it makes room
		edits = append(edits, macho.RemoveRPath(rpath))
	}
	if s.InstallName != "" {
		edits = append(edits, macho.SetID(s.InstallName))
	}
	for _, name := range s.LookedUp {
		edits = append(edits, macho.LookUpFlat(name))
	}
	for _, r := range s.Needed {
		edits = append(edits, macho.ReplaceDylib(r.Old, r.New))
	}
	if len(s.Duplicates) > 0 {
		edits = append(edits, macho.DedupeRPaths(), macho.DedupeDylibs())
	}
	if s.UUID {
		edits = append(edits, macho.AddUUID())
	}
	if s.Sign {
		edits = append(edits, macho.Sign(""))
	}
	return edits
}

// sliceEdits returns the edits of each slice, in the order of the file.
func (c *Change) sliceEdits(f *macho.File) [][]macho.Edit {
	all := make([][]macho.Edit, len(f.Slices))
	for i := range c.Slices {
		for n, s := range f.Slices {
			if s.Arch.String() == c.Slices[i].Arch {
				all[n] = c.Slices[i].edits()
			}
		}
	}
	return all
}

// edit makes the edited file. A file without a signature gets the base name of its
// member as the identifier of its new one, as codesign(1) would give it.
func (macOS) edit(ctx context.Context, f *linkage.File, c *Change, member string) (*overlay.Overlay, error) {
	return f.MachO().EditSlices(ctx, macho.Options{FileName: path.Base(filepath.ToSlash(member)), Jobs: 1}, c.sliceEdits(f.MachO()))
}

// read reads an edited file back.
func (macOS) read(image *overlay.Overlay) (linkage.Content, error) {
	return macho.NewFile(image, image.Size())
}

// describe has no package database to ask.
func (macOS) describe(p *Plan, _ packages) ([]sbom.Graft, error) {
	var grafts []sbom.Graft
	for _, g := range p.Grafts {
		grafts = append(grafts, sbom.Graft{Member: g.Member, SHA256: g.SHA256})
	}
	return grafts, nil
}

// macOS is the repair of macOS wheels.
type macOS struct{}

// choose goes by the tags of the file name, raised to what the wheel needs.
func (macOS) choose(_ context.Context, p *Plan) error {
	p.tellNoLowering(audit.ErrNoLowering)
	if err := p.checkMacOptions(); err != nil {
		return err
	}
	if err := p.refuseMacOS(p.report); err != nil {
		return err
	}
	p.verdict, p.platforms = p.report.Target(), p.report.RepairedTags()
	p.Policy = strings.Join(p.platforms, ".")
	return nil
}

// graftsByPath: an install name may be but a variable and a file name.
func (macOS) graftsByPath() bool { return true }

// checkMacOptions refuses options that Mach-O files have no meaning for, rather
// than ignore them.
func (p *Plan) checkMacOptions() error {
	switch o := p.options; {
	case o.Platform != "" && o.Platform != "auto":
		return &OptionError{OptionPlatform, errors.New("a macOS wheel: its tag comes from its files")}
	case o.Strip:
		return &OptionError{OptionStrip, errors.New("a macOS wheel: its files cannot be stripped; strip the binaries before they go into the wheel")}
	}
	return nil
}

// maxMacOS is the newest macOS that a file is believed to need: tags have no room
// for what a damaged one may say.
const maxMacOS = 999

// refuseMacOS refuses what no repair removes, and a target that is too old.
func (p *Plan) refuseMacOS(rep *audit.Report) error {
	e := &UnmetError{OS: rep.OS}
	for _, b := range rep.Target().Blockers {
		switch {
		case b.Repairable():
		case b.Kind == audit.KindMissing && p.options.MacOS.IgnoreMissing:
			if !slices.Contains(p.missing, b.Library) {
				p.missing = append(p.missing, b.Library)
				p.warn("%s: %s was not found, and is left as it is", b.File, b.Library)
			}
		default:
			e.Blockers = append(e.Blockers, b)
		}
	}
	if len(e.Blockers) > 0 {
		return e
	}
	for _, need := range rep.Minimums(true) {
		if need.Version.Tagged().Major > maxMacOS {
			return fmt.Errorf("%s says that its %s code needs macOS %v, which there is not; it looks damaged", need.File, need.Arch, need.Version)
		}
	}
	target := p.options.Audit.MacOS.Target
	if target == (policy.MacVersion{}) {
		return nil
	}
	for _, need := range rep.Minimums(true) {
		if need.File != "" && need.Version.Compare(target) > 0 && need.Version.Compare(policy.MacFloor(need.Arch)) > 0 {
			return &OptionError{OptionTarget, fmt.Errorf("%s needs macOS %v on %s, the target is %v; build it for that, or choose a newer target", need.File, need.Version, need.Arch, target)}
		}
	}
	return nil
}

// keeps reports whether a tag is one of those that the result has. A tag of another
// system goes: the binaries are for macOS.
func (macOS) keeps(p *Plan, tag string) (kept bool, why string) {
	f, err := policy.ParsePlatform(tag)
	switch {
	case slices.Contains(p.platforms, tag):
		return true, ""
	case err == nil && f.Family == policy.Any:
		return false, ""
	case err != nil || f.Family != policy.MacOS:
		return false, "is removed: the wheel does not meet it"
	}
	unasked := slices.DeleteFunc(policy.MacArchs(f.Arch), func(arch string) bool { return slices.Contains(p.report.Archs, arch) })
	if len(unasked) > 0 {
		return false, fmt.Sprintf("becomes %s: the wheel is not good for %s", p.Policy, strings.Join(unasked, " and "))
	}
	return false, "is raised: the wheel does not meet it"
}

// names leaves each library the name of its file. The folder is where delocate has it: in
// the package that is called like the wheel, else in the first one, else beside the
// modules. Other wheels install to that outside of site-packages as well, so that it
// begins with the name of this one.
func (macOS) names(p *Plan, libraries []*linkage.File, digests []string) (dirs libDirs, bases []string, err error) {
	suffix := p.options.LibSuffix
	if suffix == "" {
		suffix = DefaultDylibsDir
	}
	name := p.contents.Filename.Name
	var all []string
	for _, m := range p.holdings() {
		if dir, ok := strings.CutSuffix(m.Name, "/__init__.py"); ok && !strings.Contains(dir, "/") {
			all = append(all, dir)
		}
	}
	packages := name + suffix
	switch {
	case slices.Contains(all, name):
		packages = name + "/" + suffix
	case len(all) > 0:
		packages = slices.Min(all) + "/" + suffix
	}
	beside := name + strings.TrimPrefix(path.Base(packages), name)
	return newLibDirs(packages, beside, p.graph.Members), dylibNames(libraries, digests), checkLibDir(suffix, packages)
}

// dylibNames returns the names of the files of libraries. Copies of one whose names
// differ in case alone, as a volume that does not tell may spell them, have the first.
func dylibNames(libraries []*linkage.File, digests []string) []string {
	first := map[string]string{} // by the name in lower case and the digest
	bases := make([]string, len(libraries))
	for i, f := range libraries {
		base := path.Base(strings.ReplaceAll(f.Path, "\\", "/"))
		key := strings.ToLower(base) + "\x00" + digests[i]
		first[key] = cmp.Or(first[key], base)
		bases[i] = first[key]
	}
	return bases
}
