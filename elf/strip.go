package elf

import (
	"debug/elf"
)

// strippable reports whether the sections without SHF_ALLOC can be removed, and
// there is something to remove.
func (f *File) strippable() bool { return f.whyNotStrippable() == nil }

// whyNotStrippable explains why a file is left as it is by [Strip].
func (f *File) whyNotStrippable() error {
	switch {
	case f.Phnum == 0:
		return formatErr(0x10, "e_type is %v: a file without program headers cannot be stripped, its sections are all there is", f.Type)
	case f.SectionErr != nil:
		return formatErr(f.Shoff, "the section headers are not true, so what may be stripped is unknown: %v", f.SectionErr)
	case len(f.Sections) == 0:
		return formatErr(0x28, "there are no section headers: nothing is left to strip")
	case f.Shnum >= int(elf.SHN_LORESERVE):
		return formatErr(f.Shoff, "%d sections: stripping needs fewer than %d", f.Shnum, elf.SHN_LORESERVE)
	}
	return nil
}

// A tail is what follows the mapped bytes of a stripped file.
type tail struct {
	names    []byte
	sections []Section
	off      uint64 // file offset of names
	shoff    uint64 // file offset of the section header table
}

// strippedTail lays out the name table and the section headers that stay.
func (p *plan) strippedTail() tail {
	var t tail
	t.off = max(p.space.headEnd, p.space.end)
	t.names = []byte{0}
	index := p.keptSections()
	for i, s := range p.sections {
		if _, ok := index[i]; !ok {
			continue
		}
		s.NameOff = 0
		if s.Name != "" {
			s.NameOff = uint32(len(t.names))
			t.names = append(append(t.names, s.Name...), 0)
		}
		s.Link = uint32(index[int(s.Link)])
		if s.Flags&elf.SHF_INFO_LINK != 0 || s.Type == elf.SHT_REL || s.Type == elf.SHT_RELA {
			s.Info = uint32(index[int(s.Info)])
		}
		t.sections = append(t.sections, s)
	}
	shstrtab := Section{
		Name: ".shstrtab", NameOff: uint32(len(t.names)), Type: elf.SHT_STRTAB,
		Off: t.off, Addralign: 1,
	}
	t.names = append(append(t.names, shstrtab.Name...), 0)
	shstrtab.Size = uint64(len(t.names))
	t.sections = append(t.sections, shstrtab)
	t.shoff = roundUp(t.off+shstrtab.Size, p.f.pick(4, 8))
	return t
}

// keptSections maps the index of each section that stays to its new one.
func (p *plan) keptSections() map[int]int {
	index := map[int]int{0: 0}
	for i, s := range p.sections {
		if i > 0 && s.Alloc() {
			index[i] = len(index)
		}
	}
	return index
}

func (p *plan) writeStrippedTail() {
	t := p.strippedTail()
	p.b.zeros(t.off - p.b.size64())
	p.b.bytes(t.names)
	p.b.zeros(t.shoff - p.b.size64())
	p.b.bytes(p.f.sectionBytes(t.sections))
}
