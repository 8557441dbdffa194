package linkage

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// LibcOf tells the C library that a file was built for by its interpreter, by
// what it needs, or at last by its name, which is that of an extension module
// or of a library: [Glibc], [Musl], [Bionic], or "" when nothing tells or the file is for
// another system than Linux and Android.
func LibcOf(f *elf.File, name string) string {
	switch system := SystemOf(f); system {
	case Linux, "":
	case Android:
		return Bionic // its libc.so has the name of musl's
	default:
		return ""
	}
	if interp, err := f.Interpreter(); err == nil && interp != "" {
		return LoaderLibc(path.Base(interp))
	}
	for _, needed := range f.Needed() {
		if libc := LoaderLibc(needed); libc != "" {
			return libc
		}
	}
	if libc := LoaderLibc(path.Base(name)); libc != "" {
		return libc // a C library itself needs nothing that tells
	}
	return NameLibc(name)
}

// LoaderLibc tells the C library of the loader or libc called name, "" when it
// is neither. Binaries that zig links for musl ask for "libc.so", which no glibc
// system has.
func LoaderLibc(name string) string {
	switch {
	case strings.HasPrefix(name, "libc.musl-"), strings.HasPrefix(name, "ld-musl-"), name == "libc.so":
		return Musl
	case name == "libc.so.6", strings.HasPrefix(name, "ld-linux"), strings.HasPrefix(name, "ld64.so."):
		return Glibc
	}
	return ""
}

// soabi matches the platform triplet in the name of an extension module, such
// as cpython-311-x86_64-linux-gnu (PEP 3149).
var soabi = regexp.MustCompile(`\.cpython-3(\d+)[a-z]*-[a-z0-9_]+-linux-(gnu|musl)[a-z]*\.so$`)

// NameLibc reads the C library from the name of an extension module, "" when it
// does not tell. Before Python 3.11 modules for musl were called gnu too.
func NameLibc(name string) string {
	match := soabi.FindStringSubmatch(name)
	if match == nil {
		return ""
	}
	if match[2] == "musl" {
		return Musl
	}
	if minor, err := strconv.Atoi(match[1]); err == nil && minor >= 11 {
		return Glibc
	}
	return ""
}
