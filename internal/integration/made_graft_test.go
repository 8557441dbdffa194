//go:build integration

package integration

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// called is a line of Python that prints what call() of a module returns.
func called(module string) string { return "import " + module + "; print(" + module + ".call())" }

// checkCalls asserts what the modules of an installed wheel return, all of them
// in one process, with every symbol bound at once.
func checkCalls(t *testing.T, v venv, want string, modules ...string) {
	t.Helper()
	var lines []string
	for _, m := range modules {
		lines = append(lines, called(m))
	}
	got := v.exec(t, strings.Join(lines, "\n"), "LD_BIND_NOW=1")
	if got = strings.ReplaceAll(got, "\n", " "); got != want {
		t.Errorf("call() of %q: got %q, want %q", modules, got, want)
	}
}

// Two libraries with one soname are two libraries: a tool that files them by
// their name gives both extensions the same one.
func TestTwoLibrariesWithOneSoname(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	first := constant(t, filepath.Join(dirs[0], "libtwin.so.1"), "twin", "1")
	second := constant(t, filepath.Join(dirs[1], "libtwin.so.1"), "twin", "2")
	wheel := mkwheel(t, map[string]string{
		"one.so":      extension(t, "one", "twin", first, runpath(dirs[0])),
		"deep/two.so": extension(t, "two", "twin", second, runpath(dirs[1])),
	})
	repaired := repair(t, wheel)
	remove(t, dirs...)

	if libs := inFolder(elfMembers(t, repaired), ".libs"); len(libs) != 2 {
		t.Errorf("libraries in .libs: got %q, want two", libs)
	}
	checkCalls(t, installed(t, repaired), "1 2", "one", "deep.two")
}

func TestDependencyCycle(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "libcyclea.so"), filepath.Join(dir, "libcycleb.so")
	library(t, b, "cycle_b.c") // without liba, which is not there yet
	library(t, a, "cycle_a.c", b, runpath(dir))
	library(t, b, "cycle_b.c", a, runpath(dir))
	wheel := mkwheel(t, map[string]string{"cyclic.so": extension(t, "cyclic", "a_answer", a, runpath(dir))})
	repaired := repair(t, wheel)
	remove(t, dir)

	checkCalls(t, installed(t, repaired), "42", "cyclic")
}

// An extension gets Python's symbols from the interpreter that imports it; one
// that asks for libpython finds none on most machines.
func TestLibpythonIsNoDependency(t *testing.T) {
	dir := t.TempDir()
	libpython := constant(t, filepath.Join(dir, "libpython3.11.so.1.0"), "not_python", "0")
	libanswer := constant(t, filepath.Join(dir, "libanswer.so.4"), "answer", "42")
	wheel := mkwheel(t, map[string]string{
		"linked.so": extension(t, "linked", "answer", "-Wl,--no-as-needed", libpython, libanswer, runpath(dir)),
	})
	out := t.TempDir()
	r := wheelmend(t, "repair", "-w", out, wheel).must(t)
	if !strings.Contains(r.stderr, "libpython3.11.so.1.0") {
		t.Errorf("stderr has no warning about libpython3.11.so.1.0:\n%s", r.stderr)
	}
	repaired := filepath.Join(out, filesIn(t, out)[0])
	remove(t, dir)

	for _, needed := range dynamic(t, members(t, repaired)["linked.so"], elf.DT_NEEDED) {
		if strings.HasPrefix(needed, "libpython") {
			t.Errorf("linked.so still needs %s", needed)
		}
	}
	checkCalls(t, installed(t, repaired), "42", "linked")
}

