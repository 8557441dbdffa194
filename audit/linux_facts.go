package audit

import (
	stdelf "debug/elf"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
)

// versionKey is one version of one library.
type versionKey struct{ library, version string }

// facts are what the policies ask about one file, read once.
type facts struct {
	object    *linkage.Image
	needs     []elf.VersionNeed
	symbols   map[versionKey][]string // symbols wanted with that version
	copied    map[versionKey][]string // symbols of a library that the file holds a copy of
	undefined []string                // strong undefined symbols, with a version or without, sorted, each once
	strong    []strongSymbol          // undefined symbols that are neither weak nor local, in their order
	isa       elf.ISA
	kind      elf.ExtensionKind
	narrow    []string // symbols of a Python 2 with narrow Unicode
	fpectl    []string // symbols of a Python with fpectl
}

// A strongSymbol is one that a file has to be given, if a relocation refers to it.
type strongSymbol struct {
	want
	index int // of the symbol
}

// fpectlSymbols only exist in a Python that was built with fpectl (PEP 513).
var fpectlSymbols = map[string]bool{"PyFPE_jbuf": true, "PyFPE_dummy": true, "PyFPE_counter": true}

func newFacts(o *linkage.Image, count *undefinedCount) (*facts, error) {
	f := &facts{object: o, symbols: map[versionKey][]string{}, copied: map[versionKey][]string{}}
	var err error
	if err := count.keepVersions(o.ELF()); err != nil {
		return nil, err
	}
	if f.needs, err = o.ELF().VersionNeeds(); err != nil {
		return nil, err
	}
	if f.isa, err = o.ELF().ISA(); err != nil {
		return nil, err
	}
	if f.kind, err = o.ELF().Extension(path.Base(o.Path)); err != nil {
		return nil, err
	}
	for s, err := range o.ELF().Symbols() {
		if err != nil {
			return nil, err
		}
		if !s.Undefined() && s.Library != "" {
			key := versionKey{s.Library, s.Version}
			f.copied[key] = append(f.copied[key], s.Name)
		}
		if !s.Undefined() || s.Name == "" {
			continue
		}
		if err := count.add(s.Name); err != nil {
			return nil, err
		}
		if s.Version != "" {
			key := versionKey{s.Library, s.Version}
			f.symbols[key] = append(f.symbols[key], s.Name)
		}
		if s.Bind != stdelf.STB_WEAK {
			f.undefined = append(f.undefined, s.Name)
			if s.Bind != stdelf.STB_LOCAL {
				f.strong = append(f.strong, strongSymbol{want{s.Name, s.Version, s.Library}, s.Index})
			}
		}
		if f.kind != elf.NotExtension && fpectlSymbols[s.Name] {
			f.fpectl = append(f.fpectl, s.Name)
		}
		if f.kind == elf.Python2Extension && strings.Contains(s.Name, "PyUnicodeUCS2_") {
			f.narrow = append(f.narrow, s.Name)
		}
	}
	slices.Sort(f.undefined)
	f.undefined = slices.Clip(slices.Compact(f.undefined))
	return f, nil
}

// wants reports whether the file has to be given a symbol of this name.
func (f *facts) wants(symbol string) bool {
	_, found := slices.BinarySearch(f.undefined, symbol)
	return found
}

// wantsVersion reports whether the file wants a version of any library.
func (f *facts) wantsVersion(version string) bool {
	return slices.ContainsFunc(f.needs, func(n elf.VersionNeed) bool {
		return slices.ContainsFunc(n.Versions, func(v elf.NeededVersion) bool { return v.Name == version })
	})
}
