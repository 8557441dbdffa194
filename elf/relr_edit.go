package elf

import (
	"debug/elf"
	"fmt"
	"hash/maphash"
	"slices"
)

// relativeTypes are the relocations that add the load bias to a word (R_*_RELATIVE in the
// processor supplements).
var relativeTypes = map[elf.Machine]uint64{
	elf.EM_X86_64:    uint64(elf.R_X86_64_RELATIVE),
	elf.EM_386:       uint64(elf.R_386_RELATIVE),
	elf.EM_AARCH64:   uint64(elf.R_AARCH64_RELATIVE),
	elf.EM_ARM:       uint64(elf.R_ARM_RELATIVE),
	elf.EM_PPC64:     uint64(elf.R_PPC64_RELATIVE),
	elf.EM_S390:      uint64(elf.R_390_RELATIVE),
	elf.EM_RISCV:     uint64(elf.R_RISCV_RELATIVE),
	elf.EM_LOONGARCH: uint64(elf.R_LARCH_RELATIVE),
}

// Tags of packed relocations beside those of [File.eachRelr], and counts of the relative
// relocations that a table begins with.
const (
	dtRelrEntry elf.DynTag = 37
	dtRelaCount elf.DynTag = 0x6ffffff9
	dtRelCount  elf.DynTag = 0x6ffffffa
)

// relrMark is the version of glibc that says a file has DT_RELR.
const relrMark = "GLIBC_ABI_DT_RELR"

// ExpandRelr turns packed relative relocations (DT_RELR), which glibc before 2.36 and
// musl before 1.2.4 pass over, into ordinary ones, and takes the mark GLIBC_ABI_DT_RELR
// from the versions that the file needs. A file without them stays as it is.
func ExpandRelr() Edit {
	return func(d *draft) error {
		if err := d.dynamic(); err != nil {
			return err
		}
		if !d.f.PackedRelocations() {
			return nil
		}
		if _, known := relativeTypes[d.f.Machine]; !known {
			return fmt.Errorf("packed relocations (DT_RELR) of %v are not known", d.f.Machine)
		}
		d.expand = true
		_, owner, err := d.unmark(func(w wantedName) bool { return w.version == relrMark })
		if err == nil && owner != nil {
			err = owned(owner)
		}
		return err
	}
}

// relocationTags are the entries of one form of relocation tables.
type relocationTags struct {
	table, size, entry, count elf.DynTag
	bytes                     uint64 // of one relocation
	explicit                  bool   // it has an addend
}

// relocationForm returns the form that the machine's loaders read: with an addend on all
// but i386 and 32-bit Arm (DT_RELA, DT_REL).
func (f *File) relocationForm() relocationTags {
	if f.Machine == elf.EM_386 || f.Machine == elf.EM_ARM {
		return relocationTags{elf.DT_REL, elf.DT_RELSZ, elf.DT_RELENT, dtRelCount, f.pick(8, 16), false}
	}
	return relocationTags{elf.DT_RELA, elf.DT_RELASZ, elf.DT_RELAENT, dtRelaCount, f.pick(12, 24), true}
}

// A relocations is the tables of the result: the relative relocations that were packed,
// those of DT_RELA or DT_REL, then those of DT_JMPREL, which glibc before 2.26 wants
// directly behind them where everything is bound at the start (elf/dynamic-link.h,
// _ELF_DYNAMIC_DO_RELOC).
type relocations struct {
	form         relocationTags
	bytes        []byte
	size         uint64 // of DT_RELA or DT_REL
	jump         uint64 // offset of DT_JMPREL in bytes, if there is one
	hasJump      bool
	oldJump      uint64 // size
	packed, lead int    // relative relocations: that were packed, with those in front of the table
}

// layRelocations makes the tables, if they are asked for.
func (p *plan) layRelocations() error {
	if !p.d.expand {
		return nil
	}
	f := p.f
	r := &relocations{form: f.relocationForm()}
	n, err := f.packedCount()
	if err != nil {
		return err
	}
	r.bytes = make([]byte, 0, n*r.form.bytes)
	if err := f.eachRelr(func(rel relocation) { r.add(f, rel) }); err != nil {
		return err
	}
	table, err := f.relocationTable(r.form.table, r.form.size)
	if err != nil {
		return err
	}
	jump, err := f.relocationTable(elf.DT_JMPREL, elf.DT_PLTRELSZ)
	if err != nil {
		return err
	}
	head := uint64(len(r.bytes))
	r.bytes = append(r.bytes, table...)
	r.size = uint64(len(r.bytes))
	if kind, ok := f.DynValue(elf.DT_PLTREL); f.has(elf.DT_JMPREL) && (!ok || elf.DynTag(kind) != r.form.table) {
		return formatErr(f.tagAt(elf.DT_PLTREL), "DT_JMPREL has relocations of another form than the file's; packed relocations cannot be expanded")
	}
	if r.hasJump, r.oldJump = f.has(elf.DT_JMPREL), uint64(len(jump)); r.hasJump {
		at, _ := f.DynValue(elf.DT_JMPREL)
		from, _ := f.DynValue(r.form.table)
		if within := at - from; f.has(r.form.table) && within < uint64(len(table)) {
			r.jump = head + within // DT_RELA covers it, on some machines
		} else {
			r.jump = r.size
			r.bytes = append(r.bytes, jump...)
		}
	}
	if p.d.plainPLT {
		f.plainJumps(r.bytes)
	}
	count, _ := f.DynValue(r.form.count)
	r.lead = r.packed + int(min(count, uint64(len(table))/r.form.bytes))
	p.relocations = r
	p.relinkRelocations()
	return nil
}

