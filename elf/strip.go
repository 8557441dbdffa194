package elf

import (
	"cmp"
	"debug/elf"
	"slices"
)

// strippable reports whether there is anything to strip. The error says why the
// file cannot be stripped with certainty.
func (f *File) strippable() (bool, error) {
	switch {
	case f.Phnum == 0:
		return false, formatErr(0x10, "e_type is %v: a file without program headers cannot be stripped, its sections are all there is", f.Type)
	case f.SectionErr != nil:
		return false, because(f.SectionErr, "the section headers are not true, so what can be stripped is unknown")
	}
	some, kept := false, 2 // the first, and .shstrtab
	for i, s := range f.Sections {
		some = some || (i > 0 && i != f.Shstrndx && !s.Alloc())
		if s.Alloc() {
			kept++
		}
	}
	if kept >= int(elf.SHN_LORESERVE) {
		return false, formatErr(f.shoffAt(), "%d mapped sections; stripping needs fewer than %d", kept-2, elf.SHN_LORESERVE-2)
	}
	return some, nil
}

// payload returns the file offset of what follows the headers and sections: data
// that a program finds in its own file, such as an archive, most often by its
// distance from the end. It is the size of the file if there is none.
func (f *File) payload() uint64 {
	end := max(f.mappedEnd(), f.Shoff+uint64(f.Shnum)*f.sectSize())
	for i := range f.Sections {
		end = max(end, f.Sections[i].Off+f.Sections[i].fileSize())
	}
	if size := uint64(f.size); end >= size || f.padding(end) {
		return size
	}
	return end
}

// maxPadding bounds the zeros behind the last section that count as none: the
// largest page size.
const maxPadding = 64 << 10

// padding reports whether the file ends with a few zeros from off on, as
// patchelf leaves one behind the section header table.
func (f *File) padding(off uint64) bool {
	n := uint64(f.size) - off
	if n > maxPadding {
		return false
	}
	buf, err := f.read("padding", off, n)
	return err == nil && !slices.ContainsFunc(buf, func(b byte) bool { return b != 0 })
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
		if i == 0 {
			s.Size = 0 // as many sections as e_shnum cannot count are gone
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
	p.b.zeros(t.off - p.b.size())
	p.b.bytes(t.names)
	p.b.zeros(t.shoff - p.b.size())
	p.b.bytes(p.f.sectionBytes(t.sections))
	p.b.original(p.f.payload(), uint64(p.f.size))
}

// clearStripped zeroes what goes away but has mapped bytes behind it, which do
// not move: patchelf leaves debug information in the middle of a file.
func (p *plan) clearStripped() error {
	if !p.d.strip {
		return nil
	}
	f := p.f
	kept := []span{{0, f.ehdrSize()}, {f.Phoff, f.Phoff + uint64(f.Phnum)*f.progSize()}}
	for _, pr := range f.Progs {
		if pr.Type != elf.PT_NULL {
			kept = append(kept, span{pr.Off, pr.Off + pr.Filesz})
		}
	}
	gone := []span{{f.Shoff, f.Shoff + uint64(f.Shnum)*f.sectSize()}}
	for _, s := range f.Sections {
		if !s.Alloc() {
			gone = append(gone, span{s.Off, s.Off + s.fileSize()})
		}
	}
	for _, s := range without(gone, kept) {
		if s.from < p.space.headEnd {
			p.b.zero(s.from, min(s.to, p.space.headEnd)-s.from)
		}
	}
	return nil
}

// A span is a run of bytes of the file.
type span struct{ from, to uint64 }

// without returns what the spans of list cover and those of taken do not, in
// order and each byte once.
func without(list, taken []span) []span {
	slices.SortFunc(list, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	slices.SortFunc(taken, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	var rest []span
	end := uint64(0) // of what has been looked at
	for _, s := range list {
		at := max(s.from, end)
		for _, t := range taken {
			if t.from >= s.to || t.to <= at {
				continue
			}
			if t.from > at {
				rest = append(rest, span{at, t.from})
			}
			at = t.to
		}
		if at < s.to {
			rest = append(rest, span{at, s.to})
		}
		end = max(end, s.to)
	}
	return rest
}

// renumberSymbols makes the dynamic symbols follow the sections that got new
// numbers, which happens when a section without SHF_ALLOC stood before them.
func (p *plan) renumberSymbols() error {
	index := p.keptSections()
	same := true
	for old, now := range index {
		same = same && old == now
	}
	if !p.d.strip || same {
		return nil
	}
	symtab, _ := p.f.DynValue(elf.DT_SYMTAB)
	for s, err := range p.f.Symbols() {
		if err != nil {
			return err
		}
		if s.Section == elf.SHN_XINDEX {
			return formatErr(p.f.tagAt(elf.DT_SYMTAB), "dynamic symbol %d is in a section of a number above %#x; the file cannot be stripped", s.Index, elf.SHN_LORESERVE)
		}
		now, ok := index[int(s.Section)]
		if !ok || s.Section >= elf.SHN_LORESERVE || now == int(s.Section) {
			continue
		}
		off, ok := p.f.offsetOf(symtab+uint64(s.Index)*p.f.symSize(), p.f.symSize())
		if !ok {
			return formatErr(p.f.tagAt(elf.DT_SYMTAB), "dynamic symbol %d is not mapped", s.Index)
		}
		p.b.patch(off+p.f.pick(14, 6), p.f.appendOrder().AppendUint16(nil, uint16(now)))
	}
	return nil
}
