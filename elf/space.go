package elf

import (
	"debug/elf"
)

// maxFill bounds how much .bss may become zeros in the file when the last
// segment grows. A larger .bss costs a new segment instead.
const maxFill = 1 << 20

// maxGap bounds the padding in the file in front of a new segment.
const maxGap = 64 << 20

// spareSlots is how many DT_NULL entries a moved dynamic table gets beyond the
// one that ends it, so that the next edit finds room.
const spareSlots = 3

// A part is one thing that lies in new space.
type part struct {
	off, vaddr, size uint64
	write            func(*plan)
}

// space is where the parts that do not fit in their old place go: behind the
// last segment, which grows, or in a new one.
type space struct {
	off         uint64 // file offset of the first part
	vaddr       uint64
	end         uint64 // file offset behind the last part
	parts       []part
	strings     part
	needs       part // DT_VERNEED, when it moves
	relocations part
	dynamic     part
	interp      part
	table       part // the program header table, when it moves

	tableGrows   bool // by one entry, where it is
	stringsFirst bool // .dynstr gets longer where it is
	displaced    []displaced

	headEnd   uint64 // the original's bytes up to here come first
	tailFrom  uint64 // those from here on come last
	tailShift uint64 // and move by this much
	load      int    // index of the PT_LOAD that grows, -1 for a new one
	segEnd    uint64 // virtual address behind the last part
}

// placeSpace decides where new space lies and gives every part its address.
func (p *plan) placeSpace() error {
	p.space.headEnd, p.space.tailFrom, p.space.load = uint64(p.f.size), uint64(p.f.size), -1
	if p.d.strip {
		p.space.headEnd, p.space.tailFrom = p.f.mappedEnd(), uint64(p.f.size)
	}
	moves := p.moveStrings || p.moveDynamic || p.moveInterp || p.moveNeeds || p.relocations != nil
	if !moves && (!p.addsStack() || p.fillSlot() || p.growTable()) {
		return nil
	}
	if p.f.relocatesItself() == loaderItself {
		return formatErr(p.f.dynamic.off, "the edit needs room behind the .bss of the loader, which the loader takes for its own")
	}
	if i, ok := p.growable(); ok && (!p.addsStack() || p.fillSlot()) {
		p.growLast(i)
		return nil
	}
	return p.addSegment()
}

// mappedEnd returns the file offset behind everything that the program headers
// cover, and behind their table.
func (f *File) mappedEnd() uint64 {
	end := max(f.ehdrSize(), f.Phoff+uint64(f.Phnum)*f.progSize())
	for _, p := range f.Progs {
		if p.Type != elf.PT_NULL && p.Filesz > 0 {
			end = max(end, p.Off+p.Filesz)
		}
	}
	return end
}

// highestLoad returns the index of the PT_LOAD that ends the image in memory.
func (p *plan) highestLoad() int {
	top := -1
	for i, pr := range p.f.Progs {
		if pr.Type == elf.PT_LOAD && (top < 0 || pr.Vaddr >= p.f.Progs[top].Vaddr) {
			top = i
		}
	}
	return top
}

// growable returns the last PT_LOAD if it can be made longer: it is last in the
// file too, its .bss is small enough to be written out, and what moves there
// can be written at run time if it must.
func (p *plan) growable() (int, bool) {
	i := p.highestLoad()
	if i < 0 {
		return 0, false
	}
	last := p.f.Progs[i]
	if last.Filesz == 0 || last.Memsz-last.Filesz > maxFill {
		return 0, false
	}
	if p.moveDynamic && last.Flags&elf.PF_W == 0 && p.f.Progs[p.f.dynamic.prog].Flags&elf.PF_W != 0 {
		return 0, false
	}
	end := last.Off + last.Filesz
	if p.d.strip && p.f.mappedEnd() > end {
		return 0, false
	}
	for j, pr := range p.f.Progs {
		if j != i && pr.Type == elf.PT_LOAD && pr.Filesz > 0 && pr.Off+pr.Filesz > end {
			return 0, false
		}
		// A segment that begins inside and reaches behind could not be split.
		if pr.Filesz > 0 && pr.Type != elf.PT_LOAD && pr.Type != elf.PT_NULL && pr.Off < end && pr.Off+pr.Filesz > end {
			return 0, false
		}
	}
	return i, !p.tailStraddles(end)
}

