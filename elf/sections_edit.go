package elf

import (
	"debug/elf"
)

// patchSections keeps the section headers true, where the file has them.
func (p *plan) patchSections() error {
	if p.f.Sections == nil {
		return nil
	}
	for i := range p.sections {
		p.moveSection(&p.f.Sections[i], &p.sections[i])
	}
	if !p.d.strip {
		p.b.patch(p.f.Shoff, p.f.sectionBytes(p.sections))
	}
	return nil
}

// moveSection makes the header s of the result follow what it describes; old is
// the original's.
func (p *plan) moveSection(old, s *Section) {
	sp := &p.space
	switch {
	case p.stringsMove() && p.isStrings(old):
		s.Addr, s.Off, s.Size = sp.strings.vaddr, sp.strings.off, sp.strings.size
	case p.moveDynamic && p.isDynamic(old):
		s.Addr, s.Off, s.Size = sp.dynamic.vaddr, sp.dynamic.off, sp.dynamic.size
	case p.isInterp(old):
		s.Size = uint64(len(p.d.interp)) + 1
		if p.moveInterp {
			s.Addr, s.Off = sp.interp.vaddr, sp.interp.off
		}
	case p.becomesBytes(old):
		p.writeOut(s)
	case old.Type == elf.SHT_GNU_VERNEED && old.Alloc():
		p.moveNeedsSection(s)
	case !old.Alloc() && old.Off >= sp.tailFrom:
		s.Off += sp.tailShift
	}
}

func (p *plan) isDynamic(s *Section) bool {
	return s.Type == elf.SHT_DYNAMIC && s.Addr == p.f.dynamic.addr
}

func (p *plan) isInterp(s *Section) bool {
	if p.d.interp == "" || s.Type != elf.SHT_PROGBITS || !s.Alloc() {
		return false
	}
	return s.Addr == p.f.Progs[p.prog(elf.PT_INTERP)].Vaddr
}

// becomesBytes reports whether s is .bss of the segment that grew, so that its
// zeros are now in the file. Thread-local .tbss takes no room in the segment.
func (p *plan) becomesBytes(s *Section) bool {
	if p.space.load < 0 || s.Type != elf.SHT_NOBITS || !s.Alloc() || s.Flags&elf.SHF_TLS != 0 {
		return false
	}
	last := p.f.Progs[p.space.load]
	return s.Addr >= last.Vaddr+last.Filesz && s.Addr+s.Size <= last.Vaddr+last.Memsz
}

// writeOut turns a section without bytes into one with. A section called .bss
// that has bytes confuses tools that go by names; "bss" is a tail of the same
// string, so the name table stays as it is.
func (p *plan) writeOut(s *Section) {
	last := p.f.Progs[p.space.load]
	s.Type = elf.SHT_PROGBITS
	s.Off = last.Off + (s.Addr - last.Vaddr)
	if len(s.Name) > 1 && s.Name[0] == '.' {
		s.NameOff++
		s.Name = s.Name[1:]
	}
}

// patchMovedSymbols makes the symbols of .symtab follow the dynamic table:
// _DYNAMIC, and the section symbol of .dynamic.
func (p *plan) patchMovedSymbols() error {
	if p.d.strip {
		return nil
	}
	for _, s := range p.f.Sections {
		if s.Type == elf.SHT_SYMTAB && s.fileSize() > 0 {
			if err := p.patchSymtab(&s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plan) patchSymtab(s *Section) error {
	f, size := p.f, p.f.symSize()
	for done := uint64(0); done+size <= s.Size; {
		n := min(symbolBlock*size, (s.Size-done)/size*size)
		buf, err := f.read(".symtab", s.Off+done, n)
		if err != nil {
			return err
		}
		for at := uint64(0); at < n; at += size {
			c := f.cursor(buf[at:at+size], s.Off+done+at)
			sym, _ := decodeSymbol(c, f.Is64())
			index := int(sym.Section)
			if sym.Value == f.dynamic.addr && index < len(f.Sections) && p.isDynamic(&f.Sections[index]) {
				p.b.patch(s.Off+done+at+f.pick(4, 8), f.appendWord(nil, p.space.dynamic.vaddr))
			}
		}
		done += n
	}
	return nil
}
