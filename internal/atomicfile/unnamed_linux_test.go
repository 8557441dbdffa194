package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNothingIsThereWhileFilling(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, ok := openUnnamed(root, 0o644)
	if !ok {
		t.Skip("this file system has no files without a name (O_TMPFILE)")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	look := func(*os.File) error { only(t, dir, nil); return nil }
	if err := Write(filepath.Join(dir, "f"), 0o644, look, look); err != nil {
		t.Errorf("Write: %v", err)
	}
	only(t, dir, map[string]string{"f": ""})
}
