package macho

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// A field is a number in a file that a reader may believe.
type field struct {
	name  string // such as "x86_64 LC_SYMTAB+8"
	off   int64  // in the file
	size  int    // bytes: 1 or 4
	order binary.ByteOrder
}

// fieldsOf lists the fields of a sound file: headers and load commands word by word,
// opcodes and other numbers of varying size byte by byte.
func fieldsOf(t testing.TB, f *File) []field {
	t.Helper()
	var all []field
	if f.Fat {
		all = words32(all, "fat header", 0, fatHeaderSize+int64(len(f.Slices))*f.fatArchSize(), binary.BigEndian)
	}
	for _, s := range f.Slices {
		all = append(all, s.fields(t)...)
	}
	return all
}

func words32(all []field, name string, off, size int64, order binary.ByteOrder) []field {
	for at := int64(0); at+4 <= size; at += 4 {
		all = append(all, field{fmt.Sprintf("%s+%d", name, at), off + at, 4, order})
	}
	return all
}

func bytes8(all []field, name string, off, size int64) []field {
	for at := range size {
		all = append(all, field{fmt.Sprintf("%s+%d", name, at), off + at, 1, binary.BigEndian})
	}
	return all
}

// byWord lists what load commands refer to that has 32-bit numbers; the rest is read
// byte by byte.
var byWord = map[string]bool{"symbol table": true, "data in code": true, "chained fixups": true, "indirect symbol table": true}

func (s *Slice) fields(t testing.TB) []field {
	t.Helper()
	const most = 160 // bytes of a table, which then repeats itself
	arch := s.Arch.String() + " "
	all := words32(nil, arch+"header", s.Off, s.headerSize(), s.order)
	for i := range s.commands {
		c := &s.commands[i]
		all = words32(all, fmt.Sprintf("%s%d %v", arch, i, c.cmd), s.Off+c.off, int64(len(c.data)), s.order)
	}
	for _, x := range s.extents() {
		switch {
		case x.what == "string table":
		case byWord[x.what]:
			all = words32(all, arch+x.what, s.Off+x.off, min(x.size, most), s.order)
		default:
			all = bytes8(all, arch+x.what, s.Off+x.off, min(x.size, most))
		}
	}
	for _, seg := range s.Segments {
		for _, x := range seg.Sections {
			if x.Name == "__unwind_info" || x.Name == "__init_offsets" {
				all = words32(all, arch+x.Name, s.Off+x.Off, int64(min(x.Size, most)), s.order)
			}
		}
	}
	g, err := s.Signature()
	if err != nil {
		t.Fatal(err)
	}
	if g != nil {
		all = words32(all, arch+"signature", s.Off+g.off, min(g.size, most), binary.BigEndian)
	}
	return all
}

// get reads a field, and set writes it.
func (x field) get(data []byte) uint32 {
	if x.size == 1 {
		return uint32(data[x.off])
	}
	return x.order.Uint32(data[x.off:])
}

func (x field) set(data []byte, v uint32) {
	if x.size == 1 {
		data[x.off] = byte(v)
		return
	}
	x.order.PutUint32(data[x.off:], v)
}

// lies are what a field may say: the edges of its width and of the file, and of what
// stands there.
func (x field) lies(data []byte) []uint32 {
	was, size := x.get(data), uint32(len(data))
	if x.size == 1 {
		return []uint32{0, 1, 0x7f, 0x80, 0xff, was + 1, was ^ 0x10, was ^ 0x80}
	}
	return []uint32{0, 1, 1<<32 - 1, 1<<32 - 8, size - 1, size, size + 1, was - 1, was + 1, was + 8, 1 << 15, 1 << 16, 1<<31 - 1, 1 << 31, 0x1000, 0x4000}
}
