//go:build linux || darwin

package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What a killed program has left goes; what a living one is writing, and what only
// looks like either, stays.
func TestSweep(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	abandonedFile, abandonedFolder := filepath.Join(dir, staleName()), filepath.Join(dir, staleName())
	kept := []string{".wheelmend-cache", ".wheelmend-ABC.tmp", "f", ".f.tmp"}
	for _, name := range kept {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := staleName()
	err := errors.Join(os.WriteFile(abandonedFile, nil, 0o600), os.Mkdir(abandonedFolder, 0o700),
		os.WriteFile(filepath.Join(abandonedFolder, "half.whl"), nil, 0o600), os.Symlink(outside, filepath.Join(dir, link)))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	writing, err := createNamed(root, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept = append(kept, writing.name, filepath.Base(folder.Path), link)
	removed, err := Sweep(dir)
	want := []string{abandonedFile, abandonedFolder}
	slices.Sort(removed)
	slices.Sort(want)
	if err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %q, %v, want %q", removed, err, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(kept) {
		t.Errorf("%d entries are left, %v, want %q", len(entries), err, kept)
	}
	if err := errors.Join(folder.Close(), writing.discard()); err != nil {
		t.Error(err)
	}
	if removed, err := Sweep(filepath.Join(dir, "none")); err != nil || removed != nil {
		t.Errorf("no directory: %q, %v", removed, err)
	}
}

func TestWriteInStaysInside(t *testing.T) {
	top, outside := t.TempDir(), t.TempDir()
	err := errors.Join(os.Mkdir(filepath.Join(top, "sub"), 0o755), os.Symlink(outside, filepath.Join(top, "out")),
		os.Symlink("sub", filepath.Join(top, "in")), os.WriteFile(filepath.Join(outside, "f"), []byte("kept"), 0o600),
		os.Symlink(filepath.Join(outside, "f"), filepath.Join(top, "link")))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, ok := range map[string]bool{"out/f": false, "out/g": false, "../g": false, filepath.Join(outside, "g"): false, "in/f": true, "sub/f": true, "link": true} {
		if err := WriteIn(root, name, 0o600, writeText("new"), nil); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	only(t, outside, map[string]string{"f": "kept"})
	only(t, filepath.Join(top, "sub"), map[string]string{"f": "new"})
}
