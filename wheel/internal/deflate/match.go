package deflate

import (
	"encoding/binary"
	"math/bits"
)

const (
	windowSize = 32 << 10 // how far a match can reach back (RFC 1951, 2)
	minMatch   = 3
	maxMatch   = 258
	// tooFar is from where on a match of three bytes costs more than its bytes.
	tooFar = 4096

	hash3Bits = 14
	hash4Bits = 16
)

// A finder looks for earlier occurrences of what comes next. Positions in its
// tables are one too high, so that 0 means none.
type finder struct {
	src   []byte
	head3 [1 << hash3Bits]int32 // last place of three bytes
	head4 [1 << hash4Bits]int32 // last place of four bytes
	prev  [windowSize]int32     // the place before, of the same four bytes
}

// reset starts on src.
func (f *finder) reset(src []byte) {
	f.src = src
	clear(f.head3[:])
	clear(f.head4[:])
}

func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i : i+4 : len(b)]) }
func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8 : len(b)]) }

func hash3(v uint32) uint32 { return (v << 8) * 0x9e3779b1 >> (32 - hash3Bits) }
func hash4(v uint32) uint32 { return v * 0x9e3779b1 >> (32 - hash4Bits) }

// insert enters the positions from i up to end.
func (f *finder) insert(i, end int) {
	end = min(end, len(f.src)-8)
	for ; i < end; i++ {
		f.enter(i, load32(f.src, i))
	}
}

// enter enters position i, where v begins, and returns the last place of its
// three bytes and that of its four, -1 for none.
func (f *finder) enter(i int, v uint32) (near, at int) {
	h3, h4 := hash3(v), hash4(v)
	near, at = int(f.head3[h3])-1, int(f.head4[h4])-1
	f.head3[h3] = int32(i + 1)
	f.prev[i&(windowSize-1)] = int32(at + 1)
	f.head4[h4] = int32(i + 1)
	return near, at
}

// A match is an earlier occurrence: length bytes, dist bytes back. A length of
// less than minMatch is no match.
type match struct{ length, dist int }

// find enters position i and returns the longest match there that is longer
// than best bytes, after looking at no more than depth places; one of nice
// bytes is long enough to stop.
func (f *finder) find(i, best, depth, nice int) match {
	src := f.src
	if i+8 > len(src) {
		return match{}
	}
	v := load32(src, i)
	near, at := f.enter(i, v)
	low := max(i-windowSize+1, 0)
	limit := min(maxMatch, len(src)-i)
	nice = min(nice, limit)
	var m match
	if best < minMatch {
		best = minMatch - 1
		if near >= low && i-near <= tooFar && (load32(src, near)^v)<<8 == 0 {
			m, best = match{minMatch, i - near}, minMatch
		}
	}
	if best >= limit {
		return m
	}
	// The last four of the best+1 bytes that would be longer than the best so
	// far differ most often, so they are compared first.
	tail := max(best-3, 0)
	want := load32(src, i+tail)
	for ; at >= low && depth > 0; depth-- {
		if load32(src, at+tail) == want && load32(src, at) == v {
			if n := f.extend(at, i, limit); n > best {
				m, best = match{n, i - at}, n
				if n >= nice {
					return m
				}
				tail = best - 3
				want = load32(src, i+tail)
			}
		}
		at = int(f.prev[at&(windowSize-1)]) - 1
	}
	return m
}

// extend returns how many bytes at a and b are equal, limit at most. Four are.
func (f *finder) extend(a, b, limit int) int {
	n := 4
	for n+8 <= limit {
		if x := load64(f.src, a+n) ^ load64(f.src, b+n); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
		n += 8
	}
	for n < limit && f.src[a+n] == f.src[b+n] {
		n++
	}
	return n
}
