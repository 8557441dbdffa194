package deflate

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// A Block is the beginning of one block of a stream.
type Block struct {
	Bit int64 // where its header begins, in bits from the start of the stream
	Out int64 // how many bytes the blocks before it stand for
}

// ErrCorrupt reports a stream that breaks a rule of RFC 1951.
var ErrCorrupt = errors.New("deflate stream is damaged (RFC 1951)")

// ScanBlocks finds where the blocks of a stream begin, and calls visit for each
// in order until it returns false. It decodes lengths only and makes no output. A
// damaged stream is [ErrCorrupt] or [io.ErrUnexpectedEOF], other errors are those of r.
func ScanBlocks(r io.Reader, visit func(Block) bool) error {
	s := &scanner{bits: bitReader{r: r}}
	for final := false; !final; {
		if !visit(Block{s.bits.pos(), s.out}) {
			return nil
		}
		header := s.bits.take(3)
		final = header&1 != 0
		var err error
		switch header >> 1 {
		case 0:
			err = s.stored()
		case 1:
			err = s.fixed()
		case 2:
			err = s.dynamic()
		default:
			err = ErrCorrupt
		}
		// What a failed read makes of the bits says nothing about the stream.
		if err = cmp.Or(s.bits.failed, err, s.bits.err); err != nil {
			return err
		}
	}
	return nil
}

// A scanner walks the symbols of a stream.
type scanner struct {
	bits          bitReader
	out           int64
	literal, dist codeTable
}

// stored skips a block without compression (RFC 1951, 3.2.4).
func (s *scanner) stored() error {
	s.bits.align()
	n, check := s.bits.take(16), s.bits.take(16)
	if s.bits.err == nil && n != ^check&0xffff {
		return ErrCorrupt
	}
	s.out += int64(n)
	s.bits.skip(int(n))
	return nil
}

// fixed reads a block with the codes of RFC 1951, 3.2.6.
func (s *scanner) fixed() error {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	var dist [30]uint8
	for i := range dist {
		dist[i] = 5
	}
	return errors.Join(s.literal.build(lengths[:]), s.dist.build(dist[:]), s.symbols())
}

