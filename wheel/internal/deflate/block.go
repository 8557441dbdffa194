package deflate

import "math/bits"

// Alphabets (RFC 1951, 3.2.5 and 3.2.7).
const (
	litCount     = 286 // literals, end of block, lengths
	distCount    = 30
	preCount     = 19
	endOfBlock   = 256
	maxLitBits   = 15
	maxPreBits   = 7
	maxStored    = 65535
	storedHeader = 5 // bytes, at most, of a stored block
)

// A token is a literal byte, or a match: length-3 in bits 16 to 23, distance-1
// in bits 0 to 14, and tokenMatch.
type token uint32

const tokenMatch token = 1 << 31

func matchToken(m match) token {
	return tokenMatch | token(m.length-minMatch)<<16 | token(m.dist-1)
}

func (t token) length() int { return int(t>>16&0xff) + minMatch }
func (t token) dist() int   { return int(t&0x7fff) + 1 }

// lengthSymbol gives the symbol of each length, less 257; the tables that
// follow give the extra bits and the base (RFC 1951, 3.2.5).
var (
	lengthSymbol = makeLengthSymbols()
	distSymbol   = makeDistSymbols()
	lengthExtra  = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	lengthBase   = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	distExtra    = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	distBase     = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	preOrder     = [preCount]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

func makeLengthSymbols() (t [maxMatch + 1]uint8) {
	for s, base := range lengthBase {
		for n := int(base); n < len(t) && n < int(base)+1<<lengthExtra[s]; n++ {
			t[n] = uint8(s)
		}
	}
	return t
}

// makeDistSymbols is by distance-1 up to 256, then by its upper bits: every
// symbol from 16 on covers whole runs of 128.
func makeDistSymbols() (t [512]uint8) {
	for s, base := range distBase {
		for d := int(base) - 1; d < int(base)-1+1<<distExtra[s]; d++ {
			if d < 256 {
				t[d] = uint8(s)
			} else {
				t[256+d>>7] = uint8(s)
			}
		}
	}
	return t
}

func distSymbolOf(dist int) uint8 {
	if d := dist - 1; d < 256 {
		return distSymbol[d]
	} else {
		return distSymbol[256+d>>7]
	}
}

// segmentTokens is the grain of block boundaries.
const segmentTokens = 2048

// A stats counts the symbols of a run of tokens.
type stats struct {
	lit  [litCount]uint32
	dist [distCount]uint32
}

func (s *stats) add(t token) {
	if t&tokenMatch == 0 {
		s.lit[t]++
		return
	}
	s.lit[257+int(lengthSymbol[t.length()])]++
	s.dist[distSymbolOf(t.dist())]++
}

func (s *stats) merge(o *stats) {
	for i, n := range o.lit {
		s.lit[i] += n
	}
	for i, n := range o.dist {
		s.dist[i] += n
	}
}

// All estimates are integers, in units of 1/65536 bit: floating point may be
// rounded differently on another architecture, and then blocks would be too.
const unitBits = 16

// cost estimates the size of a block with these symbols: their entropy, and for
// the header some bits for each symbol in use. Extra bits are left out, they
// are the same however blocks are cut.
func (s *stats) cost() int64 {
	const headerBits, halfBitsOfSymbol = 80, 7
	lit, litUsed := entropy(s.lit[:])
	dist, distUsed := entropy(s.dist[:])
	return lit + dist + headerBits<<unitBits + halfBitsOfSymbol*int64(litUsed+distUsed)<<(unitBits-1)
}

// entropy returns what an ideal code needs, and how many symbols occur.
func entropy(freqs []uint32) (size int64, used int) {
	var sum uint32
	for _, n := range freqs {
		if n == 0 {
			continue
		}
		sum += n
		used++
		size -= int64(n) * log2(n)
	}
	if sum > 0 {
		size += int64(sum) * log2(sum)
	}
	return size, used
}

const logTableBits = 12

// logTable holds the logarithms of small numbers, which are nearly all there are.
var logTable = makeLogTable()

func makeLogTable() (t [1 << logTableBits]int32) {
	for i := 1; i < len(t); i++ {
		whole := bits.Len(uint(i)) - 1
		t[i] = int32(whole) << unitBits
		// Squaring x, from [1,2), doubles its logarithm: each time that takes
		// it to 2 or more, the next binary digit is a one.
		x := uint64(i) << (63 - whole)
		for digit := unitBits - 1; digit >= 0; digit-- {
			x, _ = bits.Mul64(x, x)
			if x>>63 == 1 {
				t[i] |= 1 << digit
			} else {
				x <<= 1
			}
		}
	}
	return t
}

// log2 returns the logarithm of n, for large n that of its first bits.
func log2(n uint32) int64 {
	if n < 1<<logTableBits {
		return int64(logTable[n])
	}
	shift := bits.Len32(n) - logTableBits
	return int64(logTable[n>>shift]) + int64(shift)<<unitBits
}

// A block is a run of tokens that share their codes.
type block struct {
	stats
	tokens int   // how many
	input  int   // bytes of input that they stand for
	size   int64 // see cost
	gain   int64 // of size, by joining the next block
}

// joinBlocks joins neighbours as long as that saves space, the best first.
func joinBlocks(blocks []*block) []*block {
	for _, b := range blocks {
		b.size = b.cost()
	}
	for i := range blocks[:len(blocks)-1] {
		blocks[i].gain = joinGain(blocks[i], blocks[i+1])
	}
	for len(blocks) > 1 {
		best := 0
		for i, b := range blocks[:len(blocks)-1] {
			if b.gain > blocks[best].gain {
				best = i
			}
		}
		b, next := blocks[best], blocks[best+1]
		if b.gain <= 0 {
			break
		}
		b.merge(&next.stats)
		b.tokens += next.tokens
		b.input += next.input
		b.size = b.cost()
		blocks = append(blocks[:best+1], blocks[best+2:]...)
		if best > 0 {
			blocks[best-1].gain = joinGain(blocks[best-1], b)
		}
		if best+1 < len(blocks) {
			b.gain = joinGain(b, blocks[best+1])
		}
	}
	return blocks
}

func joinGain(a, b *block) int64 {
	joined := a.stats
	joined.merge(&b.stats)
	return a.size + b.size - joined.cost()
}
