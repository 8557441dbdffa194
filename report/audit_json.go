package report

import (
	"strings"

	"github.com/wheelmend/wheelmend/audit"
)

// Schema is the version of the JSON documents, but for those of an audit, which is
// AuditSchema. It grows when a field changes its meaning or goes away; new fields do not
// count.
const (
	Schema = 1
	// With 2 a blocker stands there once, with the policies that it stops; before, it was
	// repeated with each of them as its policy.
	AuditSchema = 2
)

// Audit is the JSON document of an audit. See docs/audit.schema.json.
type Audit struct {
	Schema           int                 `json:"schema"`
	Input            string              `json:"input,omitempty"` // path as it was given, set by the caller
	Wheel            string              `json:"wheel"`
	Format           string              `json:"format"` // elf, macho, pure, or one that is named alone
	OS               *string             `json:"os"`     // null for a pure wheel
	Arch             *string             `json:"arch"`
	Libc             *string             `json:"libc"`
	Tag              *string             `json:"tag"`
	RepairableTag    *string             `json:"repairable_tag"`
	Files            []AuditFile         `json:"files"`
	Foreign          []AuditForeign      `json:"foreign_files"`
	Libraries        []AuditLibrary      `json:"external_libraries"`
	VersionedSymbols map[string][]string `json:"versioned_symbols"`
	Blockers         []AuditBlocker      `json:"blockers"`
	Bundled          []AuditBundled      `json:"bundled_libraries"`
	Lowerings        []AuditLowering     `json:"lowerings,omitempty"` // the oldest system first; only if it was asked for

	// Of a macOS wheel.
	Archs   []string       `json:"archs,omitempty"`
	Minimum []AuditMinimum `json:"minimum_macos,omitempty"`
}

// AuditFile is one binary of the wheel.
type AuditFile struct {
	Path      string   `json:"path"`
	Needed    []string `json:"needed"`
	RPath     *string  `json:"rpath"`
	RunPath   *string  `json:"runpath"`
	Soname    *string  `json:"soname"`
	ISA       *string  `json:"isa"` // such as x86-64-v3; null for the baseline
	Extension bool     `json:"extension"`

	Slices []AuditSlice `json:"slices,omitempty"` // of a Mach-O file
}

// AuditForeign is a member in a format of another system.
type AuditForeign struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
}

// AuditLibrary is a library that the wheel needs and does not hold.
type AuditLibrary struct {
	Soname   string       `json:"soname"`
	Path     *string      `json:"path"`
	NeededBy []string     `json:"needed_by"`
	Action   string       `json:"action"` // graft, system, excluded, missing or remove
	Searched []AuditPlace `json:"searched,omitempty"`
}

// AuditBundled is a library that the wheel carries.
type AuditBundled struct {
	Path     string   `json:"path"`
	Name     string   `json:"name"` // without what a repair has put in
	Package  *string  `json:"package"`
	Version  *string  `json:"version"`
	Licence  *string  `json:"licence"`
	Size     int64    `json:"size"` // bytes
	NeededBy []string `json:"needed_by"`
}

// newBundled describes what the wheel carries.
func newBundled(r *audit.Report) []AuditBundled {
	out := []AuditBundled{}
	for _, b := range r.Bundled() {
		out = append(out, AuditBundled{Path: b.Path, Name: b.Name, Package: optional(b.Package), Version: optional(b.Version), Licence: optional(b.Licence), Size: b.Size, NeededBy: list(b.NeededBy)})
	}
	return out
}

// AuditPlace is a directory that was searched in vain.
type AuditPlace struct {
	Directory string `json:"directory"`
	Rule      string `json:"rule"`
	Result    string `json:"result"`
}

