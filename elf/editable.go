package elf

import (
	"cmp"
	"debug/elf"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// maxAlign bounds p_align: huge pages have at most 1 GiB.
const maxAlign = 1 << 30

// checkEditable refuses files whose program headers do not allow to say what
// lies where: then no place is known to be free, and none to be the only one
// that a byte is mapped to. See gABI chapter 5, Program Header.
func (f *File) checkEditable() error {
	for i, p := range f.Progs {
		at := f.Phoff + uint64(i)*f.progSize()
		if p.Type != elf.PT_NULL && p.Filesz > 0 && !binread.Span(p.Off, p.Filesz, f.size) {
			return formatErr(at, "%v has %#x bytes at %#x, past the end of the file (%#x bytes)", p.Type, p.Filesz, p.Off, f.size)
		}
	}
	return f.checkLayout()
}

// checkLayout holds the PT_LOADs to their order and alignment.
func (f *File) checkLayout() error {
	memEnd := uint64(0)
	for _, p := range f.maps {
		switch {
		case p.Align > maxAlign || p.Align&(p.Align-1) != 0:
			return formatErr(f.Phoff, "PT_LOAD at address %#x has p_align %#x, want a power of two of at most %#x", p.Vaddr, p.Align, maxAlign)
		case p.Align > 1 && (p.Vaddr-p.Off)%p.Align != 0:
			return formatErr(f.Phoff, "PT_LOAD has p_vaddr %#x and p_offset %#x, which differ modulo p_align %#x", p.Vaddr, p.Off, p.Align)
		case p.Vaddr < memEnd:
			return formatErr(f.Phoff, "PT_LOAD at address %#x begins before the end of the one in front of it, %#x; they must ascend", p.Vaddr, memEnd)
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
