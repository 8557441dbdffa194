package policy

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/musl-symbols.txt
var muslSymbolsText string

// A Version is a release of a C library.
type Version struct{ Major, Minor, Patch int }

// String returns the release as it is written: "1.2.3".
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// SymbolSince returns the release of musl that was the first to have a symbol,
// for the architecture, and whether one is known. musl's symbols have no
// versions, so this list stands in for them. It is not complete: it has what
// musl's release notes confirm. Sonames other than those of musl have no entry.
func SymbolSince(a Arch, soname, symbol string) (Version, bool) {
	if !isMuslLibc(soname) {
		return Version{}, false
	}
	if v, ok := muslSymbols()[headingAll][symbol]; ok {
		return v, true
	}
	if a != I686 && a != ARMV7L {
		return Version{}, false
	}
	v, ok := muslSymbols()[heading32][symbol]
	return v, ok
}

// AllowsSymbol reports whether a wheel may need a symbol of a library. It is
// false only when [SymbolSince] knows that the musl of the policy came before the
// symbol, for which the first two numbers count: a musllinux_1_2 wheel may need
// what 1.2.5 brought, since no tag could say so. A weak reference does not need
// its symbol and should not be asked about.
func (p *Policy) AllowsSymbol(soname, symbol string) bool {
	if p.Libc == BIONIC {
		level, listed, _ := AndroidSince(p.Arch, soname, symbol)
		return !listed || level <= p.Major
	}
	if p.Libc != MUSL || p.plain {
		return true
	}
	since, known := SymbolSince(p.Arch, soname, symbol)
	if !known {
		return true
	}
	return Platform{Major: p.Major, Minor: p.Minor}.AtLeast(since.Major, since.Minor)
}

// isMuslLibc reports whether a soname is one of musl's libc, which is its own
// dynamic loader.
func isMuslLibc(soname string) bool {
	return soname == "libc.so" || strings.HasPrefix(soname, "libc.musl-") || loaderOf(soname) == MUSL
}

// The headings of data/musl-symbols.txt.
const (
	headingAll = "all"
	heading32  = "32-bit"
)

// muslSymbols reads the embedded list when it is first asked for.
var muslSymbols = sync.OnceValue(func() map[string]map[string]Version {
	symbols, err := parseSymbols(muslSymbolsText)
	if err != nil {
		panic("policy: embedded list of musl's symbols: " + err.Error())
	}
	return symbols
})

// parseSymbols reads headings at the left edge, and below them indented lines of
// a release and the symbols that it brought.
func parseSymbols(text string) (map[string]map[string]Version, error) {
	symbols := map[string]map[string]Version{}
	var current map[string]Version
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || line[0] == '#':
		case line[0] != ' ':
			current = map[string]Version{}
			symbols[fields[0]] = current
		default:
			v, err := parseVersion(fields[0])
			if err != nil {
				return nil, err
			}
			for _, symbol := range fields[1:] {
				current[symbol] = v
			}
		}
	}
	return symbols, nil
}

// parseVersion reads a release of three numbers.
func parseVersion(s string) (Version, error) {
	var v Version
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return v, fmt.Errorf("release %q: %d numbers, expected 3", s, len(parts))
	}
	for i, to := range []*int{&v.Major, &v.Minor, &v.Patch} {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return v, fmt.Errorf("release %q: %q is no number", s, parts[i])
		}
		*to = n
	}
	return v, nil
}
