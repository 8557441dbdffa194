package elf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"testing"
)

// A field is one number in an image that a reader may believe.
type field struct {
	name string // such as "verneed[0].vn_file"
	off  uint64 // file offset
	size int    // bytes: 1, 2, 4 or 8
}

// A fieldList collects fields in the order of the file formats' own structures.
type fieldList struct {
	f      *File
	fields []field
}

// record adds the fields of a structure at off. Each is told as its name and
// its size: b for 1 byte, h for 2, w for 4, x for a word of the class, q for 8.
func (l *fieldList) record(name string, off uint64, layout ...string) {
	for _, text := range layout {
		kind, field0 := text[0], text[1:]
		size := map[byte]int{'b': 1, 'h': 2, 'w': 4, 'x': int(l.f.pick(4, 8)), 'q': 8}[kind]
		l.fields = append(l.fields, field{name + "." + field0, off, size})
		off += uint64(size)
	}
}

// table adds n records, one behind the other.
func (l *fieldList) table(name string, off, size uint64, n int, layout ...string) {
	for i := range n {
		l.record(fmt.Sprintf("%s[%d]", name, i), off+uint64(i)*size, layout...)
	}
}

// at returns the file offset of a table that a dynamic entry leads to.
func (l *fieldList) at(tag elf.DynTag) (uint64, bool) {
	off, ok, err := l.f.table(tag, 1)
	return off, ok && err == nil
}

// fieldsOf lists the fields of every structure of a sound image.
func fieldsOf(t testing.TB, f *File) []field {
	t.Helper()
	l := &fieldList{f: f}
	l.record("ehdr", 4, "bEI_CLASS", "bEI_DATA", "bEI_VERSION", "bEI_OSABI", "bEI_ABIVERSION")
	l.record("ehdr", identSize, "he_type", "he_machine", "we_version", "xe_entry", "xe_phoff", "xe_shoff", "we_flags",
		"he_ehsize", "he_phentsize", "he_phnum", "he_shentsize", "he_shnum", "he_shstrndx")
	prog := []string{"wp_type", "wp_flags", "xp_offset", "xp_vaddr", "xp_paddr", "xp_filesz", "xp_memsz", "xp_align"}
	if !f.Is64() {
		prog = []string{"wp_type", "xp_offset", "xp_vaddr", "xp_paddr", "xp_filesz", "xp_memsz", "wp_flags", "xp_align"}
	}
	l.table("phdr", f.Phoff, f.progSize(), f.Phnum, prog...)
	if len(f.Sections) > 0 {
		l.table("shdr", f.Shoff, f.sectSize(), f.Shnum, "wsh_name", "wsh_type", "xsh_flags", "xsh_addr", "xsh_offset",
			"xsh_size", "wsh_link", "wsh_info", "xsh_addralign", "xsh_entsize")
	}
	l.table("dynamic", f.dynamic.off, f.dynSize(), min(f.dynamic.slots, len(f.dynamic.entries)+1), "xd_tag", "xd_val")
	l.symbols(t)
	l.hashes(t)
	l.versions(t)
	l.relocations()
	l.notes(t)
	if n := f.dynamic.strings.size; n > 0 {
		l.record("dynstr", f.dynamic.strings.off, "bfirst")
		l.record("dynstr", f.dynamic.strings.off+n/2, "bmiddle")
		l.record("dynstr", f.dynamic.strings.off+n-1, "blast")
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz > 0 {
			l.record("interp", p.Off, "bfirst")
			l.record("interp", p.Off+p.Filesz-1, "blast")
		}
	}
	return l.fields
}

func (l *fieldList) symbols(t testing.TB) {
	count, err := l.f.symbolCount()
	if err != nil {
		t.Fatal(err)
	}
	sym := []string{"wst_name", "bst_info", "bst_other", "hst_shndx", "xst_value", "xst_size"}
	if !l.f.Is64() {
		sym = []string{"wst_name", "xst_value", "xst_size", "bst_info", "bst_other", "hst_shndx"}
	}
	if off, ok := l.at(elf.DT_SYMTAB); ok {
		l.table("dynsym", off, l.f.symSize(), count, sym...)
	}
	if off, ok := l.at(elf.DT_VERSYM); ok {
		l.table("versym", off, versymSize, count, "hvs_index")
	}
}

