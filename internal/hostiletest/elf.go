package hostiletest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// list returns n texts, each made from a pattern with a number.
func list(n int, pattern string) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(pattern, i)
	}
	return names
}

// repeat returns a text n times.
func repeat(n int, text string) []string { return slices.Repeat([]string{text}, n) }

// path returns a search path with n entries.
func path(n int, pattern string) string { return strings.Join(list(n, pattern), ":") }

// root returns how many files each with as many names have n names together.
func root(n int) int { return int(math.Sqrt(float64(n))) }

// so returns an ELF library as a member.
func so(name string, s elftest.Spec) Member { return Member{Name: name, Data: elftest.Build(s)} }

// one returns a wheel's members with one ELF file.
func one(s elftest.Spec) []Member { return []Member{so("pkg/a.so", s)} }

// undefined returns n symbols that a file wants.
func undefined(n int, pattern string) []elftest.Symbol {
	symbols := make([]elftest.Symbol, n)
	for i := range symbols {
		symbols[i] = elftest.Symbol{Name: fmt.Sprintf(pattern, i), Func: true}
	}
	return symbols
}

// repeatSymbol returns a symbol n times.
func repeatSymbol(n int, s elftest.Symbol) []elftest.Symbol {
	return slices.Repeat([]elftest.Symbol{s}, n)
}

// defined returns n symbols that a file offers.
func defined(n int, pattern string) []elftest.Symbol {
	symbols := undefined(n, pattern)
	for i := range symbols {
		symbols[i].Defined = true
	}
	return symbols
}

// libraries returns n ELF files lib0.so, lib1.so and so on.
func libraries(n int, spec func(i int) elftest.Spec) []Member {
	var members []Member
	for i := range n {
		members = append(members, so(fmt.Sprintf("pkg/lib%d.so", i), spec(i)))
	}
	return members
}

// next returns what library i of n needs for all to be in a row.
func next(i, n int) []string {
	if i+1 >= n {
		return nil
	}
	return []string{fmt.Sprintf("lib%d.so", i+1)}
}

const beside = "$ORIGIN"

// linuxShapes are wheels with ELF files.
func linuxShapes() []Shape {
	return slices.Concat(linuxNeededShapes(), linuxSearchShapes(), linuxSymbolShapes(), linuxProcessShapes(), linuxFileShapes())
}

// linuxNeededShapes name many libraries.
func linuxNeededShapes() []Shape {
	return []Shape{
		{Name: "one file with as many NEEDED as RPATH entries", Sizes: sizes(400), Over: 3000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "libn%d.so"), RPath: path(n, "$ORIGIN/r%d")})
		}},
		{Name: "one file with as many NEEDED as absolute RUNPATH entries", Sizes: sizes(250), Over: 10_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "libn%d.so"), RunPath: path(n, "/r/%d")})
		}},
		{Name: "NEEDED alone", Sizes: sizes(1000), Over: 50_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "libn%d.so")})
		}},
		{Name: "few NEEDED and a search path", Sizes: sizes(1000), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(20, "libn%d.so"), RunPath: path(n, "/r/%d")})
		}},
		{Name: "the same NEEDED", Sizes: sizes(1000), Over: 1_000_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: repeat(n, "libn.so"), RPath: beside})
		}},
		{Name: "NEEDED with a slash", Sizes: sizes(1000), Over: 10_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "/opt/lib/libn%d.so")})
		}},
		{Name: "NEEDED with $ORIGIN and a slash", Sizes: sizes(1000), Over: 10_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "$ORIGIN/libn%d.so")})
		}},
		{Name: "a long NEEDED", Sizes: sizes(1 << 18), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{strings.Repeat("l", n) + ".so"}, RPath: path(50, "$ORIGIN/%d")})
		}},
		{Name: "a long soname that is sought by its own name", Sizes: sizes(1 << 18), Make: func(n int) []Member {
			long := strings.Repeat("l", n) + ".so"
			return []Member{so("pkg/a.so", elftest.Spec{Needed: []string{long}, RPath: beside}), so("pkg/b.so", elftest.Spec{Soname: long})}
		}},
		{Name: "long sonames that all begin alike", Sizes: sizes(250), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, strings.Repeat("l", 2000)+"%d.so"), RPath: path(50, "$ORIGIN/%d")})
		}},
	}
}

