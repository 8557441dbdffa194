//go:build integration

package integration

import (
	"os"
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
	// pip installs wheels of another C library with --target alone, which leaves the
	// folder beside bin out.
	target := t.TempDir()
	for name, content := range members(t, repaired) {
		at, ok := strings.CutPrefix(name, "made-1.0.data/scripts/")
		at = filepath.Join("bin", at)
		if !ok {
			if at, ok = strings.CutPrefix(name, "made-1.0.data/data/"); !ok {
				continue
			}
		}
		at = filepath.Join(target, at)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, nil, filepath.Join(target, "bin", "tell"), "x")
	if want := "42 <x>\n"; r.stdout != want {
		t.Errorf("tell: got %q, want %q\n%s", r.stdout, want, strings.TrimSpace(r.stderr))
	}
}
