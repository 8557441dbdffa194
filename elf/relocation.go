package elf

import (
	"debug/elf"
	"math/bits"
)

// A relocation is what one says, as far as it does not depend on the machine.
// See gABI chapter 4, Relocation.
type relocation struct {
	target   uint64 // address that is written to
	symbol   uint64 // index in the dynamic symbol table, 0 for none
	addend   uint64 // r_addend
	explicit bool   // there is an r_addend; otherwise it lies at the target
}

// eachRelocation visits the relocations of DT_RELA, DT_REL, DT_JMPREL and
// DT_RELR.
func (f *File) eachRelocation(visit func(relocation)) error {
	jump := true
	if v, _ := f.DynValue(elf.DT_PLTREL); elf.DynTag(v) == elf.DT_REL {
		jump = false
	}
	for _, t := range []struct {
		table, size elf.DynTag
		explicit    bool
	}{
		{elf.DT_RELA, elf.DT_RELASZ, true},
		{elf.DT_REL, elf.DT_RELSZ, false},
		{elf.DT_JMPREL, elf.DT_PLTRELSZ, jump},
	} {
		size, _ := f.DynValue(t.size)
		off, ok, err := f.table(t.table, size)
		if err != nil {
			return err
		}
		if ok {
			if err := f.relocations(off, size, t.explicit, visit); err != nil {
				return err
			}
		}
	}
	return f.eachRelr(visit)
}

// relocations visits one table of Elf_Rela, or of Elf_Rel.
func (f *File) relocations(off, size uint64, explicit bool, visit func(relocation)) error {
	const block = 4096
	entry, shift := f.pick(8, 16), f.pick(8, 32) // ELF32_R_SYM, ELF64_R_SYM
	if explicit {
		entry = f.pick(12, 24)
	}
	for end := off + size; off+entry <= end; {
		buf, err := f.read("relocation table", off, min(block, (end-off)/entry)*entry)
		if err != nil {
			return err
		}
		for c := f.cursor(buf, off); c.Len() > 0; {
			r := relocation{target: c.Word(), symbol: c.Word() >> shift, explicit: explicit}
			if explicit {
				r.addend = c.Word()
			}
			visit(r)
		}
		off += uint64(len(buf))
	}
	return nil
}

// Tags of packed relative relocations. See the gABI proposal for SHT_RELR.
const (
	dtRelrSize elf.DynTag = 35
	dtRelr     elf.DynTag = 36
)

// PackedRelocations reports whether the file has packed relative relocations
// (DT_RELR). glibc knows them from 2.36 on and musl from 1.2.4 on; older loaders pass
// over them without a word, and what they should have moved points nowhere.
func (f *File) PackedRelocations() bool {
	size, _ := f.DynValue(dtRelrSize)
	return f.has(dtRelr) && size > 0
}

// Tags of relocations in Android's own formats, see bionic's linker.
const (
	dtAndroidRel  elf.DynTag = 0x6000000f
	dtAndroidRela elf.DynTag = 0x60000011
	dtAndroidRelr elf.DynTag = 0x6fffe000
)

// AndroidRelocations reports whether the file has relocations in a format that
// only the loader of Android reads.
func (f *File) AndroidRelocations() bool {
	return f.has(dtAndroidRel) || f.has(dtAndroidRela) || f.has(dtAndroidRelr)
}

// eachRelr visits the packed relative relocations: an even entry is an address,
// an odd one a bitmap of the words behind the last. Each is of a word of its own that the
// file holds, so that more of them than words are a [FormatError]: an entry of eight bytes
// may stand for 63.
func (f *File) eachRelr(visit func(relocation)) error {
	size, _ := f.DynValue(dtRelrSize)
	off, ok, err := f.table(dtRelr, size)
	if !ok || err != nil {
		return err
	}
	buf, err := f.read("DT_RELR", off, size)
	if err != nil {
		return err
	}
	word, next := f.pick(4, 8), uint64(0)
	left := uint64(f.size) / word
	for c := f.cursor(buf, off); c.Len() >= int(word); {
		e := c.Word()
		if left -= min(left, relrCount(e)); left == 0 {
			return formatErr(f.tagAt(dtRelr), "DT_RELR has more packed relocations than the file has words (%d)", uint64(f.size)/word)
		}
		if e&1 == 0 {
			visit(relocation{target: e})
			next = e + word
			continue
		}
		for set := e >> 1; set != 0; set &= set - 1 {
			visit(relocation{target: next + uint64(bits.TrailingZeros64(set))*word})
		}
		next += (word*8 - 1) * word
	}
	return nil
}

// relrCount returns how many relocations an entry of DT_RELR stands for.
func relrCount(e uint64) uint64 {
	if e&1 == 0 {
		return 1
	}
	return uint64(bits.OnesCount64(e >> 1))
}

// wordAt returns the word that the file holds at an address, 0 if none.
func (f *File) wordAt(addr uint64) uint64 {
	n := f.pick(4, 8)
	off, ok := f.offsetOf(addr, n)
	if !ok {
		return 0
	}
	buf, err := f.read("relocated word", off, n)
	if err != nil {
		return 0
	}
	return f.cursor(buf, off).Word()
}

// relocatedCount returns one more than the highest symbol that a relocation
// refers to.
func (f *File) relocatedCount() (int, error) {
	top := uint64(0)
	err := f.eachRelocation(func(r relocation) { top = max(top, r.symbol) })
	return int(top) + 1, err
}

// Referenced returns, by index in the dynamic symbol table, which symbols a
// relocation refers to. The loader looks up no others: an undefined symbol that
// nothing refers to may be missing.
func (f *File) Referenced() ([]bool, error) {
	count, err := f.symbolCount()
	if err != nil || count == 0 {
		return nil, err
	}
	if _, _, err := f.table(elf.DT_SYMTAB, uint64(count)*f.symSize()); err != nil {
		return nil, err // a count that the file has no room for
	}
	referenced := make([]bool, count)
	err = f.eachRelocation(func(r relocation) {
		if r.symbol < uint64(count) {
			referenced[r.symbol] = true
		}
	})
	return referenced, err
}

// relocated reports whether a relocation writes to, or points into, one of the
// structures. What cannot be read counts as a yes.
func (p *plan) relocated(list []displaced) bool {
	hit := false
	err := p.f.eachRelocation(func(r relocation) {
		if !r.explicit {
			r.addend = p.f.wordAt(r.target)
		}
		for i := range list {
			// An addend to a symbol is a distance, no address.
			hit = hit || list[i].holds(r.target, 1) || r.symbol == 0 && r.addend != 0 && list[i].holds(r.addend, 1)
		}
	})
	return hit || err != nil
}
