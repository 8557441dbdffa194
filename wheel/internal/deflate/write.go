package deflate

// Block types (RFC 1951, 3.2.3).
const (
	typeStored  = 0
	typeFixed   = 1
	typeDynamic = 2
)

// writeBlock writes tokens, which stand for input, in the shortest of the
// three forms.
func (e *Encoder) writeBlock(b *block, tokens []token, input []byte, final bool) {
	b.lit[endOfBlock]++
	e.codes.build(&e.lit, b.lit[:], maxLitBits)
	e.codes.build(&e.dist, b.dist[:], maxLitBits)
	header := e.planHeader()
	extra := extraBits(&b.stats)
	dynamic := header.bits + codedBits(&b.stats, e.lit.lens, e.dist.lens) + extra
	fixed := codedBits(&b.stats, fixedLit.lens, fixedDist.lens) + extra
	stored := 8 * (len(input) + storedHeader*(1+len(input)/maxStored))
	e.w.reserve(min(dynamic, fixed, stored)/8 + 64)
	switch {
	case stored <= min(dynamic, fixed):
		e.writeStored(input, final)
	case fixed <= dynamic:
		e.w.put(blockHead(typeFixed, final), 3)
		e.writeTokens(tokens, &fixedLit, &fixedDist)
	default:
		e.w.put(blockHead(typeDynamic, final), 3)
		e.writeHeader(header)
		e.writeTokens(tokens, &e.lit, &e.dist)
	}
}

func blockHead(kind uint64, final bool) uint64 {
	if final {
		return kind<<1 | 1
	}
	return kind << 1
}

// The fixed codes (RFC 1951, 3.2.6).
var fixedLit, fixedDist = makeFixed()

func makeFixed() (lit, dist code) {
	lit, dist = newCode(288), newCode(30)
	var counts [16]int
	for s := range lit.lens {
		n := uint8(8)
		switch {
		case s >= 144 && s < 256:
			n = 9
		case s >= 256 && s < 280:
			n = 7
		}
		lit.lens[s] = n
		counts[n]++
	}
	lit.assign(counts)
	for s := range dist.lens {
		dist.lens[s] = 5
	}
	dist.assign([16]int{5: 30})
	return lit, dist
}

// codedBits returns the bits of all symbols, end of block included.
func codedBits(s *stats, lit, dist []uint8) int {
	n := 0
	for i, f := range s.lit {
		n += int(f) * int(lit[i])
	}
	for i, f := range s.dist {
		n += int(f) * int(dist[i])
	}
	return n
}

func extraBits(s *stats) int {
	n := 0
	for i, bits := range lengthExtra {
		n += int(s.lit[257+i]) * int(bits)
	}
	for i, bits := range distExtra {
		n += int(s.dist[i]) * int(bits)
	}
	return n
}

// writeTokens writes the compressed data of a block.
func (e *Encoder) writeTokens(tokens []token, lit, dist *code) {
	w := e.w // a copy, so that its fields stay in registers
	for _, t := range tokens {
		if t&tokenMatch == 0 {
			w.put(uint64(lit.words[t]), uint(lit.lens[t]))
			continue
		}
		length, distance := t.length(), t.dist()
		ls := lengthSymbol[length]
		bits, n := uint64(lit.words[257+int(ls)]), uint(lit.lens[257+int(ls)])
		bits |= uint64(length-int(lengthBase[ls])) << n
		n += uint(lengthExtra[ls])
		ds := distSymbolOf(distance)
		bits |= uint64(dist.words[ds]) << n
		n += uint(dist.lens[ds])
		bits |= uint64(distance-int(distBase[ds])) << n
		w.put(bits, n+uint(distExtra[ds])) // 15+5+15+13 bits at most
	}
	w.put(uint64(lit.words[endOfBlock]), uint(lit.lens[endOfBlock]))
	e.w = w
}

