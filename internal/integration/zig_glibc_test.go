//go:build integration

package integration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/policy"
)

// zigLibraries are the sonames of what zig calls the libraries of glibc.
var zigLibraries = map[string]string{
	"m": "libm.so.6", "c": "libc.so.6", "resolv": "libresolv.so.2", "pthread": "libpthread.so.0",
	"dl": "libdl.so.2", "rt": "librt.so.1", "util": "libutil.so.1", "ld": "ld.so",
}

// zigSymbols reads what zig links to for a system such as x86_64-linux-gnu: NAME@VERSION by
// library, an account of what all versions of glibc define that was made apart from ours.
func zigSymbols(t *testing.T, target string) map[string]map[string]bool {
	t.Helper()
	r := zigReader{bytes.NewBuffer(readFile(t, cached(t, "peers", "lib", "python3*", "site-packages", "ziglang", "lib", "libc", "glibc", "abilists")))}
	libraries := r.list(r.text)
	versions := r.list(r.version)
	bit := -1
	for i, name := range r.list(r.text) {
		if name == target {
			bit = i
		}
	}
	if bit < 0 {
		t.Fatalf("zig knows no %s", target)
	}
	defined := map[string]map[string]bool{}
	for _, sized := range []bool{false, true, true} { // functions, data, data of threads
		r.inclusions(sized, func(name string, targets uint64, library byte, index byte) {
			if soname := zigLibraries[libraries[library]]; targets>>bit&1 == 1 {
				if defined[soname] == nil {
					defined[soname] = map[string]bool{}
				}
				defined[soname][name+"@"+versions[index]] = true
			}
		})
	}
	if r.Len() > 0 || len(defined["libc.so.6"]) < 1000 {
		t.Fatalf("%s: %d bytes of zig's list are left, %d symbols of libc.so.6", target, r.Len(), len(defined["libc.so.6"]))
	}
	return defined
}

// stubsOf returns what a glibc, such as 2.28, has of them.
func stubsOf(t *testing.T, target, glibc string) map[string]bool {
	t.Helper()
	defined := map[string]bool{}
	for _, names := range zigSymbols(t, target) {
		for name := range names {
			if _, version, _ := strings.Cut(name, "@"); policy.CompareVersions(version, "GLIBC_"+glibc) <= 0 {
				defined[name] = true
			}
		}
	}
	return defined
}

// A zigReader reads lib/libc/glibc/abilists of zig.
type zigReader struct{ *bytes.Buffer }

func (r zigReader) byte() byte { return r.Next(1)[0] }

func (r zigReader) text() string {
	s, _ := r.ReadString(0)
	return strings.TrimSuffix(s, "\x00")
}

func (r zigReader) version() string {
	v := r.Next(3)
	if v[2] == 0 {
		return fmt.Sprintf("GLIBC_%d.%d", v[0], v[1])
	}
	return fmt.Sprintf("GLIBC_%d.%d.%d", v[0], v[1], v[2])
}

func (r zigReader) list(item func() string) []string {
	all := make([]string, r.byte())
	for i := range all {
		all[i] = item()
	}
	return all
}

// inclusions reads which targets and libraries have the symbols, and with which versions.
// Bit 7 marks the last library of a symbol, and the last version in it.
func (r zigReader) inclusions(sized bool, yield func(name string, targets uint64, library, version byte)) {
	name, last := "", true
	for range binary.LittleEndian.Uint16(r.Next(2)) {
		if last {
			name = r.text()
		}
		targets, _ := binary.ReadUvarint(r)
		if sized {
			_, _ = binary.ReadUvarint(r)
		}
		library := r.byte()
		last = library&0x80 != 0
		for more := true; more; {
			v := r.byte()
			more = v&0x80 == 0
			yield(name, targets, library&0x7f, v&0x7f)
		}
	}
}
