package elftest

import "encoding/binary"

// An encoder appends fields in the class and byte order of an image.
type encoder struct {
	order binary.AppendByteOrder
	wide  bool // 64-bit class
	b     []byte
}

func newEncoder(s *Spec) *encoder {
	if s.BigEndian {
		return &encoder{order: binary.BigEndian, wide: s.Class == 64}
	}
	return &encoder{order: binary.LittleEndian, wide: s.Class == 64}
}

func (e *encoder) u8(v ...byte)    { e.b = append(e.b, v...) }
func (e *encoder) u16(v ...uint16) { each(v, func(v uint16) { e.b = e.order.AppendUint16(e.b, v) }) }
func (e *encoder) u32(v ...uint32) { each(v, func(v uint32) { e.b = e.order.AppendUint32(e.b, v) }) }

// word appends values as wide as an address of the class.
func (e *encoder) word(v ...uint64) {
	each(v, func(v uint64) {
		if e.wide {
			e.b = e.order.AppendUint64(e.b, v)
		} else {
			e.b = e.order.AppendUint32(e.b, uint32(v))
		}
	})
}

func (e *encoder) pad(align int) {
	for len(e.b)%align != 0 {
		e.b = append(e.b, 0)
	}
}

func each[T any](vs []T, f func(T)) {
	for _, v := range vs {
		f(v)
	}
}

// wordSize returns the bytes of an address: 4 or 8.
func (s *Spec) wordSize() uint64 { return uint64(s.Class / 8) }

// A strtab is a string table that holds each string once.
type strtab struct {
	b   []byte
	off map[string]uint32
}

func newStrtab() *strtab { return &strtab{b: []byte{0}, off: map[string]uint32{"": 0}} }

func (t *strtab) add(s string) uint32 {
	if off, ok := t.off[s]; ok {
		return off
	}
	off := uint32(len(t.b))
	t.b = append(append(t.b, s...), 0)
	t.off[s] = off
	return off
}
