package elftest

import (
	"debug/elf"
)

// Build returns the image that s describes. Equal Specs give equal bytes. It
// panics on a Spec that no image can meet.
func Build(s Spec) []byte {
	n, err := s.normalize()
	if err != nil {
		panic("elftest: " + err.Error())
	}
	m := newImage(n)
	m.layOut()
	return m.encode()
}

// An image is a Spec on its way to bytes.
type image struct {
	spec    Spec // normalized; Symbols in the order of .dynsym
	word    uint64
	imports int // how many of the first spec.Symbols are imported

	dynstr    *strtab
	defIndex  map[string]uint16
	needIndex map[[2]string]uint16

	text, data []byte
	place      []uint64 // offset of each defined symbol in .text or .data

	secs   []*section
	byName map[string]int // index in secs
	segs   []segment
	shoff  uint64 // file offset of the section header table
}

func newImage(s Spec) *image {
	m := &image{spec: s, word: s.wordSize(), dynstr: newStrtab()}
	callOrder := map[string]int{}
	for _, sym := range s.Symbols {
		if sym.Defined && sym.Func {
			callOrder[sym.Name] = len(callOrder)
		}
	}
	m.imports = sortForGNUHash(m.spec.Symbols)
	m.numberVersions()
	m.fillBody(callOrder)
	m.fillDynstr()
	return m
}

// fillDynstr puts every string that the tables will ask for into .dynstr.
func (m *image) fillDynstr() {
	m.dynsym()
	m.dynamic()
	if m.versioned() {
		m.verneed()
	}
	if len(m.spec.Defs) > 0 {
		m.verdef()
	}
}

// index returns the section header index of a section.
func (m *image) index(name string) uint16 { return uint16(m.byName[name] + 1) }

// addr returns the address of a section; 0 before the layout is done.
func (m *image) addr(name string) uint64 {
	i, ok := m.byName[name]
	if !ok {
		return 0
	}
	return m.secs[i].addr
}

// ehdrSize and phdrSize are in bytes. gABI ch. 4, ELF Header; ch. 5, Program Header.
func (s *Spec) ehdrSize() uint64 { return map[int]uint64{32: 52, 64: 64}[s.Class] }
func (s *Spec) phdrSize() uint64 { return map[int]uint64{32: 32, 64: 56}[s.Class] }
func (s *Spec) shdrSize() uint64 { return map[int]uint64{32: 40, 64: 64}[s.Class] }

// layOut gives each section its size, offset and address.
func (m *image) layOut() {
	m.secs = m.sections()
	if !m.spec.NoSections {
		m.secs = append(m.secs, m.shstrtab())
	}
	m.byName = map[string]int{}
	for i, s := range m.secs {
		m.byName[s.name] = i
		if s.render != nil {
			s.size = uint64(len(s.render(m)))
		}
	}
	m.segs = m.segments() // their count fixes where the first section starts
	m.placeSections()
	m.segs = m.segments()
}

func (m *image) shstrtab() *section {
	names := newStrtab()
	for _, s := range m.secs {
		names.add(s.name)
	}
	names.add(".shstrtab")
	return &section{name: ".shstrtab", kind: elf.SHT_STRTAB, align: 1, render: fixed(names.b)}
}

// base returns the address of file offset 0.
func (m *image) base() uint64 {
	if m.spec.Type == uint16(elf.ET_EXEC) {
		return alignUp(4<<20, m.spec.PageSize)
	}
	return 0
}

func (m *image) placeSections() {
	page := m.spec.PageSize
	off := m.spec.ehdrSize() + uint64(len(m.segs))*m.spec.phdrSize()
	addr, group := m.base()+off, 0
	for _, s := range m.secs {
		if g := s.loadGroup(); g > group {
			// The next page in memory, at the same place in it as in the file,
			// so that the file needs no padding.
			off = alignUp(off, 16)
			addr, group = alignUp(addr, page)+off%page, g
		}
		pad := alignUp(off, s.align) - off
		if s.kind == elf.SHT_NOBITS {
			pad = alignUp(addr, s.align) - addr
			s.off, s.addr = off, addr+pad
			addr = s.addr + s.size
			continue
		}
		off, addr = off+pad, addr+pad
		s.off = off
		if s.loadGroup() >= 0 {
			s.addr = addr
		}
		off, addr = off+s.size, addr+s.size
	}
	m.shoff = alignUp(off, 8)
}

func alignUp(v, align uint64) uint64 { return (v + align - 1) / align * align }

// encode writes headers and contents.
func (m *image) encode() []byte {
	e := newEncoder(&m.spec)
	m.encodeHeader(e)
	each(m.segs, e.programHeader)
	for _, s := range m.secs {
		if s.render == nil {
			continue
		}
		e.u8(make([]byte, s.off-uint64(len(e.b)))...)
		e.u8(s.render(m)...)
	}
	if !m.spec.NoSections {
		e.u8(make([]byte, m.shoff-uint64(len(e.b)))...)
		m.encodeSectionHeaders(e)
	}
	return e.b
}

func (m *image) encodeHeader(e *encoder) {
	s := &m.spec
	class, data := byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	if s.Class == 32 {
		class = byte(elf.ELFCLASS32)
	}
	if s.BigEndian {
		data = byte(elf.ELFDATA2MSB)
	}
	e.u8([]byte(elf.ELFMAG)...)
	e.u8(class, data, byte(elf.EV_CURRENT), s.OSABI)
	e.pad(elf.EI_NIDENT)
	e.u16(s.Type, s.Machine)
	e.u32(uint32(elf.EV_CURRENT))
	var entry, shoff uint64
	var shentsize, shnum, shstrndx uint16
	if s.Interp != "" {
		entry = m.addr(".text")
	}
	if !s.NoSections {
		shoff, shentsize, shnum, shstrndx = m.shoff, uint16(s.shdrSize()), uint16(len(m.secs)+1), m.index(".shstrtab")
	}
	e.word(entry, s.ehdrSize(), shoff)
	e.u32(s.Flags)
	e.u16(uint16(s.ehdrSize()), uint16(s.phdrSize()), uint16(len(m.segs)), shentsize, shnum, shstrndx)
}

func (m *image) encodeSectionHeaders(e *encoder) {
	names := newStrtab()
	e.u8(make([]byte, m.spec.shdrSize())...)
	for _, s := range m.secs {
		var link uint32
		if s.link != "" {
			link = uint32(m.index(s.link))
		}
		e.u32(names.add(s.name), uint32(s.kind))
		e.word(uint64(s.flags), s.addr, s.off, s.size)
		e.u32(link, s.info)
		e.word(s.align, s.entsize)
	}
}
