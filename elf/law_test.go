package elf

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/wheelmend/wheelmend/overlay"
)

// bytesOf returns the bytes of an image.
func bytesOf(t testing.TB, f *File) []byte {
	t.Helper()
	data, err := f.read("image", 0, uint64(f.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkKept holds an edited image to what no edit may change: the loader's
// rules, and every mapped byte outside of the tables of dynamic linking.
func checkKept(t testing.TB, before, after *File) {
	t.Helper()
	check := after.checkEditable
	if before.SectionErr != nil {
		check = after.checkLayout // false section headers may come to share bytes with anything
	}
	if err := check(); err != nil {
		t.Errorf("segments of the result: %v", err)
	}
	if before.SectionErr == nil && after.SectionErr != nil {
		t.Errorf("section headers of the result: %v", after.SectionErr)
	}
	if len(before.Sections) > 0 && len(after.Sections) == 0 {
		t.Error("section headers are gone")
	}
	for _, kept := range []func(*File, *File) error{keptBytes, keptNotes} {
		if err := kept(before, after); err != nil {
			t.Error(err)
		}
	}
	checkSymbols(t, before, after)
	checkTableMapped(t, before, after)
}

// checkTables holds the result of editing a sound image to tables that say the
// same and are found by the same pointers, wherever they lie.
func checkTables(t testing.TB, before, after *File) {
	t.Helper()
	checkKept(t, before, after)
	if len(before.Sections) == 0 {
		return
	}
	if err := keptTables(before, after); err != nil {
		t.Error(err)
	}
}

// checkTableMapped holds the program header table to lie inside of a PT_LOAD,
// as it must for dl_iterate_phdr, and where PT_PHDR says.
func checkTableMapped(t testing.TB, before, after *File) {
	t.Helper()
	at, ok := mappedAddr(after, after.Phoff)
	if _, was := mappedAddr(before, before.Phoff); was && !ok {
		t.Errorf("the program header table at %#x is not mapped", after.Phoff)
	}
	for _, page := range []uint64{4 << 10, after.MaxPage()} {
		if tableSeen(before, page) && !tableSeen(after, page) {
			t.Errorf("with pages of %#x bytes, the program header table at %#x is taken to lie in another segment", page, after.Phoff)
		}
	}
	for _, p := range before.Progs {
		addr, _ := mappedAddr(before, before.Phoff)
		if p.Type == elf.PT_PHDR && (p.Filesz != uint64(before.Phnum)*before.progSize() || p.Off != before.Phoff || p.Vaddr != addr) {
			return // zig leaves it so
		}
	}
	for _, p := range after.Progs {
		if p.Type == elf.PT_PHDR && ok && (p.Vaddr != at || p.Off != after.Phoff || p.Filesz != uint64(after.Phnum)*after.progSize()) {
			t.Errorf("PT_PHDR says %#x at address %#x, %#x bytes; the table is at %#x, address %#x, %d entries", p.Off, p.Vaddr, p.Filesz, after.Phoff, at, after.Phnum)
		}
	}
}

// tableSeen reports whether glibc finds the program header table, with pages of
// that size: it looks for it in whole pages of the segments, in their order.
func tableSeen(f *File, page uint64) bool {
	end := f.Phoff + uint64(f.Phnum)*f.progSize()
	for _, p := range f.maps {
		if off := p.Off - p.Vaddr%page; off <= f.Phoff && p.Off-p.Vaddr+roundUp(p.Vaddr+p.Filesz, page) >= end {
			return p.Off <= f.Phoff && end <= p.Off+p.Filesz
		}
	}
	return false
}

func mappedAddr(f *File, off uint64) (uint64, bool) {
	for _, p := range f.maps {
		if off >= p.Off && off < p.Off+p.Filesz {
			return p.Vaddr + off - p.Off, true
		}
	}
	return 0, false
}

// spans returns the address ranges that an edit may change: the tables of
// dynamic linking and the headers.
func spans(f *File) [][2]uint64 {
	var out [][2]uint64
	add := func(addr, n uint64) { out = append(out, [2]uint64{addr, addr + n}) }
	d := &f.dynamic
	add(d.strings.addr, d.strings.size)
	add(d.addr, f.Progs[d.prog].Filesz)
	if addr, ok := mappedAddr(f, 0); ok {
		add(addr, f.ehdrSize())
	}
	if addr, ok := mappedAddr(f, f.Phoff); ok {
		add(addr, uint64(f.Phnum)*f.progSize())
	}
	if addr, ok := mappedAddr(f, f.Shoff); ok {
		add(addr, uint64(f.Shnum)*f.sectSize())
	}
	for _, s := range f.Sections {
		if addr, ok := mappedAddr(f, s.Off); ok && s.Type == elf.SHT_SYMTAB {
			add(addr, s.Size) // its symbols follow their sections
		}
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			add(p.Vaddr, p.Filesz)
			if addr, ok := mappedAddr(f, p.Off); ok {
				add(addr, p.Filesz) // what the kernel reads
			}
		}
	}
	count, _ := f.symbolCount()
	if addr, ok := f.DynValue(elf.DT_VERSYM); ok {
		add(addr, uint64(count)*versymSize)
	}
	if needs, err := f.VersionNeeds(); err == nil {
		for _, n := range needs {
			if addr, ok := mappedAddr(f, n.off); ok {
				add(addr, verneedSize)
			}
		}
	}
	if addr, ok := f.DynValue(elf.DT_PLTGOT); ok {
		add(addr, f.pick(4, 8))
	}
	if addr, ok := f.DynValue(elf.DT_SYMTAB); ok {
		add(addr, uint64(count)*f.symSize())
	}
	return append(out, paddings(f)...)
}

// paddings returns what lies between a table that moves and the next section:
// nobody's bytes, as far as section headers tell.
func paddings(f *File) [][2]uint64 {
	d := &f.dynamic
	ends := []uint64{d.strings.addr + d.strings.size, d.addr + f.Progs[d.prog].Filesz}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			ends = append(ends, p.Vaddr+p.Filesz)
		}
	}
	var out [][2]uint64
	for _, end := range ends {
		next := end
		for _, p := range f.maps {
			if f.Sections != nil && end >= p.Vaddr && end <= p.Vaddr+p.Filesz {
				next = p.Vaddr + p.Filesz
			}
		}
		for _, s := range f.Sections {
			if s.Alloc() && s.Size > 0 && s.Addr+s.Size > end {
				next = min(next, max(s.Addr, end))
			}
		}
		out = append(out, [2]uint64{end, min(next, end+maxUnclaimed)})
	}
	return out
}

