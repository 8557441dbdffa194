package deflate

import (
	"math/bits"
	"slices"
)

// A code is a Huffman code of up to 288 symbols.
type code struct {
	lens  []uint8  // bits of each symbol's code, 0 for an unused symbol
	words []uint16 // the code, first bit lowest
}

// leaf is a used symbol while a code is built.
type leaf struct {
	freq   uint32
	symbol uint16
}

// A builder makes codes. It keeps its space between them.
type builder struct {
	leaves []leaf
	nodes  []uint32 // frequencies, then parents, then depths (see minimumRedundancy)
}

// build makes the code with the shortest output for these frequencies, none of
// its words longer than limit bits. A code of less than two used symbols gets
// more, since some decoders refuse an incomplete code (RFC 1951, 3.2.7).
func (b *builder) build(c *code, freqs []uint32, limit int) {
	b.leaves = b.leaves[:0]
	for s, f := range freqs {
		if f > 0 {
			b.leaves = append(b.leaves, leaf{f, uint16(s)})
		}
	}
	for s := uint16(0); len(b.leaves) < 2; s++ {
		if freqs[s] == 0 {
			b.leaves = append(b.leaves, leaf{1, s})
		}
	}
	slices.SortFunc(b.leaves, func(x, y leaf) int {
		if x.freq != y.freq {
			if x.freq < y.freq {
				return -1
			}
			return 1
		}
		return int(x.symbol) - int(y.symbol)
	})
	counts := b.lengths(limit)
	clear(c.lens)
	i := 0
	for n := limit; n > 0; n-- { // the rarest symbols get the longest words
		for range counts[n] {
			c.lens[b.leaves[i].symbol] = uint8(n)
			i++
		}
	}
	c.assign(counts)
}

// lengths returns how many words of each length the code has.
func (b *builder) lengths(limit int) (counts [16]int) {
	b.nodes = b.nodes[:0]
	for _, l := range b.leaves {
		b.nodes = append(b.nodes, l.freq)
	}
	minimumRedundancy(b.nodes)
	used := 0 // of the code space, in words of limit bits
	for _, n := range b.nodes {
		n := min(int(n), limit)
		counts[n]++
		used += 1 << (limit - n)
	}
	// Words that were cut to the limit overdraw the code space. Each step takes
	// one of them away and splits the longest shorter word in two, which gives
	// back one unit: the code ends up complete, as zlib insists it is.
	for ; used > 1<<limit; used-- {
		n := limit - 1
		for counts[n] == 0 {
			n--
		}
		counts[n]--
		counts[n+1] += 2
		counts[limit]--
	}
	return counts
}

// minimumRedundancy replaces ascending frequencies by the lengths of their
// Huffman codes, in place: A. Moffat, J. Katajainen, "In-Place Calculation of
// Minimum-Redundancy Codes", WADS 1995.
func minimumRedundancy(a []uint32) {
	n := len(a)
	leaf, root := 0, 0
	for next := 0; next < n-1; next++ { // join the two rarest trees
		var sum uint32
		for range 2 {
			if leaf >= n || root < next && a[root] < a[leaf] {
				sum += a[root]
				a[root] = uint32(next)
				root++
			} else {
				sum += a[leaf]
				leaf++
			}
		}
		a[next] = sum
	}
	a[n-2] = 0
	for i := n - 3; i >= 0; i-- { // depths of inner nodes
		a[i] = a[a[i]] + 1
	}
	next, inner, open := n-1, n-2, 1 // depths of leaves
	for depth := uint32(0); open > 0; depth++ {
		below := 0
		for inner >= 0 && a[inner] == depth {
			below++
			inner--
		}
		for ; open > below; open-- {
			a[next] = depth
			next--
		}
		open = 2 * below
	}
}

// assign gives out the words in order of length and symbol (RFC 1951, 3.2.2).
func (c *code) assign(counts [16]int) {
	var next [16]uint16
	word := 0
	for n := 1; n < len(next); n++ {
		word = (word + counts[n-1]) << 1
		next[n] = uint16(word)
	}
	for s, n := range c.lens {
		if n > 0 {
			c.words[s] = bits.Reverse16(next[n]) >> (16 - n)
			next[n]++
		}
	}
}
