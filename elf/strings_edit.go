package elf

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
	"sort"
)

// placeStrings finds a place for every new string: one that .dynstr holds
// already, the room of a string that nothing uses any more, or the end of a
// copy of .dynstr in new space. Offsets of old strings never change.
func (p *plan) placeStrings() error {
	if !p.wantsStrings() {
		return nil
	}
	data, err := p.f.dynamic.strings.load()
	if err != nil {
		return err
	}
	p.oldStrings = data
	if err := p.freeStrings(); err != nil {
		return err
	}
	for i := range p.d.entries {
		if e := &p.d.entries[i]; e.newText {
			e.Val = p.place(e.text)
		}
	}
	for i := range p.d.needs {
		if n := &p.d.needs[i]; n.renamed && !n.dropped {
			n.file = p.place(n.Library)
		}
	}
	p.placeReferences()
	return nil
}

// checkNames refuses to move .dynstr away from under a symbol whose name lies
// outside of it: the loader does not look at DT_STRSZ, and takes what is there.
func (p *plan) checkNames() error {
	if !p.moveStrings {
		return nil
	}
	size, beyond := p.f.dynamic.strings.size, uint64(0)
	if err := p.f.eachSymbolName(func(name uint64) { beyond = max(beyond, name) }); err != nil {
		return err
	}
	if beyond >= size && beyond > 0 {
		return formatErr(p.f.tagAt(elf.DT_SYMTAB), "a dynamic symbol has st_name %#x, past the end of .dynstr (%#x bytes), which therefore cannot move", beyond, size)
	}
	if size == 0 {
		return nil
	}
	end := p.f.dynamic.strings.off + size - 1
	if last, err := p.f.read(".dynstr", end, 1); err != nil || last[0] != 0 {
		return cmp.Or(err, formatErr(end, ".dynstr ends with %q, not with a NUL, so its last string goes on behind it; it cannot move", last))
	}
	return nil
}

// wantsStrings reports whether .dynstr is touched at all: a string is new, or
// one has lost its entry and its room can be cleared.
func (p *plan) wantsStrings() bool {
	if !p.f.Dynamic() {
		return false
	}
	for _, e := range p.d.entries {
		if e.newText {
			return true
		}
	}
	return p.d.wants != nil || len(p.d.entries) < len(p.f.dynamic.entries)
}

// place returns the string index of s.
func (p *plan) place(s string) uint64 {
	if at, ok := p.placed[s]; ok {
		return at
	}
	at, ok := p.findString(s)
	if !ok {
		at, ok = p.fillFreed(s)
	}
	if !ok {
		at = p.stringsKept + uint64(len(p.newStrings))
		p.newStrings = append(append(p.newStrings, s...), 0)
	}
	p.placed[s] = at
	return at
}

// findString looks for s in the table as it will be. The tail of a longer
// string serves as well.
func (p *plan) findString(s string) (uint64, bool) {
	data := p.oldStrings[:min(uint64(len(p.oldStrings)), p.stringsKept)]
	want := append([]byte(s), 0)
	for from := 0; ; {
		i := bytes.Index(data[from:], want)
		if i < 0 {
			return 0, false
		}
		at := uint64(from + i)
		if !p.inFreed(at, uint64(len(want))) {
			return at, true
		}
		from += i + 1
	}
}

// A room is a run of .dynstr that nothing refers to any more.
type room struct {
	at   uint64 // string index
	data []byte // what it will hold; zeros where nothing has been placed
	used uint64
}

func (r *room) end() uint64 { return r.at + uint64(len(r.data)) }

// roomAfter returns the index of the first freed room that ends behind string
// index i. Rooms are sorted and do not overlap.
func (p *plan) roomAfter(i uint64) int {
	return sort.Search(len(p.freed), func(k int) bool { return p.freed[k].end() > i })
}

func (p *plan) inFreed(at, n uint64) bool {
	k := p.roomAfter(at)
	return k < len(p.freed) && p.freed[k].at < at+n
}

func (p *plan) fillFreed(s string) (uint64, bool) {
	for i := range p.freed {
		r := &p.freed[i]
		if uint64(len(r.data))-r.used > uint64(len(s)) {
			at := r.at + r.used
			copy(r.data[r.used:], s)
			r.used += uint64(len(s)) + 1
			return at, true
		}
	}
	return 0, false
}

// freeStrings collects the strings whose dynamic entry goes away, as far as
// nothing else refers to them. Linkers merge strings that are tails of others,
// so every reference counts, not only equal ones.
func (p *plan) freeStrings() error {
	data := p.oldStrings
	if data == nil || p.f.stringsShared() {
		return nil
	}
	kept := map[uint64]bool{}
	for _, e := range p.d.entries {
		if e.text != "" && !e.newText {
			kept[e.Val] = true
		}
	}
	for _, e := range p.f.dynamic.entries {
		if _, ok := stringTags[e.Tag]; !ok || kept[e.Val] {
			continue
		}
		kept[e.Val] = true // each string is looked at once
		if startsString := e.Val > 0 && data[e.Val-1] == 0; startsString && data[e.Val] != 0 {
			p.freed = append(p.freed, room{at: e.Val, data: make([]byte, roomLen(data[e.Val:]))})
		}
	}
	slices.SortFunc(p.freed, func(x, y room) int { return cmp.Compare(x.at, y.at) })
	p.freed = append(p.freed, p.emptyRooms()...)
	if len(p.freed) == 0 {
		return nil
	}
	slices.SortFunc(p.freed, func(x, y room) int { return cmp.Compare(x.at, y.at) })
	if err := p.keepReferenced(); err != nil {
		return err
	}
	p.joinRooms()
	return nil
}