// movedSections pairs the mapped sections that have another address now. Their
// order never changes.
func movedSections(before, after *File) [][2]*Section {
	mapped := func(f *File) (out []*Section) {
		for i := range f.Sections {
			if f.Sections[i].Alloc() && i > 0 {
				out = append(out, &f.Sections[i])
			}
		}
		return out
	}
	was, now := mapped(before), mapped(after)
	if len(was) != len(now) {
		return nil
	}
	var out [][2]*Section
	for i := range was {
		if was[i].fileSize() > 0 && was[i].Addr != now[i].Addr {
			out = append(out, [2]*Section{was[i], now[i]})
		}
	}
	return out
}

// movedSpans returns the address ranges that were given up for a program header
// table that has grown.
func movedSpans(before, after *File) [][2]uint64 {
	var out [][2]uint64
	if before.Phoff != after.Phoff || before.Phnum >= after.Phnum {
		return nil
	}
	if addr, ok := mappedAddr(before, before.Phoff); ok {
		out = append(out, [2]uint64{addr, addr + uint64(after.Phnum)*after.progSize()})
	}
	for _, m := range movedSections(before, after) {
		out = append(out, [2]uint64{m[0].Addr, m[0].Addr + m[0].Size})
	}
	for i, n := range notes(before) { // of a file without section headers
		if now := notes(after); i < len(now) && now[i].Vaddr != n.Vaddr {
			out = append(out, [2]uint64{n.Vaddr, n.Vaddr + n.Filesz})
		}
	}
	return out
}

