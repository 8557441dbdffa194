package binread

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

func TestCursorReadsBothClassesAndOrders(t *testing.T) {
	buf := []byte{1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 4}
	c := NewCursor(buf, 0x100, binary.BigEndian, true)
	if got := c.U8(); got != 1 {
		t.Errorf("U8 = %d, want 1", got)
	}
	if got := c.U16(); got != 2 {
		t.Errorf("U16 = %d, want 2", got)
	}
	if got := c.U32(); got != 3 {
		t.Errorf("U32 = %d, want 3", got)
	}
	if got := c.Off(); got != 0x107 {
		t.Errorf("Off = %#x, want 0x107", got)
	}
	narrow := NewCursor([]byte{5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}, 0, binary.LittleEndian, false)
	if got := narrow.Word(); got != 5 {
		t.Errorf("narrow Word = %d, want 5", got)
	}
	if got := narrow.U64(); got != 6 {
		t.Errorf("U64 = %d, want 6", got)
	}
	if c.Err() != nil || narrow.Err() != nil {
		t.Errorf("errors = %v, %v, want none", c.Err(), narrow.Err())
	}
}

func TestCursorKeepsFirstShortRead(t *testing.T) {
	c := NewCursor(make([]byte, 6), 0x40, binary.LittleEndian, true)
	c.U32()
	c.U32()
	c.U8()
	var short *ShortError
	if !errors.As(c.Err(), &short) {
		t.Fatalf("Err = %v, want a ShortError", c.Err())
	}
	if short.Off != 0x44 || short.Want != 4 {
		t.Errorf("got offset %#x want %d, expected 0x44 and 4", short.Off, short.Want)
	}
}

func TestReadAtChecksBeforeAllocating(t *testing.T) {
	r := bytes.NewReader(make([]byte, 16))
	for _, c := range []struct {
		name   string
		off, n uint64
		ok     bool
	}{
		{"all of it", 0, 16, true},
		{"nothing at the end", 16, 0, true},
		{"one too many", 1, 16, false},
		{"offset plus size overflows", 8, math.MaxUint64 - 4, false},
		{"huge size", 0, 1 << 62, false},
	} {
		if _, err := ReadAt(r, c.off, c.n, 16); (err == nil) != c.ok {
			t.Errorf("%s: got error %v, want ok %v", c.name, err, c.ok)
		}
	}
}
