package elf

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// maxAlign bounds p_align: huge pages have at most 1 GiB.
const maxAlign = 1 << 30

// minPage is the smallest page size: whatever p_align says, address and offset
// of a segment have to agree in it.
const minPage = 4096

// checkEditable refuses files whose program headers do not allow to say what
// lies where: then no place is known to be free, and none to be the only one
// that a byte is mapped to. See gABI chapter 5, Program Header.
func (f *File) checkEditable() error {
	for i, p := range f.Progs {
		at := f.progAt(i)
		if p.Type != elf.PT_NULL && p.Filesz > 0 && !binread.Span(p.Off, p.Filesz, f.size) {
			return formatErr(at, "%v has %#x bytes at %#x, past the end of the file (%#x bytes)", p.Type, p.Filesz, p.Off, f.size)
		}
		if err := f.checkRead(p, at); err != nil {
			return err
		}
	}
	if err := f.checkLayout(); err != nil {
		return err
	}
	if err := f.checkNames(); err != nil {
		return err
	}
	if err := f.checkHomes(); err != nil {
		return err
	}
	return f.checkApart()
}

// checkHomes refuses tables that are read behind the end of one segment, in its last
// page, while their bytes belong to another one: an edit would change those, too.
func (f *File) checkHomes() error {
	for _, tag := range []elf.DynTag{elf.DT_STRTAB, elf.DT_SYMTAB, elf.DT_HASH, elf.DT_GNU_HASH, elf.DT_VERSYM, elf.DT_VERNEED, elf.DT_VERDEF} {
		if addr, ok := f.DynValue(tag); ok {
			if err := f.checkHome(tag.String(), addr, f.tagAt(tag)); err != nil {
				return err
			}
		}
	}
	for i, p := range f.Progs {
		if p.Type == elf.PT_DYNAMIC {
			return f.checkHome("PT_DYNAMIC", p.Vaddr, f.progAt(i))
		}
	}
	return nil
}

func (f *File) checkHome(name string, addr, at uint64) error {
	off, ok := f.offsetOf(addr, 1)
	for _, p := range f.Progs {
		if ok && p.Type == elf.PT_LOAD && p.Off <= off && off-p.Off < p.Filesz && p.Vaddr+(off-p.Off) != addr {
			return formatErr(at, "%s says address %#x, whose bytes are those of address %#x as well; the file cannot be edited safely", name, addr, p.Vaddr+(off-p.Off))
		}
	}
	return nil
}

// checkNames refuses section names past the end of their table where that is
// .dynstr, too: the table grows, and they would come to be names.
func (f *File) checkNames() error {
	if f.Sections == nil || f.Shstrndx >= len(f.Sections) || !f.isStrings(&f.Sections[f.Shstrndx]) {
		return nil
	}
	size := f.Sections[f.Shstrndx].fileSize()
	for i := range f.Sections {
		if at := f.Sections[i].NameOff; uint64(at) >= size {
			return formatErr(f.sectAt(i), "sh_name is %#x, past the end of the section names (%#x bytes), which are .dynstr; the file cannot be edited safely", at, size)
		}
	}
	return nil
}

// checkRead refuses segments whose bytes the loader, or an exception that is
// thrown, reads where no edit expects it. The header lies at offset at.
func (f *File) checkRead(p Prog, at uint64) error {
	switch p.Type {
	case elf.PT_TLS:
		if p.Filesz > p.Memsz { // what the loader then overwrites is chance
			return formatErr(at, "PT_TLS has p_filesz %#x, more than its p_memsz %#x", p.Filesz, p.Memsz)
		}
		fallthrough
	case elf.PT_GNU_EH_FRAME, elf.PT_INTERP:
		if off, ok := f.offsetOf(p.Vaddr, p.Filesz); p.Filesz > 0 && (!ok || off != p.Off) {
			return formatErr(at, "%v has p_offset %#x, where no PT_LOAD maps its %#x bytes at address %#x", p.Type, p.Off, p.Filesz, p.Vaddr)
		}
	case elf.PT_NOTE, elf.PT_GNU_PROPERTY:
		for _, q := range f.Progs {
			if q.Type == elf.PT_INTERP && p.Off < q.Off+q.Filesz && q.Off < p.Off+p.Filesz {
				return formatErr(at, "%v and PT_INTERP share bytes (at %#x); the file cannot be edited safely", p.Type, max(p.Off, q.Off))
			}
		}
	}
	return nil
}

