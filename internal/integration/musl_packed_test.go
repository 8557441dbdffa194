//go:build integration

package integration

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Packed relocations part the releases of musl 1.2: Debian 12 has 1.2.3, where a program
// with such a library dies, and the one of CACHE/cross is 1.2.5, where it runs. The tag
// does not tell them apart, so repair and verify have to.
func TestPackedRelocationsOnMusl(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "libpacked.so.1")
	sources := filepath.Join("testdata", "c")
	run(t, nil, "musl-gcc", "-shared", "-fPIC", "-O1", "-nostdlib", "-Wl,-z,pack-relative-relocs", "-Wl,-soname,libpacked.so.1",
		"-o", lib, filepath.Join(sources, "packed_library.c")).must(t)
	program := filepath.Join(dir, "tell")
	run(t, nil, "musl-gcc", "-Danswer=packed_answer", "-o", program, filepath.Join(sources, "program.c"), lib, runpath(dir)).must(t)

	if r := run(t, nil, program); r.code != -1 {
		t.Errorf("musl 1.2.3: exit %d, printed %q, want a signal: the premise of the warning is gone", r.code, r.stdout)
	}
	if r := run(t, nil, cached(t, "cross", "musl", "x86_64", "libc.so"), program); r.stdout != "42\n" {
		t.Errorf("musl 1.2.5: exit %d, printed %q, want 42", r.code, r.stdout)
	}

	wheel := mkwheel(t, map[string]string{"made-1.0.data/scripts/tell": program})
	out := t.TempDir()
	r := wheelmend(t, "repair", "-w", out, wheel).must(t)
	if !strings.Contains(r.stderr, "musl before 1.2.4") || !strings.Contains(r.stderr, "libpacked") {
		t.Errorf("repair does not tell of the packed relocations:\n%s", r.stderr)
	}
	if open := verify(t, filepath.Join(out, filesIn(t, out)[0])).topics("unchecked"); !slices.Contains(open, "platform") {
		t.Errorf("not checked: %q, want the platform among them", open)
	}
}
