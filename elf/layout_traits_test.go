//go:build integration

package elf

import (
	"maps"
	"slices"
	"strings"
)

// A layout is one way to make an image: a value for each trait.
type layout map[string]string

// A trait is something that two images differ in. Its first value is the
// ordinary one.
type trait struct {
	name   string
	values []string
}

func layoutTraits() []trait {
	return []trait{
		{"linker", []string{"bfd", "gold", "lld", "mold"}},
		{"kind", []string{"library", "pie", "non-pie"}},
		{"machine", []string{"x86_64", "i386"}},
		{"slots", []string{"spare", "no spare"}},
		{"path", []string{"runpath", "rpath", "both paths", "no path"}},
		{"bss", []string{"bss 5K", "bss 0", "bss 1M", "bss 1G"}},
		{"page", []string{"4K", "16K", "64K", "2M"}},
		{"code", []string{"separate code", "code in the first segment"}},
		{"sections", []string{"sections", "no sections", "false sections"}},
		{"table", []string{"table in front", "table at the end", "PT_PHDR last", "no PT_PHDR"}},
		{"strings", []string{"own strings", "shared strings"}},
		{"hash", []string{"gnu hash", "sysv hash", "both hashes"}},
		{"relocations", []string{"plain relocations", "relr"}},
		{"tls", []string{"dynamic TLS", "static TLS"}},
		{"relro", []string{"relro", "full relro", "no relro"}},
		{"dynamic", []string{"writable dynamic", "read-only dynamic"}},
		{"notes", []string{"notes", "no notes"}},
		{"edited", []string{"new", "by patchelf", "by strip", "by chrpath", "by objcopy"}},
	}
}

// impossible are the combinations that no tool makes or no loader takes.
func impossible() []layout {
	return []layout{
		// Only GNU ld writes the version GLIBC_ABI_DT_RELR that glibc insists on.
		{"relocations": "relr", "linker": "gold"},
		{"relocations": "relr", "linker": "lld"},
		{"relocations": "relr", "linker": "mold"},
		// Only lld has -z rodynamic.
		{"dynamic": "read-only dynamic", "linker": "bfd"},
		{"dynamic": "read-only dynamic", "linker": "gold"},
		{"dynamic": "read-only dynamic", "linker": "mold"},
		// These never leave a spare slot, which counts as ordinary for them.
		{"slots": "no spare", "linker": "lld"},
		{"slots": "no spare", "linker": "mold"},
		// gold always puts code into the first segment.
		{"code": "code in the first segment", "linker": "gold"},
		{"code": "code in the first segment", "linker": "mold"},
		// GNU ld gives libraries no PT_PHDR; glibc wants that of a PIE in front of PT_LOAD.
		{"table": "PT_PHDR last", "linker": "bfd", "kind": "library"},
		{"table": "no PT_PHDR", "linker": "bfd", "kind": "library"},
		{"table": "no PT_PHDR", "kind": "pie"},
		{"table": "PT_PHDR last", "kind": "pie"},
		// Then there is no slot for a second path.
		{"path": "both paths", "slots": "no spare", "relocations": "relr", "kind": "library"},
		// Sharing is told by section headers alone.
		{"strings": "shared strings", "sections": "no sections"},
		{"strings": "shared strings", "sections": "false sections"},
		// chrpath fills a path that is there.
		{"edited": "by chrpath", "path": "no path"},
	}
}

// fits reports whether a layout, of which some traits may be open, is possible.
func (l layout) fits() bool {
	return !slices.ContainsFunc(impossible(), l.has)
}

// has reports whether the layout has all values of another one.
func (l layout) has(o layout) bool {
	for name, value := range o {
		if l[name] != value {
			return false
		}
	}
	return true
}

// name lists what is not ordinary about a layout, after its linker and kind.
func (l layout) name() string {
	var words []string
	for i, t := range layoutTraits() {
		if v := l[t.name]; i < 2 || v != t.values[0] {
			words = append(words, v)
		}
	}
	if l["special"] != "" {
		words = append(words, l["special"])
	}
	return strings.Join(words, ", ")
}

// combinations lists what must occur in some layout: every pair of values, and
// every value for each linker and kind.
func combinations() []layout {
	traits := layoutTraits()
	var list []layout
	for i, t := range traits {
		for _, u := range traits[i+1:] {
			for _, v := range t.values {
				for _, w := range u.values {
					list = append(list, layout{t.name: v, u.name: w})
				}
			}
		}
	}
	for _, linker := range traits[0].values {
		for _, kind := range traits[1].values {
			for _, t := range traits[2:] {
				for _, v := range t.values {
					list = append(list, layout{"linker": linker, "kind": kind, t.name: v})
				}
			}
		}
	}
	return list
}

// layouts returns layouts in which every possible combination occurs.
func layouts() []layout {
	open := combinations()
	var chosen []layout
	for len(open) > 0 {
		l, ok := complete(maps.Clone(open[0]), open)
		if !ok {
			open = open[1:] // impossible
			continue
		}
		chosen = append(chosen, l)
		open = slices.DeleteFunc(open, l.has)
	}
	return chosen
}

// complete chooses values for the traits that are missing in l, so that many
// open combinations occur. It reports false when nothing fits.
func complete(l layout, open []layout) (layout, bool) {
	if !l.fits() {
		return nil, false
	}
	for _, t := range layoutTraits() {
		if l[t.name] != "" {
			continue
		}
		best, most := "", -1
		for _, v := range t.values {
			l[t.name] = v
			if n := countOpen(l, t.name, open); n > most && l.fits() {
				best, most = v, n
			}
		}
		if best == "" {
			return nil, false
		}
		l[t.name] = best
	}
	return l, true
}

// countOpen counts the open combinations that occur in l and that one trait
// takes part in.
func countOpen(l layout, name string, open []layout) int {
	n := 0
	for _, o := range open {
		if o[name] != "" && l.has(o) {
			n++
		}
	}
	return n
}