// notes returns the program headers of notes.
func notes(f *File) []Prog {
	return slices.DeleteFunc(slices.Clone(f.Progs), func(p Prog) bool {
		return p.Type != elf.PT_NOTE && p.Type != elf.PT_GNU_PROPERTY
	})
}

// keptNotes checks that every note is still there, aligned as it was.
func keptNotes(before, after *File) error {
	was, now := notes(before), notes(after)
	if len(was) != len(now) {
		return fmt.Errorf("there were %d program headers of notes, and there are %d", len(was), len(now))
	}
	extents, err := before.extents()
	if err != nil {
		return err
	}
	for i := range was {
		shared := slices.ContainsFunc(extents, func(x extent) bool {
			return x.written && x.off < was[i].Off+was[i].Filesz && was[i].Off < x.off+x.n
		})
		if off, ok := before.offsetOf(was[i].Vaddr, was[i].Filesz); !ok || off != was[i].Off || shared {
			continue // it was not there in the first place, as old patchelf leaves it
		}
		old, err := before.read("note", was[i].Off, was[i].Filesz)
		if err != nil {
			return err
		}
		got, err := after.read("note", now[i].Off, now[i].Filesz)
		if err != nil || !bytes.Equal(old, got) {
			return fmt.Errorf("the note at %#x differs from the one at %#x (%v)", now[i].Off, was[i].Off, err)
		}
		if off, _ := after.offsetOf(now[i].Vaddr, now[i].Filesz); off != now[i].Off || !stillAligned(was[i], now[i]) {
			return fmt.Errorf("the note at %#x has address %#x", now[i].Off, now[i].Vaddr)
		}
	}
	return nil
}

// stillAligned reports whether a segment that has moved lies at a multiple of its
// p_align, or as far from one as before.
func stillAligned(was, now Prog) bool {
	return now.Align == 0 || now.Vaddr%now.Align == 0 || (now.Vaddr-was.Vaddr)%now.Align == 0
}

// keptTables compares the contents of tables that have moved and that no edit
// touches.
func keptTables(before, after *File) error {
	for _, m := range movedSections(before, after) {
		switch m[0].Type {
		case elf.SHT_NOTE, elf.SHT_HASH, elf.SHT_GNU_HASH, elf.SHT_GNU_VERDEF:
			was, err := before.read(m[0].Name, m[0].Off, m[0].Size)
			if err != nil {
				return err
			}
			now, err := after.read(m[1].Name, m[1].Off, m[1].Size)
			if err != nil || !bytes.Equal(was, now) {
				return fmt.Errorf("%s at %#x differs from the one at %#x (%v)", m[0].Name, m[0].Off, m[1].Off, err)
			}
			if m[1].Addralign > 0 && m[1].Addr%m[1].Addralign != 0 {
				return fmt.Errorf("%s at address %#x is not aligned to %d", m[0].Name, m[1].Addr, m[1].Addralign)
			}
		}
	}
	return keptPointers(before, after)
}

// keptPointers checks that program headers and dynamic entries lead to the same
// sections as before.
func keptPointers(before, after *File) error {
	name := func(f *File, addr uint64) string {
		for _, s := range f.Sections {
			if s.Alloc() && s.Addr == addr && s.fileSize() > 0 {
				return s.Name
			}
		}
		return ""
	}
	for tag := range pointers {
		was, ok := before.DynValue(tag)
		now, still := after.DynValue(tag)
		if ok && still && name(before, was) != name(after, now) {
			return fmt.Errorf("%v leads to %q, it did to %q", tag, name(after, now), name(before, was))
		}
	}
	for _, kind := range []elf.ProgType{elf.PT_NOTE, elf.PT_INTERP, elf.PT_GNU_PROPERTY, elf.PT_GNU_EH_FRAME} {
		list := func(f *File) (names []string) {
			for _, p := range f.Progs {
				if p.Type == kind {
					names = append(names, name(f, p.Vaddr))
				}
			}
			return names
		}
		if was, now := list(before), list(after); !slices.Equal(was, now) {
			return fmt.Errorf("%v leads to %q, it did to %q", kind, now, was)
		}
	}
	return nil
}

