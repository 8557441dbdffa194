package macho

import "cmp"

// movePointers corrects the addresses that dyld rebases: it adds the slide to
// them, so they have to be those of the moved image.
func (h *shift) movePointers() error {
	fixups, off, err := h.s.extent("chained fixups")
	if err != nil {
		return err
	}
	if fixups == nil {
		return h.moveRebases()
	}
	for _, what := range opcodes {
		if _, at, err := h.s.extent(what); err != nil || at > 0 {
			return cmp.Or(err, refuseShift(at, "it has chained fixups and %s", what))
		}
	}
	return h.moveChains(fixups, off)
}

// opcodes are what tells dyld the pointers of an image without chained fixups.
var opcodes = []string{"rebase opcodes", "bind opcodes", "weak bind opcodes", "lazy bind opcodes"}

// segmentData reads a segment whose pointers are to be corrected.
func (h *shift) segmentData(index int) ([]byte, *Segment, error) {
	if index < 0 || index >= len(h.s.Segments) {
		return nil, nil, formatErr(0, "segment %d of %d is to be fixed up", index, len(h.s.Segments))
	}
	seg := &h.s.Segments[index]
	if seg.Off == 0 && seg.FileSize > 0 {
		return nil, nil, refuseShift(seg.at, "the segment with the header has pointers")
	}
	if b, ok := h.data[index]; ok {
		return b, seg, nil
	}
	b, err := readExact(h.s.r, seg.Off, seg.FileSize, h.s.Size)
	if h.data == nil {
		h.data = map[int][]byte{}
	}
	h.data[index] = b
	return b, seg, err
}

// Pointer formats of chained fixups whose targets are understood
// (<mach-o/fixup-chains.h>).
const (
	pointerARM64E         = 1
	pointer64             = 2
	pointer64Offset       = 6
	pointerARM64EUserland = 9
	pointerARM64E24       = 12
	chainEnd              = 0xffff // DYLD_CHAINED_PTR_START_NONE
	chainMulti            = 0x8000 // DYLD_CHAINED_PTR_START_MULTI
)

// moveChains walks the chains of LC_DYLD_CHAINED_FIXUPS.
func (h *shift) moveChains(fixups []byte, off int64) error {
	order := h.s.order
	if len(fixups) < 28 {
		return formatErr(off, "chained fixups of %d bytes, less than their header", len(fixups))
	}
	starts := int64(order.Uint32(fixups[4:]))
	if starts+4 > int64(len(fixups)) {
		return formatErr(off+4, "starts_offset %#x is outside the chained fixups (%d bytes)", starts, len(fixups))
	}
	count := int64(order.Uint32(fixups[starts:]))
	if starts+4+4*count > int64(len(fixups)) || count > int64(len(h.s.Segments)) {
		return formatErr(off+starts, "seg_count is %d, the image has %d segments", count, len(h.s.Segments))
	}
	for i := range count {
		at := int64(order.Uint32(fixups[starts+4+4*i:]))
		if at == 0 {
			continue
		}
		at += starts
		if at+22 > int64(len(fixups)) {
			return formatErr(off+starts+4+4*i, "the chains of segment %d are outside the chained fixups", i)
		}
		if err := h.moveSegmentChains(fixups[at:], off+at, int(i)); err != nil {
			return err
		}
	}
	return nil
}

// moveSegmentChains walks the chains of one segment
// (dyld_chained_starts_in_segment).
func (h *shift) moveSegmentChains(starts []byte, off int64, index int) error {
	order := h.s.order
	data, seg, err := h.segmentData(index)
	if err != nil {
		return err
	}
	if got, want := order.Uint64(starts[8:]), seg.Addr-h.base; got != want {
		return formatErr(off+8, "segment_offset of %q is %#x in the chained fixups, %#x by its load command", seg.Name, got, want)
	}
	pageSize, format := int64(order.Uint16(starts[4:])), order.Uint16(starts[6:])
	pages := int64(order.Uint16(starts[20:]))
	if 22+2*pages > int64(len(starts)) || pageSize == 0 {
		return formatErr(off+20, "page_count is %d, which the chained fixups have no room for", pages)
	}
	// Where the segment begins, counted from the header.
	h.patch64(off+8, order.Uint64(starts[8:])+uint64(h.delta))
	for page := range pages {
		first := order.Uint16(starts[22+2*page:])
		switch {
		case first == chainEnd:
			continue
		case first&chainMulti != 0:
			return refuseShift(off+22+2*page, "a page with several chains")
		}
		in := data[:min(int64(len(data)), (page+1)*pageSize)]
		if err := h.moveChain(in, seg, page*pageSize+int64(first), format); err != nil {
			return err
		}
	}
	return nil
}

// moveChain corrects the pointers of one chain.
func (h *shift) moveChain(data []byte, seg *Segment, at int64, format uint16) error {
	for {
		if at+8 > int64(len(data)) {
			return formatErr(seg.Off+at, "a chain of fixups leaves its page of segment %q", seg.Name)
		}
		v := h.s.order.Uint64(data[at:])
		now, next, err := h.chained(v, format, seg.Off+at)
		if err != nil {
			return err
		}
		if now != v {
			h.patch64(seg.Off+at, now)
		}
		if next == 0 {
			return nil
		}
		at += next
	}
}

