package macho

import (
	"bytes"
	"context"
	"errors"
	"io"
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
	ctx := context.Background()
	for _, s := range f.Slices {
		_, signature := s.Signature()
		_, imports := s.Imports()
		_, flat := s.FlatImports()
		exports, exported := s.Exports()
		if exported == nil && exports != nil {
			_, exported = exports.Lookup("_PyInit_demo")
		}
		for _, err := range []error{signature, imports, flat, exported, s.VerifySignature(ctx, 1)} {
			if errors.Is(err, faultio.Err) {
				return nil, err
			}
		}
	}
	o, err := f.EditWith(ctx, Options{FileName: "demo.so", Jobs: 1}, AddRPath("@loader_path/a/long/path/of/libraries"))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
}

// An error of the disk is an error, whichever read it strikes: what cannot be read is
// not what is not there.
func TestAReadErrorIsAnError(t *testing.T) {
	images := map[string][]byte{}
	for _, name := range fixtures {
		images[name] = fixture(t, name)
	}
	for _, text := range madeSeeds {
		images[text] = made(t, text)
	}
	for name, data := range images {
		t.Run(name, func(t *testing.T) {
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
