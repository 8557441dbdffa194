package macho

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// onDisk writes an image into a file and reads it from there.
func onDisk(t *testing.T, b []byte) (*os.File, *File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	f, err := NewFile(src, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return src, f
}

// A signature that is made while the rest is copied is the same as one that is made
// before.
func TestLateSignature(t *testing.T) {
	universal := fatOf(t, false, fixture(t, "zig-x86_64-mod.so"), fixture(t, "zig-arm64-mod.so"))
	for name, edits := range map[string][]Edit{
		"signed":    {Sign("")},
		"shorter":   {ClearRPaths(), Sign("")},
		"no room":   {SetRPaths(longPaths(t)...), Sign("")},
		"unchanged": nil,
	} {
		t.Run(name, func(t *testing.T) {
			src, f := onDisk(t, universal)
			want := edit(t, universal, edits...)
			o, err := f.EditWith(context.Background(), Options{LateSignature: true}, edits...)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "edited")
			dst, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer dst.Close()
			if err := o.WriteFile(context.Background(), dst, src); err != nil {
				t.Fatal(err)
			}
			if err := CheckWritten(o, dst); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("WriteFile wrote other bytes (%d, want %d), %v", len(got), len(want), err)
			}
			if !bytes.Equal(contents(t, o), want) {
				t.Error("ReadAt gives other bytes")
			}
		})
	}
}

// longPaths are more search paths than a header has room for.
func longPaths(t *testing.T) []string {
	t.Helper()
	var paths []string
	for range 300 {
		paths = append(paths, "@loader_path/"+string(bytes.Repeat([]byte("x"), len(paths)%200+1)))
	}
	return paths
}

func TestLateSignatureEndsWithItsContext(t *testing.T) {
	src, f := onDisk(t, fixture(t, "zig-arm64-mod.so"))
	ctx, cancel := context.WithCancel(context.Background())
	o, err := f.EditWith(ctx, Options{LateSignature: true}, ClearRPaths())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	dst, err := os.Create(filepath.Join(t.TempDir(), "edited"))
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	if err := o.WriteFile(context.Background(), dst, src); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := o.ReadAt(make([]byte, 1), o.Size()-1); !errors.Is(err, context.Canceled) {
		t.Errorf("the signature reads with %v, want %v", err, context.Canceled)
	}
}