// tailStraddles reports whether a section or table lies across offset end, so
// that the file cannot be cut there.
func (p *plan) tailStraddles(end uint64) bool {
	across := func(off, n uint64) bool { return n > 0 && off < end && off+n > end }
	for _, s := range p.f.Sections {
		if across(s.Off, s.fileSize()) {
			return true
		}
	}
	return across(p.f.Shoff, uint64(p.f.Shnum)*p.f.sectSize()) ||
		across(p.f.Phoff, uint64(p.f.Phnum)*p.f.progSize())
}

// growLast lays the parts out behind the last segment.
func (p *plan) growLast(i int) {
	last := p.f.Progs[i]
	fileEnd := last.Off + last.Filesz
	start := p.reclaim(last)
	s := &p.space
	s.load, s.vaddr = i, start
	s.off = last.Off + (start - last.Vaddr)
	s.headEnd = min(fileEnd, s.off)
	p.layParts(s.off, start)
	// What moves together may need less than it had; the segment keeps its end.
	s.end, s.segEnd = max(s.end, fileEnd), max(s.segEnd, last.Vaddr+last.Memsz)
	s.tailFrom = fileEnd
	p.shiftTail()
	grown := &p.progs[i]
	grown.Filesz = s.segEnd - grown.Vaddr
	grown.Memsz = grown.Filesz
}

// tailAlign returns the alignment that what follows the last segment needs to
// keep in the file.
func (p *plan) tailAlign(fileEnd uint64) uint64 {
	align := p.f.pick(4, 8)
	for _, s := range p.f.Sections {
		if s.Off >= fileEnd && s.fileSize() > 0 && s.Addralign <= 4096 && s.Addralign&(s.Addralign-1) == 0 {
			align = max(align, s.Addralign)
		}
	}
	return align
}

// layParts gives addresses to the parts from (off, vaddr) on: first what is
// read as words, then strings.
func (p *plan) layParts(off, vaddr uint64) {
	s := &p.space
	delta := vaddr - off
	at := off
	add := func(size, align uint64, write func(*plan)) part {
		// The address decides about alignment; offset and address agree only
		// modulo the page size.
		at = roundUp(at+delta, align) - delta
		pt := part{at, at + delta, size, write}
		s.parts = append(s.parts, pt)
		at += size
		return pt
	}
	word := p.f.pick(4, 8)
	if s.load < 0 && s.table.size > 0 {
		s.table = add(s.table.size, word, func(p *plan) { p.b.bytes(p.progBytes()) })
	}
	for i := range s.displaced {
		x := &s.displaced[i]
		x.at = add(x.size, x.align, func(p *plan) { p.writeDisplaced(i) })
	}
	if r := p.relocations; r != nil {
		s.relocations = add(uint64(len(r.bytes)), word, func(p *plan) { p.b.bytes(r.bytes) })
	}
	if p.moveNeeds {
		s.needs = add(p.wantsSize(), word, func(p *plan) { p.b.bytes(p.needBytes()) })
	}
	addStrings := func() { s.strings = add(p.stringsSize(), 1, (*plan).writeStrings) }
	if s.stringsFirst {
		addStrings()
	}
	if p.moveDynamic {
		slots := max(len(p.d.entries)+1+spareSlots, p.f.dynamic.slots)
		s.dynamic = add(uint64(slots)*p.f.dynSize(), word, func(p *plan) { p.b.bytes(p.dynamicBytes(slots)) })
	}
	if p.moveStrings && !s.stringsFirst {
		addStrings()
	}
	if p.moveInterp {
		text := append([]byte(p.interp), 0)
		s.interp = add(uint64(len(text)), 1, func(p *plan) { p.b.bytes(text) })
	}
	s.end, s.segEnd = at, at+delta
}

// writeStrings appends the moved .dynstr: the old one with its freed room
// filled, then the new strings.
func (p *plan) writeStrings() {
	t := &p.f.dynamic.strings
	copyOf := builder{base: p.f.r, out: p.b.out}
	for _, r := range p.freed {
		copyOf.patch(t.off+r.at, r.data)
	}
	if copyOf.sortPatches() == nil {
		copyOf.original(t.off, t.off+p.stringsKept)
	}
	p.b.bytes(p.newStrings)
}

