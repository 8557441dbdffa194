package elf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fixtures returns the images of testdata/elf by name. See its README.md.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../testdata/elf/*")
	if err != nil || len(paths) < 10 {
		t.Fatalf("testdata/elf has %d files, %v", len(paths), err)
	}
	images := map[string][]byte{}
	for _, path := range paths {
		if filepath.Ext(path) == ".md" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		images[filepath.Base(path)] = data
	}
	return images
}

func TestFixtures(t *testing.T) {
	for name, data := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			f := parse(t, data)
			if arch, reason := f.Arch(); !strings.Contains(name, "-"+arch) || arch == "" {
				t.Errorf("arch = %q, %q", arch, reason)
			}
			if isDep := strings.HasSuffix(name, "libdep.so"); isDep != (f.Soname() == "libdep.so.1") || isDep == slices.Contains(f.Needed(), "libdep.so.1") {
				t.Errorf("soname = %q, needed = %q", f.Soname(), f.Needed())
			}
			if false := strings.Contains(name, "falsesections"); false != (f.SectionErr != nil) {
				t.Errorf("section headers: %v", f.SectionErr)
			}
			if got := f.ExecutableStack(); got != strings.Contains(name, "execstack") {
				t.Errorf("executable stack = %v", got)
			}
			if level, err := f.ISA(); err != nil || (level == ISAv3) != strings.Contains(name, "x86-64-v3") {
				t.Errorf("ISA = %d, %v", level, err)
			}
			if !strings.Contains(name, "ifunc") {
				checkFixtureSymbols(t, name, f)
			}
		})
	}
}

// checkFixtureSymbols looks for the symbol that libdep.so.1 gives to the others.
func checkFixtureSymbols(t *testing.T, name string, f *File) {
	found := false
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		if s.Name == "dep" {
			found = true
			if isDep := strings.HasSuffix(name, "libdep.so"); s.Version != "DEP_1" || s.Undefined() == isDep {
				t.Errorf("dep has version %q of %q, undefined %v", s.Version, s.Library, s.Undefined())
			}
		}
	}
	if !found {
		t.Error("symbol dep is missing")
	}
}

func TestFixtureEdits(t *testing.T) {
	for name, data := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			f := parse(t, data)
			edits := []Edit{SetRPath(longPath), AddNeeded("libone.so"), AddNeeded("libtwo.so"), AddNeeded("libthree.so"), AddNeeded("libfour.so")}
			if slices.Contains(f.Needed(), "libdep.so.1") {
				edits = append(edits, ReplaceNeeded("libdep.so.1", "libdep-01234567.so.1"))
			}
			after := edit(t, f, edits...)
			checkTables(t, f, after)
			if after.RPath() != longPath || !slices.Contains(after.Needed(), "libfour.so") {
				t.Errorf("rpath = %q, needed = %q", after.RPath(), after.Needed())
			}
			checkTables(t, f, edit(t, after, RemoveRPath(), RemoveNeeded("libone.so")))
			if f.SectionErr == nil {
				checkTables(t, f, edit(t, after, Strip()))
			}
		})
	}
}
