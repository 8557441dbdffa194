package elftest

import "debug/elf"

// symSize returns the bytes of one Elf32_Sym or Elf64_Sym.
func (s *Spec) symSize() uint64 {
	if s.Class == 64 {
		return elf.Sym64Size
	}
	return elf.Sym32Size
}

// rawSym holds the fields of Elf32_Sym and Elf64_Sym, which differ in order.
type rawSym struct {
	name  uint32
	info  byte
	shndx uint16
	value uint64
	size  uint64
}

func (e *encoder) sym(s rawSym) {
	e.u32(s.name)
	if e.wide {
		e.u8(s.info, 0)
		e.u16(s.shndx)
		e.word(s.value, s.size)
		return
	}
	e.word(s.value, s.size)
	e.u8(s.info, 0)
	e.u16(s.shndx)
}

// rawSymbol returns the i-th of Spec.Symbols, with its address where defined.
func (m *image) rawSymbol(i int, names *strtab) rawSym {
	s := m.spec.Symbols[i]
	bind, kind := elf.STB_GLOBAL, elf.STT_NOTYPE
	if s.Weak {
		bind = elf.STB_WEAK
	}
	raw := rawSym{name: names.add(s.Name)}
	switch {
	case s.Func:
		kind = elf.STT_FUNC
	case s.Defined:
		kind = elf.STT_OBJECT
	}
	if s.Defined {
		home := ".data"
		raw.size = m.word
		if s.Func {
			home, raw.size = ".text", codeSlot
		}
		raw.shndx = m.index(home)
		raw.value = m.addr(home) + m.place[i]
	}
	raw.info = elf.ST_INFO(bind, kind)
	return raw
}

func (m *image) dynsym() []byte {
	e := newEncoder(&m.spec)
	e.sym(rawSym{})
	for i := range m.spec.Symbols {
		e.sym(m.rawSymbol(i, m.dynstr))
	}
	return e.b
}

// symtab returns the renderer of .symtab. Its strings are in names at once.
func (m *image) symtab(names *strtab) func(*image) []byte {
	render := func(m *image) []byte {
		e := newEncoder(&m.spec)
		e.sym(rawSym{})
		// A linker-made local, which whoever moves .dynamic has to move along.
		e.sym(rawSym{name: names.add("_DYNAMIC"), info: elf.ST_INFO(elf.STB_LOCAL, elf.STT_OBJECT),
			shndx: m.index(".dynamic"), value: m.addr(".dynamic")})
		for i := range m.spec.Symbols {
			e.sym(m.rawSymbol(i, names))
		}
		return e.b
	}
	render(m)
	return render
}
