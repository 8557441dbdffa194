//go:build integration

package macho

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// published calls visit with each Mach-O file of the wheels of macos.txt.
func published(t *testing.T, visit func(t *testing.T, b []byte)) {
	cache := os.Getenv("WHEELMEND_CACHE")
	if cache == "" {
		t.Skip("WHEELMEND_CACHE is not set; run scripts/setup-integration")
	}
	wheels, err := filepath.Glob(filepath.Join(cache, "macos/*.whl"))
	if err != nil || len(wheels) == 0 {
		t.Fatalf("no wheels in %s/macos: %v", cache, err)
	}
	for _, wheel := range wheels {
		z, err := zip.OpenReader(wheel)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for _, m := range z.File {
			b := member(t, m)
			if !IsMagic(b[:min(8, len(b))]) {
				continue
			}
			t.Run(filepath.Base(wheel)+"/"+m.Name, func(t *testing.T) { visit(t, b) })
		}
	}
}

func member(t *testing.T, m *zip.File) []byte {
	t.Helper()
	r, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPublishedImages edits every image of the published wheels: what compilers and
// codesign have made is not refused, neither where there is room nor where not.
func TestPublishedImages(t *testing.T) {
	moved := 0
	published(t, func(t *testing.T, b []byte) {
		f, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if errors.Is(err, ErrArchive) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, edits := range [][]Edit{{ClearRPaths(), AddRPath("@loader_path/.dylibs"), Sign("")}, full()} {
			o, err := f.Edit(context.Background(), edits...)
			if err != nil {
				t.Error(err)
				continue
			}
			checkEdited(t, f, o)
			moved++
		}
	})
	t.Logf("%d edits", moved)
}

// TestPublishedImagesUnwind compares what an unwinder reads of libraries in C++ that
// others have linked, before and after they were moved.
func TestPublishedImagesUnwind(t *testing.T) {
	seen := 0
	published(t, func(t *testing.T, b []byte) {
		f, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil || f.Fat || !strings.HasPrefix(f.Slices[0].ID, "/DLC/shapely/") && !strings.HasPrefix(f.Slices[0].ID, "/DLC/pyproj/") {
			t.Skip("another library")
		}
		dir := t.TempDir()
		said := python(t, "check_unwind.py", write(t, dir, "before", b), write(t, dir, "after", edit(t, b, full()...)))
		t.Log(said)
		seen++
	})
	if seen < 3 {
		t.Errorf("%d libraries, want some", seen)
	}
}
