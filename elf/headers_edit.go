package elf

import (
	"debug/elf"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// patchHeaders writes the program header table and the fields of the ELF header
// that changed.
func (p *plan) patchHeaders() error {
	p.movePlaces()
	s := &p.space
	phoff, shoff := p.f.Phoff, p.f.Shoff
	switch {
	case s.table.size > 0:
		p.b.zero(phoff, uint64(p.f.Phnum)*p.f.progSize())
		phoff = s.table.off
	default:
		if p.f.Phnum > 0 {
			p.b.patch(phoff, p.progBytes())
		}
		if phoff >= s.tailFrom {
			phoff += s.tailShift
		}
	}
	if shoff >= s.tailFrom && shoff > 0 {
		shoff += s.tailShift
	}
	if p.d.strip {
		shoff = p.strippedTail().shoff
	}
	if p.dropsSections() {
		shoff = 0
	}
	p.patchHeader(phoff, shoff)
	return nil
}

// dropsSections reports whether the section header table was cut off with the
// end of the file. Its place may come to hold something else, which must not be
// taken for it.
func (p *plan) dropsSections() bool {
	f := p.f
	cut := f.Shoff != 0 && !binread.Span(f.Shoff, uint64(max(f.Shnum, 1))*f.sectSize(), f.size)
	return cut && f.Phnum < pnXnum
}

// movePlaces makes the program headers follow what they describe.
func (p *plan) movePlaces() {
	s := &p.space
	for i := range p.progs {
		pr := &p.progs[i]
		switch {
		case pr.Type == elf.PT_DYNAMIC && p.moveDynamic && pr.Vaddr == p.f.dynamic.addr:
			place(pr, s.dynamic)
		case pr.Type == elf.PT_INTERP && p.moveInterp:
			place(pr, s.interp)
		case pr.Type == elf.PT_INTERP && p.d.interp != "":
			p.follow(pr)
			if p.f.Sections != nil { // else nothing would tell that the rest is room
				pr.Filesz = uint64(len(p.interp)) + 1
				pr.Memsz = pr.Filesz
			}
		case pr.Type == elf.PT_PHDR && s.table.size > 0:
			place(pr, s.table)
		case pr.Type == elf.PT_PHDR && s.tableGrows && pr.Off == p.f.Phoff:
			pr.Filesz = uint64(len(p.progs)) * p.f.progSize()
			pr.Memsz = pr.Filesz
		case pr.Type != elf.PT_LOAD && pr.Filesz > 0 && pr.Off >= s.tailFrom:
			pr.Off += s.tailShift
		case pr.Type != elf.PT_LOAD && pr.Filesz > 0:
			p.follow(pr)
		}
	}
}

// follow makes a program header point at what has been displaced.
func (p *plan) follow(pr *Prog) {
	for i := range p.space.displaced {
		if x := &p.space.displaced[i]; x.holds(pr.Vaddr, pr.Filesz) {
			moved := x.at.vaddr - x.addr
			pr.Off += x.at.off - x.off
			pr.Vaddr += moved
			pr.Paddr += moved
			return
		}
	}
}

func place(pr *Prog, at part) {
	pr.Paddr += at.vaddr - pr.Vaddr
	pr.Off, pr.Vaddr, pr.Filesz, pr.Memsz = at.off, at.vaddr, at.size, at.size
}

// patchHeader rewrites e_phoff, e_shoff and the counts behind them.
func (p *plan) patchHeader(phoff, shoff uint64) {
	f := p.f
	buf := f.appendWord(f.appendWord(nil, phoff), shoff)
	p.b.patch(f.phoffAt(), buf)
	counts := f.pick(44, 56) // e_phnum
	if f.Phnum < pnXnum {
		p.b.patch(counts, f.appendOrder().AppendUint16(nil, uint16(len(p.progs))))
	}
	switch {
	case p.dropsSections():
		p.b.zero(counts+4, 4) // e_shnum, e_shstrndx
	case p.d.strip:
		tail := p.strippedTail()
		buf := f.appendOrder().AppendUint16(nil, uint16(len(tail.sections)))
		buf = f.appendOrder().AppendUint16(buf, uint16(len(tail.sections)-1))
		p.b.patch(counts+4, buf)
	}
}

// progBytes encodes the program header table of the result.
func (p *plan) progBytes() []byte { return p.f.encodeProgs(p.progs) }

func (f *File) encodeProgs(progs []Prog) []byte {
	var buf []byte
	order := f.appendOrder()
	for _, pr := range progs {
		buf = order.AppendUint32(buf, uint32(pr.Type))
		if f.Is64() {
			buf = order.AppendUint32(buf, uint32(pr.Flags))
		}
		for _, v := range []uint64{pr.Off, pr.Vaddr, pr.Paddr, pr.Filesz, pr.Memsz} {
			buf = f.appendWord(buf, v)
		}
		if !f.Is64() {
			buf = order.AppendUint32(buf, uint32(pr.Flags))
		}
		buf = f.appendWord(buf, pr.Align)
	}
	return buf
}

// sectionBytes encodes section headers.
func (f *File) sectionBytes(sections []Section) []byte {
	buf := make([]byte, 0, len(sections)*int(f.sectSize()))
	order := f.appendOrder()
	for _, s := range sections {
		buf = order.AppendUint32(order.AppendUint32(buf, s.NameOff), uint32(s.Type))
		for _, v := range []uint64{uint64(s.Flags), s.Addr, s.Off, s.Size} {
			buf = f.appendWord(buf, v)
		}
		buf = order.AppendUint32(order.AppendUint32(buf, s.Link), s.Info)
		buf = f.appendWord(f.appendWord(buf, s.Addralign), s.Entsize)
	}
	return buf
}
