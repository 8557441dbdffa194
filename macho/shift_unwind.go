package macho

// Kinds of second-level pages, <mach-o/compact_unwind_encoding.h>.
const (
	unwindRegular    = 2
	unwindCompressed = 3
)

// moveUnwindInfo corrects __TEXT,__unwind_info, whose functions, data areas and
// personality routines are 32-bit offsets from the header. Entries of compressed
// pages count from the function of their page.
func (h *shift) moveUnwindInfo() error {
	for _, seg := range h.s.Segments {
		for _, x := range seg.Sections {
			if x.Segment != "__TEXT" || x.Name != "__unwind_info" || x.empty() {
				continue
			}
			data, err := readExact(h.s.r, x.Off, int64(x.Size), h.s.Size)
			if err != nil {
				return err
			}
			u := &unwindInfo{h: h, data: data, off: x.Off}
			if err := u.move(); err != nil {
				return err
			}
		}
	}
	return nil
}

// An unwindInfo is that section with the numbers that have been corrected.
type unwindInfo struct {
	h    *shift
	data []byte
	off  int64 // of the section in the slice
}

// u32 reads a number; one outside the section is an error.
func (u *unwindInfo) u32(at int64) (uint32, error) {
	if at < 0 || at+4 > int64(len(u.data)) {
		return 0, formatErr(u.off+at, "__unwind_info ends before %#x", at)
	}
	return u.h.s.order.Uint32(u.data[at:]), nil
}

// shift corrects the offset from the header at a place.
func (u *unwindInfo) shift(at int64) error {
	v, err := u.u32(at)
	if err == nil {
		err = u.h.visit(u.off + at)
	}
	if err == nil && u.h.moves(u.h.base+uint64(v)) {
		u.h.patch32(u.off+at, v+uint32(u.h.delta))
	}
	return err
}

// fields reads consecutive numbers.
func (u *unwindInfo) fields(at int64, n int) ([]int64, error) {
	var all []int64
	for range n {
		v, err := u.u32(at)
		if err != nil {
			return nil, err
		}
		all, at = append(all, int64(v)), at+4
	}
	return all, nil
}

// move goes through the header, the personalities, the index and its pages
// (unwind_info_section_header).
func (u *unwindInfo) move() error {
	head, err := u.fields(0, 7)
	if err != nil {
		return err
	}
	if head[0] != 1 {
		return refuseShift(u.off, "version %d of __unwind_info is not known", head[0])
	}
	if err := u.each(head[3], head[4], 4, 0); err != nil {
		return err
	}
	var lsda, lsdaEnd int64
	for i := range head[6] {
		at := head[5] + 12*i
		entry, err := u.fields(at, 3)
		if err != nil {
			return err
		}
		if err := u.shift(at); err != nil {
			return err
		}
		if i == 0 {
			lsda = entry[2]
		}
		lsdaEnd = entry[2]
		if entry[1] != 0 {
			if err := u.page(entry[1]); err != nil {
				return err
			}
		}
	}
	return u.each(lsda, (lsdaEnd-lsda)/8, 8, 0, 4)
}

// each corrects the fields of count records of the given size.
func (u *unwindInfo) each(at, count, size int64, fields ...int64) error {
	for range count {
		for _, field := range fields {
			if err := u.shift(at + field); err != nil {
				return err
			}
		}
		at += size
	}
	return nil
}

// page corrects a second-level page.
func (u *unwindInfo) page(at int64) error {
	head, err := u.fields(at, 2)
	if err != nil {
		return err
	}
	switch head[0] {
	case unwindCompressed:
		return nil
	case unwindRegular:
		entries, count := head[1]&0xffff, head[1]>>16
		return u.each(at+entries, count, 8, 0)
	}
	return refuseShift(u.off+at, "a page of kind %d in __unwind_info is not known", head[0])
}