// DT_RPATH counts for the libraries that are loaded because of a file,
// DT_RUNPATH only for what the file itself asks for.
func TestLibrariesOfLibraries(t *testing.T) {
	for _, tt := range []struct {
		name         string
		inner, outer func(dirInner string) string // flag for the library, flag for the extension
	}{
		{"the library's own runpath", runpath, func(string) string { return "-Wl,--as-needed" }},
		{"the loader's rpath is inherited", func(string) string { return "-Wl,--as-needed" }, rpath},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dirOuter, dirInner := t.TempDir(), t.TempDir()
			inner := constant(t, filepath.Join(dirInner, "libinner.so.7"), "inner", "40")
			outer := library(t, filepath.Join(dirOuter, "libouter.so.7"), "relay.c",
				"-DFUNCTION=outer", "-DCALLEE=inner", "-DVALUE=2", inner, tt.inner(dirInner))
			wheel := mkwheel(t, map[string]string{
				"pkg/chain.so": extension(t, "chain", "outer", outer, rpath(dirOuter), tt.outer(dirInner), "-Wl,--allow-shlib-undefined"),
			})
			repaired := repair(t, wheel)
			remove(t, dirOuter, dirInner)

			checkCalls(t, installed(t, repaired), "42", "pkg.chain")
		})
	}
}

// The name of a graft is that of the file, not that of the link to it.
func TestSymlinkedLibrary(t *testing.T) {
	dir := t.TempDir()
	link := constant(t, filepath.Join(dir, "libsym.so.1"), "sym", "42")
	if err := os.Rename(link, filepath.Join(dir, "libsym.so.1.2.3")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("libsym.so.1.2.3", link); err != nil {
		t.Fatal(err)
	}
	wheel := mkwheel(t, map[string]string{"symbolic.so": extension(t, "symbolic", "sym", link, runpath(dir))})
	repaired := repair(t, wheel)
	remove(t, dir)

	graft := only(t, members(t, repaired), ".libs")
	if m := hashed.FindStringSubmatch(filepath.Base(graft)); m == nil || m[1]+m[2] != "libsym.so.1.2.3" {
		t.Errorf("graft: got %s, want libsym-<hash>.so.1.2.3", graft)
	}
	checkCalls(t, installed(t, repaired), "42", "symbolic")
}

// Symbol versions name the library that defines them. When the library gets a
// new name and the version table keeps the old one, ld.so aborts.
func TestVersionedLibrary(t *testing.T) {
	dir := t.TempDir()
	lib := library(t, filepath.Join(dir, "libversioned.so.2"), "versioned.c", "-Wl,--version-script,testdata/c/library.map")
	wheel := mkwheel(t, map[string]string{
		"new.so": extension(t, "new", "versioned_new", lib, runpath(dir)),
		"old.so": extension(t, "old", "versioned", lib, runpath(dir)),
	})
	repaired := repair(t, wheel)
	remove(t, dir)

	checkCalls(t, installed(t, repaired), "42 1", "new", "old")
}

// A C++ exception crosses from a grafted library to the extension when both
// use one libstdc++, here a grafted one too.
func TestGraftStandardLibrary(t *testing.T) {
	dir := t.TempDir()
	lib := library(t, filepath.Join(dir, "libthrow.so.1"), "throw.cc")
	include := run(t, nil, peer(t, "python"), "-c", "import sysconfig; print('-I' + sysconfig.get_path('include'), end='')").must(t).stdout
	ext := gcc(t, filepath.Join(t.TempDir(), "catching.so"), "catch.cc", "-shared", include, lib, runpath(dir))
	repaired := repair(t, mkwheel(t, map[string]string{"catching.so": ext}),
		"--graft", "libstdc++.so.6", "--graft", "libgcc_s.so.1")
	remove(t, dir)

	var names []string
	for _, member := range inFolder(members(t, repaired), ".libs") {
		m := hashed.FindStringSubmatch(filepath.Base(member))
		names = append(names, m[1])
	}
	slices.Sort(names)
	if want := []string{"libgcc_s", "libstdc++", "libthrow"}; !slices.Equal(names, want) {
		t.Errorf("grafts: got %q, want %q", names, want)
	}
	v := installed(t, repaired)
	checkCalls(t, v, "thrown 42", "catching")

	maps := v.exec(t, "import catching; catching.call(); print(open('/proc/self/maps').read())")
	for line := range strings.Lines(maps) {
		if strings.Contains(line, "libstdc++") && !strings.Contains(line, "made.libs/") {
			t.Errorf("the system's libstdc++ is mapped: %s", line)
		}
	}
}
