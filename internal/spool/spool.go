// Package spool holds the contents of archive members for random access: in
// memory as long as a common budget lasts, then in temporary files that have
// no name any more, so that nothing of them stays behind.
package spool

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// A Store shares a memory budget among the contents that it holds. It may be
// used from several goroutines.
type Store struct {
	dir string

	mu   sync.Mutex
	left int64
	file *os.File // nil until it is needed: one descriptor, however many contents
	end  int64    // where the next content begins
}

// NewStore returns a store that keeps up to budget bytes in memory, and what
// exceeds it in a temporary file below dir ("" for the system's own place).
func NewStore(budget int64, dir string) *Store {
	return &Store{dir: dir, left: budget}
}

// A Content is what a store holds of one member.
type Content struct {
	io.ReaderAt
	size int64
}

// Size returns the length of the content in bytes.
func (c *Content) Size() int64 { return c.size }

// Put reads exactly size bytes from r. A shorter r is [io.ErrUnexpectedEOF].
func (s *Store) Put(r io.Reader, size int64) (*Content, error) {
	if !s.take(size) {
		return s.putFile(r, size)
	}
	buf := make([]byte, size)
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, noEOF(err)
	}
	return &Content{bytes.NewReader(buf), size}, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *Store) take(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > s.left {
		return false
	}
	s.left -= size
	return true
}

func (s *Store) putFile(r io.Reader, size int64) (*Content, error) {
	f, at, err := s.reserve(size)
	if err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	if n, err := io.Copy(io.NewOffsetWriter(f, at), io.LimitReader(r, size)); err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	} else if n < size {
		return nil, io.ErrUnexpectedEOF
	}
	return &Content{io.NewSectionReader(f, at, size), size}, nil
}

// reserve returns the temporary file and where in it the next size bytes go.
func (s *Store) reserve(size int64) (*os.File, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := newFile(s.dir)
		if err != nil {
			return nil, 0, err
		}
		s.file = f
	}
	at := s.end
	s.end += size
	return s.file, at, nil
}

// named opens a temporary file and takes its name away.
func named(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "wheelmend-*")
	if err != nil {
		return nil, err
	}
	// Where an open file cannot be removed, Close does it.
	_ = os.Remove(f.Name())
	return f, nil
}

// Close releases the temporary file. Contents must not be read after it.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !os.IsNotExist(gone) && err == nil {
		err = gone
	}
	s.file, s.end = nil, 0
	return err
}
