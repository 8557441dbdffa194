//go:build integration

package integration

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A wheel for musl is repaired on a machine with glibc, from libraries that
// were built for musl, and musl's own loader then finds them.
func TestMusl(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "libanswer.so.4")
	sources := filepath.Join("testdata", "c")
	run(t, nil, "musl-gcc", "-shared", "-fPIC", "-Wl,-soname,libanswer.so.4", "-DFUNCTION=answer", "-DVALUE=42",
		"-o", lib, filepath.Join(sources, "constant.c")).must(t)
	program := filepath.Join(t.TempDir(), "tell")
	run(t, nil, "musl-gcc", "-o", program, filepath.Join(sources, "program.c"), lib, runpath(dir)).must(t)

	wheel := mkwheel(t, map[string]string{"made-1.0.data/scripts/tell": program})
	repaired := repair(t, wheel)
	remove(t, dir)
	if got := platforms(repaired); !slices.Contains(got, "musllinux_1_2_x86_64") {
		t.Errorf("platforms: got %q, want musllinux_1_2_x86_64", got)
	}
	target := t.TempDir()
	run(t, nil, peer(t, "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--only-binary", ":all:",
		"--platform", platforms(repaired)[0], "--target", target, repaired).must(t)
	r := run(t, nil, filepath.Join(target, "made.scripts", "tell"), "x")
	if want := "42 <x>\n"; r.stdout != want {
		t.Errorf("tell: got %q, want %q\n%s", r.stdout, want, strings.TrimSpace(r.stderr))
	}
}