// An extent is a structure of the file that something reads at run time.
type extent struct {
	name    string
	off, n  uint64
	written bool // by some edit
	header  bool // reached by its offset in the file, not by an address
}

// checkApart refuses files in which a structure that an edit writes shares bytes
// with another. Two that are only read may: on some machines DT_RELA covers
// DT_JMPREL.
func (f *File) checkApart() error {
	extents, err := f.extents()
	if err != nil {
		return err
	}
	slices.SortFunc(extents, func(x, y extent) int { return cmp.Compare(x.off, y.off) })
	var last, lastWritten extent // those that reach farthest
	for _, x := range extents {
		if x.n == 0 {
			continue
		}
		w := lastWritten
		if x.written {
			w = last
		}
		if x.off < w.off+w.n {
			return formatErr(x.off, "the %s (%#x bytes at %#x) and the %s (%#x bytes at %#x) share bytes; the file cannot be edited safely", w.name, w.n, w.off, x.name, x.n, x.off)
		}
		if x.off+x.n > last.off+last.n {
			last = x
		}
		if x.written && x.off+x.n > lastWritten.off+lastWritten.n {
			lastWritten = x
		}
	}
	return nil
}

// extents lists the structures of dynamic linking and of the headers, as far as
// their size is known.
func (f *File) extents() ([]extent, error) {
	count, err := f.symbolCount()
	if err != nil {
		return nil, err
	}
	written, err := f.writtenExtents(uint64(count))
	if err != nil {
		return nil, err
	}
	read, err := f.readExtents(uint64(count))
	return append(written, read...), err
}

// writtenExtents lists those that edits write, given the number of symbols.
func (f *File) writtenExtents(count uint64) ([]extent, error) {
	needs, err := f.VersionNeeds()
	if err != nil {
		return nil, err
	}
	var out []extent
	add := func(name string, off, n uint64) { out = append(out, extent{name: name, off: off, n: n, written: true}) }
	header := func(name string, off, n uint64) { out = append(out, extent{name, off, n, true, true}) }
	header("ELF header", 0, f.ehdrSize())
	header("program header table", f.Phoff, uint64(f.Phnum)*f.progSize())
	add("dynamic table", f.dynamic.off, uint64(f.dynamic.slots)*f.dynSize())
	// What shares the bytes of .dynstr makes it move, not change.
	out = append(out, extent{name: "string table", off: f.dynamic.strings.off, n: f.dynamic.strings.size, written: !f.stringsShared()})
	for _, n := range needs {
		add("version need", n.off, verneedSize)
	}
	versym, ok, err := f.table(elf.DT_VERSYM, count*versymSize)
	if err != nil {
		return nil, err
	}
	if ok {
		add("symbol version table", versym, count*versymSize)
	}
	if i := slices.IndexFunc(f.Progs, func(p Prog) bool { return p.Type == elf.PT_INTERP }); i >= 0 {
		add("interpreter", f.Progs[i].Off, f.Progs[i].Filesz)
	}
	if f.Sections != nil {
		header("section header table", f.Shoff, uint64(f.Shnum)*f.sectSize())
	}
	return out, nil
}

// readExtents lists what the loader reads besides.
func (f *File) readExtents(count uint64) ([]extent, error) {
	sizeOf := func(tag elf.DynTag) uint64 { n, _ := f.DynValue(tag); return n }
	var out []extent
	for _, t := range []struct {
		name string
		tag  elf.DynTag
		n    uint64
	}{
		{"symbol table", elf.DT_SYMTAB, count * f.symSize()},
		{"relocation table", elf.DT_RELA, sizeOf(elf.DT_RELASZ)},
		{"relocation table", elf.DT_REL, sizeOf(elf.DT_RELSZ)},
		{"relocation table", elf.DT_JMPREL, sizeOf(elf.DT_PLTRELSZ)},
		{"relocation table", dtRelr, sizeOf(dtRelrSize)},
		{"array of initialisers", elf.DT_INIT_ARRAY, sizeOf(elf.DT_INIT_ARRAYSZ)},
		{"array of finalisers", elf.DT_FINI_ARRAY, sizeOf(elf.DT_FINI_ARRAYSZ)},
	} {
		if !f.has(t.tag) || t.n == 0 {
			continue
		}
		off, _, err := f.table(t.tag, t.n)
		if err != nil {
			return nil, err
		}
		// Symbols follow their section, by its number and address.
		out = append(out, extent{name: t.name, off: off, n: t.n, written: t.tag == elf.DT_SYMTAB})
	}
	// Its first word may be the address of the dynamic table, which edits move. On
	// ppc64 it lies in .bss, which the loader fills.
	if off, ok, err := f.table(elf.DT_PLTGOT, f.pick(4, 8)); ok && err == nil {
		out = append(out, extent{name: "global offset table", off: off, n: f.pick(4, 8), written: true})
	}
	for _, p := range f.Progs {
		// Old patchelf left PT_NOTE at bytes that it had put to another use.
		if name, ok := readSegments[p.Type]; ok {
			out = append(out, extent{name: name, off: p.Off, n: p.Filesz})
		}
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if names := i == f.Shstrndx; i > 0 && (names || !s.Alloc()) && s.Type != elf.SHT_NULL {
			// The value of _DYNAMIC follows the dynamic table.
			out = append(out, extent{fmt.Sprintf("section %d", i), s.Off, s.fileSize(), s.Type == elf.SHT_SYMTAB, true})
		}
	}
	return f.hashExtents(out)
}

