package macho_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wheelmend/wheelmend/macho"
)

// TestEditFile gives a library on disk another install name; its arm64 code is signed
// anew.
func TestEditFile(t *testing.T) {
	content, err := os.ReadFile("testdata/lld19-arm64-chained.so")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "mod.so")
	if err := os.WriteFile(name, content, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := macho.EditFile(t.Context(), name, macho.AddRPath("@loader_path/lib")); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := macho.NewFile(in, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	s := f.Slices[0]
	if n := len(s.RPaths); n == 0 || s.RPaths[n-1] != "@loader_path/lib" || info.Mode() != 0o640 {
		t.Errorf("rpaths %q, mode %v", s.RPaths, info.Mode())
	}
	if err := s.VerifySignature(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := macho.EditFile(t.Context(), name, macho.RemoveRPath("/none")); err == nil {
		t.Error("an rpath that is not there was removed")
	}
	if err := macho.EditFile(t.Context(), filepath.Join(filepath.Dir(name), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no file", err)
	}
}
