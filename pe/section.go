package pe

import (
	"bytes"
	"fmt"
	"io"
	"sort"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A Section is one section header. See PE Format, Section Table.
type Section struct {
	Name            string // at most 8 bytes
	VirtualSize     uint32 // bytes in memory; 0 means RawSize
	VirtualAddress  uint32 // relative to the image base
	RawSize         uint32 // SizeOfRawData, bytes in the file
	RawOff          uint32 // PointerToRawData, a file offset
	Characteristics uint32
}

// Characteristics of sections. See PE Format, Section Flags.
const (
	sectionCode        = 0x00000020
	sectionInitialized = 0x00000040
	sectionBSS         = 0x00000080
	sectionDiscardable = 0x02000000
	sectionShared      = 0x10000000
	sectionExecute     = 0x20000000
	sectionRead        = 0x40000000
	sectionWrite       = 0x80000000
)

// A region is what the loader maps in one piece.
type region struct {
	rva, size uint64 // in memory, size rounded to whole pages
	off, file uint64 // in the file; what is not there reads as zeros
}

func (f *File) readSections() error {
	buf, err := f.read("section table", f.sectionsAt, uint64(f.Header.Sections)*sectionSize)
	if err != nil {
		return err
	}
	c := cursor(buf, f.sectionsAt, false)
	f.Sections = make([]Section, f.Header.Sections)
	for i := range f.Sections {
		name, _, _ := bytes.Cut(c.Bytes(8), []byte{0})
		s := Section{Name: string(name), VirtualSize: c.U32(), VirtualAddress: c.U32(), RawSize: c.U32(), RawOff: c.U32()}
		c.Bytes(12) // relocations and line numbers, of object files only
		s.Characteristics = c.U32()
		f.Sections[i] = s
	}
	return nil
}

// memory returns the bytes that a section takes in memory.
func (s *Section) memory() uint64 {
	if s.VirtualSize == 0 {
		return uint64(s.RawSize)
	}
	return uint64(s.VirtualSize)
}

// fileOff returns where the loader reads a section: it counts in sectors of 512 bytes.
func (s *Section) fileOff() uint64 { return uint64(s.RawOff) &^ 0x1ff }

// sectionAt returns the file offset of section header i.
func (f *File) sectionAt(i int) uint64 { return f.sectionsAt + uint64(i)*sectionSize }

// flat reports whether file offsets and addresses are the same: so it is for images
// whose sections are aligned to less than a page.
func (f *File) flat() bool { return f.SectionAlignment < pageSize }

// mapSections holds the sections to what the loader asks for: they are in the file,
// ascend, and do not overlap in memory.
func (f *File) mapSections() error {
	if f.flat() {
		f.regions = []region{{0, uint64(f.size), 0, uint64(f.size)}}
		return nil
	}
	headers := min(uint64(f.SizeOfHeaders), uint64(f.size))
	f.regions = append(f.regions, region{0, alignUp(uint64(f.SizeOfHeaders), pageSize), 0, headers})
	next := alignUp(headers, pageSize)
	for i, s := range f.Sections {
		at := f.sectionAt(i)
		size := alignUp(s.memory(), pageSize)
		if s.VirtualAddress%f.SectionAlignment != 0 || uint64(s.VirtualAddress) < next {
			return formatErr(at+12, "section %q is at %#x, want a multiple of %#x that is not below %#x", s.Name, s.VirtualAddress, f.SectionAlignment, next)
		}
		if end := uint64(s.VirtualAddress) + s.memory(); end > 1<<32-pageSize {
			return formatErr(at+8, "section %q ends at %#x, past the address space", s.Name, end)
		}
		r := region{rva: uint64(s.VirtualAddress), size: size}
		if s.RawOff != 0 && s.RawSize != 0 {
			if !binread.Span(uint64(s.RawOff), 1, f.size) || s.fileOff()+min(uint64(s.RawSize), s.memory()) > uint64(f.size) {
				return formatErr(at+16, "section %q has %#x bytes at %#x, past the end of the file (%#x bytes); the file looks truncated", s.Name, s.RawSize, s.RawOff, f.size)
			}
			r.off, r.file = s.fileOff(), min(alignUp(uint64(s.RawSize), 0x200), size, uint64(f.size)-s.fileOff())
		}
		f.regions = append(f.regions, r)
		next = r.rva + max(size, 1)
	}
	return nil
}

func alignUp(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }

// region returns what is mapped at an address, nil when nothing is.
func (f *File) region(rva uint64) *region {
	i := sort.Search(len(f.regions), func(i int) bool { return f.regions[i].rva > rva }) - 1
	if i < 0 || rva-f.regions[i].rva >= f.regions[i].size {
		return nil
	}
	return &f.regions[i]
}

// offset returns where in the file the n bytes at an address lie. It is false when
// not all of them are in the file, in one piece.
func (f *File) offset(rva, n uint64) (uint64, bool) {
	r := f.region(rva)
	if r == nil || rva-r.rva > r.file || n > r.file-(rva-r.rva) {
		return 0, false
	}
	return r.off + rva - r.rva, true
}

// A window reads mapped bytes through a block of them, for tables of small records.
type window struct {
	f    *File
	rva  uint64
	data []byte
}

const windowSize = 1 << 11

// bytes returns the n bytes at an address. They are valid until the next call.
func (w *window) bytes(what string, at, rva, n uint64) ([]byte, error) {
	if have := uint64(len(w.data)); rva >= w.rva && rva-w.rva <= have && n <= have-(rva-w.rva) {
		return w.data[rva-w.rva:][:n], nil
	}
	r := w.f.region(rva)
	if r == nil {
		return nil, formatErr(at, "%s is at %#x, where nothing is mapped", what, rva)
	}
	skip := rva - r.rva
	if n > r.size-skip {
		return nil, formatErr(at, "%s of %d bytes at %#x runs past the end of its section (%#x)", what, n, rva, r.rva+r.size)
	}
	size := min(max(n, windowSize), r.size-skip)
	if uint64(cap(w.data)) < size {
		w.data = make([]byte, size)
	}
	w.rva, w.data = rva, w.data[:size]
	if err := w.fill(what, r, skip); err != nil {
		w.data = w.data[:0]
		return nil, err
	}
	return w.data[:n], nil
}

// fill reads the window from a region, skip bytes behind its start. What is not in the
// file is zeros.
func (w *window) fill(what string, r *region, skip uint64) error {
	clear(w.data)
	if skip >= r.file {
		return nil
	}
	part := w.data[:min(uint64(len(w.data)), r.file-skip)]
	n, err := w.f.r.ReadAt(part, int64(r.off+skip))
	if n == len(part) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("offset %#x: %s: %w", r.off+skip, what, err)
}

// text returns the string at an address, of at most limit bytes.
func (w *window) text(what string, at, rva, limit uint64) (string, error) {
	for n := uint64(64); ; n *= 4 {
		r := w.f.region(rva)
		if r == nil {
			return "", formatErr(at, "%s is at %#x, where nothing is mapped", what, rva)
		}
		n = min(n, limit+1, r.size-(rva-r.rva))
		buf, err := w.bytes(what, at, rva, n)
		if err != nil {
			return "", err
		}
		if i := bytes.IndexByte(buf, 0); i >= 0 {
			return string(buf[:i]), nil
		}
		if n == limit+1 || n == r.size-(rva-r.rva) {
			return "", formatErr(at, "%s at %#x does not end within %d bytes", what, rva, n)
		}
	}
}