// readSegments are the segments besides PT_LOAD whose bytes the loader, or an
// exception that is thrown, reads.
var readSegments = map[elf.ProgType]string{
	elf.PT_TLS:          "thread-local data",
	elf.PT_GNU_EH_FRAME: "exception table header",
}

// hashExtents adds the hash tables and the records of the version tables.
func (f *File) hashExtents(out []extent) ([]extent, error) {
	sysv, err := f.sysvHash()
	if err != nil {
		return nil, err
	}
	gnu, err := f.gnuHash()
	if err != nil {
		return nil, err
	}
	out = append(out, extent{name: "hash table", off: sysv.off, n: sysv.size}, extent{name: "GNU hash table", off: gnu.off, n: gnu.size})
	needs, err := f.VersionNeeds()
	if err != nil {
		return nil, err
	}
	for _, n := range needs {
		for _, v := range n.Versions {
			out = append(out, extent{name: "needed version", off: v.off, n: vernauxSize})
		}
	}
	defs, err := f.VersionDefs()
	if err != nil {
		return nil, err
	}
	for _, d := range defs {
		out = append(out, extent{name: "version definition", off: d.off, n: verdefSize})
		for _, a := range d.aux {
			out = append(out, extent{name: "name of a version definition", off: a.off, n: verdauxSize})
		}
	}
	return out, nil
}

// checkLayout holds the PT_LOADs to their order and alignment.
func (f *File) checkLayout() error {
	memEnd := uint64(0)
	for i, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		at := f.progAt(i)
		switch {
		case p.Align > maxAlign || p.Align&(p.Align-1) != 0:
			return formatErr(at, "PT_LOAD at address %#x has p_align %#x, want a power of two of at most %#x", p.Vaddr, p.Align, maxAlign)
		// strip leaves an empty one, at any offset, where patchelf had one of its own.
		case p.Align > 1 && p.Memsz > 0 && (p.Vaddr-p.Off)%p.Align != 0:
			return formatErr(at, "PT_LOAD has p_vaddr %#x and p_offset %#x, which differ modulo p_align %#x", p.Vaddr, p.Off, p.Align)
		case p.Filesz > 0 && (p.Vaddr-p.Off)%minPage != 0:
			return formatErr(at, "PT_LOAD has p_vaddr %#x and p_offset %#x, which differ modulo %#x; no loader can map it", p.Vaddr, p.Off, minPage)
		case p.Vaddr < memEnd:
			return formatErr(at, "PT_LOAD at address %#x begins before the end of the one in front of it, %#x; they must ascend", p.Vaddr, memEnd)
		}
		memEnd = p.Vaddr + p.Memsz
	}
	return f.checkMappedOnce()
}

// checkMappedOnce refuses bytes of the file that two PT_LOADs map: an edit of
// one would show in the other.
func (f *File) checkMappedOnce() error {
	byOffset := slices.Clone(f.maps)
	slices.SortFunc(byOffset, func(x, y Prog) int { return cmp.Compare(x.Off, y.Off) })
	end := uint64(0)
	for _, p := range byOffset {
		if p.Filesz == 0 {
			continue
		}
		if p.Off < end {
			return formatErr(f.Phoff, "PT_LOAD at offset %#x begins before the end of another, %#x; they would share bytes", p.Off, end)
		}
		end = p.Off + p.Filesz
	}
	return nil
}