// addSegment lays the parts out in a new PT_LOAD. It takes the place of a
// PT_NULL in the program header table. Else the table grows where it is, if what
// lies behind it can be displaced; or it moves into the segment.
func (p *plan) addSegment() error {
	s := &p.space
	slot, more := p.prog(elf.PT_NULL), 0
	if slot < 0 {
		more = 1
	}
	if p.addsStack() {
		more++
	}
	s.table = part{}
	if more > 0 {
		if s.displaced, s.tableGrows = p.displace(more); !s.tableGrows {
			s.table.size = uint64(p.f.Phnum+more) * p.f.progSize()
		}
		if p.f.Phnum+more >= pnXnum {
			return formatErr(p.f.Phoff, "there are %d program headers, and no room for one more", p.f.Phnum)
		}
	}
	top := p.highestLoad()
	if top < 0 {
		return formatErr(0, "no PT_LOAD: nothing is mapped that could be edited")
	}
	pageAlign := p.f.MaxPage()
	for _, pr := range p.f.maps {
		pageAlign = max(pageAlign, pr.Align)
	}
	p.openTail()
	off, vaddr, err := p.segmentStart(top, pageAlign, s.table.size > 0)
	if err != nil {
		return err
	}
	s.off, s.vaddr = off, vaddr
	p.layParts(off, vaddr)
	p.shiftTail()
	load := Prog{
		Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W,
		Off: off, Vaddr: vaddr, Paddr: vaddr,
		Filesz: s.end - off, Memsz: s.end - off, Align: pageAlign,
	}
	if !p.moveDynamic {
		load.Flags = elf.PF_R
	}
	p.insertLoad(load, top, slot)
	p.insertStack()
	return nil
}

// openTail makes what is not mapped come last, behind the new segment: patchelf
// refuses programs whose last section is one that it replaces.
func (p *plan) openTail() {
	s, end := &p.space, p.f.mappedEnd()
	if p.f.Sections != nil && !p.d.strip && !p.tailStraddles(end) {
		s.headEnd, s.tailFrom = end, end
	}
}

// shiftTail moves what comes last behind the parts.
func (p *plan) shiftTail() {
	s := &p.space
	if s.end > s.tailFrom && s.tailFrom < uint64(p.f.size) {
		s.tailShift = roundUp(s.end-s.tailFrom, p.tailAlign(s.tailFrom))
	}
}

// segmentStart picks where the new segment begins: on a page of its own behind
// everything else, at an offset that agrees with the address modulo the
// alignment (gABI chapter 5, Program Header, p_align).
func (p *plan) segmentStart(top int, pageAlign uint64, tableMoves bool) (off, vaddr uint64, err error) {
	last := p.f.Progs[top]
	memEnd := roundUp(last.Vaddr+last.Memsz, max(pageAlign, p.f.MaxPage()))
	fileEnd := roundUp(p.space.headEnd, 16)
	if tableMoves {
		fileEnd = max(fileEnd, roundUp(p.f.pagesEnd(), 16))
	}
	started := p.prog(elf.PT_INTERP) >= 0 || p.addsStack() && (p.f.Type == elf.ET_EXEC || p.f.pie())
	if !tableMoves || !started {
		return fileEnd, memEnd + fileEnd%pageAlign, nil
	}
	// Before Linux 5.18 a program was told that its program headers lie at load
	// bias + e_phoff, so the segment that holds them keeps the bias of the first.
	first := p.f.maps[0]
	bias := first.Vaddr - first.Off
	off = max(roundUp(fileEnd, pageAlign), memEnd-bias)
	if off-fileEnd > maxGap {
		return 0, 0, formatErr(p.f.Phoff, "the program header table would have to move %d bytes behind the file, for its .bss of %d bytes; the file cannot be edited in a way that kernels before 5.18 load", off-fileEnd, last.Memsz-last.Filesz)
	}
	return off, off + bias, nil
}

// pagesEnd returns the file offset behind the last page that any PT_LOAD maps,
// with the bytes that only fill the page. glibc takes the program header table to
// lie in the first segment whose pages hold it (_dl_map_segments), be they .bss.
func (f *File) pagesEnd() uint64 {
	end := uint64(0)
	for _, p := range f.maps {
		end = max(end, p.Off+roundUp(p.Vaddr+p.Filesz, f.MaxPage())-p.Vaddr)
	}
	return end
}

// insertLoad puts the new PT_LOAD behind the last one, since they must ascend.
func (p *plan) insertLoad(load Prog, top, slot int) {
	if slot >= 0 {
		p.progs = append(p.progs[:slot], p.progs[slot+1:]...)
		if slot < top {
			top--
		}
	}
	p.progs = append(p.progs[:top+1], append([]Prog{load}, p.progs[top+1:]...)...)
}