// packedCount returns how many packed relocations the file has.
func (f *File) packedCount() (uint64, error) {
	n := uint64(0)
	err := f.eachRelr(func(relocation) { n++ })
	return n, err
}

// add appends a relative relocation.
func (r *relocations) add(f *File, rel relocation) {
	r.packed++
	r.bytes = f.appendWord(f.appendWord(r.bytes, rel.target), relativeTypes[f.Machine])
	if r.form.explicit {
		r.bytes = f.appendWord(r.bytes, f.wordAt(rel.target))
	}
}

// relocationTable reads one table, none if the file has none.
func (f *File) relocationTable(tag, size elf.DynTag) ([]byte, error) {
	n, _ := f.DynValue(size)
	off, ok, err := f.table(tag, n)
	if !ok || err != nil || n == 0 {
		return nil, err
	}
	return f.read(tag.String(), off, n)
}

// relinkRelocations makes the dynamic entries follow.
func (p *plan) relinkRelocations() {
	r := p.relocations
	p.d.remove(func(e entry) bool { return e.Tag == dtRelr || e.Tag == dtRelrSize || e.Tag == dtRelrEntry })
	for _, want := range []Dyn{{r.form.table, 0}, {r.form.size, r.size}, {r.form.entry, r.form.bytes}, {r.form.count, uint64(r.lead)}} {
		i := p.d.indexTag(want.Tag)
		if i < 0 {
			i = len(p.d.entries)
			p.d.entries = append(p.d.entries, entry{})
		}
		p.d.entries[i].Dyn = want
	}
}

// relocationMoves reports whether an entry is the address of a table that moves.
func (p *plan) relocationMoves(tag elf.DynTag) bool {
	r := p.relocations
	return r != nil && (tag == r.form.table || tag == elf.DT_JMPREL && r.hasJump)
}

// relocationAddr returns the address of such a table in the result.
func (p *plan) relocationAddr(tag elf.DynTag) uint64 {
	if tag == elf.DT_JMPREL {
		return p.space.relocations.vaddr + p.relocations.jump
	}
	return p.space.relocations.vaddr
}

// patchRelocations clears the tables that have moved.
func (p *plan) patchRelocations() error {
	if p.relocations == nil {
		return nil
	}
	for _, t := range []struct{ table, size elf.DynTag }{
		{p.relocations.form.table, p.relocations.form.size}, {elf.DT_JMPREL, elf.DT_PLTRELSZ}, {dtRelr, dtRelrSize},
	} {
		n, _ := p.f.DynValue(t.size)
		if off, ok, err := p.f.table(t.table, n); err != nil {
			return err
		} else if ok && p.relocationsConfirmed(off, n) {
			p.zeroOld(off, n)
		}
	}
	return nil
}

// relocationsConfirmed reports whether a section header has just these bytes.
func (p *plan) relocationsConfirmed(off, n uint64) bool {
	return slices.ContainsFunc(p.f.Sections, func(s Section) bool { return s.Off == off && s.fileSize() == n })
}

// shtRelr is the type of a section of packed relocations.
const shtRelr elf.SectionType = 19

// moveRelocations makes a section header follow. It reports false for other sections.
func (p *plan) moveRelocations(old, s *Section) bool {
	r, sp := p.relocations, &p.space.relocations
	if r == nil || !old.Alloc() {
		return false
	}
	at := func(tag elf.DynTag) bool { addr, ok := p.f.DynValue(tag); return ok && addr == old.Addr }
	isTable := old.Type == elf.SHT_RELA || old.Type == elf.SHT_REL
	switch {
	case old.Type == shtRelr && at(dtRelr):
		s.Type, s.Entsize = elf.SHT_PROGBITS, 0 // zeros; no tool takes it for a table
	case isTable && r.hasJump && at(elf.DT_JMPREL) && old.Size == r.oldJump:
		s.Addr, s.Off = sp.vaddr+r.jump, sp.off+r.jump
	case isTable && at(r.form.table):
		s.Addr, s.Off, s.Size = sp.vaddr, sp.off, r.size
		if r.jump < r.size && r.hasJump {
			s.Size = r.jump
		}
	default:
		return false
	}
	return true
}

// A multiset stands for relocations in any order: two that are equal have the same, but
// for a chance of one in 2^64. The relocations themselves would take forty bytes each, and
// a packed one takes a bit of the file.
type multiset struct {
	n    int
	sums [2]uint64
}

// add takes the sums of hashes that no file can be made for.
func (m *multiset) add(seeds *[2]maphash.Seed, r relocation) {
	m.n++
	for i, seed := range seeds {
		m.sums[i] += maphash.Comparable(seed, r)
	}
}

// checkRelocations compares the relocations of the result with those of the original.
func (d *draft) checkRelocations(got *File) error {
	if !d.expand {
		return nil
	}
	seeds := [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	sum := func(f *File) (all multiset, err error) {
		jumps := d.jumps(f)
		err = f.eachRelocation(func(r relocation) {
			if jumps[r.target] {
				r.addend = 0
			}
			if !r.explicit {
				r.addend, r.explicit = f.wordAt(r.target), true
			}
			all.add(&seeds, r)
		})
		return all, err
	}
	was, err := sum(d.f)
	if err != nil {
		return err
	}
	now, err := sum(got)
	if err != nil {
		return err
	}
	if was != now || got.PackedRelocations() {
		return formatErr(d.f.tagAt(dtRelr), "the expanded relocations do not read back (%d, want %d); the edit is refused", now.n, was.n)
	}
	return nil
}
