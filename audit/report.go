package audit

import (
	"context"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// A Format tells what kind of binaries a wheel holds.
type Format string

// The formats of a wheel.
const (
	ELF     Format = "elf"
	MachO   Format = "macho"
	PE      Format = "pe"      // of Windows
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
	ISA       string // level of x86-64 that it needs, such as "x86-64-v3"; "" for the baseline
	Extension bool   // a Python extension module

	// Slices are the parts of a file that may be for several architectures. Needed has
	// what any of them loads, Soname the name of the first.
	Slices []Slice
}

// A Slice is the part of a file for one architecture.
type Slice struct {
	Arch    string
	Type    string // MH_BUNDLE, MH_DYLIB or MH_EXECUTE
	Oldest  string // system that it says it runs on, "" if it does not say
	Name    string // install name, "" if it has none
	Needed  []string
	RunPath []string // LC_RPATHs
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
	KindRuntime      Kind = "runtime"      // a C++ runtime that is older than the compiler of a file
)

// A Blocker is one reason why a wheel does not meet a platform tag.
type Blocker struct {
	Tag     string         // "" where no tag at all is met
	Policy  *policy.Policy // that stands for the tag, nil where none does
	Kind    Kind
	File    string   // member, or path of a library that is to be grafted
	Arch    string   // of the image, "" when the whole file is concerned
	Library string   // soname or install name, "" when no library is concerned
	Version string   // of a symbol or of the system, "" when none is concerned
	Symbols []string // sorted
	Reason  string   // one line for people

	Tried []linkage.Place // where a library was sought, when it is missing

	raises bool // a repair raises the tag, so that it is none
}

// Repairable reports whether a repair removes the blocker.
func (b *Blocker) Repairable() bool {
	return b.Kind == KindLibrary || b.Kind == KindInterpreter || b.raises
}

// A Verdict holds a wheel to a platform tag, or to the policy that stands for it.
type Verdict struct {
	Platform policy.Platform
	// Policy stands for the platform, nil where none does. It is the newest that asks
	// for no more, when Unknown tells that the platform has none of its own.
	Policy   *policy.Policy
	Unknown  error
	Blockers []Blocker
	Grafts   []*linkage.File // libraries that a repair for this policy copies in, sorted by path

	external int                      // libraries outside the wheel that the policy does not promise
	promised func(*linkage.Need) bool // whether the policy leaves a library to the system; nil where there is none
}

// Meets reports whether the wheel meets the tag as it stands.
func (v *Verdict) Meets() bool { return len(v.Blockers) == 0 && v.Unknown == nil }

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

	// Archs are the architectures that a wheel is held to whose files may be for
	// several, sorted.
	Archs []string
	// Partial are the members that are not for all of Archs, and need not be.
	Partial []*linkage.File

	// Verdicts has one entry for each policy of the architecture and C library,
	// the strictest first, or one for the tags of the file name where there are no
	// policies. It is empty for a pure wheel.
	Verdicts []Verdict

	// Lowerings has one entry for each policy that is stricter than what the wheel meets
	// after a repair, the strictest first, where Options.Lower asks for it.
	Lowerings []*Lowering

	best       *Verdict // that gives Tag, nil for none
	repairable *Verdict // that gives RepairableTag, nil for none
	options    Options
	system     system
}

// A system is what the tags and the loader of one operating system add to an audit.
type system interface {
	// assess finds the libraries of the wheel and holds it to what it may be tagged as:
	// it fills in the graph, the files, the architectures and the verdicts.
	assess(ctx context.Context, r *Report) error
	// judge holds the wheel, as it stands, to one tag of the system.
	judge(r *Report, p policy.Platform) Verdict
	// tags are the best that the wheel meets as it stands, or those that a repair gives.
	tags(r *Report, repaired bool) []string
	// loads are what a file loads, as far as it counts for the wheel.
	loads(f *linkage.File) []load
	// basis tells what was held to a tag, and evidence what that asks for.
	basis(r *Report, p policy.Platform) (basis string, evidence []string)
	// pythonImports returns what the files import of Python itself.
	pythonImports(r *Report) ([]pythonImports, error)
	// claims adds to a proof what the binaries claim.
	claims(ctx context.Context, p *Proof, opts VerifyOptions) error
}

