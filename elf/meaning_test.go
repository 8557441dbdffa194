package elf

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A meaning is what an image says to a loader, and to whoever reads it, without
// a word about where its tables lie. An edit changes the meaning as it was
// asked to, and nothing else.
type meaning struct {
	header  string
	needed  []string
	soname  string
	rpath   string
	runpath string
	interp  string
	stack   Stack    // what PT_GNU_STACK says
	unsaid  Stack    // what glibc takes the lack of one for
	others  []string // the dynamic entries besides, in their order
	needs   []VersionNeed
	defs    []string
	symbols []symbolMeaning
	rest    []string // relocations, hash tables, program headers

	sections []Section // nil when those of the first image were not true
	stripped bool
}

type symbolMeaning struct {
	text    string
	section int // -1 for one that is not mapped, as in no sound file
	version string
	library string
	hidden  bool // VERSYM_HIDDEN, which says nothing of a symbol that is undefined
}

// meaningOf asks an image everything. What it cannot answer, because a table is
// broken, is left out, and must be left out after an edit, too.
func meaningOf(f *File) *meaning { return meaningWith(f, f.Sections) }

// meaningWith is meaningOf with other sections: false section headers may become
// true when the file gets longer.
func meaningWith(f *File, sections []Section) *meaning {
	m := &meaning{
		sections: sections,
		header:   fmt.Sprint(f.Class, f.Order, f.OSABI, f.ABIVersion, f.Type, f.Machine, f.Flags, f.Entry),
		stack:    f.Stack(), unsaid: f.DefaultStack(),
		needed: f.Needed(), soname: f.Soname(), rpath: f.RPath(), runpath: f.RunPath(),
	}
	var err error
	if m.interp, err = f.Interpreter(); err != nil {
		m.interp = "broken"
	}
	m.others = otherEntries(f)
	if needs, err := f.VersionNeeds(); err == nil {
		m.needs = slices.Clone(needs)
	}
	m.defs = definitions(f)
	m.symbols = symbolMeanings(f, sections)
	m.rest = slices.Concat(relocationTexts(f), hashTexts(f), progTexts(f))
	if isa, err := f.ISA(); err == nil {
		m.rest = append(m.rest, fmt.Sprint("ISA ", isa))
	}
	return m
}

// otherEntries lists the dynamic entries that no edit is asked to change. Those
// that lead to a table which may move stand for themselves.
func otherEntries(f *File) []string {
	var out []string
	names := f.dynamic.strings.probes()
	for i, e := range f.dynamic.entries {
		name, text := stringTags[e.Tag]
		_, pointer := pointers[e.Tag]
		switch {
		case e.Tag == elf.DT_NEEDED, e.Tag == elf.DT_SONAME, e.Tag == elf.DT_RPATH, e.Tag == elf.DT_RUNPATH:
		case e.Tag == elf.DT_STRSZ, e.Tag == elf.DT_VERNEED, e.Tag == elf.DT_VERNEEDNUM:
		case text:
			s, err := names.get(e.Val, name, f.entryOff(i))
			out = append(out, fmt.Sprint(e.Tag, s, err))
		case pointer:
			out = append(out, fmt.Sprint(e.Tag))
		default:
			out = append(out, fmt.Sprint(e.Tag, e.Val))
		}
	}
	return out
}

func definitions(f *File) []string {
	defs, err := f.VersionDefs()
	if err != nil {
		return []string{"broken"}
	}
	names := f.dynamic.strings.probes()
	var out []string
	for _, d := range defs {
		text := fmt.Sprint(d.Name, d.Base, d.Index)
		for _, aux := range d.aux {
			s, _ := names.get(aux.name, "vda_name", 0)
			text += " " + s
		}
		out = append(out, text)
	}
	return out
}