// maxEmptyRoom bounds what is taken of one run of NULs, in bytes.
const maxEmptyRoom = 64 << 10

// emptyRooms returns the runs of NULs in .dynstr, but for the one that ends the
// string in front: room that earlier edits have left.
func (p *plan) emptyRooms() []room {
	var rooms []room
	data := p.oldStrings
	for at := 0; at < len(data); {
		nul := bytes.Index(data[at:], []byte{0, 0, 0})
		if nul < 0 {
			break
		}
		at += nul + 1
		n := roomLen(data[at:])
		if !p.inFreed(uint64(at), uint64(n)) {
			rooms = append(rooms, room{at: uint64(at), data: make([]byte, min(n, maxEmptyRoom))})
		}
		at += n
	}
	return rooms
}

// roomLen returns the length of the string that b begins with, and of the NULs
// behind it, which are room that a shorter string has left there.
func roomLen(b []byte) int {
	n := bytes.IndexByte(b, 0)
	for n < len(b) && b[n] == 0 {
		n++
	}
	return n
}

// keepReferenced ends every room before the first index in it that something
// still refers to.
func (p *plan) keepReferenced() error {
	return p.eachStringRef(func(ref uint64) {
		if k := p.roomAfter(ref); k < len(p.freed) && p.freed[k].at <= ref {
			p.freed[k].data = p.freed[k].data[:ref-p.freed[k].at]
		}
	})
}

// joinRooms makes one room of those that touch. A room at the end of the table
// is given back: the table ends before it, and may grow again.
func (p *plan) joinRooms() {
	joined := p.freed[:0]
	for _, r := range p.freed {
		if n := len(joined); n > 0 && joined[n-1].end() == r.at {
			joined[n-1].data = append(joined[n-1].data, r.data...)
		} else if len(r.data) > 0 {
			joined = append(joined, r)
		}
	}
	if n := len(joined); n > 0 && joined[n-1].end() == p.f.dynamic.strings.size {
		p.stringsKept = joined[n-1].at
		joined = joined[:n-1]
	}
	p.freed = joined
}

// eachStringRef visits the string indexes that the result goes on using.
func (p *plan) eachStringRef(visit func(uint64)) error {
	for _, e := range p.d.entries {
		if _, ok := stringTags[e.Tag]; ok && !e.newText {
			visit(e.Val)
		}
	}
	for _, n := range p.d.needs {
		if n.dropped {
			continue
		}
		if !n.renamed {
			visit(n.file)
		}
		for _, v := range n.Versions {
			visit(v.name)
		}
	}
	defs, err := p.f.VersionDefs()
	if err != nil {
		return err
	}
	for _, d := range defs {
		for _, aux := range d.aux {
			visit(aux.name)
		}
	}
	return p.f.eachSymbolName(visit)
}

// eachSymbolName visits st_name of every dynamic symbol: of those that the hash
// tables count, and of all that the section header covers.
func (f *File) eachSymbolName(visit func(uint64)) error {
	count, err := f.symbolCount()
	if err != nil {
		return err
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_DYNSYM {
			count = max(count, int(s.Size/f.symSize()))
		}
	}
	off, ok, err := f.table(elf.DT_SYMTAB, uint64(count)*f.symSize())
	if !ok || err != nil {
		return err
	}
	for first := 0; first < count; first += symbolBlock {
		n := uint64(min(symbolBlock, count-first)) * f.symSize()
		buf, err := f.read("dynamic symbol table", off+uint64(first)*f.symSize(), n)
		if err != nil {
			return err
		}
		for at := uint64(0); at < n; at += f.symSize() {
			visit(uint64(f.Order.Uint32(buf[at:])))
		}
	}
	return nil
}

// dtGNULibList is the tag of prelink's library list, which has names in .dynstr.
const dtGNULibList elf.DynTag = 0x6ffffef9

// stringsShared reports whether .dynstr may serve something besides dynamic
// linking: another section overlaps it, or the section headers do not tell.
func (f *File) stringsShared() bool {
	t := &f.dynamic.strings
	if f.SectionErr != nil || f.has(dtGNULibList) {
		return true
	}
	for i, s := range f.Sections {
		if f.isStrings(&s) {
			if i == f.Shstrndx {
				return true
			}
			continue
		}
		if n := s.fileSize(); n > 0 && s.Off < t.off+t.size && t.off < s.Off+n {
			return true
		}
		if int(s.Link) < len(f.Sections) && s.Type == elf.SHT_SYMTAB && f.isStrings(&f.Sections[s.Link]) {
			return true
		}
	}
	return false
}

// isStrings reports whether s is the section header of .dynstr.
func (f *File) isStrings(s *Section) bool {
	t := &f.dynamic.strings
	return s.Type == elf.SHT_STRTAB && s.Alloc() && s.Addr == t.addr && s.Off == t.off
}
