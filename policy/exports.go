package policy

import (
	_ "embed"
	"sync"
)

//go:embed data/exports.txt
var exportsText string

// Headings of data/exports.txt that are no sonames: musl's libc, and glibc's loader,
// of which a second list names what it has on one architecture alone.
const (
	headingMusl   = "musl"
	headingLoader = "ld.so"
)

// Exports reports whether a library that the policy promises defines a symbol
// for references that name no version, and whether that is known of the library
// at all. The lists go up to glibc 2.36 and musl 1.2.5. A symbol that came with
// a later glibc than that of the policy is not defined. What glibc 2.34 took
// into libc.so.6 from other libraries is defined by all of them, as these are
// always together in one process.
func (p *Policy) Exports(soname, symbol string) (defined, known bool) {
	if p.plain {
		return false, false
	}
	if p.Libc == BIONIC {
		level, listed, known := AndroidSince(p.Arch, soname, symbol)
		return listed && level <= p.Major, known
	}
	heading := soname
	switch {
	case p.Libc == MUSL && isMuslLibc(soname):
		heading = headingMusl
	case p.Libc == GLIBC && loaderOf(soname) == GLIBC:
		heading = headingLoader
	case soname == "libdl.so.2" || soname == "libpthread.so.0" || soname == "libutil.so.1":
		heading = "libc.so.6"
	}
	symbols, known := exports()[heading]
	since, listed := symbols[symbol]
	if heading == headingLoader && !listed {
		since, listed = exports()[headingLoader+"-"+string(p.Arch)][symbol]
	}
	switch {
	case !listed:
		return false, known
	case p.Libc == MUSL:
		return p.AllowsSymbol(soname, symbol), true
	}
	return Platform{Major: p.Major, Minor: p.Minor}.AtLeast(since.Major, since.Minor), true
}

// exports reads the embedded list when it is first asked for.
var exports = sync.OnceValue(func() map[string]map[string]Version {
	symbols, err := parseSymbols(exportsText)
	if err != nil {
		panic("policy: embedded list of exported symbols: " + err.Error())
	}
	return symbols
})

// versioned lists the libraries of glibc and GCC, all of whose symbols have
// versions.
var versioned = map[string]bool{
	"libc.so.6": true, "libm.so.6": true, "libdl.so.2": true, "libpthread.so.0": true, "librt.so.1": true,
	"libutil.so.1": true, "libresolv.so.2": true, "libnsl.so.1": true, "libanl.so.1": true, "libmvec.so.1": true,
	"libgcc_s.so.1": true, "libstdc++.so.6": true, "libatomic.so.1": true,
}

// Versioned reports whether every symbol of the library with this soname has a
// version, so that a file linked against it names one for each that it takes
// from there. It knows the libraries of glibc and GCC.
func Versioned(soname string) bool { return versioned[soname] || loaderOf(soname) == GLIBC }

// LoaderPrivate reports whether glibc's loader defines a symbol for the libraries of
// glibc itself (GLIBC_PRIVATE). A reference without a version is bound to it, but no
// release of glibc promises it.
func LoaderPrivate(symbol string) bool {
	_, listed := exports()[headingLoader+"-private"][symbol]
	return listed
}
