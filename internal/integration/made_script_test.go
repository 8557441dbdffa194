//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// scriptsWheel is a wheel with a program in .data/scripts, which needs a library
// beside it and one from outside, as does its library and a module. The folder of the
// libraries from outside is gone when it is returned, repaired.
func scriptsWheel(t *testing.T) string {
	t.Helper()
	dir, private := t.TempDir(), t.TempDir()
	lib := constant(t, filepath.Join(dir, "libanswer.so.4"), "base", "40")
	priv := library(t, filepath.Join(private, "libpriv.so"), "relay.c", "-DFUNCTION=answer", "-DCALLEE=base", "-DVALUE=2", lib)
	program := gcc(t, filepath.Join(t.TempDir(), "tell"), "program.c", priv, "-Wl,-rpath-link,"+dir, runpath("$ORIGIN"))
	repaired := repair(t, mkwheel(t, map[string]string{
		"made-1.0.data/scripts/tell":       program,
		"made-1.0.data/scripts/libpriv.so": priv,
		"answering.so":                     extension(t, "answering", "base", lib),
	}), "--search-path", dir)
	remove(t, dir, private)
	return repaired
}

// pip copies .data/scripts to bin and .data/data to the prefix, so a program finds
// its libraries by a path between the two, wherever the prefix is.
func TestProgramInScripts(t *testing.T) {
	repaired := scriptsWheel(t)
	const want = "42 <two words> <-x> <>\n"
	check := func(program string, env ...string) {
		t.Helper()
		r := run(t, env, program, "two words", "-x", "")
		if r.stdout != want || r.code != 3 {
			t.Errorf("%s: got %q, exit %d, want %q, exit 3\n%s", program, r.stdout, r.code, want, r.stderr)
		}
	}
	v := installed(t, repaired)
	check(filepath.Join(v.dir, "bin", "tell"))
	checkCalls(t, v, "40", "answering")

	// By a link, as uv and pipx put it on the PATH.
	link := filepath.Join(t.TempDir(), "tell")
	if err := os.Symlink(filepath.Join(v.dir, "bin", "tell"), link); err != nil {
		t.Fatal(err)
	}
	check(link)

	pip := []string{"-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"}
	prefix := t.TempDir()
	run(t, nil, peer(t, "python"), slices.Concat(pip, []string{"--prefix", prefix, repaired})...).must(t)
	check(filepath.Join(prefix, "bin", "tell"))

	user := t.TempDir()
	python := systemPython(t, peer(t, "python"))
	env := []string{"PYTHONUSERBASE=" + user, "PIP_BREAK_SYSTEM_PACKAGES=1", "PYTHONPATH=" + pipOf(t)}
	run(t, env, python, slices.Concat(pip, []string{"--user", repaired})...).must(t)
	check(filepath.Join(user, "bin", "tell"), "PYTHONUSERBASE="+user)
}

// systemPython returns the interpreter that a virtual environment was made from:
// pip installs for a user with that one alone.
func systemPython(t *testing.T, python string) string {
	t.Helper()
	return strings.TrimSpace(run(t, nil, python, "-c", "import os, sys; print(os.path.realpath(sys.executable))").must(t).stdout)
}

// pipOf returns the folder that has the pip of the peers.
func pipOf(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(run(t, nil, peer(t, "python"), "-c", "import pip, os; print(os.path.dirname(os.path.dirname(pip.__file__)))").must(t).stdout)
}

// A program that needs a library of a package gets a copy of it: the path into
// site-packages has the version of Python in it.
func TestProgramNeedsLibraryOfPackage(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	lib := constant(t, filepath.Join(dir, "libbase.so.1"), "base", "40")
	own := library(t, filepath.Join(out, "libown.so"), "relay.c", "-DFUNCTION=answer", "-DCALLEE=base", "-DVALUE=2", lib)
	program := gcc(t, filepath.Join(out, "tell"), "program.c", own, "-Wl,-rpath-link,"+dir)
	repaired := repair(t, mkwheel(t, map[string]string{
		"made-1.0.data/scripts/tell": program,
		"pkg/lib/libown.so":          own,
		"pkg/answering.so":           extension(t, "answering", "answer", own, "-Wl,-rpath-link,"+dir, runpath("$ORIGIN/lib")),
	}), "--search-path", dir)
	remove(t, dir, out)
	v := installed(t, repaired)
	if r := run(t, nil, filepath.Join(v.dir, "bin", "tell")); r.stdout != "42\n" || r.code != 0 {
		t.Errorf("tell: got %q, exit %d, want 42\n%s", r.stdout, r.code, r.stderr)
	}
	checkCalls(t, v, "42", "pkg.answering")
}