// linuxSearchShapes have long search paths.
func linuxSearchShapes() []Shape {
	return []Shape{
		{Name: "RPATH entries", Sizes: sizes(1000), Over: 1_000_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libn.so"}, RPath: path(n, "$ORIGIN/r%d")})
		}},
		{Name: "the same RPATH entry", Sizes: sizes(1000), Over: 1_000_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libn.so"}, RPath: strings.Repeat("$ORIGIN:", n)})
		}},
		{Name: "empty RUNPATH entries", Sizes: sizes(1000), Over: 2_000_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libn.so"}, RunPath: strings.Repeat(":", n)})
		}},
		{Name: "tokens in one RPATH entry", Sizes: sizes(4000), Over: 400_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libn.so"}, RPath: strings.Repeat("$LIB", n)})
		}},
		{Name: "an RPATH entry that goes up and down", Sizes: sizes(2500), Over: 1_000_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libn.so"}, RPath: "$ORIGIN" + strings.Repeat("/x/..", n)})
		}},
		{Name: "libraries that the last of many directories has", Sizes: sizes(400), Make: func(n int) []Member {
			members := []Member{so("pkg/a.so", elftest.Spec{Needed: list(n, "lib%d.so"), RPath: path(n, "$ORIGIN/some/long/name/of/a/directory/%d") + ":$ORIGIN/z"})}
			for _, name := range list(n, "lib%d.so") {
				members = append(members, so("pkg/z/"+name, elftest.Spec{Soname: name}))
			}
			return members
		}},
		{Name: "directories that have a library each", Sizes: sizes(550), Make: func(n int) []Member {
			members := []Member{so("pkg/a.so", elftest.Spec{Needed: list(n, "lib%d.so"), RPath: path(n, "$ORIGIN/d%d")})}
			for i := range n {
				members = append(members, so(fmt.Sprintf("pkg/d%d/lib%d.so", i, i), elftest.Spec{Needed: next(i, n)}))
			}
			return members
		}},
		{Name: "two search paths along a chain", Sizes: sizes(500), Over: 30_000, Make: func(n int) []Member {
			return libraries(4, func(i int) elftest.Spec {
				return elftest.Spec{Needed: next(i, 4), RPath: beside + ":" + path(n, fmt.Sprintf("$ORIGIN/p%d/%%d", i%2))}
			})
		}},
		{Name: "a search path in each file of a chain", Sizes: sizes(60), Make: func(n int) []Member {
			return libraries(n, func(i int) elftest.Spec {
				return elftest.Spec{Needed: append(next(i, n), fmt.Sprintf("libx%d.so", i)), RPath: beside + ":" + fmt.Sprintf("$ORIGIN/p%d", i)}
			})
		}},
	}
}

// linuxSymbolShapes have many symbols, or versions of symbols.
func linuxSymbolShapes() []Shape {
	return []Shape{
		{Name: "NEEDED with undefined symbols", Sizes: sizes(750), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "libn%d.so"), Symbols: undefined(7*n, "f%d")})
		}},
		{Name: "NEEDED with undefined symbols, manylinux", Tag: "manylinux_2_28_x86_64", Sizes: sizes(750), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: list(n, "libn%d.so"), Symbols: undefined(7*n, "f%d")})
		}},
		{Name: "NEEDED with undefined symbols, musllinux", Tag: "musllinux_1_2_x86_64", Sizes: sizes(750), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: append(list(n, "libn%d.so"), "libc.musl-x86_64.so.1"), Symbols: undefined(7*n, "f%d")})
		}},
		{Name: "NEEDED that are the policy's own", Tag: "musllinux_1_2_x86_64", Sizes: sizes(1000), Over: 20_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: append(repeat(n, "libc.so"), "libc.musl-x86_64.so.1"), Symbols: undefined(n, "f%d")})
		}},
		{Name: "undefined symbols", Sizes: sizes(60_000), Over: 500_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libc.so.6"}, Symbols: undefined(n, "f%d")})
		}},
		{Name: "defined symbols", Sizes: sizes(125_000), Make: func(n int) []Member {
			return one(elftest.Spec{Symbols: defined(n, "f%d")})
		}},
		{Name: "undefined symbols that share a long name", Sizes: sizes(50), Over: 250_000, Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libc.so.6"}, Symbols: repeatSymbol(n, elftest.Symbol{Name: strings.Repeat("s", 1<<12)})})
		}},
		{Name: "defined symbols that share a long name", Sizes: sizes(50), Over: 250_000, Make: func(n int) []Member {
			return one(elftest.Spec{Symbols: repeatSymbol(n, elftest.Symbol{Name: strings.Repeat("s", 1<<12), Defined: true})})
		}},
		{Name: "a long name of a version that many symbols have", Sizes: sizes(500), Make: func(n int) []Member {
			symbols := undefined(n, "f%d")
			for i := range symbols {
				symbols[i].Version = "GLIBC_2." + strings.Repeat("1", 1<<12)
			}
			return one(elftest.Spec{Needed: []string{"libc.so.6"}, Symbols: symbols})
		}},
		{Name: "version needs", Sizes: sizes(1000), Over: 20_000, Make: func(n int) []Member {
			var needs []elftest.Need
			for i := range n {
				needs = append(needs, elftest.Need{Library: fmt.Sprintf("libn%d.so", i), Versions: []string{"V1"}})
			}
			return one(elftest.Spec{Needed: list(n, "libn%d.so"), Versions: needs})
		}},
		{Name: "versions of one library", Sizes: sizes(1250), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libc.so.6"}, Versions: []elftest.Need{{Library: "libc.so.6", Versions: list(n, "GLIBC_2.%d")}}})
		}},
		{Name: "version definitions that many want", Sizes: sizes(1000), Make: func(n int) []Member {
			return []Member{
				so("pkg/libv.so", elftest.Spec{Soname: "libv.so", Defs: list(n, "V%d")}),
				so("pkg/a.so", elftest.Spec{Needed: []string{"libv.so"}, Versions: []elftest.Need{{Library: "libv.so", Versions: list(n, "V%d")}}}),
			}
		}},
	}
}

