package elf_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
)

// writeELF writes a file with a mode that an edit has to keep.
func writeELF(t *testing.T, spec string) string {
	t.Helper()
	s, err := elftest.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(name, elftest.Build(s), 0o640); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEditFile(t *testing.T) {
	name := writeELF(t, "x86_64 soname=libx.so.1 needed=libold.so")
	link := filepath.Join(filepath.Dir(name), "link.so")
	if err := os.Symlink("lib.so", link); err != nil {
		t.Fatal(err)
	}
	if err := elf.EditFile(t.Context(), link, elf.SetSoname("liby.so"), elf.ReplaceNeeded("libold.so", "libnew.so")); err != nil {
		t.Fatal(err)
	}
	f := openELF(t, name)
	if f.Soname() != "liby.so" || len(f.Needed()) != 1 || f.Needed()[0] != "libnew.so" {
		t.Errorf("soname %q, needed %q", f.Soname(), f.Needed())
	}
	info, err := os.Lstat(name)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is no link any more: %v", err)
	}
}

// What is refused, and what changes nothing, leaves the file as it is.
func TestEditFileLeaves(t *testing.T) {
	name := writeELF(t, "x86_64 soname=libx.so.1")
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := elf.EditFile(t.Context(), name, elf.SetSoname("libx.so.1")); err != nil {
		t.Error(err)
	}
	if err := elf.EditFile(t.Context(), name, elf.RemoveNeeded("libnone.so")); err == nil {
		t.Error("a library that is not needed was removed")
	}
	after, err := os.Stat(name)
	if err != nil || !os.SameFile(before, after) || before.ModTime() != after.ModTime() {
		t.Errorf("the file was written: %v", err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := elf.EditFile(t.Context(), text, elf.Strip()); !errors.Is(err, elf.ErrNotELF) || !strings.HasPrefix(err.Error(), text) {
		t.Errorf("got %v, want ErrNotELF with the path", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(name)); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left: %v", len(entries), err)
	}
}

func openELF(t *testing.T, name string) *elf.File {
	t.Helper()
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	info, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(in, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return f
}
