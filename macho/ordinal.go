package macho

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// An imported is one place that says which library a symbol comes from: by the
// ordinal of the library's load command (two-level namespace).
type imported struct {
	symbol  string
	ordinal int
	off     int64 // of the ordinal in the slice
	size    int   // how many bytes it has there
	encode  func(ordinal int) []byte
	weak    bool // of chained fixups: it may be missing
}

// maxImports bounds the places of a slice that name a library, of each kind: the largest
// files on PyPI have some ten thousand, and each is kept.
const maxImports = 1 << 19

// checkImports refuses more of them; off is where the last one lies.
func checkImports(n int, off int64) error {
	if n <= maxImports {
		return nil
	}
	return formatErr(off, "more than %d imports, which no real file needs", maxImports)
}

// imports returns every place that holds the ordinal of a library: symbol table,
// chained fixups, bind opcodes and export trie. Ordinals that stand for no library, such as
// that of a flat lookup, are left out.
func (s *Slice) imports() ([]imported, error) {
	var all []imported
	for _, read := range []func() ([]imported, error){s.symbolImports, s.chainedImports, s.bindImports, s.trieImports} {
		some, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	for _, x := range all {
		if x.ordinal > len(s.Dylibs) {
			return nil, formatErr(x.off, "%q is imported from library %d of %d", x.symbol, x.ordinal, len(s.Dylibs))
		}
	}
	return all, nil
}

// importsOf returns the symbols that come from the libraries with these ordinals.
func (s *Slice) importsOf(ordinals []int) ([]string, error) {
	all, err := s.imports()
	if err != nil {
		return nil, err
	}
	wanted := map[int]bool{}
	for _, ordinal := range ordinals {
		wanted[ordinal] = true
	}
	var symbols []string
	for _, x := range all {
		if wanted[x.ordinal] {
			symbols = append(symbols, x.symbol)
		}
	}
	slices.Sort(symbols)
	return slices.Compact(symbols), nil
}

// renumber returns the patches that give libraries their new ordinals; ordinals
// holds the new one of each library, 0 or less for one that is removed. Symbols of
// one that is gone are looked up flat.
func (s *Slice) renumber(ordinals []int) ([]patch, error) {
	same := true
	for i, now := range ordinals {
		same = same && now == i+1
	}
	if same {
		return nil, nil
	}
	for _, x := range s.extents() {
		if x.what == "lazy load info" || x.what == "two-level hints" {
			return nil, formatErr(x.at, "%s counts the libraries in a way that is not understood, so none can be removed", x.what)
		}
	}
	all, err := s.imports()
	if err != nil {
		return nil, err
	}
	var patches []patch
	for _, x := range all {
		now := ordinals[x.ordinal-1]
		if now == x.ordinal {
			continue
		}
		if now == gone {
			now = flatLookup
		} else if now <= 0 {
			return nil, fmt.Errorf("%q is imported from a library that is to be removed", x.symbol)
		}
		patches = append(patches, patch{off: x.off, size: int64(x.size), data: x.encode(now)})
	}
	return patches, nil
}

// Symbol table, <mach-o/nlist.h>.
const (
	typeMask          = 0x0e // N_TYPE
	typeStab          = 0xe0 // N_STAB
	typeUndefined     = 0x0  // N_UNDF
	typePrebound      = 0xc  // N_PBUD
	maxLibraryOrdinal = 0xfd // MAX_LIBRARY_ORDINAL
	dynamicLookup     = 0xfe // DYNAMIC_LOOKUP_ORDINAL
	flagTwoLevel      = 0x80 // MH_TWOLEVEL
)

// symbolImports reads the undefined symbols; the high byte of n_desc is the
// ordinal.
func (s *Slice) symbolImports() ([]imported, error) {
	if s.Flags&flagTwoLevel == 0 {
		return nil, nil
	}
	var all []imported
	err := s.undefined(func(name string, ordinal int, at int64) {
		if ordinal > 0 && ordinal <= maxLibraryOrdinal {
			all = append(all, imported{name, ordinal, at, 1, oneByte, false})
		}
	})
	return all, err
}

// undefined visits the undefined symbols with the byte that says where they come
// from, and its place in the slice.
func (s *Slice) undefined(visit func(name string, ordinal int, at int64)) error {
	table, off, err := s.extent("symbol table")
	if err != nil {
		return err
	}
	text, _, err := s.extent("string table")
	if err != nil {
		return err
	}
	names := newNameTable(text)
	size := 12
	if s.Arch.Is64() {
		size = 16
	}
	at := 6 // of the ordinal in a symbol
	if s.order == binary.ByteOrder(binary.LittleEndian) {
		at = 7
	}
	for i, n := 0, 0; i+size <= len(table); i += size {
		kind := table[i+4]
		undefined := kind&typeMask == typeUndefined || kind&typeMask == typePrebound
		if kind&typeStab != 0 || !undefined {
			continue
		}
		name, err := names.get(int64(s.order.Uint32(table[i:])), off+int64(i))
		if err != nil {
			return err
		}
		if n++; n > maxImports {
			return checkImports(n, off+int64(i))
		}
		visit(name, int(table[i+at]), off+int64(i+at))
	}
	return nil
}

func oneByte(ordinal int) []byte { return []byte{byte(ordinal)} }

// Formats of imports in chained fixups, <mach-o/fixup-chains.h>, with the size of
// one in bytes.
var chainedImportSizes = map[uint32]int{1: 4, 2: 8, 3: 16}

// chainedImports reads the imports of LC_DYLD_CHAINED_FIXUPS.
func (s *Slice) chainedImports() ([]imported, error) {
	data, off, err := s.extent("chained fixups")
	if err != nil || data == nil {
		return nil, err
	}
	if len(data) < 28 {
		return nil, formatErr(off, "chained fixups of %d bytes, less than their header", len(data))
	}
	start, symbols := s.order.Uint32(data[8:]), s.order.Uint32(data[12:])
	count, format := int64(s.order.Uint32(data[16:])), s.order.Uint32(data[20:])
	size, ok := chainedImportSizes[format]
	if !ok && count > 0 {
		return nil, formatErr(off+20, "imports_format %d of the chained fixups is not known", format)
	}
	if int64(start)+count*int64(size) > int64(len(data)) || int64(symbols) > int64(len(data)) {
		return nil, formatErr(off+16, "%d imports at %#x are outside the chained fixups (%d bytes)", count, start, len(data))
	}
	if err := checkImports(int(count), off+16); err != nil {
		return nil, err
	}
	names := newNameTable(data)
	var all []imported
	for i := range count {
		at := int(start) + int(i)*size
		x := s.chainedImport(data[at:], size == 16)
		x.off = off + int64(at)
		if x.ordinal == 0 {
			continue
		}
		name := int64(symbols) + s.chainedName(data[at:], size == 16)
		if x.symbol, err = names.get(name, x.off); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

// chainedImport reads one import; the ordinal is the lowest byte, or the two
// lowest of a wide one. The highest values stand for no library.
func (s *Slice) chainedImport(b []byte, wide bool) imported {
	if wide {
		ordinal := int(s.order.Uint16(b))
		if ordinal > 0xfff0 {
			ordinal = 0
		}
		return imported{ordinal: ordinal, size: 2, weak: s.order.Uint32(b)>>16&1 != 0, encode: func(n int) []byte {
			var field [2]byte
			s.order.PutUint16(field[:], uint16(n))
			return field[:]
		}}
	}
	ordinal := int(b[0])
	if ordinal > 0xf0 {
		ordinal = 0
	}
	return imported{ordinal: ordinal, size: 1, weak: s.order.Uint32(b)>>8&1 != 0, encode: oneByte}
}

// chainedName returns where the name of an import begins in the strings.
func (s *Slice) chainedName(b []byte, wide bool) int64 {
	if wide {
		return int64(s.order.Uint32(b[4:]))
	}
	return int64(s.order.Uint32(b) >> 9)
}

// Bind opcodes, <mach-o/loader.h>.
const (
	opcodeMask         = 0xf0
	immediateMask      = 0x0f
	opDone             = 0x00
	opOrdinalImmediate = 0x10
	opOrdinalULEB      = 0x20
	opOrdinalSpecial   = 0x30
	opSymbol           = 0x40
	opType             = 0x50
	opAddend           = 0x60
	opSegment          = 0x70
	opAddAddress       = 0x80
	opBind             = 0x90
	opBindAddULEB      = 0xa0
	opBindAddScaled    = 0xb0
	opBindTimes        = 0xc0
	opThreaded         = 0xd0
	threadedTable      = 0 // BIND_SUBOPCODE_THREADED_SET_BIND_ORDINAL_TABLE_SIZE_ULEB
)

// bindImports reads the ordinals in the opcodes of LC_DYLD_INFO. Weak binding has
// none.
func (s *Slice) bindImports() ([]imported, error) {
	var all []imported
	for _, what := range []string{"bind opcodes", "lazy bind opcodes"} {
		data, off, err := s.extent(what)
		if err != nil {
			return nil, err
		}
		some, err := readBinds(data, off, what)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// A bindOp is one bind opcode with its operands.
type bindOp struct {
	op   byte // opcode and immediate
	at   int  // where it is
	arg  int  // where its first number is
	size int  // how many bytes that has
	name string
}

// kind returns the opcode without the immediate.
func (b *bindOp) kind() byte { return b.op & opcodeMask }

// walkBinds goes through the bind opcodes that begin at off of the slice.
func walkBinds(data []byte, off int64, what string, visit func(bindOp) error) error {
	for i := 0; i < len(data); {
		b := bindOp{op: data[i], at: i, arg: i + 1}
		i++
		operands := 0 // numbers that follow
		switch b.kind() {
		case opDone, opOrdinalImmediate, opOrdinalSpecial, opType, opBind, opBindAddScaled:
		case opSymbol:
			b.name = cString(data[i:])
			i += len(b.name) + 1
		case opOrdinalULEB, opAddend, opSegment, opAddAddress, opBindAddULEB:
			operands = 1
		case opBindTimes:
			operands = 2
		case opThreaded:
			if b.op&immediateMask == threadedTable {
				operands = 1
			}
		default:
			return formatErr(off+int64(b.at), "%s: %#x is no known opcode", what, b.op)
		}
		for k := range operands {
			_, size := uleb(data[i:])
			if size == 0 {
				return formatErr(off+int64(b.at), "%s: an operand is cut off", what)
			}
			if k == 0 {
				b.size = size
			}
			i += size
		}
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

// readBinds collects the ordinals, each with the first symbol that is bound with
// it; one that nothing is bound with has none.
func readBinds(data []byte, off int64, what string) ([]imported, error) {
	var all []imported
	current, symbol := -1, "" // index of the ordinal in force
	err := walkBinds(data, off, what, func(b bindOp) error {
		switch b.kind() {
		case opOrdinalSpecial:
			current = -1
		case opOrdinalImmediate:
			current = len(all)
			all = append(all, immediateOrdinal(b.op, off+int64(b.at)))
		case opOrdinalULEB:
			n, size := uleb(data[b.arg:])
			current = len(all)
			all = append(all, longOrdinal(int(min(n, 1<<30)), off+int64(b.at), size))
		case opSymbol:
			symbol = b.name
		case opBind, opBindAddULEB, opBindAddScaled, opBindTimes:
			if current >= 0 && all[current].symbol == "" {
				all[current].symbol = symbol
			}
		}
		return checkImports(len(all), off+int64(b.at))
	})
	return slices.DeleteFunc(all, func(x imported) bool { return x.ordinal == 0 || x.symbol == "" }), err
}

// immediateOrdinal returns the ordinal that an opcode holds in its low bits.
func immediateOrdinal(op byte, off int64) imported {
	return imported{ordinal: int(op & immediateMask), off: off, size: 1, encode: func(n int) []byte {
		if n < 0 {
			return []byte{specialOrdinal(n)}
		}
		return []byte{opOrdinalImmediate | byte(n)}
	}}
}

// longOrdinal returns the ordinal of an opcode at off that a number of size bytes
// follows. A special one has none: it is written again in their place.
func longOrdinal(ordinal int, off int64, size int) imported {
	return imported{ordinal: ordinal, off: off, size: 1 + size, encode: func(n int) []byte {
		if n < 0 {
			return bytes.Repeat([]byte{specialOrdinal(n)}, 1+size)
		}
		return append([]byte{opOrdinalULEB}, paddedULEB(n, size)...)
	}}
}

// specialOrdinal returns the opcode for an ordinal below 0.
func specialOrdinal(n int) byte { return opOrdinalSpecial | byte(n)&immediateMask }

// uleb reads a number in ULEB128 and returns its size in bytes, 0 if it is cut
// off. What exceeds 64 bits is lost, as signed numbers are of no interest here.
func uleb(b []byte) (n uint64, size int) {
	for i, v := range b {
		if i < 10 {
			n |= uint64(v&0x7f) << (7 * i)
		}
		if v&0x80 == 0 {
			return n, i + 1
		}
	}
	return 0, 0
}

// paddedULEB writes a number in ULEB128 with the size that it had.
func paddedULEB(n, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n>>(7*i)) & 0x7f
		if i < size-1 {
			b[i] |= 0x80
		}
	}
	return b
}