// lengthOrder is the order in which code lengths of code lengths are stored.
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads a block with codes of its own (RFC 1951, 3.2.7).
func (s *scanner) dynamic() error {
	literals, dists, codes := int(s.bits.take(5))+257, int(s.bits.take(5))+1, int(s.bits.take(4))+4
	var first [19]uint8
	for _, i := range lengthOrder[:codes] {
		first[i] = uint8(s.bits.take(3))
	}
	var table codeTable
	if err := table.build(first[:]); err != nil || literals > 286 || dists > 30 {
		return ErrCorrupt
	}
	var lengths [286 + 30]uint8
	for i := 0; i < literals+dists; {
		symbol := table.decode(&s.bits)
		repeat, value := 1, uint8(symbol)
		switch {
		case symbol < 0 || symbol == 16 && i == 0:
			return ErrCorrupt
		case symbol == 16:
			repeat, value = 3+int(s.bits.take(2)), lengths[i-1]
		case symbol == 17:
			repeat, value = 3+int(s.bits.take(3)), 0
		case symbol == 18:
			repeat, value = 11+int(s.bits.take(7)), 0
		}
		if i+repeat > literals+dists {
			return ErrCorrupt
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	if err := errors.Join(s.literal.build(lengths[:literals]), s.dist.build(lengths[literals:literals+dists])); err != nil {
		return err
	}
	return s.symbols()
}

// symbols counts what the symbols of a block stand for, up to its end.
func (s *scanner) symbols() error {
	for s.bits.err == nil {
		symbol := s.literal.decode(&s.bits)
		switch {
		case symbol < 0:
			return ErrCorrupt
		case symbol < endOfBlock:
			s.out++
			continue
		case symbol == endOfBlock:
			return nil
		case symbol > 285:
			return ErrCorrupt
		}
		s.out += matchLength(&s.bits, symbol-257)
		dist := s.dist.decode(&s.bits)
		if dist < 0 || dist > 29 {
			return ErrCorrupt
		}
		s.bits.take(uint(max(dist/2-1, 0)))
	}
	return nil
}

// matchLength returns the length of a match by its code (RFC 1951, 3.2.5).
func matchLength(b *bitReader, code int) int64 {
	switch {
	case code < 8:
		return int64(code) + minMatch
	case code == 28:
		return maxMatch
	}
	extra := uint(code/4 - 1)
	return int64(4+code&3)<<extra + minMatch + int64(b.take(extra))
}

// fastBits is the length of codes that one look-up decodes.
const fastBits = 10

// A codeTable decodes a canonical Huffman code (RFC 1951, 3.2.2).
type codeTable struct {
	fast   [1 << fastBits]uint16 // symbol<<4 | length, 0 for a longer code
	count  [16]uint16            // codes of each length
	symbol [288]uint16           // symbols in the order of their codes
}

func (t *codeTable) build(lengths []uint8) error {
	t.fast, t.count = [1 << fastBits]uint16{}, [16]uint16{}
	for _, n := range lengths {
		t.count[n]++
	}
	t.count[0] = 0
	var code, index [17]uint16
	left := 1
	for n := 1; n < 16; n++ {
		left = left<<1 - int(t.count[n])
		if left < 0 {
			return ErrCorrupt
		}
		code[n+1] = (code[n] + t.count[n]) << 1
		index[n+1] = index[n] + t.count[n]
	}
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		t.symbol[index[n]] = uint16(s)
		index[n]++
		if n <= fastBits {
			for c := bits.Reverse16(code[n]) >> (16 - n); c < 1<<fastBits; c += 1 << n {
				t.fast[c] = uint16(s)<<4 | uint16(n)
			}
		}
		code[n]++
	}
	return nil
}

// decode reads one symbol. It is -1 for bits that are no code.
func (t *codeTable) decode(b *bitReader) int {
	b.fill()
	if e := t.fast[b.acc&(1<<fastBits-1)]; e != 0 {
		b.drop(uint(e & 15))
		return int(e >> 4)
	}
	code, first, index := 0, 0, 0
	for n := 1; n < 16; n++ {
		code |= int(b.acc>>(n-1)) & 1
		count := int(t.count[n])
		if code-count < first {
			b.drop(uint(n))
			return int(t.symbol[index+code-first])
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return -1
}

// A bitReader takes bits from a stream, the lowest of a byte first. The first
// error sticks; bits past the end are zeros.
type bitReader struct {
	r      io.Reader
	buf    [32 << 10]byte
	next   int   // in buf
	end    int   // of buf
	base   int64 // bytes before buf
	acc    uint64
	have   uint // bits in acc
	err    error
	failed error // of r, if it is not that it ends
}

// pos returns how many bits have been taken.
func (b *bitReader) pos() int64 { return (b.base+int64(b.next))*8 - int64(b.have) }

// fill makes sure that acc holds 48 bits, as long as there are any.
func (b *bitReader) fill() {
	if b.have >= 48 {
		return
	}
	if b.end-b.next >= 8 {
		b.acc |= binary.LittleEndian.Uint64(b.buf[b.next:]) << b.have
		b.next += int((63 - b.have) >> 3)
		b.have |= 56
		return
	}
	for b.have < 48 {
		if b.next == b.end && !b.more() {
			return
		}
		b.acc |= uint64(b.buf[b.next]) << b.have
		b.next++
		b.have += 8
	}
}

// more reads the next piece of the stream.
func (b *bitReader) more() bool {
	b.base += int64(b.end)
	b.next, b.end = 0, 0
	for b.end == 0 {
		n, err := b.r.Read(b.buf[:])
		b.end = n
		if n == 0 && err != nil {
			if err != io.EOF {
				b.failed = err
			}
			return false
		}
	}
	return true
}

// drop takes n bits that fill has provided.
func (b *bitReader) drop(n uint) {
	if n > b.have {
		b.err, b.acc, b.have = io.ErrUnexpectedEOF, 0, 0
		return
	}
	b.acc >>= n
	b.have -= n
}

// take returns the next n bits, at most 32.
func (b *bitReader) take(n uint) uint64 {
	b.fill()
	v := b.acc & (1<<n - 1)
	b.drop(n)
	return v
}

// align drops the bits up to the next byte.
func (b *bitReader) align() { b.drop(b.have & 7) }

// skip takes n whole bytes.
func (b *bitReader) skip(n int) {
	for ; n > 0 && b.err == nil; n-- {
		b.take(8)
	}
}