// keptBytes compares what both images map, outside of the tables.
func keptBytes(before, after *File) error {
	return keptBut(before, after, append(spans(before), movedSpans(before, after)...))
}

// keptBut is keptBytes for what lies outside of some address ranges.
func keptBut(before, after *File, open [][2]uint64) error {
	for _, p := range before.maps {
		if p.Filesz == 0 {
			continue
		}
		was, err := before.read("segment", p.Off, p.Filesz)
		if err != nil {
			return err
		}
		off, ok := after.offsetOf(p.Vaddr, p.Filesz)
		if !ok {
			return fmt.Errorf("addresses %#x to %#x are no longer mapped together", p.Vaddr, p.Vaddr+p.Filesz)
		}
		now, err := after.read("segment", off, p.Filesz)
		if err != nil {
			return err
		}
		for _, s := range open {
			if s[0] < p.Vaddr+p.Filesz && s[1] > p.Vaddr {
				from, to := max(s[0], p.Vaddr)-p.Vaddr, min(s[1], p.Vaddr+p.Filesz)-p.Vaddr
				clear(was[from:to])
				clear(now[from:to])
			}
		}
		if !bytes.Equal(was, now) {
			i := slices.IndexFunc(was, func(byte) bool { return false })
			for i = range was {
				if was[i] != now[i] {
					break
				}
			}
			return fmt.Errorf("the byte at address %#x was %#x and is %#x", p.Vaddr+uint64(i), was[i], now[i])
		}
	}
	return keptZeros(before, after)
}

// keptZeros checks that .bss is still all zeros.
func keptZeros(before, after *File) error {
	for _, p := range before.maps {
		for _, q := range after.maps {
			from, to := max(p.Vaddr+p.Filesz, q.Vaddr), min(p.Vaddr+p.Memsz, q.Vaddr+q.Filesz)
			if from >= to {
				continue
			}
			zeros, err := after.read("segment", q.Off+from-q.Vaddr, to-from)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(zeros, func(b byte) bool { return b != 0 }); i >= 0 {
				return fmt.Errorf(".bss byte at address %#x is %#x", from+uint64(i), zeros[i])
			}
		}
	}
	return nil
}

// checkSymbols compares the names, addresses and kinds of the dynamic symbols.
func checkSymbols(t testing.TB, before, after *File) {
	t.Helper()
	list := func(f *File) map[int]string {
		got := map[int]string{}
		for s, err := range f.Symbols() {
			if err != nil {
				got[-1] = "an error"
				break
			}
			value := s.Value
			if s.Name == "_DYNAMIC" {
				value = 0
			}
			got[s.Index] = fmt.Sprint(s.Name, " ", s.Bind, s.Type, value, s.Size, s.Undefined())
		}
		return got
	}
	if was, now := list(before), list(after); was[-1] == "" && !maps.Equal(was, now) {
		t.Errorf("dynamic symbols were\n%v, are\n%v", was, now)
	}
}

// checkRefusal holds the refusal of an edit to one clear line.
func checkRefusal(t testing.TB, err error) {
	t.Helper()
	for _, ask := range []string{"no interpreter", "has no soname", "a program has no soname"} {
		if strings.Contains(err.Error(), ask) {
			return // the edit makes no sense for this kind of file
		}
	}
	checkError(t, err)
}

