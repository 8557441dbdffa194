package macho

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/wheelmend/wheelmend/overlay"
)

// CheckWritten reads back a file that [overlay.Overlay.WriteFile] has written, and
// compares its size, headers, load commands and signatures with the image.
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
	same := len(got.Slices) == len(want.Slices)
	for i := 0; same && i < len(got.Slices); i++ {
		if same, err = sameHead(got.Slices[i], want.Slices[i]); err != nil {
			return err
		}
	}
	if !same {
		return errors.New("what is written reads back as something else")
	}
	return nil
}

// sameHead compares place, header, load commands and signature of two slices.
func sameHead(a, b *Slice) (bool, error) {
	if a.fat != b.fat || !bytes.Equal(a.header, b.header) || !sameCommands(a.commands, b.commands) {
		return false, nil
	}
	if a.signed == nil {
		return true, nil
	}
	var signatures [2][]byte
	for i, s := range []*Slice{a, b} {
		var err error
		if signatures[i], err = readExact(s.r, int64(s.u32(s.signed, 8)), int64(s.u32(s.signed, 12)), s.Size); err != nil {
			return false, s.locate(err)
		}
	}
	return bytes.Equal(signatures[0], signatures[1]), nil
}
