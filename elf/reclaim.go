package elf

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
)

// A tenant is a table that edits move, where it lies now.
type tenant struct {
	addr, size uint64
	moves      *bool // whether it does
	changes    bool  // it is another one after the edit
	whole      bool  // nothing else is known to share its bytes
}

// tenants lists the tables that new space may have been made for, the last one
// first.
func (p *plan) tenants() []tenant {
	var list []tenant
	if dyn := &p.f.dynamic; dyn.present && p.refuseSelfRelocating() == nil {
		list = append(list,
			tenant{dyn.addr, uint64(dyn.slots) * p.f.dynSize(), &p.moveDynamic, p.moveDynamic, true},
			tenant{dyn.strings.addr, dyn.strings.size, &p.moveStrings, p.moveStrings, !p.f.stringsShared()})
	}
	if i := p.prog(elf.PT_INTERP); i >= 0 {
		pr := p.f.Progs[i]
		list = append(list, tenant{pr.Vaddr, pr.Filesz, &p.moveInterp, p.d.interp != "", true})
	}
	if off, size, whole := p.needsExtent(); whole && p.d.wants != nil {
		addr, _ := p.f.DynValue(elf.DT_VERNEED)
		if at, ok := p.f.offsetOf(addr, size); ok && at == off {
			list = append(list, tenant{addr, size, &p.moveNeeds, p.moveNeeds, true})
		}
	}
	slices.SortFunc(list, func(x, y tenant) int { return cmp.Compare(y.addr, x.addr) })
	return list
}

// atEnd returns the tenants that end the segment, the last one first.
func (p *plan) atEnd(last Prog) []tenant {
	var found []tenant
	end := last.Vaddr + last.Memsz
	for _, t := range p.tenants() {
		if t.size == 0 || t.addr < last.Vaddr || t.addr+t.size > end ||
			!p.confirmed(t.addr, t.size) || !p.unclaimed(t.addr+t.size, end) {
			break
		}
		found = append(found, t)
		if !t.whole {
			break
		}
		end = t.addr
	}
	return found
}

// reclaim returns the address where new space may begin: the end of the
// segment, or the start of a table there that is about to move. Those behind it
// move with it. Without that every edit would leave a dead copy behind.
func (p *plan) reclaim(last Prog) uint64 {
	start := last.Vaddr + last.Memsz
	if last.Memsz != last.Filesz {
		return start
	}
	found := p.atEnd(last)
	// A dynamic table that comes from elsewhere goes in front of all of them:
	// behind them it would need padding, to be aligned.
	joins := p.moveDynamic && !slices.ContainsFunc(found, func(t tenant) bool { return t.moves == &p.moveDynamic })
	move := 0
	for i, t := range found {
		if t.changes || joins {
			move = i + 1
		}
	}
	for _, t := range found[:move] {
		start, *t.moves = t.addr, true
		// Who else uses these bytes finds them where they were.
		p.space.stringsFirst = !t.whole
	}
	return start
}

// confirmed reports whether a section header, where there are any, has this
// address and size. Without one the table may hold more than it should.
func (p *plan) confirmed(addr, size uint64) bool {
	return p.f.Sections == nil || slices.ContainsFunc(p.f.Sections, func(s Section) bool {
		return s.Alloc() && s.Addr == addr && s.Size == size
	})
}

// maxUnclaimed bounds the padding between tables, in bytes.
const maxUnclaimed = 4096

// unclaimed reports whether the bytes between two mapped addresses belong to
// nobody: they are zeros that no header and no dynamic entry covers. Only section
// headers could tell.
func (p *plan) unclaimed(from, to uint64) bool {
	if from == to {
		return true
	}
	off, ok := p.f.offsetOf(from, to-from)
	if !ok || p.f.Sections == nil || to-from > maxUnclaimed {
		return false
	}
	overlaps := func(addr, n uint64) bool { return n > 0 && addr < to && addr+n > from }
	for _, s := range p.f.Sections {
		if s.Alloc() && overlaps(s.Addr, s.Size) {
			return false
		}
	}
	for _, pr := range p.f.Progs {
		if pr.Type != elf.PT_LOAD && pr.Type != elf.PT_NULL && pr.Type != elf.PT_GNU_RELRO && overlaps(pr.Vaddr, pr.Memsz) {
			return false
		}
	}
	extents, err := p.f.extents()
	if err != nil || slices.ContainsFunc(extents, func(x extent) bool { return x.off < off+(to-from) && x.off+x.n > off && x.n > 0 }) {
		return false
	}
	padding, err := p.f.read("padding", off, to-from)
	return err == nil && len(bytes.Trim(padding, "\x00")) == 0
}
