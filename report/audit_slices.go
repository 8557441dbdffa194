package report

import (
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
