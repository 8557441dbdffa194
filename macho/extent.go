package macho

import (
	"github.com/blacktop/go-macho/types"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// An extent is a run of bytes that a load command refers to.
type extent struct {
	what string
	at   int64 // offset of the field that gives its place
	off  int64 // in the slice
	size int64 // bytes
}

// Extents that are unlike others: part of the code, and there more than once.
const (
	encrypted = "encrypted range"
	note      = "note"
)

// A reference is a place in a command that refers to bytes of the file.
type reference struct {
	what   string
	off    int   // of the field with the offset
	count  int   // of the field with the number of entries, or bytes
	each   int64 // size of an entry in bytes; in 32-bit files each32 if that is not 0
	each32 int64
}

// linkeditData is the reference of linkedit_data_command.
func linkeditData(what string) []reference { return []reference{{what, 8, 12, 1, 0}} }

// references lists what load commands refer to, but for segments and the code
// signature (<mach-o/loader.h>).
var references = map[types.LoadCmd][]reference{
	types.LC_SEGMENT_SPLIT_INFO:       linkeditData("segment split info"),
	types.LC_FUNCTION_STARTS:          linkeditData("function starts"),
	types.LC_DATA_IN_CODE:             linkeditData("data in code"),
	types.LC_DYLIB_CODE_SIGN_DRS:      linkeditData("code signing requirements"),
	types.LC_LINKER_OPTIMIZATION_HINT: linkeditData("linker optimisation hints"),
	types.LC_DYLD_EXPORTS_TRIE:        linkeditData("export trie"),
	types.LC_DYLD_CHAINED_FIXUPS:      linkeditData("chained fixups"),
	types.LC_ATOM_INFO:                linkeditData("atom info"),
	types.LC_FUNCTION_VARIANTS:        linkeditData("function variants"),
	types.LC_FUNCTION_VARIANT_FIXUPS:  linkeditData("function variant fixups"),
	types.LC_LAZY_LOAD_DYLIB_INFO:     linkeditData("lazy load info"),
	types.LC_ENCRYPTION_INFO:          linkeditData(encrypted),
	types.LC_ENCRYPTION_INFO_64:       linkeditData(encrypted),
	types.LC_SYMTAB: {
		{"symbol table", 8, 12, 16, 12},
		{"string table", 16, 20, 1, 0},
	},
	types.LC_DYSYMTAB: {
		{"table of contents", 32, 36, 8, 0},
		{"module table", 40, 44, 56, 52},
		{"external reference table", 48, 52, 4, 0},
		{"indirect symbol table", 56, 60, 4, 0},
		{"external relocations", 64, 68, 8, 0},
		{"local relocations", 72, 76, 8, 0},
	},
	types.LC_DYLD_INFO:      dyldInfo,
	types.LC_DYLD_INFO_ONLY: dyldInfo,
	types.LC_TWOLEVEL_HINTS: {{"two-level hints", 8, 12, 4, 0}},
}

var dyldInfo = []reference{
	{"rebase opcodes", 8, 12, 1, 0},
	{"bind opcodes", 16, 20, 1, 0},
	{"weak bind opcodes", 24, 28, 1, 0},
	{"lazy bind opcodes", 32, 36, 1, 0},
	{"export trie", 40, 44, 1, 0},
}

// extents returns what the load commands refer to, without what is empty.
func (s *Slice) extents() []extent {
	var all []extent
	for i := range s.commands {
		c := &s.commands[i]
		for _, r := range references[c.cmd] {
			if r.count+4 > len(c.data) {
				continue
			}
			each := r.each
			if !s.Arch.Is64() && r.each32 > 0 {
				each = r.each32
			}
			if count := int64(s.u32(c, r.count)); count > 0 {
				all = append(all, extent{r.what, c.off + int64(r.off), int64(s.u32(c, r.off)), count * each})
			}
		}
		if c.cmd == types.LC_NOTE {
			all = append(all, extent{note, c.off + 24, int64(s.order.Uint64(c.data[24:])), int64(s.order.Uint64(c.data[32:]))})
		}
	}
	return all
}

// checkExtents refuses references that leave the file: such a file cannot be
// edited with certainty.
func (s *Slice) checkExtents() error {
	for _, x := range s.extents() {
		if !binread.Span(uint64(x.off), uint64(x.size), s.Size) {
			return formatErr(x.at, "%s: %#x bytes at %#x, past the end of the image (%#x bytes); it looks truncated", x.what, uint64(x.size), uint64(x.off), s.Size)
		}
	}
	return nil
}

// extent returns the bytes of the first extent with that name and where they
// lie, nil if there is none.
func (s *Slice) extent(what string) ([]byte, int64, error) {
	for _, x := range s.extents() {
		if x.what == what {
			b, err := readExact(s.r, x.off, x.size, s.Size)
			return b, x.off, err
		}
	}
	return nil, 0, nil
}
