//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// A library that a module opens by its name at run time is seen by nobody: --add-lib
// brings it, and the module finds it by that name.
func TestLibraryOpenedByName(t *testing.T) {
	dir := t.TempDir()
	base := constant(t, filepath.Join(dir, "libbase.so.1"), "base", "40")
	plugin := library(t, filepath.Join(dir, "libplugin.so.2"), "relay.c", "-DFUNCTION=answer", "-DCALLEE=base", "-DVALUE=2", base, runpath(dir))
	repaired := repair(t, mkwheel(t, map[string]string{
		"pkg/m.so": extension(t, "m", "opened", filepath.Join("testdata", "c", "opener.c"), `-DOPENS="libplugin.so.2"`),
	}), "--add-lib", plugin)
	wheelmend(t, "verify", repaired).must(t)
	remove(t, dir)
	v := installed(t, repaired)
	checkCalls(t, v, "42", "pkg.m")
	got := v.exec(t, "import ctypes, os, sysconfig\nprint(ctypes.CDLL(os.path.join(sysconfig.get_path('platlib'), 'made.libs', 'libplugin.so.2')).answer())")
	if got != "42" {
		t.Errorf("by its path: got %s, want 42", got)
	}
}

// The names that a library has where links are: one is left, and both modules find it.
func TestFoldedCopies(t *testing.T) {
	dir := t.TempDir()
	lib := constant(t, filepath.Join(dir, "libanswer.so.4"), "answer", "42")
	repaired := repair(t, mkwheel(t, map[string]string{
		"pkg/m.so":                   extension(t, "m", "answer", lib, runpath("$ORIGIN/lib")),
		"pkg/lib/libanswer.so":       lib,
		"pkg/lib/libanswer.so.4":     lib,
		"pkg/lib/libanswer.so.4.0.1": lib,
	}), "--fold-copies")
	remove(t, dir)
	if libs := inFolder(elfMembers(t, repaired), "lib"); len(libs) != 1 {
		t.Errorf("libraries: got %q, want one", libs)
	}
	checkCalls(t, installed(t, repaired), "42", "pkg.m")
}

// A library of another package, installed to the prefix, is found by the search path
// that leads there.
func TestSearchPathToExcludedLibraryStays(t *testing.T) {
	dir := t.TempDir()
	lib := constant(t, filepath.Join(dir, "libmkl_rt.so.2"), "answer", "42")
	repaired := repair(t, mkwheel(t, map[string]string{
		"pkg/m.so": extension(t, "m", "answer", lib, runpath("$ORIGIN/../../..")),
	}), "--exclude", "libmkl*")
	v := installed(t, repaired)
	if err := os.Rename(lib, filepath.Join(v.dir, "lib", "libmkl_rt.so.2")); err != nil {
		t.Fatal(err)
	}
	checkCalls(t, v, "42", "pkg.m")
}
