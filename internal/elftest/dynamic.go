package elftest

import "debug/elf"

// dynamic returns the dynamic table. gABI ch. 5, Dynamic Section.
func (m *image) dynamic() []byte {
	s := &m.spec
	e := newEncoder(s)
	put := func(tag elf.DynTag, v uint64) { e.word(uint64(tag), v) }
	text := func(tag elf.DynTag, v string) {
		if v != "" {
			put(tag, uint64(m.dynstr.add(v)))
		}
	}
	for _, n := range s.Needed {
		put(elf.DT_NEEDED, uint64(m.dynstr.add(n)))
	}
	text(elf.DT_SONAME, s.Soname)
	text(elf.DT_RPATH, s.RPath)
	text(elf.DT_RUNPATH, s.RunPath)
	if s.Hash.sysv() {
		put(elf.DT_HASH, m.addr(".hash"))
	}
	if s.Hash.gnu() {
		put(elf.DT_GNU_HASH, m.addr(".gnu.hash"))
	}
	put(elf.DT_STRTAB, m.addr(".dynstr"))
	put(elf.DT_SYMTAB, m.addr(".dynsym"))
	put(elf.DT_STRSZ, uint64(len(m.dynstr.b)))
	put(elf.DT_SYMENT, s.symSize())
	if s.Interp != "" {
		put(elf.DT_DEBUG, 0)
	}
	m.dynamicRelocs(put)
	if s.Relr {
		put(dtRelr, m.addr(".relr.dyn"))
		put(dtRelrSize, m.word)
		put(dtRelrEntry, m.word)
	}
	m.dynamicJumps(put)
	m.dynamicVersions(put)
	for range 1 + s.SpareDynamic {
		put(elf.DT_NULL, 0)
	}
	return e.b
}

// Tags and section type of packed relative relocations. gABI, SHT_RELR.
const (
	dtRelrSize  elf.DynTag      = 35
	dtRelr      elf.DynTag      = 36
	dtRelrEntry elf.DynTag      = 37
	shtRelr     elf.SectionType = 19
)

// relrSection has one entry: the address of the word that it moves.
func (m *image) relrSection() *section {
	return &section{name: ".relr.dyn", kind: shtRelr, flags: alloc, align: m.word, entsize: m.word, render: func(m *image) []byte {
		e := newEncoder(&m.spec)
		e.word(m.addr(".data.rel"))
		return e.b
	}}
}

// Tags of the x86-64 psABI for a marked PLT.
const (
	dtX86PLT      elf.DynTag = 0x70000000
	dtX86PLTSize  elf.DynTag = 0x70000001
	dtX86PLTEntry elf.DynTag = 0x70000003
)

// jumps says whether there is a marked jump slot.
func (m *image) jumps() bool {
	return m.spec.MarkedPLT && m.spec.Machine == uint16(elf.EM_X86_64) && m.imports > 0
}

func (m *image) dynamicJumps(put func(elf.DynTag, uint64)) {
	if !m.jumps() {
		return
	}
	put(elf.DT_PLTGOT, m.addr(".got.plt"))
	put(elf.DT_PLTRELSZ, m.relocSize())
	put(elf.DT_PLTREL, uint64(elf.DT_RELA))
	put(elf.DT_JMPREL, m.addr(".rela.plt"))
	put(dtX86PLT, m.addr(".text"))
	put(dtX86PLTSize, 16)
	put(dtX86PLTEntry, 16)
}

// jumpSection has one relocation: the slot of the first import, whose addend is the
// address of its code in the PLT.
func (m *image) jumpSection() *section {
	return &section{name: ".rela.plt", kind: elf.SHT_RELA, flags: alloc, link: ".dynsym", align: m.word, entsize: m.relocSize(), render: func(m *image) []byte {
		e := newEncoder(&m.spec)
		e.word(m.addr(".got.plt")+3*m.word, 1<<32|uint64(elf.R_X86_64_JMP_SLOT), m.addr(".text"))
		return e.b
	}}
}