// symbolMeanings lists the dynamic symbols. Their sections are counted without
// those that strip removes.
func symbolMeanings(f *File, sections []Section) []symbolMeaning {
	mapped := map[int]int{0: 0}
	for i, s := range sections {
		if i > 0 && s.Alloc() {
			mapped[i] = len(mapped)
		}
	}
	var out []symbolMeaning
	for s, err := range f.Symbols() {
		if err != nil {
			return []symbolMeaning{{text: "broken"}}
		}
		if s.Name == "_DYNAMIC" {
			s.Value = 0
		}
		section := int(s.Section)
		if s.Section < elf.SHN_LORESERVE {
			section = -1
			if now, ok := mapped[int(s.Section)]; ok {
				section = now
			}
		}
		text := fmt.Sprint(s.Index, " ", s.Name, " ", s.Bind, s.Type, s.Size, " ", rawOther(f, s.Index))
		if sections == nil {
			text += fmt.Sprint(" at ", s.Value) // with sections, it follows its own
		}
		out = append(out, symbolMeaning{text, section, s.Version, s.Library, rawVersion(f, s.Index)&versymHidden != 0})
	}
	return out
}

// rawOther returns st_other of a symbol.
func rawOther(f *File, i int) byte {
	off, ok, err := f.table(elf.DT_SYMTAB, uint64(i+1)*f.symSize())
	if !ok || err != nil {
		return 0
	}
	b, err := f.read("st_other", off+uint64(i)*f.symSize()+f.pick(13, 5), 1)
	if err != nil {
		return 0
	}
	return b[0]
}

// rawVersion returns the .gnu.version entry of a symbol.
func rawVersion(f *File, i int) uint16 {
	off, ok, err := f.table(elf.DT_VERSYM, uint64(i+1)*versymSize)
	if !ok || err != nil {
		return 0
	}
	b, err := f.read(".gnu.version", off+uint64(i)*versymSize, versymSize)
	if err != nil {
		return 0
	}
	return f.Order.Uint16(b)
}

func relocationTexts(f *File) []string {
	var out []string
	err := f.eachRelocation(func(r relocation) { out = append(out, fmt.Sprint("relocation ", r)) })
	if err != nil {
		return []string{"broken relocations"}
	}
	return out
}

// hashTexts returns the hash tables as bytes.
func hashTexts(f *File) []string {
	var out []string
	if off, ok, err := f.table(elf.DT_HASH, 8); ok && err == nil {
		if head, err := f.read("hash", off, 8); err == nil {
			out = append(out, fmt.Sprintf("DT_HASH %x", head))
		}
	}
	off, ok, err := f.table(elf.DT_GNU_HASH, gnuHashHead)
	if !ok || err != nil {
		return out
	}
	head, err := f.read("hash", off, gnuHashHead)
	if err != nil {
		return out
	}
	n, err := f.gnuHashCount()
	if err != nil {
		return append(out, fmt.Sprintf("broken DT_GNU_HASH %x", head))
	}
	c := f.cursor(head, off)
	buckets, first, bloom := uint64(c.U32()), uint64(c.U32()), uint64(c.U32())
	size := gnuHashHead + bloom*f.pick(4, 8) + buckets*4
	if uint64(n) > first {
		size += (uint64(n) - first) * 4
	}
	if table, err := f.read("hash", off, size); err == nil {
		out = append(out, fmt.Sprintf("DT_GNU_HASH %x", table))
	}
	return out
}

// progTexts lists the program headers besides those of mapping, and of what
// edits set.
func progTexts(f *File) []string {
	var out []string
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_NULL, elf.PT_LOAD, elf.PT_GNU_STACK:
		case elf.PT_PHDR, elf.PT_DYNAMIC, elf.PT_INTERP:
			out = append(out, fmt.Sprint(p.Type, p.Flags, p.Align))
		default:
			out = append(out, fmt.Sprint(p.Type, p.Flags, p.Filesz, p.Memsz, p.Align))
		}
	}
	return out
}

