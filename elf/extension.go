package elf

import (
	"debug/elf"
	"strings"
)

// ExtensionKind tells which Python loads a file as an extension module.
type ExtensionKind int

// The kinds of extension module.
const (
	NotExtension     ExtensionKind = iota
	Python3Extension               // exports PyInit_NAME, or PyInitU_NAME in punycode (PEP 489)
	Python2Extension               // exports initNAME, or cffi's entry point for PyPy
)

// Extension tells whether the file, which has the given base name, is a Python
// extension module: it exports the init function of the module's name.
func (f *File) Extension(base string) (ExtensionKind, error) {
	first, err := f.module.get(func() (extension, error) {
		kind, err := f.readExtension(base)
		return extension{base, kind}, err
	})
	if first.base == base {
		return first.kind, err
	}
	return f.readExtension(base)
}

// An extension is the answer for the name that was asked for first; as a rule there is
// no other.
type extension struct {
	base string
	kind ExtensionKind
}

func (f *File) readExtension(base string) (ExtensionKind, error) {
	module, _, _ := strings.Cut(base, ".")
	entry := map[string]ExtensionKind{
		initFunction(module):       Python3Extension,
		"init" + module:            Python2Extension,
		"_cffi_pypyinit_" + module: Python2Extension,
	}
	for s, err := range f.Symbols() {
		if err != nil {
			return NotExtension, err
		}
		if kind, ok := entry[s.Name]; ok && !s.Undefined() && s.Type == elf.STT_FUNC {
			return kind, nil
		}
	}
	return NotExtension, nil
}

// initFunction returns the name of a module's init function. See PEP 489,
// Export Hook Name.
func initFunction(module string) string {
	name := []rune(module)
	for _, r := range name {
		if r >= asciiEnd {
			return "PyInitU_" + strings.ReplaceAll(punycode(name), "-", "_")
		}
	}
	return "PyInit_" + module
}

// Parameters of punycode. See RFC 3492, 5.
const (
	asciiEnd     = 0x80
	punyBase     = 36
	punyTmin     = 1
	punyTmax     = 26
	punySkew     = 38
	punyDamp     = 700
	punyBias     = 72
	punyDigits   = "abcdefghijklmnopqrstuvwxyz0123456789"
	maxPunyRunes = 1 << 10 // names in a file system are shorter
)

// punycode encodes a name that is not all ASCII. See RFC 3492, 6.3, Encoding
// procedure. Nothing is encoded of a name that no file system holds.
func punycode(name []rune) string {
	if len(name) > maxPunyRunes {
		return ""
	}
	var out []byte
	for _, r := range name {
		if r < asciiEnd {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	next, delta, bias := rune(asciiEnd), 0, punyBias
	for done := basic; done < len(name); {
		r := lowestFrom(name, next)
		delta += int(r-next) * (done + 1)
		for _, c := range name {
			if c < r {
				delta++
			}
			if c == r {
				out = appendDelta(out, delta, bias)
				bias = adaptBias(delta, done+1, done == basic)
				delta = 0
				done++
			}
		}
		delta++
		next = r + 1
	}
	return string(out)
}

// lowestFrom returns the lowest rune of name that is at least low.
func lowestFrom(name []rune, low rune) rune {
	lowest := rune(-1)
	for _, r := range name {
		if r >= low && (lowest < 0 || r < lowest) {
			lowest = r
		}
	}
	return lowest
}

// appendDelta writes a generalised variable-length integer. See RFC 3492, 3.3.
func appendDelta(out []byte, delta, bias int) []byte {
	for k := punyBase; ; k += punyBase {
		t := min(max(k-bias, punyTmin), punyTmax)
		if delta < t {
			return append(out, punyDigits[delta])
		}
		out = append(out, punyDigits[t+(delta-t)%(punyBase-t)])
		delta = (delta - t) / (punyBase - t)
	}
}

// adaptBias returns the bias for the next delta. See RFC 3492, 6.1.
func adaptBias(delta, count int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / count
	k := 0
	for ; delta > (punyBase-punyTmin)*punyTmax/2; k += punyBase {
		delta /= punyBase - punyTmin
	}
	return k + (punyBase-punyTmin+1)*delta/(delta+punySkew)
}
