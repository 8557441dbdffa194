package elftest

import (
	"debug/elf"
)

// A section is one row of the section header table, and its contents.
type section struct {
	name    string
	kind    elf.SectionType
	flags   elf.SectionFlag
	link    string // name of the section that sh_link means; "" means none
	info    uint32
	align   uint64
	entsize uint64
	size    uint64
	addr    uint64 // 0 where it is not loaded
	off     uint64

	// render returns the contents. It runs twice: to learn their size while
	// all addresses are 0, then with the true addresses. nil means SHT_NOBITS.
	render func(*image) []byte
}

// fixed returns a render function for contents that depend on no address.
func fixed(b []byte) func(*image) []byte { return func(*image) []byte { return b } }

const (
	alloc      = elf.SHF_ALLOC
	allocExec  = elf.SHF_ALLOC | elf.SHF_EXECINSTR
	allocWrite = elf.SHF_ALLOC | elf.SHF_WRITE
)

// loadGroup returns which PT_LOAD holds the section, or -1 for none.
func (s *section) loadGroup() int {
	switch {
	case s.flags&elf.SHF_ALLOC == 0:
		return -1
	case s.flags&elf.SHF_WRITE != 0:
		return 2
	case s.flags&elf.SHF_EXECINSTR != 0:
		return 1
	}
	return 0
}

// sections returns those of the image in file order, sizes known, not placed.
func (m *image) sections() []*section {
	secs := m.headSections()
	secs = append(secs, m.tableSections()...)
	secs = append(secs, m.bodySections()...)
	if m.spec.Symtab && !m.spec.NoSections {
		secs = append(secs, m.debugSections()...)
	}
	return secs
}

// headSections are .interp and the note, which the kernel and ld.so look at first.
func (m *image) headSections() []*section {
	var secs []*section
	if m.spec.Interp != "" {
		secs = append(secs, &section{name: ".interp", kind: elf.SHT_PROGBITS, flags: alloc, align: 1,
			render: fixed(append([]byte(m.spec.Interp), 0))})
	}
	if m.spec.ISA != 0 {
		secs = append(secs, &section{name: ".note.gnu.property", kind: elf.SHT_NOTE, flags: alloc, align: m.word,
			render: fixed(isaNote(&m.spec))})
	}
	if m.spec.Android != 0 {
		secs = append(secs, &section{name: ".note.android.ident", kind: elf.SHT_NOTE, flags: alloc, align: 4,
			render: fixed(androidNote(&m.spec))})
	}
	return secs
}

// tableSections are the read-only tables of the dynamic linker.
func (m *image) tableSections() []*section {
	s, syms := &m.spec, m.spec.Symbols
	var secs []*section
	if s.Hash.gnu() {
		secs = append(secs, &section{name: ".gnu.hash", kind: elf.SHT_GNU_HASH, flags: alloc, link: ".dynsym", align: m.word,
			entsize: gnuHashEntsize(s),
			render:  fixed(gnuHashTable(s, syms, m.imports))})
	}
	if s.Hash.sysv() {
		entry := s.sysvHashEntry()
		secs = append(secs, &section{name: ".hash", kind: elf.SHT_HASH, flags: alloc, link: ".dynsym", align: m.word, entsize: entry,
			render: fixed(sysvHashTable(s, syms, entry))})
	}
	secs = append(secs,
		&section{name: ".dynsym", kind: elf.SHT_DYNSYM, flags: alloc, link: ".dynstr", info: 1, align: m.word, entsize: s.symSize(),
			render: func(m *image) []byte { return m.dynsym() }},
		&section{name: ".dynstr", kind: elf.SHT_STRTAB, flags: alloc, align: 1, render: fixed(m.dynstr.b)})
	if m.versioned() {
		secs = append(secs, m.versionSections()...)
	}
	if m.relocates() {
		secs = append(secs, m.relocSection())
	}
	if m.jumps() {
		secs = append(secs, m.jumpSection())
	}
	if s.Relr {
		secs = append(secs, m.relrSection())
	}
	return secs
}

// gnuHashEntsize is 0 in the 64-bit class, where the words of the table differ
// in size. That is what GNU ld writes and eu-elflint asks for.
func gnuHashEntsize(s *Spec) uint64 {
	if s.Class == 64 {
		return 0
	}
	return 4
}

// bodySections are code, the dynamic table and data.
func (m *image) bodySections() []*section {
	secs := []*section{
		{name: ".text", kind: elf.SHT_PROGBITS, flags: allocExec, align: 16, render: fixed(m.text)},
		{name: ".dynamic", kind: elf.SHT_DYNAMIC, flags: allocWrite, link: ".dynstr", align: m.word, entsize: 2 * m.word,
			render: func(m *image) []byte { return m.dynamic() }},
	}
	if m.relocates() {
		secs = append(secs, &section{name: ".got", kind: elf.SHT_PROGBITS, flags: allocWrite, align: m.word, entsize: m.word,
			render: fixed(make([]byte, uint64(m.imports)*m.word))})
	}
	if m.jumps() {
		secs = append(secs, &section{name: ".got.plt", kind: elf.SHT_PROGBITS, flags: allocWrite, align: m.word, entsize: m.word, render: fixed(make([]byte, 4*m.word))})
	}
	if m.spec.Relr {
		secs = append(secs, &section{name: ".data.rel", kind: elf.SHT_PROGBITS, flags: allocWrite, align: m.word, render: fixed(make([]byte, m.word))})
	}
	secs = append(secs, &section{name: ".data", kind: elf.SHT_PROGBITS, flags: allocWrite, align: m.word, render: fixed(m.data)})
	if m.spec.Bss > 0 {
		secs = append(secs, &section{name: ".bss", kind: elf.SHT_NOBITS, flags: allocWrite, align: m.word, size: m.spec.Bss})
	}
	return secs
}

// debugSections are what strip takes away.
func (m *image) debugSections() []*section {
	names := newStrtab()
	syms := m.symtab(names)
	return []*section{
		{name: ".comment", kind: elf.SHT_PROGBITS, flags: elf.SHF_MERGE | elf.SHF_STRINGS, align: 1, entsize: 1,
			render: fixed([]byte("wheelmend elftest\x00"))},
		{name: ".symtab", kind: elf.SHT_SYMTAB, link: ".strtab", info: 2, align: m.word, entsize: m.spec.symSize(),
			render: func(m *image) []byte { return syms(m) }},
		{name: ".strtab", kind: elf.SHT_STRTAB, align: 1, render: fixed(names.b)},
	}
}

// androidNote returns the note that the start files of the NDK have: the API level, as
// type 1 of owner Android (bionic, crtbrand.S).
func androidNote(s *Spec) []byte {
	e := newEncoder(s)
	e.u32(8, 4, 1)
	e.u8([]byte("Android\x00")...)
	e.u32(s.Android)
	return e.b
}

// isaNote returns a NT_GNU_PROPERTY_TYPE_0 note with the ISA levels needed.
// x86-64 psABI, Program Property.
func isaNote(s *Spec) []byte {
	const (
		gnuPropertyType0 = 5
		x86ISANeeded     = 0xc0008002
	)
	desc := newEncoder(s)
	desc.u32(x86ISANeeded, 4, s.ISA)
	desc.pad(int(s.wordSize()))
	e := newEncoder(s)
	e.u32(4, uint32(len(desc.b)), gnuPropertyType0)
	e.u8([]byte("GNU\x00")...)
	e.u8(desc.b...)
	return e.b
}
