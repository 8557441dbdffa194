package macho

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// maxSlices bounds the architectures of a fat file; Apple has made five.
const maxSlices = 32

// A fatArch is one entry of the fat header: fat_arch or fat_arch_64 of
// <mach-o/fat.h>.
type fatArch struct {
	at       int64 // offset of the entry
	cpu      uint32
	sub      uint32 // with its capability bits
	off      int64  // of the slice
	size     int64  // in bytes
	align    uint32 // as a power of two
	reserved uint32
}

const fatHeaderSize = 8

// fatArchSize returns the size of an entry in bytes.
func (f *File) fatArchSize() int64 {
	if f.fat64 {
		return 32
	}
	return 20
}

// readFat reads the fat header and the slices that it lists.
func (f *File) readFat() error {
	head, err := readExact(f.r, 0, fatHeaderSize, f.size)
	if err != nil {
		return err
	}
	count := int64(binary.BigEndian.Uint32(head[4:]))
	if count == 0 || count > maxSlices {
		return formatErr(4, "nfat_arch is %d, 1 to %d are accepted", count, maxSlices)
	}
	table, err := readExact(f.r, fatHeaderSize, count*f.fatArchSize(), f.size)
	if err != nil {
		return err
	}
	var entries []fatArch
	for i := range count {
		e := f.readFatArch(table, fatHeaderSize+i*f.fatArchSize())
		if err := f.checkFatArch(&e, fatHeaderSize+int64(len(table))); err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if err := checkApart(entries); err != nil {
		return err
	}
	if archives, err := areArchives(f.r, entries); err != nil || archives {
		return cmp.Or(err, ErrArchive)
	}
	for _, e := range entries {
		s, err := newSlice(f.r, e.off, e.size)
		if err != nil {
			return err
		}
		if s.Arch.CPU != e.cpu || s.Arch.Sub != e.sub&subtypeMask {
			return formatErr(e.at, "the fat header calls the slice at %#x %v, its own header says %v", e.off, Arch{e.cpu, e.sub & subtypeMask}, s.Arch)
		}
		s.fat = e
		f.Slices = append(f.Slices, s)
	}
	return nil
}

func (f *File) readFatArch(table []byte, at int64) fatArch {
	c := binread.NewCursor(table[at-fatHeaderSize:], at, binary.BigEndian, f.fat64)
	e := fatArch{at: at, cpu: c.U32(), sub: c.U32()}
	e.off, e.size = int64(c.Word()), int64(c.Word())
	e.align = c.U32()
	if f.fat64 {
		e.reserved = c.U32()
	}
	return e
}

// checkFatArch holds an entry to the file; head is where the table ends.
func (f *File) checkFatArch(e *fatArch, head int64) error {
	if !binread.Span(uint64(e.off), uint64(e.size), f.size) {
		return formatErr(e.at, "the %v slice is %#x bytes at %#x, past the end of the file (%#x bytes); it looks truncated", Arch{e.cpu, e.sub & subtypeMask}, uint64(e.size), uint64(e.off), f.size)
	}
	if e.off < head {
		return formatErr(e.at, "the %v slice begins at %#x, inside the fat header (%#x bytes)", Arch{e.cpu, e.sub & subtypeMask}, e.off, head)
	}
	if e.align > 31 {
		return formatErr(e.at, "the alignment of the %v slice is 2^%d", Arch{e.cpu, e.sub & subtypeMask}, e.align)
	}
	return nil
}

// checkApart refuses slices that overlap and two of one architecture.
func checkApart(entries []fatArch) error {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b fatArch) int { return cmp.Compare(a.off, b.off) })
	for i := 1; i < len(sorted); i++ {
		if prev, e := sorted[i-1], sorted[i]; prev.off+prev.size > e.off {
			return formatErr(e.at, "the slice at %#x overlaps the one at %#x (%#x bytes)", e.off, prev.off, prev.size)
		}
	}
	seen := map[Arch]bool{}
	for _, e := range entries {
		a := Arch{e.cpu, e.sub & subtypeMask}
		if seen[a] {
			return formatErr(e.at, "a second %v slice", a)
		}
		seen[a] = true
	}
	return nil
}

// appendFatHeader writes the fat header of slices that have been laid out.
func (f *File) appendFatHeader(b []byte, entries []fatArch) []byte {
	magic := uint32(fatMagic)
	if f.fat64 {
		magic = fatMagic64
	}
	b = binary.BigEndian.AppendUint32(b, magic)
	b = binary.BigEndian.AppendUint32(b, uint32(len(entries)))
	for _, e := range entries {
		b = binary.BigEndian.AppendUint32(b, e.cpu)
		b = binary.BigEndian.AppendUint32(b, e.sub)
		if f.fat64 {
			b = binary.BigEndian.AppendUint64(b, uint64(e.off))
			b = binary.BigEndian.AppendUint64(b, uint64(e.size))
		} else {
			b = binary.BigEndian.AppendUint32(b, uint32(e.off))
			b = binary.BigEndian.AppendUint32(b, uint32(e.size))
		}
		b = binary.BigEndian.AppendUint32(b, e.align)
		if f.fat64 {
			b = binary.BigEndian.AppendUint32(b, e.reserved)
		}
	}
	return b
}
