package elf

import (
	"debug/elf"
	"slices"
)

// Displacement makes room for one more program header where the table is, right
// behind the ELF header: what lies behind the table moves into the new segment.
// Linkers put there what the loader finds through program headers and dynamic
// entries alone, so that it may lie anywhere: notes, the interpreter's path,
// hash, symbol and string tables. A table that has moved itself would do for the
// loader as well, but binutils' strip writes the table behind the ELF header
// again, whatever lies there, and misplaces the sections of the new segment.

// A displaced structure goes to the new segment as a whole.
type displaced struct {
	addr, off, size uint64 // where it lies in the original
	align           uint64
	at              part    // where it goes
	patches         []patch // in the offsets of the original
}

func (x *displaced) holds(addr, n uint64) bool {
	return addr >= x.addr && addr-x.addr <= x.size && n <= x.size-(addr-x.addr)
}

// displace lists what has to go for the program header table to grow by some
// entries. It reports false when that is not certain to be harmless.
func (p *plan) displace(more int) ([]displaced, bool) {
	f := p.f
	from := f.Phoff + uint64(f.Phnum)*f.progSize()
	to := from + uint64(more)*f.progSize()
	known := f.knownSections()
	if known == nil || to > f.mapEnd(f.Phoff) || p.moveStrings && f.stringsShared() && f.stringsWithin(from, to) {
		return nil, false
	}
	var list []displaced
	covered := make([]bool, to-from)
	for i := range known {
		s := &known[i]
		if n := s.fileSize(); n == 0 || s.Off >= to || s.Off+n <= from {
			continue
		}
		for at := max(s.Off, from); at < min(s.Off+s.Size, to); at++ {
			covered[at-from] = true
		}
		if p.movesAnyway(s) {
			continue
		}
		x, ok := p.displaceSection(s)
		if !ok {
			return nil, false
		}
		if !slices.ContainsFunc(list, func(y displaced) bool { return y.off == x.off }) {
			list = append(list, x)
		}
	}
	if certain := p.uncoveredIsEmpty(from, covered) && p.progsFollow(from, to, list) &&
		p.tablesFollow(from, to, list) && !p.relocated(list) && p.symbolsFollow(list); !certain {
		return nil, false
	}
	return list, true
}

// knownSections returns the sections of the file. Where there are none that are
// true, those of a program that its program headers stand for: the path of the
// interpreter, and notes. Linkers put both behind the table.
func (f *File) knownSections() []Section {
	if f.Sections != nil {
		return f.Sections
	}
	var known []Section
	program := false
	for _, p := range f.Progs {
		s := Section{Type: elf.SHT_PROGBITS, Flags: elf.SHF_ALLOC, Addr: p.Vaddr, Off: p.Off, Size: p.Filesz, Addralign: p.Align}
		switch p.Type {
		case elf.PT_INTERP:
			program = true
		case elf.PT_NOTE:
			s.Type = elf.SHT_NOTE
		default:
			continue
		}
		known = append(known, s)
	}
	if !program {
		return nil // the table of a library may move anywhere
	}
	return known
}

// stringsWithin reports whether .dynstr has bytes between two offsets.
func (f *File) stringsWithin(from, to uint64) bool {
	t := &f.dynamic.strings
	return t.off < to && from < t.off+t.size
}

// movesAnyway reports whether the section gets a new place for its own sake.
func (p *plan) movesAnyway(s *Section) bool {
	return p.moveStrings && p.f.isStrings(s) && p.stringsConfirmed() ||
		p.moveDynamic && p.isDynamic(s) ||
		p.moveNeeds && p.isNeeds(s) ||
		p.moveInterp && p.isInterp(s)
}

// displaceSection returns what moves with a section: itself, or for a note all
// of its PT_NOTE, since the notes of a segment follow each other.
func (p *plan) displaceSection(s *Section) (displaced, bool) {
	x := displaced{addr: s.Addr, off: s.Off, size: s.Size, align: s.Addralign}
	if !s.Alloc() || !p.movable(s) {
		return x, false
	}
	if s.Type == elf.SHT_NOTE {
		for _, pr := range p.f.Progs {
			if pr.Type == elf.PT_NOTE && pr.Off <= s.Off && s.Off+s.Size <= pr.Off+pr.Filesz {
				x = displaced{addr: pr.Vaddr, off: pr.Off, size: pr.Filesz, align: max(pr.Align, s.Addralign)}
			}
		}
		for _, pr := range p.f.Progs {
			if pr.Type == elf.PT_GNU_PROPERTY && pr.Off < x.off+x.size && x.off < pr.Off+pr.Filesz {
				x.align = max(x.align, pr.Align)
			}
		}
	}
	off, ok := p.f.offsetOf(x.addr, x.size)
	return x, ok && off == x.off && x.align <= 4096 && x.align&(x.align-1) == 0 && p.onlyNotes(s, &x)
}

// onlyNotes reports whether every section that touches x lies in it and is of
// the kind of s.
func (p *plan) onlyNotes(s *Section, x *displaced) bool {
	for _, o := range p.f.knownSections() {
		n := o.fileSize()
		if n == 0 || o.Off >= x.off+x.size || o.Off+n <= x.off {
			continue
		}
		if o.Type != s.Type || o.Off < x.off || o.Off+n > x.off+x.size {
			return false
		}
	}
	return true
}