// linuxProcessShapes load each other.
func linuxProcessShapes() []Shape {
	return []Shape{
		{Name: "libraries that share symbols", Sizes: sizes(500), Make: func(n int) []Member {
			members := libraries(n, func(i int) elftest.Spec {
				return elftest.Spec{Symbols: append(defined(10, "f%d"), undefined(10, "g%d")...)}
			})
			return append(members, so("pkg/a.so", elftest.Spec{Needed: list(n, "lib%d.so"), RPath: beside, Symbols: undefined(10, "f%d")}))
		}},
		{Name: "libraries that want what each has, each on its own", Sizes: sizes(500), Make: func(n int) []Member {
			return libraries(n, func(i int) elftest.Spec {
				return elftest.Spec{Symbols: append(defined(5, fmt.Sprintf("f%d_%%d", i)), undefined(20, "f%d_0")...)}
			})
		}},
		{Name: "libraries with the symbols of all others", Sizes: sizes(550), Make: func(n int) []Member {
			return libraries(n, func(i int) elftest.Spec {
				return elftest.Spec{Symbols: append(defined(20, "f%d"), undefined(20, "u%d")...), Needed: next(i, n), RPath: beside}
			})
		}},
		{Name: "roots that share a chain", Sizes: sizes(400), Make: func(n int) []Member {
			members := libraries(n, func(i int) elftest.Spec { return elftest.Spec{Needed: next(i, n), RPath: beside} })
			for i := range n {
				members = append(members, so(fmt.Sprintf("pkg/r%d.so", i), elftest.Spec{Needed: []string{"lib0.so"}, RPath: beside, Symbols: undefined(1, "f%d")}))
			}
			return members
		}},
		{Name: "modules that share a chain", Sizes: sizes(400), Make: func(n int) []Member {
			members := libraries(n, func(i int) elftest.Spec { return elftest.Spec{Needed: next(i, n), RPath: beside} })
			for i := range n {
				s := elftest.Spec{Needed: []string{"lib0.so"}, RPath: beside, Symbols: append(undefined(2, "f%d"), elftest.Symbol{Name: fmt.Sprintf("PyInit_r%d", i), Defined: true, Func: true})}
				members = append(members, so(fmt.Sprintf("pkg/r%d.so", i), s))
			}
			return members
		}},
		{Name: "a chain with symbols that nobody has", Sizes: sizes(550), Make: func(n int) []Member {
			return libraries(n, func(i int) elftest.Spec {
				return elftest.Spec{Needed: next(i, n), RPath: beside, Symbols: undefined(5, "f%d")}
			})
		}},
		{Name: "libraries that all need each other", Sizes: sizes(15_000), Over: 4_000_000, Make: func(n int) []Member {
			n = root(n)
			return libraries(n, func(int) elftest.Spec { return elftest.Spec{Needed: list(n, "lib%d.so"), RPath: beside} })
		}},
		{Name: "libraries that all need each other and have no path", Sizes: sizes(15_000), Over: 4_000_000, Make: func(n int) []Member {
			n = root(n)
			return libraries(n, func(int) elftest.Spec { return elftest.Spec{Needed: list(n, "lib%d.so")} })
		}},
		{Name: "folders that have a library of one name", Sizes: sizes(150), Make: func(n int) []Member {
			var members []Member
			for i := range n {
				members = append(members, so(fmt.Sprintf("pkg/d%d/libx.so", i), elftest.Spec{Soname: "libx.so"}), so(fmt.Sprintf("pkg/m%d.so", i), elftest.Spec{Needed: []string{"libx.so"}}))
			}
			return members
		}},
		{Name: "programs", Sizes: sizes(550), Make: func(n int) []Member {
			return libraries(n, func(i int) elftest.Spec {
				return elftest.Spec{Interp: "/lib64/ld-linux-x86-64.so.2", Needed: next(i, n), RPath: beside, Symbols: undefined(3, "f%d")}
			})
		}},
	}
}

// linuxFileShapes have odd files.
func linuxFileShapes() []Shape {
	return []Shape{
		{Name: "spare entries of the dynamic table", Sizes: sizes(200_000), Make: func(n int) []Member {
			return one(elftest.Spec{Needed: []string{"libn.so"}, SpareDynamic: n})
		}},
	}
}
