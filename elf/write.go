package elf

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/wheelmend/wheelmend/overlay"
)

// CheckWritten reads back a file that [overlay.Overlay.WriteFile] has written, and
// compares its size, headers and dynamic table with the image.
func CheckWritten(o *overlay.Overlay, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != o.Size() {
		return fmt.Errorf("%d bytes are written, want %d", info.Size(), o.Size())
	}
	want, err := NewFile(o, o.Size())
	if err != nil {
		return err
	}
	got, err := NewFile(f, info.Size())
	if err != nil {
		return fmt.Errorf("what is written does not read back: %w", err)
	}
	texts := func(f *File) []string { return append(f.Needed(), f.Soname(), f.RPath(), f.RunPath()) }
	if got.Header != want.Header || !slices.Equal(got.Progs, want.Progs) || !slices.Equal(got.Sections, want.Sections) ||
		!slices.Equal(got.dynamic.entries, want.dynamic.entries) || !slices.Equal(texts(got), texts(want)) {
		return errors.New("what is written reads back as something else")
	}
	return nil
}
