package elf

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A string table larger than this is read string by string, not kept.
const maxKeptStrings = 64 << 20

// maxString bounds one string: symbol names of C++ templates reach some
// hundred KiB in real libraries.
const maxString = 16 << 20

// maxSharing bounds how often the bytes of a string table are handed out in one
// pass: tails are shared and names repeat, but real tables stay below 4 times, and those
// of the dynamic table, each of which has a string of its own, below once. The slack
// serves tables that are tiny.
const (
	maxSharing  = 4
	sharedSlack = 1 << 20
)

// strtab is the dynamic string table (DT_STRTAB, DT_STRSZ).
type strtab struct {
	r    io.ReaderAt
	addr uint64 // virtual address
	off  uint64 // file offset
	size uint64

	once sync.Once
	data []byte // all of it, once loaded
	err  error
}

// load reads the table, unless it is so large that single reads serve better.
func (t *strtab) load() ([]byte, error) {
	t.once.Do(func() {
		if t.size == 0 || t.size > maxKeptStrings {
			return
		}
		if t.data, t.err = binread.ReadAt(t.r, t.off, t.size, int64(t.off+t.size)); t.err != nil {
			t.err = fmt.Errorf("offset %#x: .dynstr: %w", t.off, t.err)
		}
	})
	return t.data, t.err
}

// names hands out strings of a table in one pass, and ends a pass that asks for
// far more than the table holds: thousands of records may name the same
// megabyte.
type names struct {
	t    *strtab
	data []byte // nil to read string by string
	most int    // how many times the table may be handed out
	left uint64 // bytes that this pass may still hand out
}

// names starts a pass over the loaded table.
func (t *strtab) names() (*names, error) {
	data, err := t.load()
	return &names{t, data, maxSharing, maxSharing*t.size + sharedSlack}, err
}

// probes starts a pass of the dynamic table, which reads single strings and leaves the rest
// unread.
func (t *strtab) probes() *names { return &names{t, nil, 1, t.size + sharedSlack} }

// get returns the string at index i. The caller names itself in who, and its
// own offset in at, for the error.
func (n *names) get(i uint64, who string, at uint64) (string, error) {
	t := n.t
	if i >= t.size {
		return "", formatErr(at, "%s string %#x is past the end of .dynstr (%#x bytes)", who, i, t.size)
	}
	s, ok, err := n.find(i)
	switch {
	case err != nil:
		return "", fmt.Errorf("offset %#x: %s string: %w", t.off+i, who, err)
	case !ok:
		return "", formatErr(at, "%s string %#x has no end within .dynstr (%#x bytes)", who, i, t.size)
	case uint64(len(s)) > n.left:
		return "", formatErr(at, "%s string %#x: the strings up to here add up to more than %d times .dynstr (%#x bytes)", who, i, n.most, t.size)
	}
	n.left -= uint64(len(s))
	return string(s), nil
}

// find returns the bytes of the string at index i. It reports false when the
// string has no end.
func (n *names) find(i uint64) ([]byte, bool, error) {
	if n.data == nil {
		return n.t.probe(i)
	}
	end := bytes.IndexByte(n.data[i:], 0)
	if end < 0 {
		return nil, false, nil
	}
	return n.data[i:][:end], true, nil
}

// probe reads one string without loading the table.
func (t *strtab) probe(i uint64) ([]byte, bool, error) {
	for n := uint64(128); ; n *= 4 {
		n = min(n, t.size-i)
		buf, err := binread.ReadAt(t.r, t.off+i, n, int64(t.off+t.size))
		if err != nil {
			return nil, false, err
		}
		if end := bytes.IndexByte(buf, 0); end >= 0 {
			return buf[:end], true, nil
		}
		if n == t.size-i || n > maxString {
			return nil, false, nil
		}
	}
}
