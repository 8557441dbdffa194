package deflate

import "math/bits"

// Entries of decoding tables. A literal has its byte from bit 16 on, a match its
// least length or distance. Bits 8 to 11 are the length of the code, bits 0 to 5
// that and the extra bits after it: what an entry takes from the stream. A link
// leads to a second table: its place from bit 16 on, the bits that choose among
// its entries in bits 8 to 11.
const (
	entryLiteral = 1 << 31
	entrySpecial = 1 << 15 // no literal and no match: a link, or one of the next two
	entryEnd     = 1 << 14 // end of block
	entryInvalid = 1 << 13 // bits that are no code, or a symbol that has no meaning
	entryValue   = 16
	entryBits    = 1<<6 - 1
)

// Bits that the first look-up of each table decodes. Shared libraries inflate as
// fast with 11 as with 12 for literals and lengths, and the table stays small
// enough for the first cache.
const (
	litTableBits  = 11
	distTableBits = 8
	preTableBits  = 7
)

// The sizes hold the first table and every second table that a complete code can
// ask for (2342 and 402, by zlib's examples/enough.c), up to a power of two, so
// that a masked index needs no check.
type (
	litTable  [1 << 12]uint32
	distTable [1 << 9]uint32
	preTable  [1 << preTableBits]uint32
)

// Entries of each symbol, but for the length of its code.
var (
	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
	preEntries  = makePreEntries()
)

func makeLitEntries() (t [288]uint32) {
	for s := range t {
		switch {
		case s < endOfBlock:
			t[s] = entryLiteral | uint32(s)<<entryValue
		case s == endOfBlock:
			t[s] = entrySpecial | entryEnd
		case s < litCount:
			t[s] = uint32(lengthBase[s-257])<<entryValue | uint32(lengthExtra[s-257])
		default:
			t[s] = entrySpecial | entryInvalid
		}
	}
	return t
}

func makeDistEntries() (t [32]uint32) {
	for s := range t {
		if s < distCount {
			t[s] = uint32(distBase[s])<<entryValue | uint32(distExtra[s])
		} else {
			t[s] = entrySpecial | entryInvalid
		}
	}
	return t
}

func makePreEntries() (t [preCount]uint32) {
	for s := range t {
		t[s] = uint32(s) << entryValue
	}
	return t
}

// A tableBuilder makes decoding tables. It keeps its space between them.
type tableBuilder struct {
	count  [maxLitBits + 1]int
	sorted [288]uint16 // symbols in the order of their codes
}

// build fills table, whose first look-up takes tableBits, from the lengths of the
// codes of all symbols. It reports whether they make a code (RFC 1951, 3.2.2):
// complete, or a single code of one bit, or none at all, which no symbol can use.
func (b *tableBuilder) build(table []uint32, tableBits int, lengths []uint8, entries []uint32) bool {
	used := b.sort(lengths)
	space := 0 // of all codes, in codes of the greatest length
	for n := 1; n <= maxLitBits; n++ {
		space += b.count[n] << (maxLitBits - n)
	}
	if space == 1<<maxLitBits {
		b.fill(table, tableBits, entries)
		return true
	}
	for i := range table[:1<<tableBits] {
		table[i] = entrySpecial | entryInvalid | 1
	}
	if used == 1 && b.count[1] == 1 {
		for i := 0; i < 1<<tableBits; i += 2 {
			table[i] = entries[b.sorted[0]] + 1<<8 + 1
		}
		return true
	}
	return used == 0
}

// sort puts the symbols in the order of their codes, and returns how many have one.
func (b *tableBuilder) sort(lengths []uint8) int {
	b.count = [maxLitBits + 1]int{}
	for _, n := range lengths {
		b.count[n&maxLitBits]++
	}
	var next [maxLitBits + 1]int
	for n := 1; n < maxLitBits; n++ {
		next[n+1] = next[n] + b.count[n]
	}
	used := len(lengths) - b.count[0]
	for s, n := range lengths {
		if n != 0 {
			b.sorted[next[n&maxLitBits]] = uint16(s)
			next[n&maxLitBits]++
		}
	}
	return used
}

// fill makes the table of a complete code. A code that is shorter than the index
// stands at every index that begins with it: the table is made for the shortest
// codes, and doubled for each bit more.
func (b *tableBuilder) fill(table []uint32, tableBits int, entries []uint32) {
	code, at := uint(0), 0 // the code to give out, first bit lowest; its place in sorted
	for n := 1; n <= tableBits; n++ {
		if n > 1 {
			copy(table[1<<(n-1):1<<n], table[:1<<(n-1)])
		}
		for range b.count[n] {
			table[code] = entries[b.sorted[at]] + uint32(n)<<8 + uint32(n)
			at++
			code = nextCode(code, n)
		}
	}
	b.fillSecond(table, tableBits, entries, code, at)
}

// fillSecond makes the second tables, for codes from the given one on.
func (b *tableBuilder) fillSecond(table []uint32, tableBits int, entries []uint32, code uint, at int) {
	first := uint(1)<<tableBits - 1 // mask of the bits that the first look-up takes
	prefix, start, end := ^uint(0), 0, 1<<tableBits
	for n := tableBits + 1; n <= maxLitBits; n++ {
		for left := b.count[n]; left > 0; left-- {
			if code&first != prefix {
				prefix, start = code&first, end
				size := b.secondBits(n, left, tableBits)
				end = start + 1<<size
				table[prefix] = entrySpecial | uint32(start)<<entryValue | uint32(size)<<8 | uint32(tableBits)
			}
			taken := n - tableBits
			entry := entries[b.sorted[at]] + uint32(taken)<<8 + uint32(taken)
			for i := start + int(code>>tableBits); i < end; i += 1 << taken {
				table[i] = entry
			}
			at++
			code = nextCode(code, n)
		}
	}
}

// secondBits returns how many bits choose among the codes that share the first
// bits with the next one, which has n bits like left-1 others after it.
func (b *tableBuilder) secondBits(n, left, tableBits int) int {
	size := n - tableBits
	space := left // that the codes take, in codes of size bits
	for space < 1<<size && tableBits+size < maxLitBits {
		size++
		space = space<<1 + b.count[tableBits+size]
	}
	return size
}

// nextCode returns the code after this one of n bits, 0 after the last. Codes count
// upwards from their first bit, which is the lowest here.
func nextCode(code uint, n int) uint {
	free := code ^ (1<<n - 1)
	if free == 0 {
		return 0
	}
	bit := uint(1) << (bits.Len(free) - 1)
	return code&(bit-1) | bit
}
