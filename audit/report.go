package audit

import (
	"errors"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// A Format tells what kind of binaries a wheel holds.
type Format string

// The formats of a wheel.
const (
	ELF     Format = "elf"
	MachO   Format = "macho"
	PE      Format = "pe"      // of Windows: named, not read
	Wasm    Format = "wasm"    // WebAssembly, of Pyodide: named, not read
	Several Format = "several" // binaries for several systems at once: named
	Pure    Format = "pure"    // no binaries at all
)

// An Action tells what a repair does about a library outside the wheel.
type Action string

// The actions.
const (
	Graft    Action = "graft"    // copied into the wheel
	System   Action = "system"   // promised by the policy
	Excluded Action = "excluded" // left to the user's system, by option
	Missing  Action = "missing"  // not found, so no repair is possible
	Remove   Action = "remove"   // libpython: the dependency is removed
)

// A File is one binary of the wheel. RPath, RunPath and ISA are of ELF files.
type File struct {
	Path      string
	Needed    []string
	RPath     string
	RunPath   string
	Soname    string
	ISA       elf.ISA
	Extension bool // a Python extension module

	// MachO has the slices of a Mach-O file. Needed has the install names that any
	// of them loads, Soname the install name of the first.
	MachO *macho.File
}

// A Library is one that the wheel needs and does not hold.
type Library struct {
	Soname   string
	Path     string   // the file that it resolves to, "" when it was not found or not looked for
	NeededBy []string // members, and paths of libraries that are to be grafted
	Action   Action
	Tried    []linkage.Place // where it was sought in vain
}

// A Kind tells which rule of a policy a [Blocker] breaks.
type Kind string

// The kinds of blockers.
const (
	KindVersion      Kind = "version"      // symbol versions that are too new
	KindLibrary      Kind = "library"      // a library that the policy does not promise; repair grafts it
	KindMissing      Kind = "missing"      // a library that was not found
	KindSymbol       Kind = "symbol"       // symbols that the policy forbids
	KindISA          Kind = "isa"          // a newer processor than the tag promises
	KindArchitecture Kind = "architecture" // a binary of another architecture
	KindLibc         Kind = "libc"         // a library of another C library
	KindInterpreter  Kind = "interpreter"  // a program whose loader lies on the machine that built it; repair sets the standard one
	KindImage        Kind = "image"        // a file that no loader takes, where one would be asked for it
	KindPurelib      Kind = "purelib"      // a binary where only pure Python belongs
	KindPython       Kind = "python"       // a Python build that manylinux rules out
	KindSystem       Kind = "system"       // a binary for another system
)

// A Blocker is one reason why a wheel does not meet a policy.
type Blocker struct {
	Policy  *policy.Policy
	Kind    Kind
	File    string   // member, or path of a library that is to be grafted
	Library string   // soname, "" when no library is concerned
	Version string   // symbol version, "" when none is concerned
	Symbols []string // sorted
	Reason  string   // one line for people
}

// Repairable reports whether a repair removes the blocker.
func (b *Blocker) Repairable() bool { return b.Kind == KindLibrary || b.Kind == KindInterpreter }

// A Verdict holds a wheel to one policy.
type Verdict struct {
	Policy   *policy.Policy
	Blockers []Blocker
	Grafts   []*linkage.File // libraries that a repair for this policy copies in, sorted by path

	external int // libraries outside the wheel that the policy does not promise
}

// Meets reports whether the wheel meets the policy as it stands.
func (v *Verdict) Meets() bool { return len(v.Blockers) == 0 }

// Repairable reports whether a repair can make the wheel meet the policy.
func (v *Verdict) Repairable() bool {
	for i := range v.Blockers {
		if !v.Blockers[i].Repairable() {
			return false
		}
	}
	return true
}

// A Report is the result of an audit.
type Report struct {
	Wheel    string // file name
	Contents *Contents
	Graph    *linkage.Graph
	Format   Format
	OS       OS          // "" for a pure wheel
	Unserved *Unserved   // of a wheel that is named and not looked into, else nil
	Arch     policy.Arch // "" when the wheel holds no binary of a known architecture
	Libc     policy.Libc // "" when nothing in the wheel tells
	Files    []File
	Foreign  []Foreign

	MacOS *MacOS // of a macOS wheel, else nil

	// Verdicts has one entry for each policy of the architecture and C library,
	// the strictest first. It is empty for a pure wheel.
	Verdicts []Verdict

	best       int // index of the verdict that gives Tag, -1 for none
	repairable int // index of the verdict that gives RepairableTag, -1 for none
	options    Options
	facts      map[*linkage.Image]*facts
}

// Close releases the libraries that were opened. The contents stay open.
func (r *Report) Close() error {
	if r.MacOS != nil {
		return errors.Join(r.Graph.Close(), r.MacOS.Graph.Close())
	}
	return r.Graph.Close()
}

// Tag returns the best platform tag that the wheel meets as it stands:
// "linux_ARCH" when it meets no policy, "any" for a pure wheel, "" for one that is
// not served. See [MacOS.Tag] for a macOS wheel.
func (r *Report) Tag() string {
	if r.MacOS != nil {
		return r.MacOS.Tag()
	}
	return r.tag(r.best)
}

// RepairableTag returns the tag that a repair would give: that of the strictest
// policy that can be met with as few grafted libraries as possible. See
// [MacOS.RepairedTags] for a macOS wheel.
func (r *Report) RepairableTag() string {
	switch {
	case r.MacOS == nil:
		return r.tag(r.repairable)
	case r.MacOS.Repairable():
		return strings.Join(r.MacOS.RepairedTags(r.Contents.Filename.Platform, policy.MacVersion{}), ".")
	}
	return r.Tag()
}

func (r *Report) tag(i int) string {
	switch {
	case r.Unserved != nil:
		return ""
	case r.Format == Pure:
		return "any"
	case i >= 0:
		return r.Verdicts[i].Policy.Tag()
	}
	return "linux_" + string(r.Arch)
}

// Best returns the verdict behind Tag, nil if there is none.
func (r *Report) Best() *Verdict { return r.verdict(r.best) }

// BestRepairable returns the verdict behind RepairableTag, nil if there is none.
func (r *Report) BestRepairable() *Verdict { return r.verdict(r.repairable) }

// Target returns the verdict that a repair would go by: BestRepairable, or the
// one on the newest policy when no policy can be met. It is nil if the wheel
// was held to none.
func (r *Report) Target() *Verdict {
	if v := r.BestRepairable(); v != nil || len(r.Verdicts) == 0 {
		return v
	}
	return &r.Verdicts[len(r.Verdicts)-1]
}

func (r *Report) verdict(i int) *Verdict {
	if i < 0 {
		return nil
	}
	return &r.Verdicts[i]
}

// Verdict returns the verdict on a policy, nil if the wheel was not held to it.
func (r *Report) Verdict(p *policy.Policy) *Verdict {
	for i := range r.Verdicts {
		if r.Verdicts[i].Policy == p {
			return &r.Verdicts[i]
		}
	}
	return nil
}

// Blockers returns what stops every policy that is stricter than Tag, the
// strictest policy first.
func (r *Report) Blockers() []Blocker {
	var out []Blocker
	for i := range r.Verdicts {
		if i == r.best {
			break
		}
		out = append(out, r.Verdicts[i].Blockers...)
	}
	return out
}