// pointers are the dynamic entries that lead to a table which may lie anywhere,
// and the types of its section.
var pointers = map[elf.DynTag]elf.SectionType{
	elf.DT_HASH:     elf.SHT_HASH,
	elf.DT_GNU_HASH: elf.SHT_GNU_HASH,
	elf.DT_SYMTAB:   elf.SHT_DYNSYM,
	elf.DT_STRTAB:   elf.SHT_STRTAB,
	elf.DT_VERSYM:   elf.SHT_GNU_VERSYM,
	elf.DT_VERNEED:  elf.SHT_GNU_VERNEED,
	elf.DT_VERDEF:   elf.SHT_GNU_VERDEF,
}

// movable reports whether the section is reached only through program headers
// or a dynamic entry.
func (p *plan) movable(s *Section) bool {
	switch s.Type {
	case elf.SHT_NOTE:
		return true
	case elf.SHT_PROGBITS:
		i := p.prog(elf.PT_INTERP)
		return i >= 0 && s.Addr == p.f.Progs[i].Vaddr && s.Size == p.f.Progs[i].Filesz
	}
	for tag, kind := range pointers {
		if addr, ok := p.f.DynValue(tag); ok && kind == s.Type && addr == s.Addr {
			return true
		}
	}
	return false
}

// uncoveredIsEmpty reports whether the bytes that no section covers are zeros.
// Without section headers they must lie in front of something that is known:
// behind it, the null symbol of .dynsym would look the same.
func (p *plan) uncoveredIsEmpty(from uint64, covered []bool) bool {
	to := from + uint64(len(covered))
	known := covered[len(covered)-1] || slices.ContainsFunc(p.f.knownSections(), func(s Section) bool { return s.Off == to })
	if p.f.Sections == nil && !known {
		return false
	}
	buf, err := p.f.read("program header table", from, uint64(len(covered)))
	if err != nil {
		return false
	}
	for i, b := range buf {
		if b != 0 && !covered[i] {
			return false
		}
	}
	return true
}

// progsFollow reports whether every program header that describes bytes which
// move, or are overwritten, describes nothing else.
func (p *plan) progsFollow(from, to uint64, list []displaced) bool {
	for _, pr := range p.f.Progs {
		switch pr.Type {
		case elf.PT_NULL, elf.PT_LOAD, elf.PT_PHDR:
			continue
		case elf.PT_INTERP:
			if p.moveInterp {
				continue
			}
		}
		if pr.Filesz == 0 || p.moveDynamic && pr.Type == elf.PT_DYNAMIC {
			continue
		}
		touches := pr.Off < to && from < pr.Off+pr.Filesz
		inside := false
		for i := range list {
			x := &list[i]
			touches = touches || pr.Off < x.off+x.size && x.off < pr.Off+pr.Filesz
			inside = inside || x.holds(pr.Vaddr, pr.Filesz) && pr.Off-x.off == pr.Vaddr-x.addr
		}
		if touches && !inside {
			return false
		}
	}
	return true
}

// tablesFollow reports whether every table in the bytes that are overwritten, or
// that move, moves as a whole. Section headers may keep silent about some, or
// tell a size that is too small.
func (p *plan) tablesFollow(from, to uint64, list []displaced) bool {
	extents, err := p.f.extents()
	for _, x := range extents {
		if x.n == 0 || x.off == p.f.Phoff || p.extentMovesAnyway(&x) {
			continue
		}
		touches, inside := x.off < to && from < x.off+x.n, false
		for i := range list {
			y := &list[i]
			touches = touches || x.off < y.off+y.size && y.off < x.off+x.n
			inside = inside || y.off <= x.off && x.off+x.n <= y.off+y.size
		}
		if touches && !inside {
			return false
		}
	}
	return err == nil
}

// symbolsFollow reports whether no dynamic symbol points into what moves. With
// section headers, symbols follow their sections.
func (p *plan) symbolsFollow(list []displaced) bool {
	if p.f.Sections != nil {
		return true
	}
	for s, err := range p.f.Symbols() {
		if err != nil {
			return false
		}
		for i := range list {
			if !s.Undefined() && s.Type != elf.STT_TLS && list[i].holds(s.Value, 0) {
				return false
			}
		}
	}
	return true
}

func (p *plan) extentMovesAnyway(x *extent) bool {
	return p.moveStrings && x.off == p.f.dynamic.strings.off ||
		p.moveDynamic && x.off == p.f.dynamic.off ||
		p.moveNeeds && p.inNeeds(x) ||
		p.moveInterp && x.off == p.f.Progs[p.prog(elf.PT_INTERP)].Off
}

// displacedAddr translates an address of the original into one of the result.
func (p *plan) displacedAddr(addr, n uint64) uint64 {
	for i := range p.space.displaced {
		if x := &p.space.displaced[i]; x.holds(addr, n) {
			return x.at.vaddr + (addr - x.addr)
		}
	}
	return addr
}

// displacePatches hands the patches that fall in displaced structures to their
// copies, and clears what they leave.
func (p *plan) displacePatches() error {
	if !p.space.tableGrows {
		return nil
	}
	for i := range p.space.displaced {
		x := &p.space.displaced[i]
		rest := p.b.patches[:0]
		for _, pt := range p.b.patches {
			if pt.off >= x.off && pt.off+pt.n <= x.off+x.size {
				x.patches = append(x.patches, pt)
			} else {
				rest = append(rest, pt)
			}
		}
		p.b.patches = rest
		p.b.zero(x.off, x.size)
	}
	p.b.cut(p.f.Phoff, uint64(len(p.progs))*p.f.progSize())
	return nil
}

// writeDisplaced appends the copy of a displaced structure.
func (p *plan) writeDisplaced(i int) {
	x := &p.space.displaced[i]
	copyOf := builder{base: p.f.r, patches: x.patches, out: p.b.out}
	if copyOf.sortPatches() == nil {
		copyOf.original(x.off, x.off+x.size)
	}
}