func (l *fieldList) hashes(t testing.TB) {
	gnu, err := l.f.gnuHash()
	if err != nil {
		t.Fatal(err)
	}
	if gnu.size > 0 {
		l.record("gnuhash", gnu.off, "wnbuckets", "wsymoffset", "wbloom_size", "wbloom_shift", "xbloom")
		from := gnu.off + gnuHashHead + l.f.pick(4, 8)
		l.table("gnuhash.word", from, 4, int(gnu.off+gnu.size-from)/4, "w")
	}
	sysv, err := l.f.sysvHash()
	if err != nil {
		t.Fatal(err)
	}
	if entry := uint64(4); sysv.size > 0 {
		if l.f.Machine == elf.EM_S390 && l.f.Is64() && sysv.size%8 == 0 && l.word(sysv.off) == 0 {
			entry = 8
		}
		kind := map[uint64]string{4: "w", 8: "q"}[entry]
		l.record("hash", sysv.off, kind+"nbucket", kind+"nchain")
		l.table("hash.word", sysv.off+2*entry, entry, int(sysv.size/entry)-2, kind)
	}
}

// word returns the 4-byte number at off.
func (l *fieldList) word(off uint64) uint32 {
	buf, err := l.f.read("field", off, 4)
	if err != nil {
		return 0
	}
	return l.f.Order.Uint32(buf)
}

func (l *fieldList) versions(t testing.TB) {
	needs, err := l.f.VersionNeeds()
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range needs {
		l.record(fmt.Sprintf("verneed[%d]", i), n.off, "hvn_version", "hvn_cnt", "wvn_file", "wvn_aux", "wvn_next")
		for j, v := range n.Versions {
			l.record(fmt.Sprintf("verneed[%d].aux[%d]", i, j), v.off, "wvna_hash", "hvna_flags", "hvna_other", "wvna_name", "wvna_next")
		}
	}
	defs, err := l.f.VersionDefs()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range defs {
		l.record(fmt.Sprintf("verdef[%d]", i), d.off, "hvd_version", "hvd_flags", "hvd_ndx", "hvd_cnt", "wvd_hash", "wvd_aux", "wvd_next")
		for j, a := range d.aux {
			l.record(fmt.Sprintf("verdef[%d].aux[%d]", i, j), a.off, "wvda_name", "wvda_next")
		}
	}
}

func (l *fieldList) relocations() {
	word := l.f.pick(4, 8)
	for _, t := range []struct {
		name      string
		tab, size elf.DynTag
		layout    []string
	}{
		{"rela", elf.DT_RELA, elf.DT_RELASZ, []string{"xr_offset", "xr_info", "xr_addend"}},
		{"rel", elf.DT_REL, elf.DT_RELSZ, []string{"xr_offset", "xr_info"}},
		{"relr", dtRelr, dtRelrSize, []string{"xr_info"}},
	} {
		size, _ := l.f.DynValue(t.size)
		if off, ok := l.at(t.tab); ok {
			entry := word * uint64(len(t.layout))
			l.table(t.name, off, entry, int(size/entry), t.layout...)
		}
	}
	size, _ := l.f.DynValue(elf.DT_PLTRELSZ)
	if off, ok := l.at(elf.DT_JMPREL); ok {
		layout := []string{"xr_offset", "xr_info"}
		if v, _ := l.f.DynValue(elf.DT_PLTREL); elf.DynTag(v) == elf.DT_RELA {
			layout = append(layout, "xr_addend")
		}
		entry := word * uint64(len(layout))
		l.table("jmprel", off, entry, int(size/entry), layout...)
	}
}

// notes adds the first note of each segment, and the first property of it.
func (l *fieldList) notes(t testing.TB) {
	for i, p := range l.f.Progs {
		if (p.Type == elf.PT_NOTE || p.Type == elf.PT_GNU_PROPERTY) && p.Filesz >= noteHeaderSize+4+propertyHeadSize+4 {
			l.record(fmt.Sprintf("note[%d]", i), p.Off, "wn_namesz", "wn_descsz", "wn_type", "wname", "wpr_type", "wpr_datasz", "wpr_data")
		}
	}
}

// set writes v into a field, as much of it as the field holds.
func (x field) set(order binary.ByteOrder, data []byte, v uint64) {
	b := data[x.off:][:x.size]
	switch x.size {
	case 1:
		b[0] = byte(v)
	case 2:
		order.PutUint16(b, uint16(v))
	case 4:
		order.PutUint32(b, uint32(v))
	default:
		order.PutUint64(b, v)
	}
}

// get reads a field.
func (x field) get(order binary.ByteOrder, data []byte) uint64 {
	b := data[x.off:][:x.size]
	switch x.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	case 4:
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}

// lie returns a copy of a sound image with one field changed.
func lie(t testing.TB, data []byte, name string, v uint64) []byte {
	t.Helper()
	f := parse(t, data)
	for _, x := range fieldsOf(t, f) {
		if x.name == name {
			data = append([]byte(nil), data...)
			x.set(f.Order, data, v)
			return data
		}
	}
	t.Fatalf("the image has no field %s", name)
	return nil
}
