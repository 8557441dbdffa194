package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var errFill = errors.New("no more room")

func writeText(text string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	}
}

// only wants the directory to hold these files, hidden ones counted.
func only(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("directory holds %v, want %d files", entries, len(want))
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
			t.Errorf("%s holds %q, %v, want %q", name, got, err, text)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, text := range []string{"first", "and the second replaces it"} {
		if err := Write(path, 0o644, writeText(text), nil); err != nil {
			t.Fatalf("Write: %v", err)
		}
		only(t, dir, map[string]string{"f": text})
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&^0o022 != 0o644&^0o022 {
		t.Errorf("permissions are %v, %v, want 0644 less the umask", info.Mode(), err)
	}
}

func TestWriteErrorsLeaveEverythingAsItWas(t *testing.T) {
	refuse := func(*os.File) error { return errFill }
	for _, c := range []struct {
		name        string
		fill, check func(*os.File) error
	}{
		{"fill fails half-way", func(f *os.File) error { return errors.Join(writeText("half")(f), errFill) }, nil},
		{"check refuses", writeText("whole"), refuse},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := Write(filepath.Join(dir, "new"), 0o644, c.fill, c.check); !errors.Is(err, errFill) {
				t.Errorf("Write = %v, want %v", err, errFill)
			}
			only(t, dir, nil)
			if err := os.WriteFile(filepath.Join(dir, "old"), []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Write(filepath.Join(dir, "old"), 0o644, c.fill, c.check); !errors.Is(err, errFill) {
				t.Errorf("Write = %v, want %v", err, errFill)
			}
			only(t, dir, map[string]string{"old": "kept"})
		})
	}
}

// The way without O_TMPFILE has to be as good as the one with it.
func TestNamedTemp(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("n", 255))
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	named := func() *temp {
		f, err := createNamed(root, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	dropped := named()
	if err := dropped.complete(writeText("half"), nil); err != nil {
		t.Fatal(err)
	}
	if err := dropped.discard(); err != nil {
		t.Errorf("discard: %v", err)
	}
	only(t, dir, nil)
	kept := named()
	if err := errors.Join(kept.complete(writeText("whole"), nil), kept.publish(filepath.Base(path)), kept.f.Close()); err != nil {
		t.Fatalf("publish: %v", err)
	}
	only(t, dir, map[string]string{filepath.Base(path): "whole"})
}

func TestWriteWhereItCannot(t *testing.T) {
	dir := t.TempDir()
	fill := func(*os.File) error { t.Error("fill is called"); return nil }
	if err := Write(dir, 0o644, fill, nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("Write over a directory = %v", err)
	}
	missing := filepath.Join(dir, "none", "f")
	err := Write(missing, 0o644, fill, nil)
	var pe *fs.PathError
	if !errors.As(err, &pe) || pe.Path != missing || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Write into a directory that is not there = %v, want an error about %s", err, missing)
	}
}

func TestSymlinkIsReplaced(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := Write(link, 0o644, writeText("new"), nil); err != nil {
		t.Fatalf("Write: %v", err)
	}
	only(t, dir, map[string]string{"target": "kept", "link": "new"})
}
