// Package binread decodes fixed-size records of binary formats from bytes that
// cannot be trusted. A [Cursor] checks every read against the end of its
// buffer, so that parsers hold no slice arithmetic; the first short read sticks
// and is reported once, with the offset at which the bytes ran out.
package binread

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A ShortError reports that a record needs more bytes than there are.
type ShortError struct {
	Off  int64 // offset of the field that could not be read, in the image
	Want int   // size of that field, in bytes
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("offset %#x: %d bytes wanted, past the end of the data", e.Off, e.Want)
}

// A Cursor reads numbers one after the other. The zero Cursor is empty.
type Cursor struct {
	buf   []byte
	pos   int
	base  int64
	order binary.ByteOrder
	wide  bool
	err   error
}

// NewCursor returns a cursor over buf, whose first byte lies at offset base of
// the image. With wide, [Cursor.Word] reads 8 bytes, otherwise 4.
func NewCursor(buf []byte, base int64, order binary.ByteOrder, wide bool) *Cursor {
	return &Cursor{buf: buf, base: base, order: order, wide: wide}
}

// Err returns the first short read as a [*ShortError], or nil.
func (c *Cursor) Err() error { return c.err }

// Off returns the offset in the image of the byte that is read next.
func (c *Cursor) Off() int64 { return c.base + int64(c.pos) }

// Len returns how many bytes are left.
func (c *Cursor) Len() int { return len(c.buf) - c.pos }

// Bytes returns the next n bytes without copying them, or nil when fewer are left.
func (c *Cursor) Bytes(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > c.Len() {
		c.err = &ShortError{Off: c.Off(), Want: n}
		return nil
	}
	b := c.buf[c.pos : c.pos+n]
	c.pos += n
	return b
}

// U8 reads one byte.
func (c *Cursor) U8() uint8 {
	if b := c.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads a 2-byte number.
func (c *Cursor) U16() uint16 {
	if b := c.Bytes(2); b != nil {
		return c.order.Uint16(b)
	}
	return 0
}

// U32 reads a 4-byte number.
func (c *Cursor) U32() uint32 {
	if b := c.Bytes(4); b != nil {
		return c.order.Uint32(b)
	}
	return 0
}

// U64 reads an 8-byte number.
func (c *Cursor) U64() uint64 {
	if b := c.Bytes(8); b != nil {
		return c.order.Uint64(b)
	}
	return 0
}

// Word reads a number of the image's class: 8 bytes when wide, 4 otherwise.
func (c *Cursor) Word() uint64 {
	if c.wide {
		return c.U64()
	}
	return uint64(c.U32())
}

// Span reports whether [off, off+n) lies within [0, size), without overflow.
func Span(off, n uint64, size int64) bool {
	return off <= uint64(size) && n <= uint64(size)-off
}

// ReadAt reads the n bytes at off of an image of the given size. The size is
// checked before anything is allocated.
func ReadAt(r io.ReaderAt, off, n uint64, size int64) ([]byte, error) {
	if !Span(off, n, size) || n > math.MaxInt {
		return nil, &ShortError{Off: int64(min(off, math.MaxInt64)), Want: int(min(n, math.MaxInt32))}
	}
	buf := make([]byte, n)
	if got, err := r.ReadAt(buf, int64(off)); got < len(buf) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf, nil
}
