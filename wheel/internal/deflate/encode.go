package deflate

import "math/bits"

// Version stands for the output of the encoder, of all levels: it is the digest that
// TestOutputIsPinned finds, and changes with it.
const Version = "f36c6c0f37dab461ec329247f28463b3dd83fd69d65d1480f7c9bbe3ae5a1956"

// MaxLevel is the level that compresses most.
const MaxLevel = 9

// levels say how hard to look for matches: how many places, what length is long
// enough, over how many following bytes a better match is waited for, and from
// what length on that is not worth it: on machine code a match of six bytes is
// seldom beaten.
//
// Measured on libcrypto, libhdf5, libxml2, libgnutls and libstdc++ of Debian 12
// (14.7 MB, in chunks of 1 MiB), against zlib level 6 in the same run (18 MB/s
// on that machine): level 1 is 2.0 to 5.1 % larger, level 4 from 1.1 % smaller
// to 0.1 % larger at 51 MB/s, level 6 from 1.6 to 0.7 % smaller at 40 MB/s,
// level 9 from 2.1 to 1.3 % smaller at 10 MB/s. Level 3 lies between 1 and 4: on
// the libraries that psycopg2, h5py and lxml need it is 0.5, 0.0 and 1.1 %
// smaller than zlib level 6, at 68 to 75 MB/s.
var levels = [MaxLevel + 1]struct{ depth, nice, lazy, enough int }{
	1: {4, 16, 0, 0},
	2: {8, 32, 0, 0},
	3: {6, 16, 1, 6},
	4: {16, 32, 1, 32},
	5: {24, 48, 1, 48},
	6: {40, 96, 1, 96},
	7: {96, 160, 1, 160},
	8: {300, maxMatch, 2, maxMatch},
	9: {1000, maxMatch, 2, maxMatch},
}

// An Encoder compresses slices, one after the other. It is not safe for
// concurrent use.
type Encoder struct {
	depth, nice, lazy, enough int

	finder finder
	tokens []token
	blocks []*block // of the slice at hand
	pool   []*block // all there ever were
	taken  int      // how many of pool are in use
	w      bitWriter
	codes  builder

	lit, dist, pre code
	runs           []run
}

// New returns an encoder; level is 1 to [MaxLevel], others are brought into
// this range.
func New(level int) *Encoder {
	l := levels[min(max(level, 1), MaxLevel)]
	return &Encoder{
		depth: l.depth, nice: l.nice, lazy: l.lazy, enough: l.enough,
		lit:  newCode(litCount),
		dist: newCode(distCount),
		pre:  newCode(preCount),
	}
}

func newCode(n int) code { return code{make([]uint8, n), make([]uint16, n)} }

// Append compresses src[dict:] and appends the result to dst, whole bytes of
// whole blocks. Matches may reach back into src[:dict], which the decoder has
// seen. With final, the last block is marked as the last one of the stream;
// without, an empty stored block (RFC 1951, 3.2.4) brings it to a byte boundary.
func (e *Encoder) Append(dst, src []byte, dict int, final bool) []byte {
	e.w = bitWriter{out: dst}
	e.tokens = e.tokens[:0]
	e.blocks, e.taken = e.blocks[:0], 0
	e.finder.reset(src)
	e.finder.insert(max(0, dict-windowSize), dict)
	e.parse(dict)
	pos := dict
	tokens := e.tokens
	if len(e.blocks) > 0 {
		e.blocks = joinBlocks(e.blocks)
	}
	for i, b := range e.blocks {
		e.writeBlock(b, tokens[:b.tokens], src[pos:pos+b.input], final && i == len(e.blocks)-1)
		tokens = tokens[b.tokens:]
		pos += b.input
	}
	switch {
	case !final:
		e.writeStored(nil, false)
	case len(e.blocks) == 0:
		e.writeStored(nil, true)
	}
	e.w.reserve(1)
	e.w.align()
	return e.w.out
}

// parse turns the input into tokens. A match is kept only if none that begins
// at the following bytes is better by more than the literals it costs.
func (e *Encoder) parse(i int) {
	f := &e.finder
	for i < len(f.src) {
		m := f.find(i, 0, e.depth, e.nice)
		if m.length < minMatch {
			e.literal(f.src[i])
			i++
			continue
		}
		entered := i + 1 // first position that the finder does not know
		for m.length < e.enough {
			skip, better := e.better(i, m, &entered)
			if skip == 0 {
				break
			}
			for range skip {
				e.literal(f.src[i])
				i++
			}
			m = better
		}
		e.match(m)
		f.insert(entered, i+m.length)
		i += m.length
	}
}

// better looks at the next one or two positions for a match that is worth
// skip literals.
func (e *Encoder) better(i int, m match, entered *int) (skip int, _ match) {
	for skip := 1; skip <= e.lazy; skip++ {
		if i+skip < *entered {
			continue
		}
		next := e.finder.find(i+skip, m.length-1, e.depth>>skip, e.nice)
		*entered = i + skip + 1
		if next.length < m.length {
			continue
		}
		// A byte more is worth four bits, a distance twice as far costs one.
		gain := 4*(next.length-m.length) + bits.Len(uint(m.dist)) - bits.Len(uint(next.dist))
		if gain > 2+4*(skip-1) {
			return skip, next
		}
	}
	return 0, match{}
}

func (e *Encoder) literal(b byte) { e.add(token(b), 1) }
func (e *Encoder) match(m match)  { e.add(matchToken(m), m.length) }

// add notes a token that stands for n bytes of input.
func (e *Encoder) add(t token, n int) {
	if len(e.tokens)%segmentTokens == 0 {
		e.blocks = append(e.blocks, e.newBlock())
	}
	e.tokens = append(e.tokens, t)
	b := e.blocks[len(e.blocks)-1]
	b.add(t)
	b.tokens++
	b.input += n
}

// newBlock takes a block from the pool.
func (e *Encoder) newBlock() *block {
	if e.taken == len(e.pool) {
		e.pool = append(e.pool, new(block))
	}
	b := e.pool[e.taken]
	e.taken++
	*b = block{}
	return b
}