// keeps reports whether a search path entry was asked to stay.
func (r *Report) keeps(entry string) bool {
	return slices.ContainsFunc(r.options.KeepRPath, func(pattern string) bool { return linkage.MatchPattern(pattern, entry) })
}

// newSystem returns the system of a report.
func (r *Report) newSystem() system {
	switch r.OS {
	case OSMacOS:
		return &macOS{options: r.options.MacOS}
	case OSAndroid:
		return &linux{report: r, own: android{}}
	case OSWindows:
		return &windows{}
	}
	return &linux{report: r, own: gnu{}}
}

// Close releases the libraries that were opened. The contents stay open.
func (r *Report) Close() error { return r.Graph.Close() }

// Tag returns the best platform tag that the wheel meets as it stands:
// "linux_ARCH" when it meets no policy, "any" for a pure wheel, "" for one that is
// not served. What a macOS wheel needs from outside is not in it.
func (r *Report) Tag() string {
	switch {
	case r.Unserved != nil:
		return ""
	case r.Format == Pure:
		return "any"
	}
	return strings.Join(r.system.tags(r, false), ".")
}

// RepairableTag returns the tags that a repair would give, joined by dots, and Tag
// where none is possible: of a Linux wheel that of the strictest policy that can be
// met with as few grafted libraries as possible, of a macOS wheel those of its name,
// raised to what it needs.
func (r *Report) RepairableTag() string {
	switch v := r.BestRepairable(); {
	case v == nil:
		return r.Tag()
	case v.Policy != nil:
		return v.Policy.Tag()
	}
	return strings.Join(r.RepairedTags(), ".")
}

// RepairedTags returns the platform tags that a repair gives.
func (r *Report) RepairedTags() []string { return r.system.tags(r, true) }

// Minimums returns the oldest version of the system on which the code for each
// architecture runs, as the wheel stands or after a repair. It is empty where tags
// promise none.
func (r *Report) Minimums(repaired bool) []Minimum {
	if m, ok := r.system.(minimizer); ok {
		return m.minimums(r.Archs, repaired)
	}
	return nil
}

// A minimizer is a system of which binaries say the oldest version.
type minimizer interface {
	minimums(archs []string, repaired bool) []Minimum
}

// A Minimum is the oldest version of the system on which the code for an architecture
// runs.
type Minimum struct {
	Arch    string
	Version policy.MacVersion
	File    string // that asks for it, "" if it is the oldest of the architecture
}

// SelfContained reports whether the wheel needs no library that is neither in it nor
// the system's.
func (r *Report) SelfContained() bool {
	v := r.Target()
	return v == nil || !slices.ContainsFunc(v.Blockers, func(b Blocker) bool { return b.Kind == KindLibrary || b.Kind == KindMissing })
}

// ButForLibraries reports whether Tag holds but for libraries that the wheel needs from
// outside: tags of its system promise a version and no set of libraries.
func (r *Report) ButForLibraries() bool {
	v := r.Target()
	return v != nil && v.Policy == nil && !r.SelfContained()
}

// RepairKeeps reports whether a repair would give no other tag and copy nothing in.
func (r *Report) RepairKeeps() bool {
	v := r.Target()
	return v != nil && v.Repairable() && len(v.Grafts) == 0 && r.RepairableTag() == r.Tag()
}

// Best returns the verdict behind Tag, nil if there is none.
func (r *Report) Best() *Verdict { return r.best }

// BestRepairable returns the verdict behind RepairableTag, nil if there is none.
func (r *Report) BestRepairable() *Verdict { return r.repairable }

// Target returns the verdict that a repair would go by: BestRepairable, or the
// one on the newest policy when no policy can be met. It is nil if the wheel
// was held to none.
func (r *Report) Target() *Verdict {
	if v := r.BestRepairable(); v != nil || len(r.Verdicts) == 0 {
		return v
	}
	return &r.Verdicts[len(r.Verdicts)-1]
}

// Blockers returns what stops every policy that is stricter than Tag, the
// strictest policy first.
func (r *Report) Blockers() []Blocker {
	var out []Blocker
	for i := range r.Verdicts {
		if &r.Verdicts[i] == r.best {
			break
		}
		out = append(out, r.Verdicts[i].Blockers...)
	}
	return out
}
