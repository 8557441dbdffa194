package wheel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestCreateThenOpen(t *testing.T) {
	in := mustRead(t, zipBytes(demoParts()...))
	record, err := in.Record()
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(in.DistInfo(), WriterOptions{})
	for _, m := range in.Members() {
		if row, _ := record.Row(m.Name); m.Name != demoInfo+"/RECORD" {
			w.Copy(m, row)
		}
	}
	path := filepath.Join(t.TempDir(), "demo-1.0-py3-none-any.whl")
	write := func(out io.WriterAt) (int64, error) { return w.Write(context.Background(), out) }
	check := func(r io.ReaderAt, size int64) error {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("during the check, the final name is there: %v", err)
		}
		got, err := NewReader(r, size)
		if err != nil {
			return err
		}
		return got.Scan(context.Background(), 1, nil)
	}
	if err := Create(path, write, check); err != nil {
		t.Fatalf("Create: %v", err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer f.Close()
	if f.Path != path || len(f.Members()) != len(in.Members()) {
		t.Errorf("Open gives %d members of %s, want %d of %s", len(f.Members()), f.Path, len(in.Members()), path)
	}
}

func TestCreateRefusedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	err := Create(filepath.Join(dir, "demo.whl"),
		func(out io.WriterAt) (int64, error) { return 3, second(out.WriteAt([]byte("abc"), 0)) },
		func(r io.ReaderAt, size int64) error {
			b := make([]byte, size)
			if _, err := r.ReadAt(b, 0); err != nil || !bytes.Equal(b, []byte("abc")) {
				t.Errorf("check reads %q, %v, want what was written", b, err)
			}
			return errDisk
		})
	if !errors.Is(err, errDisk) {
		t.Errorf("Create = %v, want the refusal", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func second(_ int, err error) error { return err }

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrNotZip) {
		t.Errorf("Open of a directory = %v, want ErrNotZip", err)
	}
	if _, err := Open(filepath.Join(dir, "none.whl")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of nothing = %v, want os.ErrNotExist", err)
	}
}
