package elf

import (
	"debug/elf"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// SeparateDebug reports a file that holds the debug information of another, as
// objcopy --only-keep-debug, llvm-objcopy and eu-strip -f make them. Its headers
// are those of the other file, but the bytes of what is mapped are not there: a
// loader takes none of them.
func (f *File) SeparateDebug() bool { return f.separate }

// onlyDebug reports whether the section headers say that the file is what
// [File.SeparateDebug] means: only notes have bytes among what is mapped, and
// what is not mapped lies in the file, which a truncated one lacks. Code or the
// dynamic table must be among what is missing.
func (f *File) onlyDebug() bool {
	if f.Shoff == 0 || f.Shnum < 2 || uint64(f.entsize) != f.sectSize() {
		return false
	}
	n := uint64(f.Shnum) * f.sectSize()
	if n > maxTableSize || !binread.Span(f.Shoff, n, f.size) {
		return false
	}
	buf, err := f.read("section header table", f.Shoff, n)
	if err != nil {
		return false
	}
	missing := false
	for c := f.cursor(buf, f.Shoff); c.Len() > 0; {
		s := decodeSection(c)
		switch {
		case s.Type == elf.SHT_NULL:
		case s.Type != elf.SHT_NOBITS:
			if s.Alloc() && s.Type != elf.SHT_NOTE || !binread.Span(s.Off, s.Size, f.size) {
				return false
			}
		case s.Flags&elf.SHF_EXECINSTR != 0 || f.isDynamicTable(&s):
			missing = true
		}
	}
	return missing
}

// isDynamicTable reports whether a section is where PT_DYNAMIC says that the
// dynamic table is.
func (f *File) isDynamicTable(s *Section) bool {
	return s.Alloc() && slices.ContainsFunc(f.Progs, func(p Prog) bool {
		return p.Type == elf.PT_DYNAMIC && p.Vaddr >= s.Addr && p.Vaddr-s.Addr < s.Size
	})
}