// checkResult holds what Edit made to its promises: it is sound, says what was
// asked for, keeps all the rest, and is a true overlay of the original.
func checkResult(t testing.TB, before *File, o *overlay.Overlay, want *meaning) {
	t.Helper()
	if limit := before.Size() + maxGap + 2*maxFill + 1<<20; o.Size() > limit {
		t.Fatalf("%d bytes became %d", before.Size(), o.Size())
	}
	after, err := NewFile(o, o.Size())
	if err != nil {
		t.Fatalf("cannot read back what Edit wrote: %v", err)
	}
	checkMeaning(t, want, after)
	if o.Edited() {
		checkKept(t, before, after)
		if !want.stripped {
			checkUnmapped(t, before, after)
		}
	} else if !sameBytes(t, before, o) {
		t.Error("bytes differ without an edit")
	}
	checkRuns(t, before, o)
}

func sameBytes(t testing.TB, f *File, o *overlay.Overlay) bool {
	return o.Size() == f.Size() && bytes.Equal(bytesOf(t, f), contents(t, o))
}

// checkRuns compares what an overlay says to be the original's with the original.
func checkRuns(t testing.TB, before *File, o *overlay.Overlay) {
	t.Helper()
	data, old := contents(t, o), bytesOf(t, before)
	for _, r := range o.Runs() {
		if !bytes.Equal(data[r.At:][:r.Size], old[r.From:][:r.Size]) {
			t.Errorf("the %d bytes at %#x are not those at %#x of the original", r.Size, r.At, r.From)
		}
	}
}

// checkUnmapped compares the contents of sections that are not mapped, unless
// they lie where an edit writes.
func checkUnmapped(t testing.TB, before, after *File) {
	t.Helper()
	written := writtenRanges(before)
	for i, s := range before.Sections {
		n := s.fileSize()
		if i == 0 || n == 0 || s.Alloc() || s.Type == elf.SHT_SYMTAB || overlaps(written, s.Off, n) {
			continue
		}
		was, err := before.read(s.Name, s.Off, n)
		if err != nil {
			t.Error(err)
			continue
		}
		now, err := after.read(s.Name, after.Sections[i].Off, after.Sections[i].fileSize())
		if err != nil || !bytes.Equal(was, now) {
			t.Errorf("section %d %s, which is not mapped, has other contents (%v)", i, s.Name, err)
		}
	}
}

// writtenRanges are the file ranges that edits may write.
func writtenRanges(f *File) [][2]uint64 {
	var out [][2]uint64
	count, _ := f.symbolCount()
	extents, err := f.extents()
	if err != nil {
		return [][2]uint64{{0, uint64(f.size)}}
	}
	for _, x := range extents {
		out = append(out, [2]uint64{x.off, x.off + x.n})
	}
	if off, ok, err := f.table(elf.DT_SYMTAB, uint64(count)*f.symSize()); ok && err == nil {
		out = append(out, [2]uint64{off, off + uint64(count)*f.symSize()})
	}
	// The program header table may grow over what lies behind it.
	out = append(out, [2]uint64{f.Phoff, f.Phoff + uint64(f.Phnum+1)*f.progSize()})
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Type == elf.SHT_SYMTAB {
			out = append(out, [2]uint64{s.Off, s.Off + s.fileSize()})
		}
	}
	return out
}

func overlaps(ranges [][2]uint64, off, n uint64) bool {
	for _, r := range ranges {
		if off < r[1] && r[0] < off+n {
			return true
		}
	}
	return false
}

// checkError holds an error to one line that names the rule, and the offset of
// what broke it.
func checkError(t testing.TB, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrNotELF) || errors.Is(err, ErrNotDynamic) {
		return
	}
	text := err.Error()
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		t.Errorf("error is not one printable line: %q", text)
	}
	if len(text) > 600 {
		t.Errorf("error has %d bytes: %.700s", len(text), text)
	}
	var format *FormatError
	if !errors.As(err, &format) {
		t.Errorf("error names no offset: %s", text)
	} else if format.Off < 0 || strings.Contains(text, "internal layout error") {
		t.Errorf("error: %s", text)
	}
}
