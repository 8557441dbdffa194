package wheel

import (
	"io"
	"os"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
)

// Create writes a file so that path is either as it was or complete. fill gets
// a new file and returns its size ([Writer.Write] fits); check, which may be
// nil, gets the finished bytes and may still refuse them. Only then does the
// file take its name. On any error path is as it was, and nothing else stays:
// where the file system allows it, not even after a kill.
func Create(path string, fill func(io.WriterAt) (int64, error), check func(io.ReaderAt, int64) error) error {
	var size int64
	return atomicfile.Write(path, 0o666,
		func(f *os.File) error {
			var err error
			size, err = fill(f)
			return err
		},
		func(f *os.File) error {
			if check == nil {
				return nil
			}
			return check(f, size)
		})
}
