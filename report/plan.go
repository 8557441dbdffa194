package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/wheelmend/wheelmend/repair"
)

// Repair is the JSON document of a repair, or of its plan after a dry run. See
// docs/repair.schema.json.
type Repair struct {
	Schema int    `json:"schema"`
	DryRun bool   `json:"dry_run"`
	Input  string `json:"input,omitempty"` // path as it was given, set by the caller
	Path   string `json:"path"`            // of the finished wheel; "" after a dry run
	Tag    string `json:"tag"`             // the same as TagBefore

	TagBefore string `json:"tag_before"` // platform tag that the wheel met
	TagAfter  string `json:"tag_after"`  // platform tags of the result, joined by dots
	*repair.Plan
	Findings  []string          `json:"findings"`         // claims of the finished wheel that fail
	System    []string          `json:"system_libraries"` // that are left to the user's system
	Before    int64             `json:"size_before"`      // bytes; 0 after a dry run
	After     int64             `json:"size_after"`
	Packages  map[string]string `json:"packages"`  // of grafts, by member, as far as known
	Unchanged bool              `json:"unchanged"` // the wheel needs no repair, and lies where the result would
}

// NewRepair returns the JSON document of a repair that has a plan.
func NewRepair(r *repair.Result, dryRun bool) Repair {
	return Repair{
		Schema: Schema, DryRun: dryRun, Path: r.Path, Tag: r.Tag, Plan: r.Plan, Findings: list(r.Findings), System: list(r.System),
		Before: r.Before, After: r.After, Unchanged: r.Unchanged, Packages: packages(r.Plan),
		TagBefore: r.Tag, TagAfter: platformOf(r.Plan.Output),
	}
}

// platformOf returns the platform tags in the file name of a wheel.
func platformOf(name string) string {
	stem := strings.TrimSuffix(name, ".whl")
	return stem[strings.LastIndex(stem, "-")+1:]
}

// packages names the packages that grafts come from, with their versions.
func packages(p *repair.Plan) map[string]string {
	known := map[string]string{}
	for _, g := range p.Grafts {
		if g.Package != "" {
			known[g.Member] = g.Package
		}
	}
	return known
}

// Copy is the JSON document of a wheel without binaries that is copied as it is.
type Copy struct {
	Schema int    `json:"schema"`
	DryRun bool   `json:"dry_run"`
	Input  string `json:"input,omitempty"` // path as it was given, set by the caller
	Path   string `json:"path"`            // of the copy; "" after a dry run
	Tag    string `json:"tag"`
	Wheel  string `json:"wheel"`
}

// NewCopy returns the JSON document of a wheel that has no plan.
func NewCopy(wheel string, r *repair.Result, dryRun bool) Copy {
	return Copy{Schema: Schema, DryRun: dryRun, Path: r.Path, Tag: r.Tag, Wheel: wheel}
}

// Failure is the JSON document for a wheel that could not be processed.
type Failure struct {
	Schema int    `json:"schema"`
	Input  string `json:"input,omitempty"` // path as it was given
	Wheel  string `json:"wheel"`
	Error  string `json:"error"`
}

// NewFailure returns the JSON document for an error of the wheel at a path.
func NewFailure(path string, err error) Failure {
	return Failure{Schema: Schema, Input: path, Wheel: filepath.Base(path), Error: err.Error()}
}

// planIndent stands before what is done to a file.
const planIndent = "           "

// WritePlan writes what a repair does, as text for people.
func WritePlan(w io.Writer, plan *repair.Plan, s Style) error {
	p := &printer{w: w, style: s}
	p.linef("%s", s.bold(Clean(plan.Wheel)))
	if plan.NothingToDo() {
		p.entry("  needs no change: ", "it meets "+plan.Policy)
		return p.err
	}
	p.linef("  becomes  %s", s.good(Clean(plan.Output)))
	p.linef("  meets    %s", plan.Policy)
	for _, g := range plan.Grafts {
		p.linef("  graft    %s\n           as %s", Clean(g.Source), Clean(g.Member))
		p.change(&g.Change)
	}
	for _, e := range plan.Edits {
		p.linef("  edit     %s", Clean(e.Member))
		p.change(&e.Change)
	}
	for _, name := range plan.Removed {
		p.linef("  drop     %s", Clean(name))
	}
	for _, m := range plan.Added {
		p.linef("  add      %s", Clean(m.Member))
	}
	if plan.SBOM != "" {
		p.linef("  add      %s", Clean(plan.SBOM))
	}
	return p.err
}

func (p *printer) change(c *repair.Change) {
	var did []string
	add := func(format string, args ...any) { did = append(did, fmt.Sprintf(format, args...)) }
	for _, r := range c.Needed {
		add("needs %s instead of %s", r.New, r.Old)
	}
	for _, name := range c.Removed {
		add("no longer needs %s", name)
	}
	switch {
	case c.NoPath:
		add("search path removed")
	case c.RPath != "":
		add("DT_RPATH %s", c.RPath)
	case c.RunPath != "":
		add("DT_RUNPATH %s", c.RunPath)
	}
	if c.Interpreter != "" {
		add("interpreter %s", c.Interpreter)
	}
	if c.PlainStack {
		add("no executable stack")
	}
	if c.Strip {
		add("stripped")
	}
	for _, name := range c.NewNeeded {
		add("needs %s", name)
	}
	if c.ExpandRelr {
		add("packed relocations expanded")
	}
	if c.PlainPLT {
		add("marks of the PLT removed")
	}
	if len(did) > 0 {
		p.entry(planIndent, Clean(strings.Join(did, ", ")))
	}
	for _, s := range c.Symbols {
		p.entry(planIndent, Clean(loweredText(s)))
	}
	for i := range c.Slices {
		p.sliceChange(&c.Slices[i])
	}
}

// loweredText spells a symbol that another one stands in for.
func loweredText(s repair.LoweredSymbol) string {
	text := fmt.Sprintf("%v (%s)", s, s.Class)
	if s.Note != "" {
		text = fmt.Sprintf("%v (%s: %s)", s, s.Class, s.Note)
	}
	return text
}

// sliceChange tells what is done to a slice of a Mach-O file.
func (p *printer) sliceChange(s *repair.SliceChange) {
	var did []string
	for _, r := range s.Needed {
		did = append(did, fmt.Sprintf("loads %s instead of %s", r.New, r.Old))
	}
	for _, name := range s.LookedUp {
		did = append(did, name+" removed")
	}
	if s.InstallName != "" {
		did = append(did, "install name "+s.InstallName)
	}
	for _, rpath := range s.RemovedRPaths {
		did = append(did, "LC_RPATH "+rpath+" removed")
	}
	for _, text := range s.Duplicates {
		did = append(did, text+" once instead of several times")
	}
	if s.UUID {
		did = append(did, "LC_UUID added")
	}
	if s.Sign {
		did = append(did, "signed")
	}
	p.entry(planIndent+s.Arch+": ", Clean(strings.Join(did, ", ")))
}
