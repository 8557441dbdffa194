//go:build integration

package integration

import (
	"bytes"
	"path/filepath"
	"testing"
)

// pip copies .data/scripts to bin, away from the libraries of the wheel. The
// program has to stay beside them, and bin gets a script that executes it.
func TestProgramInScripts(t *testing.T) {
	dir := t.TempDir()
	lib := constant(t, filepath.Join(dir, "libanswer.so.4"), "answer", "42")
	program := gcc(t, filepath.Join(t.TempDir(), "tell"), "program.c", lib, runpath(dir))
	repaired := repair(t, mkwheel(t, map[string]string{"made-1.0.data/scripts/tell": program}))
	remove(t, dir)

	shim := members(t, repaired)["made-1.0.data/scripts/tell"]
	if !bytes.HasPrefix(shim, []byte("#!python\n")) && !bytes.HasPrefix(shim, []byte("#!python")) {
		t.Errorf("scripts/tell begins with %q, want #!python", shim[:min(len(shim), 20)])
	}
	v := installed(t, repaired)
	r := run(t, nil, filepath.Join(v.dir, "bin", "tell"), "two words", "-x", "")
	if want := "42 <two words> <-x> <>\n"; r.stdout != want || r.code != 3 {
		t.Errorf("tell: got %q, exit %d, want %q, exit 3\n%s", r.stdout, r.code, want, r.stderr)
	}
}
