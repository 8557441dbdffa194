package macho

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// seeds gives a fuzz target every fixture, thin and fat.
func seeds(f *testing.F) {
	for _, name := range fixtures {
		f.Add(fixture(f, name))
	}
	arm, intel := fixture(f, "zig-arm64-mod.so"), fixture(f, "zig-x86_64-mod.so")
	f.Add(fatOf(f, false, intel, arm))
	f.Add(fatOf(f, true, arm))
}

// oneLine makes sure that an error can be shown as it is.
func oneLine(t *testing.T, err error) {
	if err != nil && strings.ContainsAny(err.Error(), "\n\x00\x1b") {
		t.Fatalf("error of several lines, or with control characters: %q", err)
	}
}

func FuzzNewFile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if format := (*FormatError)(nil); !errors.Is(err, ErrNotMachO) && !errors.As(err, &format) {
				t.Fatalf("neither ErrNotMachO nor a FormatError: %v", err)
			}
			oneLine(t, err)
			return
		}
		for _, s := range file.Slices {
			if s.Off < 0 || s.Off+s.Size > int64(len(b)) {
				t.Fatalf("slice at %#x with %#x bytes in a file of %#x", s.Off, s.Size, len(b))
			}
			_, err := s.Signature()
			oneLine(t, err)
			oneLine(t, s.VerifySignature(context.Background(), 1))
			_, err = s.imports()
			oneLine(t, err)
			imports, err := s.Imports()
			oneLine(t, err)
			exports, err := s.Exports()
			oneLine(t, err)
			for _, x := range imports {
				if exports != nil {
					_, err := exports.Lookup(x.Symbol)
					oneLine(t, err)
				}
			}
		}
	})
}

func FuzzEdit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, edits := range [][]Edit{
			{ClearRPaths(), AddRPath("@loader_path/.dylibs"), Sign("")},
			{ReplaceDylib(libdep, "@loader_path/.dylibs/libdep-0123abcd.1.dylib"), AddDylib("/usr/lib/libz.dylib")},
			{ReplaceDylib(libdep, system)},
			{SetID("/DLC/a"), RemoveDylib(system)},
		} {
			o, err := file.Edit(context.Background(), Options{Jobs: 1}, edits...)
			if err != nil {
				oneLine(t, err)
				continue
			}
			checkEdited(t, file, o)
		}
	})
}

// checkEdited reads an edited file back: its segments are where they were and its
// sections have the bytes that they had, or all moved by the same number of pages;
// and what is signed is signed truly.
func checkEdited(t *testing.T, before *File, o *Overlay) {
	after, err := NewFile(o, o.Size())
	if err != nil {
		t.Fatalf("cannot read back what Edit wrote: %v", err)
	}
	for i, s := range after.Slices {
		old := before.Slices[i]
		if s.signed != nil && o.Edited() && !sameBytes(t, old, s, 0, 0, old.Size) {
			if err := s.VerifySignature(context.Background(), 1); err != nil {
				t.Fatalf("edited slice: %v", err)
			}
		}
		delta := s.room - old.room
		if delta != 0 && (delta < 0 || delta%s.Arch.Page() != 0) {
			t.Fatalf("the content moved by %#x", delta)
		}
		for k, seg := range s.Segments {
			for m, x := range seg.Sections {
				was := old.Segments[k].Sections[m]
				if x.Addr != was.Addr+uint64(delta) || x.Off > 0 && x.Off != was.Off+delta {
					t.Fatalf("section %q moved from %#x (%#x) to %#x (%#x), the content by %#x", x.Name, was.Addr, was.Off, x.Addr, x.Off, delta)
				}
				if delta == 0 && !x.empty() && seg.FileSize > 0 && !sameBytes(t, old, s, x.Off, x.Off, int64(x.Size)) {
					t.Fatalf("section %q changed", x.Name)
				}
			}
		}
	}
}

func sameBytes(t *testing.T, a, b *Slice, aOff, bOff, n int64) bool {
	x, err := io.ReadAll(io.NewSectionReader(a.r, aOff, n))
	if err != nil {
		t.Fatal(err)
	}
	y, err := io.ReadAll(io.NewSectionReader(b.r, bOff, n))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}
