package macho

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/blacktop/go-macho/types"
)

// A shift moves the content of an image away from its header, to make room for
// load commands. The header stays at the base address; what follows moves by a
// whole number of pages, in the file and in memory. Code and data move together,
// so what refers to its own surroundings stays true. What counts from the base,
// or holds an address, is corrected: load commands, pointers that dyld rebases,
// symbols, export trie, function starts, data in code, unwind information, and
// references from code to the header.
type shift struct {
	s       *Slice
	from    int64  // offset of the first byte that moves
	base    uint64 // address of the header
	delta   int64  // bytes
	patches []patch
	numbers int            // how many patches are of data, they come first; the others are of code
	data    map[int][]byte // of segments with pointers, by index
	visited int64          // numbers that have been looked at
}

// unmovable lists load commands whose data counts from the base in ways that are
// not understood here.
var unmovable = []types.LoadCmd{
	types.LC_UNIXTHREAD, types.LC_THREAD, types.LC_ROUTINES, types.LC_ROUTINES_64, types.LC_ENCRYPTION_INFO,
	types.LC_ENCRYPTION_INFO_64, types.LC_FUNCTION_VARIANTS, types.LC_FUNCTION_VARIANT_FIXUPS, types.LC_ATOM_INFO,
	types.LC_LINKER_OPTIMIZATION_HINT, types.LC_TWOLEVEL_HINTS, types.LC_LAZY_LOAD_DYLIB_INFO,
}

// splitInfoV2 begins segment split info that counts from sections
// (DYLD_CACHE_ADJ_V2_FORMAT).
const splitInfoV2 = 0x7f

const flagPIE = 0x200000 // MH_PIE

// newShift plans to move the content of a slice so that its load commands can
// have size bytes. It refuses what cannot be moved with certainty.
func newShift(s *Slice, size int64) (*shift, error) {
	h := &shift{s: s, from: s.headerSize() + s.room}
	if err := h.check(); err != nil {
		return nil, err
	}
	page, err := h.page()
	if err != nil {
		return nil, err
	}
	h.delta = alignUp(size-s.room, page)
	if err := h.moveData(); err != nil {
		return nil, err
	}
	return h, h.moveHeaderReferences()
}