// newBlockers describes blockers, each once: most stop a policy and all stricter ones.
func newBlockers(all []audit.Blocker) []AuditBlocker {
	out := []AuditBlocker{}
	at := map[string]int{}
	for i := range all {
		b := &all[i]
		key := blockerKey(b) + "\x00" + b.Arch + "\x00" + withoutPolicy(b)
		if k, seen := at[key]; seen {
			if last := out[k].Policies; last[len(last)-1] != b.Tag {
				out[k].Policies, out[k].Reason = append(last, b.Tag), b.Reason
			}
			continue
		}
		at[key] = len(out)
		out = append(out, AuditBlocker{
			Policies: []string{b.Tag}, Kind: string(b.Kind), File: b.File, Library: optional(b.Library),
			Version: optional(b.Version), Symbols: list(b.Symbols), Reason: b.Reason, Arch: optional(b.Arch),
		})
	}
	return out
}

// withoutPolicy returns a reason without the name of the policy that it speaks of, so that
// those of several policies are told to be one.
func withoutPolicy(b *audit.Blocker) string {
	words := 3 // manylinux_2_17
	if strings.HasPrefix(b.Tag, "android_") {
		words = 2
	}
	parts := strings.SplitN(b.Tag, "_", words+1)
	name := strings.Join(parts[:min(words, len(parts))], "_")
	return strings.ReplaceAll(strings.ReplaceAll(b.Reason, b.Tag, ""), name, "")
}

// AuditBlocker is one reason why the wheel does not meet policies.
type AuditBlocker struct {
	// Policies are the tags that it stops, the oldest system first.
	Policies []string `json:"policies"`

	Kind    string   `json:"kind"`
	File    string   `json:"file"`
	Library *string  `json:"library"`
	Version *string  `json:"version"`
	Symbols []string `json:"symbols"`
	Reason  string   `json:"reason"`         // why it stops the last of the policies
	Arch    *string  `json:"arch,omitempty"` // of the slice of a Mach-O file
}

// NewAudit returns the JSON document of an audit.
func NewAudit(r *audit.Report) Audit {
	target := r.Target()
	a := Audit{
		Schema: AuditSchema, Wheel: r.Wheel, Format: string(r.Format),
		Arch: optional(string(r.Arch)), Libc: optional(string(r.Libc)),
		OS: optional(string(r.OS)), Tag: optional(r.Tag()), RepairableTag: optional(r.RepairableTag()),
		Files: []AuditFile{}, Foreign: []AuditForeign{}, Libraries: []AuditLibrary{}, Blockers: []AuditBlocker{},
		VersionedSymbols: map[string][]string{}, Bundled: newBundled(r),
	}
	if len(r.Refused()) > 0 {
		a.Tag, a.RepairableTag = nil, nil // not even a Linux of the architecture loads it
	}
	for _, f := range r.Files {
		a.Files = append(a.Files, AuditFile{
			Path: f.Path, Needed: list(f.Needed), RPath: optional(f.RPath), RunPath: optional(f.RunPath),
			Soname: optional(f.Soname), ISA: optional(f.ISA), Extension: f.Extension, Slices: newAuditSlices(f),
		})
	}
	for _, f := range r.Foreign {
		a.Foreign = append(a.Foreign, AuditForeign{f.Path, f.Kind})
	}
	a.Blockers = newBlockers(r.Blockers())
	if a.Archs = r.Archs; len(r.Archs) == 1 {
		a.Arch = &r.Archs[0]
	}
	a.addMinimums(r)
	a.Lowerings = newLowerings(r.Lowerings)
	a.VersionedSymbols = r.VersionedSymbols(target)
	for _, l := range r.Libraries(target) {
		a.Libraries = append(a.Libraries, newAuditLibrary(l))
	}
	return a
}

func newAuditLibrary(l audit.Library) AuditLibrary {
	out := AuditLibrary{Soname: l.Soname, Path: optional(l.Path), NeededBy: l.NeededBy, Action: string(l.Action)}
	if l.Action != audit.Missing {
		return out
	}
	for _, p := range l.Tried {
		out.Searched = append(out.Searched, AuditPlace{p.Dir, p.Rule.String(), p.Why})
	}
	return out
}

// optional makes null of an empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// list makes an empty array, not null, of an empty slice.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
