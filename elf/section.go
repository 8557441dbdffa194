package elf

import (
	"debug/elf"
	"fmt"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A Section is one section header. See gABI chapter 4, Sections.
type Section struct {
	Name      string
	NameOff   uint32 // offset of Name in the section name table
	Type      elf.SectionType
	Flags     elf.SectionFlag
	Addr      uint64
	Off       uint64
	Size      uint64
	Link      uint32
	Info      uint32
	Addralign uint64
	Entsize   uint64
}

// Alloc reports whether the section occupies memory at run time (SHF_ALLOC).
func (s *Section) Alloc() bool { return s.Flags&elf.SHF_ALLOC != 0 }

// fileSize returns how many bytes of the file the section occupies.
func (s *Section) fileSize() uint64 {
	if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
		return 0
	}
	return s.Size
}

func decodeSection(c *binread.Cursor) Section {
	s := Section{NameOff: c.U32(), Type: elf.SectionType(c.U32())}
	s.Flags = elf.SectionFlag(c.Word())
	s.Addr, s.Off, s.Size = c.Word(), c.Word(), c.Word()
	s.Link, s.Info = c.U32(), c.U32()
	s.Addralign, s.Entsize = c.Word(), c.Word()
	return s
}

// readSection decodes the section header at off.
func (f *File) readSection(off uint64) (Section, error) {
	buf, err := f.read("section header", off, f.sectSize())
	if err != nil {
		return Section{}, err
	}
	return decodeSection(f.cursor(buf, off)), nil
}

// readSections decodes the section header table and its names. The error says
// why the table is not true; the loader would not mind.
func (f *File) readSections() ([]Section, error) {
	if f.Shoff == 0 {
		return nil, nil
	}
	if f.Shnum == 0 {
		return nil, formatErr(f.shoffAt(), "e_shoff is %#x, but there is no section header", f.Shoff)
	}
	if uint64(f.entsize) != f.sectSize() {
		return nil, formatErr(f.pick(46, 58), "e_shentsize is %d, want %d", f.entsize, f.sectSize())
	}
	n := uint64(f.Shnum) * f.sectSize()
	if n > maxTableSize {
		return nil, formatErr(f.shoffAt(), "the section header table at %#x has %d entries, more than any real file", f.Shoff, f.Shnum)
	}
	if f.Shoff > uint64(f.size) {
		return nil, formatErr(f.shoffAt(), "e_shoff is %#x, past the end of the file (%d bytes)", f.Shoff, f.size)
	}
	buf, err := f.read(fmt.Sprintf("section header table (%d entries)", f.Shnum), f.Shoff, n)
	if err != nil {
		return nil, err
	}
	c := f.cursor(buf, f.Shoff)
	sections := make([]Section, f.Shnum)
	for i := range sections {
		sections[i] = decodeSection(c)
	}
	for i := range sections {
		if err := f.checkSection(i, &sections[i], len(sections)); err != nil {
			return nil, err
		}
	}
	if err := f.nameSections(sections); err != nil {
		return nil, err
	}
	return sections, nil
}

// shoffAt returns the file offset of e_shoff.
func (f *File) shoffAt() uint64 { return 24 + 2*f.pick(4, 8) }

// sectAt returns the file offset of section header i.
func (f *File) sectAt(i int) uint64 { return f.Shoff + uint64(i)*f.sectSize() }

// checkSection reports a header that cannot be true of this file.
func (f *File) checkSection(i int, s *Section, count int) error {
	at := f.sectAt(i)
	if i == 0 || s.Type == elf.SHT_NULL {
		return nil
	}
	if s.fileSize() > 0 && !binread.Span(s.Off, s.Size, f.size) {
		return formatErr(at, "section %d has %#x bytes at %#x, past the end of the file", i, s.Size, s.Off)
	}
	if int64(s.Link) >= int64(count) {
		return formatErr(at, "section %d has sh_link %d, there are %d sections", i, s.Link, count)
	}
	if s.Alloc() && s.fileSize() > 0 {
		off, ok := f.offsetOf(s.Addr, s.Size)
		if ok && off != s.Off {
			return formatErr(at, "section %d says that address %#x lies at offset %#x, the program headers say %#x", i, s.Addr, s.Off, off)
		}
		// What only fills the page of a segment is a section if the loader knows it.
		if ok && !f.covered(s.Off, s.Size) {
			ok = f.leadsTo(s.Addr)
		}
		if !ok && f.Phnum > 0 {
			return formatErr(at, "section %d occupies address %#x, which no PT_LOAD maps", i, s.Addr)
		}
	}
	return nil
}

func (f *File) nameSections(sections []Section) error {
	if f.Shstrndx <= 0 || f.Shstrndx >= len(sections) {
		return nil
	}
	names := sections[f.Shstrndx]
	if names.Type != elf.SHT_STRTAB && names.Type != elf.SHT_NULL {
		return formatErr(f.sectAt(f.Shstrndx), "the section names lie in section %d, of type %v, want %v", f.Shstrndx, names.Type, elf.SHT_STRTAB)
	}
	if names.fileSize() > maxTableSize {
		return formatErr(f.sectAt(f.Shstrndx), "the section name table has %#x bytes, more than any real file", names.Size)
	}
	buf, err := f.read("section name table", names.Off, names.fileSize())
	if err != nil {
		return err
	}
	left := maxSharing*uint64(len(buf)) + sharedSlack
	for i := range sections {
		s := &sections[i]
		if uint64(s.NameOff) >= uint64(len(buf)) {
			continue
		}
		s.Name = cString(buf[s.NameOff:])
		if uint64(len(s.Name)) > left {
			return formatErr(f.sectAt(f.Shstrndx), "the section names add up to more than %d times their table (%#x bytes)", maxSharing, len(buf))
		}
		left -= uint64(len(s.Name))
	}
	return nil
}
