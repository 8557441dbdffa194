package binread

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// A Watched reader keeps the first error of what it reads from, however the caller
// takes that: many a question of a format is answered with "no" when something
// cannot be read, and of a broken disk that would be wrong.
type Watched struct {
	r    io.ReaderAt
	size int64

	mu  sync.Mutex
	err error
}

// Watch returns a reader of the size bytes in r.
func Watch(r io.ReaderAt, size int64) *Watched { return &Watched{r: r, size: size} }

// ReadAt implements [io.ReaderAt]. That r ends before size bytes is an error, that
// it ends there is not.
func (w *Watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.r.ReadAt(p, off)
	if n == len(p) {
		return n, err
	}
	failed := err
	if err == nil || err == io.EOF {
		failed = nil
		if off >= 0 && off+int64(len(p)) <= w.size {
			failed = io.ErrUnexpectedEOF
		}
	}
	if failed != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err == nil {
			w.err = failed
		}
	}
	return n, err
}

// Over returns err, which is what a caller has made of the reads so far, unless one
// of them has failed: then it is that error that counts. format names what reads.
func (w *Watched) Over(err error, format string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil || errors.Is(err, w.err) {
		return err
	}
	return fmt.Errorf("%s: %w", format, w.err)
}
