//go:build integration

package elf

import (
	"bytes"
	"debug/elf"
	"slices"
	"testing"
)

// rewriteLayout gives an image the traits that no linker at hand gives it.
func rewriteLayout(t *testing.T, o layout, data []byte) []byte {
	t.Helper()
	data = slices.Clone(data)
	if o["path"] == "both paths" {
		addRPath(t, data)
	}
	switch o["table"] {
	case "table at the end":
		data = moveTable(t, data)
	case "PT_PHDR last":
		permuteProgs(t, data, func(progs []Prog, phdr int) []Prog {
			return append(slices.Delete(slices.Clone(progs), phdr, phdr+1), progs[phdr])
		})
	case "no PT_PHDR":
		permuteProgs(t, data, func(progs []Prog, phdr int) []Prog { return slices.Delete(slices.Clone(progs), phdr, phdr+1) })
	}
	if o["strings"] == "shared strings" {
		shareStrings(t, data)
	}
	switch o["sections"] {
	case "no sections":
		data = dropSections(t, data)
	case "false sections":
		falsifySections(t, data)
	}
	return data
}

// addRPath adds a DT_RPATH beside DT_RUNPATH: in a spare slot, or in place of
// what no loader needs, the count of relative relocations or DT_DEBUG.
func addRPath(t *testing.T, data []byte) {
	t.Helper()
	f := parse(t, data)
	path, _ := f.DynValue(elf.DT_RUNPATH)
	at := len(f.dynamic.entries)
	if f.dynamic.slots < at+2 {
		at = slices.IndexFunc(f.dynamic.entries, func(e Dyn) bool {
			return e.Tag == elf.DT_RELACOUNT || e.Tag == elf.DT_RELCOUNT || e.Tag == elf.DT_DEBUG
		})
	}
	if at < 0 || path == 0 {
		t.Fatal("no slot for DT_RPATH, or no DT_RUNPATH")
	}
	copy(data[f.entryOff(at):], f.appendWord(f.appendWord(nil, uint64(elf.DT_RPATH)), path))
}

// writeProgs encodes program headers over those at off, and their count.
func writeProgs(f *File, data []byte, progs []Prog, off uint64) {
	p := plan{f: f, progs: progs}
	copy(data[off:], p.progBytes())
	copy(data[24+f.pick(4, 8):], f.appendWord(nil, off))
	f.Order.PutUint16(data[f.pick(44, 56):], uint16(len(progs)))
}

// permuteProgs rewrites the program header table where it is.
func permuteProgs(t *testing.T, data []byte, permute func(progs []Prog, phdr int) []Prog) {
	t.Helper()
	f := parse(t, data)
	phdr := slices.IndexFunc(f.Progs, func(p Prog) bool { return p.Type == elf.PT_PHDR })
	if phdr < 0 {
		t.Fatal("no PT_PHDR")
	}
	progs := permute(f.Progs, phdr)
	size := uint64(len(progs)) * f.progSize()
	for i := range progs {
		if progs[i].Type == elf.PT_PHDR {
			progs[i].Filesz, progs[i].Memsz = size, size
		}
	}
	clear(data[f.Phoff:][:uint64(f.Phnum)*f.progSize()])
	writeProgs(f, data, progs, f.Phoff)
}

// moveTable moves the program header table into a segment of its own behind
// everything else.
func moveTable(t *testing.T, data []byte) []byte {
	t.Helper()
	f := parse(t, data)
	align, end := f.MaxPage(), uint64(0)
	for _, p := range f.maps {
		align, end = max(align, p.Align), max(end, p.Vaddr+p.Memsz)
	}
	off, addr := roundUp(uint64(len(data)), align), roundUp(end, align)
	size := uint64(f.Phnum+1) * f.progSize()
	load := Prog{Type: elf.PT_LOAD, Flags: elf.PF_R, Off: off, Vaddr: addr, Paddr: addr, Filesz: size, Memsz: size, Align: align}
	progs := append(slices.Clone(f.Progs), load)
	for i := range progs {
		if progs[i].Type == elf.PT_PHDR {
			place(&progs[i], part{off: off, vaddr: addr, size: size})
		}
	}
	clear(data[f.Phoff:][:uint64(f.Phnum)*f.progSize()])
	data = append(data, make([]byte, off+size-uint64(len(data)))...)
	writeProgs(f, data, progs, off)
	return data
}

// shareStrings makes the section names lie in .dynstr, where symbols have names
// that are a letter away from them.
func shareStrings(t *testing.T, data []byte) {
	t.Helper()
	f := parse(t, data)
	strings := data[f.dynamic.strings.off:][:f.dynamic.strings.size]
	index := slices.IndexFunc(f.Sections, func(s Section) bool { return f.isStrings(&s) })
	for i := range f.Sections {
		s := &f.Sections[i]
		if len(s.Name) == 0 {
			continue
		}
		at := bytes.Index(strings, []byte("\x00X"+s.Name[1:]+"\x00"))
		if s.Name[0] != '.' || at < 0 {
			t.Fatalf("%q is not in .dynstr", s.Name)
		}
		strings[at+1] = '.'
		s.NameOff = uint32(at) + 1
	}
	copy(data[f.Shoff:], f.sectionBytes(f.Sections))
	f.Order.PutUint16(data[f.pick(50, 62):], uint16(index))
}

// dropSections removes the section headers and what is not mapped, as sstrip
// does.
func dropSections(t *testing.T, data []byte) []byte {
	t.Helper()
	f := parse(t, data)
	end := f.mappedEnd()
	copy(data[24+f.pick(8, 16):], f.appendWord(nil, 0)) // e_shoff
	clear(data[f.pick(48, 60):][:4])                    // e_shnum, e_shstrndx
	return data[:end]
}

// falsifySections moves what the section headers say about the file, as packers
// leave it.
func falsifySections(t *testing.T, data []byte) {
	t.Helper()
	f := parse(t, data)
	for i := range f.Sections {
		if f.Sections[i].Alloc() {
			f.Sections[i].Off += 8
		}
	}
	copy(data[f.Shoff:], f.sectionBytes(f.Sections))
	if parse(t, data).SectionErr == nil {
		t.Fatal("the section headers are still true")
	}
}
