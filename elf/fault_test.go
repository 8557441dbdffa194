package elf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/wheelmend/wheelmend/internal/faultio"
)

// useOnFaultyDisk does what any command does with a file, and returns the edited image and
// the first error that is no rule of the format.
func useOnFaultyDisk(r io.ReaderAt, size int64) ([]byte, error) {
	f, err := NewFile(r, size)
	if err != nil {
		return nil, err
	}
	_, interp := f.Interpreter()
	_, isa := f.ISA()
	_, needs := f.VersionNeeds()
	_, defs := f.VersionDefs()
	_, extension := f.Extension("_core.so")
	_, referenced := f.Referenced()
	for _, err := range []error{interp, isa, needs, defs, extension, referenced} {
		if errors.Is(err, faultio.Err) {
			return nil, err
		}
	}
	for _, err := range f.Symbols() {
		if errors.Is(err, faultio.Err) {
			return nil, err
		}
	}
	o, err := f.Edit(context.Background(), SetRPath("$ORIGIN/../a/much/longer/path/than/there/is/room/for"), AddNeeded("libnew.so.1"), Strip())
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
}

// An error of the disk is an error, whichever read it strikes: what cannot be read is
// not what is not there.
func TestAReadErrorIsAnError(t *testing.T) {
	for name, data := range fixtures(t) {
		if len(data) > 1<<20 {
			continue
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, refused := useOnFaultyDisk(bytes.NewReader(data), int64(len(data)))
			faultio.Each(bytes.NewReader(data), func(n int64, r *faultio.Reader) bool {
				got, err := useOnFaultyDisk(r, int64(len(data)))
				switch {
				case !r.Struck():
				case err == nil:
					t.Errorf("read %d fails, and there is no error; the result is the same: %v", n, bytes.Equal(got, want))
					return false
				case !errors.Is(err, faultio.Err) && (refused == nil || err.Error() != refused.Error()):
					t.Errorf("read %d fails with %v, want %v", n, err, faultio.Err)
					return false
				}
				return true
			})
		})
	}
}