// sectionTexts lists the mapped sections.
func sectionTexts(sections []Section) []string {
	var out []string
	for i, s := range sections {
		if i == 0 || !s.Alloc() {
			continue
		}
		kind := s.Type
		if kind == elf.SHT_NOBITS {
			kind = elf.SHT_PROGBITS // .bss of a segment that grew
		}
		out = append(out, fmt.Sprint("section ", strings.TrimLeft(s.Name, "."), kind, s.Flags, s.Addralign, s.Entsize))
	}
	return out
}

// add changes the meaning as AddNeeded should.
func (m *meaning) add(name string) {
	for _, s := range m.needed {
		if s == name {
			return
		}
	}
	m.needed = append([]string{name}, m.needed...)
}

// rename changes the meaning as ReplaceNeeded should.
func (m *meaning) rename(old, name string) {
	for i := range m.needed {
		if m.needed[i] == old {
			m.needed[i] = name
		}
	}
	for i := range m.needs {
		if m.needs[i].Library == old {
			m.needs[i].Library = name
		}
	}
	for i := range m.symbols {
		if m.symbols[i].library == old {
			m.symbols[i].library = name
		}
	}
}

// drop changes the meaning as RemoveNeeded should. A version index may be used
// by two needs, which no sound file does; then nothing is said of the symbols.
func (m *meaning) drop(name string) {
	m.needed = slices.DeleteFunc(m.needed, func(s string) bool { return s == name })
	dropped, kept := map[uint16]bool{}, map[uint16]bool{}
	for _, n := range m.needs {
		for _, v := range n.Versions {
			if n.Library == name {
				dropped[v.Index] = true
			} else {
				kept[v.Index] = true
			}
		}
	}
	m.needs = slices.DeleteFunc(m.needs, func(n VersionNeed) bool { return n.Library == name })
	for index := range dropped {
		if kept[index] || index <= versymGlobal {
			m.symbols = nil
		}
	}
	for i := range m.symbols {
		if m.symbols[i].library == name {
			m.symbols[i].version, m.symbols[i].library, m.symbols[i].hidden = "", "", false
		}
	}
}

// checkMeaning compares what an edit has made with what was asked for.
func checkMeaning(t testing.TB, want *meaning, after *File) {
	t.Helper()
	sections := after.Sections
	if want.sections == nil {
		sections = nil
	}
	got := meaningWith(after, sections)
	for _, x := range []struct{ what, got, want string }{
		{"ELF header", got.header, want.header},
		{"DT_NEEDED", strings.Join(got.needed, "\n"), strings.Join(want.needed, "\n")},
		{"DT_SONAME", got.soname, want.soname},
		{"DT_RPATH", got.rpath, want.rpath},
		{"DT_RUNPATH", got.runpath, want.runpath},
		{"interpreter", got.interp, want.interp},
		{"stack", fmt.Sprint(got.stack), fmt.Sprint(want.stack)},
		{"version needs", spellNeeds(got.needs), spellNeeds(want.needs)},
		{"version definitions", strings.Join(got.defs, "\n"), strings.Join(want.defs, "\n")},
	} {
		if x.got != x.want {
			t.Errorf("%s: %.300q, want %.300q", x.what, x.got, x.want)
		}
	}
	sameList(t, "dynamic entries", got.others, want.others)
	sameList(t, "rest", got.rest, want.rest)
	sameList(t, "mapped sections", sectionTexts(got.sections), sectionTexts(want.sections))
	if want.symbols != nil && !slices.Equal(want.symbols, []symbolMeaning{{text: "broken"}}) {
		for i := range min(len(got.symbols), len(want.symbols)) {
			if want.symbols[i].section < 0 {
				got.symbols[i].section = -1
			}
		}
		sameList(t, "symbols", got.symbols, want.symbols)
	}
}

// sameList reports the first place at which two lists differ.
func sameList[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: entry %d is %.200v, want %.200v", what, i, got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d entries, want %d", what, len(got), len(want))
	}
}

func spellNeeds(needs []VersionNeed) string {
	var lines []string
	for _, n := range needs {
		text := spellNeed(n)
		for _, v := range n.Versions {
			text += fmt.Sprint(" ", v.Weak)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}
