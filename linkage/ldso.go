package linkage

import (
	stdelf "debug/elf"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// rules are what one C library's loader does in its own way when it seeks the libraries
// of a file.
type rules interface {
	// ownPath is the search path that a file has itself, and the tag that has it.
	ownPath(f *elf.File) (RuleKind, string)
	// handsOn reports whether the search path of a file serves what it loads as well, and
	// those of the files that have loaded it serve the file.
	handsOn(f *elf.File) bool
	// pathFirst reports whether search paths that are handed on go before
	// LD_LIBRARY_PATH.
	pathFirst() bool
	// bySoname reports whether a library that is loaded answers to its soname.
	bySoname() bool
	// environment reports whether LD_LIBRARY_PATH counts, and its tokens.
	environment() (counts, tokens bool)
	// trims reports whether slashes at the end of an entry are dropped.
	trims() bool
	// onHost reports whether an absolute entry means a folder of this machine, if there
	// is no other root.
	onHost() bool
	// withholds reports whether a file does not want libraries of a default directory.
	withholds(f *elf.File, d dir) bool
	// systemDirs are the loader's own directories.
	systemDirs(root Root, arch string) ([]systemDir, error)
	// itself is the path of the loader if a library of that name is part of it, else "".
	itself(name, arch string) string
	// python reports whether the library of Python is to be let go: its symbols come from
	// the program that loads the file.
	python(name string) bool
}

// rulesOf returns the rules of a C library's loader, glibc's if none is named.
func rulesOf(libc string) rules {
	switch libc {
	case Musl:
		return musl{}
	case Bionic:
		return bionic{}
	}
	return ldso{}
}

// ldso has the rules of glibc (ld.so(8)).
type ldso struct{}

func (ldso) ownPath(f *elf.File) (RuleKind, string) {
	if hasRunPath(f) {
		return ByRunPath, f.RunPath()
	}
	return ByRPath, f.RPath()
}

// handsOn: DT_RUNPATH serves the file alone (elf/dl-load.c, _dl_map_object).
func (ldso) handsOn(f *elf.File) bool { return !hasRunPath(f) }

func (ldso) pathFirst() bool { return true }

func (ldso) bySoname() bool { return true }

func (ldso) environment() (counts, tokens bool) { return true, true }

// trims: elf/dl-load.c, fillin_rpath.
func (ldso) trims() bool { return true }

func (ldso) onHost() bool { return true }

func (ldso) itself(string, string) string { return "" }

// libpython matches the library that embeds Python, of any build (m, d, t) and
// with the stable ABI. Extension modules find its symbols in the program that
// loads them (PEP 513).
var libpython = regexp.MustCompile(`^libpython\d+(\.\d+[a-z]*)?\.so(\.\d+)*$`)

func (ldso) python(name string) bool { return libpython.MatchString(name) }

// systemDirs are the directories of the loader's configuration, then its built-in ones.
func (ldso) systemDirs(root Root, arch string) ([]systemDir, error) {
	c := &ldConfig{root: root, read: map[string]bool{}, seen: map[string]bool{}}
	if err := c.file("/etc/ld.so.conf"); err != nil {
		return nil, fmt.Errorf("loader configuration: %w", err)
	}
	return unique(append(c.dirs, builtinDirs(arch)...)), nil
}

// withholds reports whether a file with DF_1_NODEFLIB does not want libraries of
// a default directory: any below the built-in ones. ld.so.cache still serves it
// with those of the other directories of ld.so.conf (elf/dl-load.c, _dl_map_object).
func (ldso) withholds(f *elf.File, d dir) bool {
	if !noDefaultLib(f) {
		return false
	}
	if !d.listed {
		return true
	}
	arch, _ := f.Arch()
	return slices.ContainsFunc(builtinDirs(arch), func(b systemDir) bool {
		return d.name == b.dir || strings.HasPrefix(d.name, b.dir+"/")
	})
}

// hasRunPath reports whether the file has a DT_RUNPATH. An empty one hides
// DT_RPATH too (elf/dl-load.c, decompose_rpath).
func hasRunPath(f *elf.File) bool {
	_, ok := f.DynValue(stdelf.DT_RUNPATH)
	return ok
}

// noDefaultLib reports DF_1_NODEFLIB: the file does not want the loader's own
// directories.
func noDefaultLib(f *elf.File) bool {
	const flags1, noDefLib = 0x6ffffffb, 0x800
	v, _ := f.DynValue(flags1)
	return v&noDefLib != 0
}