// chained returns a pointer of a chain as it has to be in the moved image, and
// how many bytes on the next one is.
func (h *shift) chained(v uint64, format uint16, off int64) (now uint64, next int64, err error) {
	switch format {
	case pointer64, pointer64Offset: // target:36 high8:8 reserved:7 next:12 bind:1
		next = int64(v>>51&0xfff) * 4
		if v>>63 == 1 {
			return v, next, nil
		}
		return h.retarget(v, 36, format == pointer64), next, nil
	case pointerARM64E, pointerARM64EUserland, pointerARM64E24: // … next:11 bind:1 auth:1
		next = int64(v>>51&0x7ff) * 8
		switch {
		case v>>62&1 == 1:
			return v, next, nil
		case v>>63 == 1: // target:32 diversity:16 …: always from the header
			return h.retarget(v, 32, false), next, nil
		}
		return h.retarget(v, 43, format == pointerARM64E), next, nil
	}
	return 0, 0, refuseShift(off, "pointer format %d of its chained fixups is not known", format)
}

// retarget moves the target in the lowest bits of a pointer: an address, or an
// offset from the header.
func (h *shift) retarget(v uint64, bits int, absolute bool) uint64 {
	mask := uint64(1)<<bits - 1
	target := v & mask
	addr := target
	if !absolute {
		addr += h.base
	}
	if !h.moves(addr) {
		return v
	}
	return v&^mask | (target+uint64(h.delta))&mask
}

// Rebase opcodes, <mach-o/loader.h>.
const (
	rebaseDone          = 0x00
	rebaseType          = 0x10
	rebaseSegment       = 0x20
	rebaseAddULEB       = 0x30
	rebaseAddScaled     = 0x40
	rebaseTimes         = 0x50
	rebaseTimesULEB     = 0x60
	rebaseAddAfter      = 0x70
	rebaseTimesSkipping = 0x80
	rebasePointer       = 1 // REBASE_TYPE_POINTER
)

// A rebaser carries rebase opcodes out.
type rebaser struct {
	h    *shift
	code []byte
	off  int64 // of the opcodes in the slice
	i    int
	data []byte
	seg  *Segment
	at   uint64 // in the segment
}

// moveRebases corrects the pointers that the rebase opcodes of LC_DYLD_INFO list,
// and makes sure that nothing is bound in the segment with the header, whose
// offsets would change.
func (h *shift) moveRebases() error {
	code, off, err := h.s.extent("rebase opcodes")
	if err != nil {
		return err
	}
	r := &rebaser{h: h, code: code, off: off}
	for r.i < len(code) {
		op := code[r.i]
		r.i++
		if op&opcodeMask == rebaseDone {
			break
		}
		if err := r.step(op); err != nil {
			return err
		}
	}
	return h.checkBinds()
}

func (r *rebaser) number() (uint64, error) {
	n, size := uleb(r.code[r.i:])
	if size == 0 {
		return 0, formatErr(r.off+int64(r.i), "rebase opcodes: a number is cut off")
	}
	r.i += size
	return n, nil
}

// step carries one opcode out.
func (r *rebaser) step(op byte) (err error) {
	immediate := uint64(op & immediateMask)
	var n, skip uint64
	switch op & opcodeMask {
	case rebaseType:
		if immediate != rebasePointer {
			return refuseShift(r.off+int64(r.i), "rebase type %d", immediate)
		}
	case rebaseSegment:
		if r.data, r.seg, err = r.h.segmentData(int(immediate)); err != nil {
			return err
		}
		r.at, err = r.number()
	case rebaseAddULEB:
		n, err = r.number()
		r.at += n
	case rebaseAddScaled:
		r.at += immediate * 8
	case rebaseTimes:
		return r.rebase(immediate, 0)
	case rebaseTimesULEB:
		if n, err = r.number(); err == nil {
			err = r.rebase(n, 0)
		}
	case rebaseAddAfter:
		if skip, err = r.number(); err == nil {
			err = r.rebase(1, skip)
		}
	case rebaseTimesSkipping:
		if n, err = r.number(); err != nil {
			return err
		}
		if skip, err = r.number(); err == nil {
			err = r.rebase(n, skip)
		}
	default:
		return formatErr(r.off+int64(r.i), "rebase opcodes: %#x is no known opcode", op)
	}
	return err
}

// rebase corrects n pointers, each followed by skip bytes.
func (r *rebaser) rebase(n, skip uint64) error {
	for range n {
		if r.seg == nil || r.at+8 > uint64(len(r.data)) || r.at+8 < r.at {
			return formatErr(r.off+int64(r.i), "rebase opcodes: a pointer at %#x is outside its segment", r.at)
		}
		if err := r.h.visit(r.off + int64(r.i)); err != nil {
			return err
		}
		if v := r.h.s.order.Uint64(r.data[r.at:]); r.h.moves(v) {
			r.h.patch64(r.seg.Off+int64(r.at), v+uint64(r.h.delta))
		}
		r.at += 8 + skip
	}
	return nil
}

// checkBinds refuses symbols that are bound in the segment with the header.
func (h *shift) checkBinds() error {
	for _, what := range opcodes[1:] {
		data, off, err := h.s.extent(what)
		if err != nil {
			return err
		}
		err = walkBinds(data, off, what, func(b bindOp) error {
			index := int(b.op & immediateMask)
			switch {
			case b.kind() == opThreaded:
				return refuseShift(off+int64(b.at), "its pointers are threaded through the data")
			case b.kind() == opSegment && index < len(h.s.Segments) && &h.s.Segments[index] == h.s.headerSegment():
				return refuseShift(off+int64(b.at), "a symbol is bound in the segment with the header")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
