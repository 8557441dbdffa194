package report

import (
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
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
func (p *printer) macOS(r *audit.Report) {
	target := r.Target()
	p.verdict(r)
	if r.SelfContained() {
		p.wrap("  meets         ", explained(r.Tag(), p.style.good))
	} else {
		p.wrap("  meets         ", explained(r.Tag(), p.style.bad)+", but for what it needs from outside the wheel")
	}
	switch {
	case !target.Repairable():
		p.wrap("  after repair  ", p.style.bad("none: it cannot be repaired as it is"))
	case len(target.Grafts) > 0:
		p.wrap("  after repair  ", explained(r.RepairableTag(), p.style.good)+", with "+graftCount(len(target.Grafts)))
	case r.RepairableTag() == r.Tag():
		p.wrap("  after repair  ", "the same, no repair is needed")
	default:
		p.wrap("  after repair  ", explained(r.RepairableTag(), p.style.good))
	}
	for _, need := range r.Minimums(target.Repairable()) {
		why := "the oldest there is"
		if need.File != "" {
			why = "as " + shortName(r, need.File) + " says"
		}
		p.wrap("  needs         ", fmt.Sprintf("macOS %v on %s, %s", need.Version, need.Arch, Clean(why)))
	}
	p.wrap("  holds         ", fmt.Sprintf("%s for %s", contents(r, "Mach-O file"), strings.Join(r.Archs, " and ")))
	libraries := r.Libraries(target)
	p.missing(libraries)
	p.macBlockers(r)
	p.carried(r, libraries)
	p.foreign(r.Foreign)
}

// macBlockers lists what keeps the wheel from being what its tag says, the cause before
// the files. The lists of libraries have those that come in.
func (p *printer) macBlockers(r *audit.Report) {
	h := hurdle{}
	groups := map[string]*cause{}
	tag := ""
	for _, b := range r.Target().Blockers {
		if b.Kind == audit.KindLibrary || b.Kind == audit.KindMissing {
			continue
		}
		tag, b.Library = b.Tag, ""
		h.add(groups, b)
	}
	if tag == "" {
		return
	}
	p.linef("\nWhat keeps it from being %s", tag)
	shown, more := rows(p, h.causes)
	for _, c := range shown {
		p.cause(r, c)
	}
	p.andMore(more)
}
