package elf

import (
	"bytes"
	"fmt"
	"io"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A string table larger than this is read string by string, not kept.
const maxKeptStrings = 64 << 20

// maxString bounds one string: symbol names of C++ templates reach some
// hundred KiB in real libraries.
const maxString = 16 << 20

// strtab is the dynamic string table (DT_STRTAB, DT_STRSZ).
type strtab struct {
	r    io.ReaderAt
	addr uint64 // virtual address
	off  uint64 // file offset
	size uint64
	data []byte // all of it, once loaded
}

// load reads the table, unless it is so large that single reads serve better.
func (t *strtab) load() error {
	if t.data != nil || t.size == 0 || t.size > maxKeptStrings {
		return nil
	}
	data, err := binread.ReadAt(t.r, t.off, t.size, int64(t.off+t.size))
	if err != nil {
		return fmt.Errorf("elf: offset %#x: .dynstr: %w", t.off, err)
	}
	t.data = data
	return nil
}

// get returns the string at index i. The caller names itself in who, and its
// own offset in at, for the error.
func (t *strtab) get(i uint64, who string, at uint64) (string, error) {
	if i >= t.size {
		return "", formatErr(at, "%s string %#x is past the end of .dynstr (%#x bytes)", who, i, t.size)
	}
	if t.data != nil {
		if n := bytes.IndexByte(t.data[i:], 0); n >= 0 {
			return string(t.data[i : i+uint64(n)]), nil
		}
		return "", formatErr(at, "%s string %#x has no end within .dynstr (%#x bytes)", who, i, t.size)
	}
	return t.probe(i, who, at)
}

// probe reads one string without loading the table.
func (t *strtab) probe(i uint64, who string, at uint64) (string, error) {
	for n := uint64(128); ; n *= 4 {
		n = min(n, t.size-i)
		buf, err := binread.ReadAt(t.r, t.off+i, n, int64(t.off+t.size))
		if err != nil {
			return "", fmt.Errorf("elf: offset %#x: %s string: %w", t.off+i, who, err)
		}
		if end := bytes.IndexByte(buf, 0); end >= 0 {
			return string(buf[:end]), nil
		}
		if n == t.size-i || n > maxString {
			return "", formatErr(at, "%s string %#x has no end within .dynstr (%#x bytes)", who, i, t.size)
		}
	}
}
