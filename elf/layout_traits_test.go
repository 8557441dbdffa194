//go:build integration

package elf

import (
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
	return strings.Join(words, ", ")
}

// A pair is two values of two traits.
type pair struct{ trait1, value1, trait2, value2 string }

func (p pair) layout() layout { return layout{p.trait1: p.value1, p.trait2: p.value2} }

// pairLayouts returns layouts in which every possible pair of values occurs.
func pairLayouts() []layout {
	traits := layoutTraits()
	open := map[pair]bool{}
	var order []pair
	for i, t := range traits {
		for _, u := range traits[i+1:] {
			for _, v := range t.values {
				for _, w := range u.values {
					p := pair{t.name, v, u.name, w}
					open[p] = true
					order = append(order, p)
				}
			}
		}
	}
	var layouts []layout
	for _, p := range order {
		if open[p] {
			if l, ok := complete(p.layout(), traits, open); ok {
				layouts = append(layouts, l)
				closePairs(l, traits, open)
			}
		}
	}
	return layouts
}

// complete chooses the traits that are open in l so that many open pairs occur.
// It reports false when nothing fits.
func complete(l layout, traits []trait, open map[pair]bool) (layout, bool) {
	if !l.fits() {
		return nil, false
	}
	for _, t := range traits {
		if l[t.name] != "" {
			continue
		}
		best, most := "", -1
		for _, v := range t.values {
			l[t.name] = v
			if n := countOpen(l, traits, t.name, open); n > most && l.fits() {
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

// pairsOf lists the pairs of a layout in the order that pairLayouts uses.
func pairsOf(l layout, traits []trait) []pair {
	var pairs []pair
	for i, t := range traits {
		for _, u := range traits[i+1:] {
			if l[t.name] != "" && l[u.name] != "" {
				pairs = append(pairs, pair{t.name, l[t.name], u.name, l[u.name]})
			}
		}
	}
	return pairs
}

// countOpen counts the open pairs of a layout that one trait takes part in.
func countOpen(l layout, traits []trait, name string, open map[pair]bool) int {
	n := 0
	for _, p := range pairsOf(l, traits) {
		if open[p] && (p.trait1 == name || p.trait2 == name) {
			n++
		}
	}
	return n
}

func closePairs(l layout, traits []trait, open map[pair]bool) {
	for _, p := range pairsOf(l, traits) {
		delete(open, p)
	}
}
