package elf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// onDisk writes an image into a file and reads it from there.
func onDisk(t *testing.T, data []byte) (*os.File, *File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	f, err := NewFile(src, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return src, f
}

func emptyFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "edited"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestWriteFile(t *testing.T) {
	for _, spec := range []string{
		"x86_64" + fullSpec + "symtab",
		"x86_64" + fullSpec + "bss=5000 symtab", // the tail moves
		"x86_64" + fullSpec + "bss=4000000",     // a new segment
		"s390x" + fullSpec + "page=0x200000",
		"i686 interp=/lib/ld.so" + fullSpec,
	} {
		for name, edits := range map[string][]Edit{
			"none":  nil,
			"short": {SetRPath("$ORIGIN")},
			"long":  {SetRPath(longPath), AddNeeded("liba.so"), AddNeeded("libb.so")},
			"strip": {SetRPath(longPath), Strip()},
		} {
			t.Run(spec+"/"+name, func(t *testing.T) {
				src, f := onDisk(t, image(t, spec))
				o, err := f.Edit(context.Background(), edits...)
				if err != nil {
					t.Fatal(err)
				}
				dst := emptyFile(t)
				if err := o.WriteFile(t.Context(), dst, src); err != nil {
					t.Fatalf("WriteFile: %v", err)
				}
				if err := CheckWritten(o, dst); err != nil {
					t.Errorf("CheckWritten: %v", err)
				}
				got, err := io.ReadAll(io.NewSectionReader(dst, 0, 1<<30))
				if err != nil || !bytes.Equal(got, contents(t, o)) {
					t.Errorf("the file has %d bytes, %v; want the %d of the image", len(got), err, o.Size())
				}
			})
		}
	}
}

func TestWriteFileStops(t *testing.T) {
	src, f := onDisk(t, image(t, "x86_64"+fullSpec))
	o, err := f.Edit(context.Background(), SetRPath(longPath))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.WriteFile(ctx, emptyFile(t), src); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: error is %v", err)
	}
	if err := os.Truncate(src.Name(), f.Size()/2); err != nil {
		t.Fatal(err)
	}
	if err := o.WriteFile(t.Context(), emptyFile(t), src); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("original cut meanwhile: error is %v", err)
	}
}

func TestCheckWrittenFindsDamage(t *testing.T) {
	src, f := onDisk(t, image(t, "x86_64"+fullSpec+"symtab"))
	o, err := f.Edit(context.Background(), SetRPath(longPath))
	if err != nil {
		t.Fatal(err)
	}
	after := parse(t, contents(t, o))
	for name, damage := range map[string]func(*os.File) error{
		"cut":           func(dst *os.File) error { return dst.Truncate(o.Size() - 1) },
		"ELF header":    func(dst *os.File) error { _, err := dst.WriteAt([]byte{0xff}, atPhoff); return err },
		"dynamic table": func(dst *os.File) error { _, err := dst.WriteAt([]byte{0xff}, int64(after.dynamic.off)+8); return err },
		"strings": func(dst *os.File) error {
			_, err := dst.WriteAt([]byte("x"), int64(after.dynamic.strings.off+after.dynamic.strings.size)-2)
			return err
		},
	} {
		dst := emptyFile(t)
		if err := o.WriteFile(t.Context(), dst, src); err != nil {
			t.Fatal(err)
		}
		if err := damage(dst); err != nil {
			t.Fatal(err)
		}
		if err := CheckWritten(o, dst); err == nil {
			t.Errorf("%s: damage is not found", name)
		}
	}
}