// writeStored writes input as it is (RFC 1951, 3.2.4), in as many blocks as it
// takes; an empty input is one block.
func (e *Encoder) writeStored(input []byte, final bool) {
	for {
		n := min(len(input), maxStored)
		e.w.reserve(n + 16)
		e.w.put(blockHead(typeStored, final && n == len(input)), 3)
		e.w.align()
		e.w.put(uint64(n)|uint64(^uint16(n))<<16, 32)
		e.w.out = append(e.w.out, input[:n]...)
		input = input[n:]
		if len(input) == 0 {
			return
		}
	}
}

// A run is one symbol of the code length alphabet, with its extra bits.
type run struct{ symbol, extra uint8 }

// extraOfRun gives the number of extra bits of symbols 16, 17 and 18.
var extraOfRun = [3]uint{2, 3, 7}

// A header describes the codes of a dynamic block (RFC 1951, 3.2.7).
type header struct {
	hlit, hdist, hclen int // code lengths sent of each alphabet
	bits               int
}

// planHeader encodes the lengths of the codes at hand into e.runs.
func (e *Encoder) planHeader() header {
	h := header{hlit: used(e.lit.lens, 257), hdist: used(e.dist.lens, 1)}
	var lens [litCount + distCount]uint8
	n := copy(lens[:], e.lit.lens[:h.hlit])
	n += copy(lens[n:], e.dist.lens[:h.hdist])
	e.runs = appendRuns(e.runs[:0], lens[:n])
	var freqs [preCount]uint32
	for _, r := range e.runs {
		freqs[r.symbol]++
	}
	e.codes.build(&e.pre, freqs[:], maxPreBits)
	h.hclen = preCount
	for h.hclen > 4 && e.pre.lens[preOrder[h.hclen-1]] == 0 {
		h.hclen--
	}
	h.bits = 3 + 5 + 5 + 4 + 3*h.hclen
	for s, f := range freqs {
		h.bits += int(f) * int(e.pre.lens[s])
		if s >= 16 {
			h.bits += int(f) * int(extraOfRun[s-16])
		}
	}
	return h
}

// used returns how many lengths are to be sent, at least low.
func used(lens []uint8, low int) int {
	n := len(lens)
	for n > low && lens[n-1] == 0 {
		n--
	}
	return n
}

// appendRuns encodes code lengths: 16 repeats the last one 3 to 6 times, 17 and
// 18 stand for 3 to 10 and 11 to 138 zeros.
func appendRuns(runs []run, lens []uint8) []run {
	for i := 0; i < len(lens); {
		n := 1
		for i+n < len(lens) && lens[i+n] == lens[i] {
			n++
		}
		i += n
		v := lens[i-1]
		if v != 0 {
			runs = append(runs, run{symbol: v})
			n--
		}
		for n > 0 {
			switch {
			case n < 3:
				runs = append(runs, run{symbol: v})
				n--
			case v != 0:
				k := min(n, 6)
				runs = append(runs, run{16, uint8(k - 3)})
				n -= k
			case n <= 10:
				runs = append(runs, run{17, uint8(n - 3)})
				n = 0
			default:
				k := min(n, 138)
				runs = append(runs, run{18, uint8(k - 11)})
				n -= k
			}
		}
	}
	return runs
}

// writeHeader writes what planHeader planned.
func (e *Encoder) writeHeader(h header) {
	e.w.put(uint64(h.hlit-257)|uint64(h.hdist-1)<<5|uint64(h.hclen-4)<<10, 14)
	for _, s := range preOrder[:h.hclen] {
		e.w.put(uint64(e.pre.lens[s]), 3)
	}
	for _, r := range e.runs {
		e.w.put(uint64(e.pre.words[r.symbol]), uint(e.pre.lens[r.symbol]))
		if r.symbol >= 16 {
			e.w.put(uint64(r.extra), extraOfRun[r.symbol-16])
		}
	}
}