func (m *image) dynamicVersions(put func(elf.DynTag, uint64)) {
	if n := len(m.spec.Defs); n > 0 {
		put(elf.DT_VERDEF, m.addr(".gnu.version_d"))
		put(elf.DT_VERDEFNUM, uint64(n+1))
	}
	if n := len(m.spec.Versions); n > 0 {
		put(elf.DT_VERNEED, m.addr(".gnu.version_r"))
		put(elf.DT_VERNEEDNUM, uint64(n))
	}
	if m.versioned() {
		put(elf.DT_VERSYM, m.addr(".gnu.version"))
	}
}

// A relocKind says how a machine asks for the address of a symbol in memory.
type relocKind struct {
	symbolic uint32 // the relocation type
	addend   bool   // Elf_Rela, else Elf_Rel
}

// relocKindOf returns the relocation that fills a .got entry. Machines without
// one here get no .got.
func relocKindOf(m elf.Machine) (relocKind, bool) {
	switch m {
	case elf.EM_X86_64:
		return relocKind{uint32(elf.R_X86_64_GLOB_DAT), true}, true
	case elf.EM_386:
		return relocKind{uint32(elf.R_386_GLOB_DAT), false}, true
	case elf.EM_AARCH64:
		return relocKind{uint32(elf.R_AARCH64_GLOB_DAT), true}, true
	case elf.EM_ARM:
		return relocKind{uint32(elf.R_ARM_GLOB_DAT), false}, true
	case elf.EM_PPC64:
		return relocKind{uint32(elf.R_PPC64_ADDR64), true}, true
	case elf.EM_S390:
		return relocKind{uint32(elf.R_390_GLOB_DAT), true}, true
	case elf.EM_RISCV:
		return relocKind{uint32(elf.R_RISCV_64), true}, true
	case elf.EM_LOONGARCH:
		return relocKind{uint32(elf.R_LARCH_64), true}, true
	}
	return relocKind{}, false
}

// relocates says whether there are a .got and the relocations that fill it,
// one for each import.
func (m *image) relocates() bool {
	_, ok := relocKindOf(elf.Machine(m.spec.Machine))
	return ok && m.imports > 0
}

// relocSize returns the bytes of one Elf_Rel or Elf_Rela.
func (m *image) relocSize() uint64 {
	if kind, _ := relocKindOf(elf.Machine(m.spec.Machine)); kind.addend {
		return 3 * m.word
	}
	return 2 * m.word
}

func (m *image) relocSection() *section {
	name, kind := ".rel.dyn", elf.SHT_REL
	if k, _ := relocKindOf(elf.Machine(m.spec.Machine)); k.addend {
		name, kind = ".rela.dyn", elf.SHT_RELA
	}
	return &section{name: name, kind: kind, flags: alloc, link: ".dynsym", align: m.word, entsize: m.relocSize(),
		render: func(m *image) []byte { return m.relocs() }}
}

func (m *image) relocs() []byte {
	kind, _ := relocKindOf(elf.Machine(m.spec.Machine))
	e := newEncoder(&m.spec)
	for i := range uint64(m.imports) {
		sym := i + 1
		info := sym<<8 | uint64(kind.symbolic)
		if e.wide {
			info = sym<<32 | uint64(kind.symbolic)
		}
		e.word(m.addr(".got")+i*m.word, info)
		if kind.addend {
			e.word(0)
		}
	}
	return e.b
}

func (m *image) dynamicRelocs(put func(elf.DynTag, uint64)) {
	if !m.relocates() {
		return
	}
	size := uint64(m.imports) * m.relocSize()
	if kind, _ := relocKindOf(elf.Machine(m.spec.Machine)); kind.addend {
		put(elf.DT_RELA, m.addr(".rela.dyn"))
		put(elf.DT_RELASZ, size)
		put(elf.DT_RELAENT, m.relocSize())
		return
	}
	put(elf.DT_REL, m.addr(".rel.dyn"))
	put(elf.DT_RELSZ, size)
	put(elf.DT_RELENT, m.relocSize())
}