// moveData corrects all numbers outside of code.
func (h *shift) moveData() error {
	for _, step := range []func() error{
		h.movePointers, h.moveSymbols, h.moveExports, h.moveFunctionStarts, h.moveDataInCode, h.moveUnwindInfo, h.moveInitOffsets,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	h.numbers = len(h.patches)
	return nil
}

// visit counts the numbers that are looked at: tables that name more than there is
// room for in the image go in circles.
func (h *shift) visit(off int64) error {
	const least = 4 // bytes of a number
	if h.visited++; h.visited > h.s.Size/least {
		return refuseShift(off, "its tables name more places than it has")
	}
	return nil
}

func refuseShift(off int64, format string, args ...any) error {
	return formatErr(off, "the header is full, and the image cannot be moved with certainty: "+format+"; link it with -headerpad_max_install_names", args...)
}

// page returns what the content moves by a multiple of: the page size, or the
// alignment of a section if that is larger.
func (h *shift) page() (int64, error) {
	const most = 15 // as a power of two, what linkers accept (cctools, MAXSECTALIGN)
	page := h.s.Arch.Page()
	for _, seg := range h.s.Segments {
		for _, x := range seg.Sections {
			if x.Align > most {
				return 0, refuseShift(seg.at, "section %q is aligned to 2^%d, more than 2^%d", x.Segment+","+x.Name, x.Align, most)
			}
			page = max(page, 1<<x.Align)
		}
	}
	return page, nil
}

// check refuses kinds of images that are not understood.
func (h *shift) check() error {
	s := h.s
	if !s.Arch.Is64() {
		return refuseShift(0, "%v code has absolute addresses", s.Arch)
	}
	if s.Type == Execute && s.Flags&flagPIE == 0 {
		return refuseShift(24, "a program without MH_PIE has absolute addresses")
	}
	for i := range s.commands {
		if c := &s.commands[i]; slices.Contains(unmovable, c.cmd) {
			return refuseShift(c.off, "it has %v", c.cmd)
		}
	}
	for _, x := range s.extents() {
		if x.what == "external relocations" || x.what == "local relocations" {
			return refuseShift(x.at, "it has %s", x.what)
		}
		if b, err := readExact(s.r, x.off, 1, s.Size); x.what == "segment split info" && (err != nil || b[0] != splitInfoV2) {
			return refuseShift(x.at, "it has %s of the first version", x.what)
		}
	}
	text := s.headerSegment() // checkLayout has seen that there is one
	h.base = text.Addr
	for _, seg := range s.Segments {
		if seg.Name == "__DWARF" && !seg.unmapped() {
			return refuseShift(seg.Off, "it has debug information (__DWARF)")
		}
		if seg.FileSize > 0 && seg.Addr < text.Addr && !seg.unmapped() {
			return refuseShift(seg.Off, "segment %q lies before the header", seg.Name)
		}
		for _, x := range seg.Sections {
			if x.RelNum > 0 {
				return refuseShift(seg.at, "section %q has relocations", x.Segment+","+x.Name)
			}
		}
	}
	return nil
}

// moves reports whether an address belongs to what moves. The address of the
// header does not.
func (h *shift) moves(addr uint64) bool { return addr >= h.base+uint64(h.from) }

// patch32 and patch64 replace a number.
func (h *shift) patch32(off int64, v uint32) {
	b := make([]byte, 4)
	h.s.order.PutUint32(b, v)
	h.patches = append(h.patches, patch{off: off, size: 4, data: b})
}

func (h *shift) patch64(off int64, v uint64) {
	b := make([]byte, 8)
	h.s.order.PutUint64(b, v)
	h.patches = append(h.patches, patch{off: off, size: 8, data: b})
}

// replace gives a part of __LINKEDIT another content, which may be longer.
func (h *shift) replace(off int64, old, now []byte) {
	// What follows in __LINKEDIT has to stay aligned.
	for (len(now)-len(old))%8 != 0 {
		now = append(now, 0)
	}
	h.patches = append(h.patches, patch{off: off, size: int64(len(old)), data: now, table: true})
}

// moveSymbols corrects the addresses in the symbol table (<mach-o/nlist.h>).
func (h *shift) moveSymbols() error {
	table, off, err := h.s.extent("symbol table")
	if err != nil {
		return err
	}
	const size = 16
	for i := 0; i+size <= len(table); i += size {
		kind, section, value := table[i+4], table[i+5], h.s.order.Uint64(table[i+8:])
		if section != 0 && hasAddress(kind) && h.moves(value) {
			h.patch64(off+int64(i+8), value+uint64(h.delta))
		}
	}
	return nil
}

// hasAddress reports whether the value of a symbol with a section is an address;
// of the debugging symbols (stab.h) some have times and sizes there.
func hasAddress(kind byte) bool {
	const (
		defined = 0xe  // N_SECT
		fun     = 0x24 // N_FUN
		stsym   = 0x26 // N_STSYM
		lcsym   = 0x28 // N_LCSYM
		bnsym   = 0x2e // N_BNSYM
		sline   = 0x44 // N_SLINE
		lbrac   = 0xc0 // N_LBRAC
		rbrac   = 0xe0 // N_RBRAC
	)
	if kind&typeStab == 0 {
		return kind&typeMask == defined
	}
	return slices.Contains([]byte{fun, stsym, lcsym, bnsym, sline, lbrac, rbrac}, kind)
}

// moveFunctionStarts corrects the first number, which counts from the header;
// the others count from the one before (LC_FUNCTION_STARTS).
func (h *shift) moveFunctionStarts() error {
	data, off, err := h.s.extent("function starts")
	if err != nil || len(data) == 0 || data[0] == 0 {
		return err
	}
	first, size := uleb(data)
	if size == 0 {
		return formatErr(off, "function starts: the first is cut off")
	}
	now := appendULEB(nil, first+uint64(h.delta))
	rest := data[size:]
	// The list ends with zeros; those that pad it make way.
	for len(now)+len(rest) > len(data) && len(rest) > 1 && rest[len(rest)-1] == 0 && rest[len(rest)-2] == 0 {
		rest = rest[:len(rest)-1]
	}
	h.replace(off, data, append(now, rest...))
	return nil
}

// moveDataInCode corrects the offsets, which count from the header
// (data_in_code_entry).
func (h *shift) moveDataInCode() error {
	data, off, err := h.s.extent("data in code")
	if err != nil {
		return err
	}
	const size = 8
	for i := 0; i+size <= len(data); i += size {
		if v := h.s.order.Uint32(data[i:]); int64(v) >= h.from {
			h.patch32(off+int64(i), v+uint32(h.delta))
		}
	}
	return nil
}

// moveInitOffsets corrects S_INIT_FUNC_OFFSETS, initialisers as 32-bit offsets
// from the header.
func (h *shift) moveInitOffsets() error {
	const initOffsets = 0x16
	for _, seg := range h.s.Segments {
		for _, x := range seg.Sections {
			if x.Flags&sectionTypeMask != initOffsets {
				continue
			}
			data, err := readExact(h.s.r, x.Off, int64(x.Size), h.s.Size)
			if err != nil {
				return err
			}
			for i := 0; i+4 <= len(data); i += 4 {
				h.patch32(x.Off+int64(i), h.s.order.Uint32(data[i:])+uint32(h.delta))
			}
		}
	}
	return nil
}

// apply corrects the load commands. moved gives the new place of an offset.
func (h *shift) apply(commands []command, moved func(int64) int64) error {
	for i := range commands {
		c := &commands[i]
		data := slices.Clone(c.data)
		switch c.cmd {
		case types.LC_SEGMENT_64:
			if err := h.applySegment(c, data, moved); err != nil {
				return err
			}
		case types.LC_MAIN:
			entry := int64(h.s.order.Uint64(data[8:]))
			h.s.order.PutUint64(data[8:], uint64(moved(entry)))
		case types.LC_NOTE:
			h.s.order.PutUint64(data[24:], uint64(moved(int64(h.s.order.Uint64(data[24:])))))
		case types.LC_CODE_SIGNATURE:
			continue // placed later
		default:
			if err := h.applyReferences(c, data, moved); err != nil {
				return err
			}
		}
		c.data = data
	}
	return nil
}

// applyReferences moves the offsets of a command and gives parts that have grown
// their new size.
func (h *shift) applyReferences(c *command, data []byte, moved func(int64) int64) error {
	for _, r := range references[c.cmd] {
		off, count := int64(h.s.order.Uint32(data[r.off:])), int64(h.s.order.Uint32(data[r.count:]))
		if off == 0 && count == 0 {
			continue
		}
		at := moved(off)
		if at > math.MaxUint32 {
			return fmt.Errorf("%s would lie at %#x; %v reaches 4 GiB", r.what, at, c.cmd)
		}
		h.s.order.PutUint32(data[r.off:], uint32(at))
		if r.each == 1 && count > 0 {
			h.s.order.PutUint32(data[r.count:], uint32(moved(off+count)-at))
		}
	}
	return nil
}

// applySegment moves a segment; the one with the header grows instead.
func (h *shift) applySegment(c *command, data []byte, moved func(int64) int64) error {
	order := h.s.order
	addr, memory := order.Uint64(data[24:]), order.Uint64(data[32:])
	off, size := int64(order.Uint64(data[40:])), int64(order.Uint64(data[48:]))
	switch {
	case size == 0 && addr+memory <= h.base: // __PAGEZERO
	case off == 0 && size > 0:
		order.PutUint64(data[32:], memory+uint64(h.delta))
		order.PutUint64(data[48:], uint64(moved(size)))
	default:
		order.PutUint64(data[24:], addr+uint64(h.delta))
		if off > 0 || size > 0 {
			order.PutUint64(data[40:], uint64(moved(off)))
			if now := moved(off+size) - moved(off); now != size { // __LINKEDIT
				order.PutUint64(data[48:], uint64(now))
				order.PutUint64(data[32:], max(memory, uint64(alignUp(now, h.s.Arch.Page()))))
			}
		}
	}
	head, each := h.s.sizes()
	for at := head; at+each <= int64(len(data)); at += each {
		x := data[at : at+each]
		order.PutUint64(x[32:], order.Uint64(x[32:])+uint64(h.delta))
		if v := int64(order.Uint32(x[48:])); v > 0 {
			// Empty ones too, which may be said to lie before the content.
			if v += h.delta; v > math.MaxUint32 {
				return fmt.Errorf("a section of %q would lie at %#x; the field reaches 4 GiB", cString(data[8:24]), v)
			}
			order.PutUint32(x[48:], uint32(v))
		}
	}
	return nil
}

// appendULEB writes a number in ULEB128.
func appendULEB(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }
