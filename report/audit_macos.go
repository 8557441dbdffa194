package report

import (
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// AuditSlice is the part of a Mach-O file for one architecture.
type AuditSlice struct {
	Arch   string   `json:"arch"`
	Type   string   `json:"type"`          // MH_BUNDLE, MH_DYLIB or MH_EXECUTE
	MinOS  *string  `json:"minimum_macos"` // null when the file does not say
	ID     *string  `json:"install_name"`
	Needed []string `json:"needed"`
	RPaths []string `json:"rpaths"`
}

// AuditMinimum is the oldest macOS for one architecture of the wheel.
type AuditMinimum struct {
	Arch     string  `json:"arch"`
	Version  string  `json:"version"`
	File     *string `json:"file"` // that asks for it, null for the oldest of the architecture
	Repaired string  `json:"version_after_repair"`
	Graft    *string `json:"file_after_repair"`
}

// addMinimums tells the oldest system, as the wheel stands and after a repair.
func (a *Audit) addMinimums(r *audit.Report) {
	after := r.Minimums(true)
	for i, need := range r.Minimums(false) {
		a.Minimum = append(a.Minimum, AuditMinimum{
			Arch: need.Arch, Version: need.Version.String(), File: optional(need.File),
			Repaired: after[i].Version.String(), Graft: optional(after[i].File),
		})
	}
}

// newAuditSlices describes the slices of a file, nil for one that has none.
func newAuditSlices(f audit.File) []AuditSlice {
	var slices []AuditSlice
	for _, s := range f.Slices {
		slices = append(slices, AuditSlice{Arch: s.Arch, Type: s.Type, MinOS: optional(s.Oldest), ID: optional(s.Name), Needed: list(s.Needed), RPaths: list(s.RunPath)})
	}
	return slices
}

// macOS writes the audit of a macOS wheel.
func (p *printer) macOS(r *audit.Report, all bool) {
	target := r.Target()
	modules := 0
	for _, f := range r.Files {
		if f.Extension {
			modules++
		}
	}
	p.linef("  macOS, %s: %s", strings.Join(r.Archs, " and "), phrase.Count(len(r.Files), "Mach-O file")+", "+phrase.Count(modules, "extension module")+" among them")
	meets := p.style.good(r.Tag())
	if !r.SelfContained() {
		meets = p.style.bad(r.Tag()) + ", but for what it needs from outside the wheel"
	}
	p.linef("  meets         %s", meets)
	switch {
	case !target.Repairable():
		p.linef("  after repair  %s", p.style.bad("none: it cannot be repaired as it is"))
	case len(target.Grafts) > 0:
		p.linef("  after repair  %s", p.style.good(r.RepairableTag())+", with "+graftCount(len(target.Grafts)))
	default:
		p.linef("  after repair  %s", p.style.good(r.RepairableTag()))
	}
	for _, need := range r.Minimums(target.Repairable()) {
		why := "the oldest there is"
		if need.File != "" {
			why = "as " + shortName(r, need.File) + " says"
		}
		p.linef("  needs         macOS %v on %s, %s", need.Version, need.Arch, Clean(why))
	}
	p.libraryTable(r.Libraries(target))
	p.macBlockers(r, all)
	p.foreign(r.Foreign)
}

// shownMacBlockers is how many reasons of each kind the text lists unless all are
// asked for: a wheel whose tag is too old has one for each file.
const shownMacBlockers = 4

// macBlockers lists what keeps the wheel from being what its tag says. The table
// of libraries has those that come in.
func (p *printer) macBlockers(r *audit.Report, all bool) {
	t := p.table("file", "version or architecture", "reason")
	shown, more := map[audit.Kind]int{}, 0
	tag := ""
	for _, b := range r.Target().Blockers {
		if b.Kind == audit.KindLibrary || b.Kind == audit.KindMissing {
			continue
		}
		tag = b.Tag
		if shown[b.Kind]++; shown[b.Kind] > maxRows || shown[b.Kind] > shownMacBlockers && !all {
			more++
			continue
		}
		what := b.Arch
		if b.Version != "" {
			what = "macOS " + b.Version
		}
		t.AppendRow(row(Clean(shortName(r, b.File)), what, Clean(b.Reason)))
	}
	if tag == "" {
		return
	}
	p.linef("\nWhat keeps it from being %s", tag)
	p.render(t)
	if more > 0 {
		p.linef("  %s; -v lists them, --json has all.", fmt.Sprintf("%s of these kinds", phrase.Count(more, "more reason")))
	}
}
