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
	case p.moveStrings && p.f.isStrings(old):
		s.Addr, s.Off, s.Size = sp.strings.vaddr, sp.strings.off, sp.strings.size
	case p.moveDynamic && p.isDynamic(old):
		s.Addr, s.Off, s.Size = sp.dynamic.vaddr, sp.dynamic.off, sp.dynamic.size
	case p.moveRelocations(old, s):
	case p.moveNeeds && p.isNeeds(old):
		s.Info, s.Addr, s.Off, s.Size = uint32(len(p.d.wants)), sp.needs.vaddr, sp.needs.off, sp.needs.size
	case p.isInterp(old) && p.moveInterp:
		s.Addr, s.Off, s.Size = sp.interp.vaddr, sp.interp.off, sp.interp.size
	case p.becomesBytes(old):
		p.writeOut(s)
	case !old.Alloc() && old.Off >= sp.tailFrom:
		s.Off += sp.tailShift
	case old.Alloc() && old.fileSize() > 0:
		if old.Type == elf.SHT_GNU_VERNEED {
			p.moveNeedsSection(s)
		}
		if p.isInterp(old) {
			s.Size = uint64(len(p.interp)) + 1
		}
		if now := p.displacedAddr(s.Addr, s.Size); now != s.Addr {
			s.Off = sp.off + (now - sp.vaddr)
			s.Addr = now
		}
	}
}

func (p *plan) isDynamic(s *Section) bool {
	return s.Type == elf.SHT_DYNAMIC && s.Alloc() && s.Addr == p.f.dynamic.addr
}

// isNeeds reports whether s is the section header of DT_VERNEED.
func (p *plan) isNeeds(s *Section) bool {
	addr, ok := p.f.DynValue(elf.DT_VERNEED)
	return ok && s.Type == elf.SHT_GNU_VERNEED && s.Alloc() && s.Addr == addr
}

func (p *plan) isInterp(s *Section) bool {
	if p.d.interp == "" && !p.moveInterp || s.Type != elf.SHT_PROGBITS || !s.Alloc() {
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

// patchMovedSymbols makes the symbols of .symtab and .dynsym follow the sections
// that they are defined in.
func (p *plan) patchMovedSymbols() error {
	for i, s := range p.f.Sections {
		tables := s.Type == elf.SHT_SYMTAB && !p.d.strip || s.Type == elf.SHT_DYNSYM
		if tables && s.fileSize() > 0 && p.sectionsMove() {
			if err := p.patchSymtab(&p.f.Sections[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plan) sectionsMove() bool {
	for i := range p.sections {
		if p.sections[i].Addr != p.f.Sections[i].Addr {
			return true
		}
	}
	return false
}

func (p *plan) patchSymtab(s *Section) error {
	f, size := p.f, p.f.symSize()
	for done := uint64(0); done+size <= s.Size; {
		n := min(symbolBlock*size, (s.Size-done)/size*size)
		buf, err := f.read("symbol table", s.Off+done, n)
		if err != nil {
			return err
		}
		for at := uint64(0); at < n; at += size {
			sym, name := decodeSymbol(f.cursor(buf[at:at+size], s.Off+done+at), f.Is64())
			now := p.movedValue(&sym)
			if p.isAbsoluteDynamic(s, &sym, name) {
				now = p.space.dynamic.vaddr
			}
			if now != sym.Value {
				p.b.patch(s.Off+done+at+f.pick(4, 8), f.appendWord(nil, now))
			}
		}
		done += n
	}
	return nil
}

// movedValue returns the value of a symbol in the result.
func (p *plan) movedValue(sym *Symbol) uint64 {
	index := int(sym.Section)
	if index == 0 || index >= len(p.f.Sections) {
		return sym.Value
	}
	old, now := &p.f.Sections[index], &p.sections[index]
	if sym.Type == elf.STT_TLS || sym.Value < old.Addr || sym.Value-old.Addr > old.Size {
		return sym.Value
	}
	return sym.Value - old.Addr + now.Addr
}

// isAbsoluteDynamic reports whether a symbol is _DYNAMIC with SHN_ABS for its
// section, as GNU ld leaves it on several machines.
func (p *plan) isAbsoluteDynamic(table *Section, sym *Symbol, name uint32) bool {
	const dynamic = "_DYNAMIC\x00"
	if !p.moveDynamic || sym.Section != elf.SHN_ABS || sym.Value != p.f.dynamic.addr {
		return false
	}
	names := &p.f.Sections[table.Link]
	if uint64(name)+uint64(len(dynamic)) > names.fileSize() {
		return false
	}
	buf, err := p.f.read("symbol name", names.Off+uint64(name), uint64(len(dynamic)))
	return err == nil && string(buf) == dynamic
}
