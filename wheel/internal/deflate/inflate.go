package deflate

import (
	"encoding/binary"
	"io"
)

// A CorruptError reports a stream that breaks a rule of RFC 1951. It is an
// [ErrCorrupt].
type CorruptError struct {
	Off int64 // in bytes from the start of the stream, close to the fault
}

func (e *CorruptError) Error() string { return ErrCorrupt.Error() }

// Unwrap returns [ErrCorrupt].
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

// What an inflater does next.
type phase uint8

const (
	atHeader  phase = iota // of a block
	inStored               // in a block of bytes as they are
	inSymbols              // in a block of codes
	atEnd                  // of the stream
)

// Why an inflater stopped.
type stop uint8

const (
	needsInput stop = iota
	needsRoom
	ended
	failed // with err
)

// headerRoom is more than the bytes of the longest header of a block (RFC 1951,
// 3.2.7: 14 bits, 19 times 3, and 316 times 7 and 7), and of the symbols that fit
// into what fast leaves of the output. With that many at hand, nothing has to
// stop in the middle.
const headerRoom = 1 << 10

// An inflater decodes a stream piece by piece: from src, which it has whole or the
// beginning of, to out, which also holds what matches refer to. It is the one
// decoder of this package; Reader and Inflate bring it bytes.
type inflater struct {
	src   []byte
	next  int    // in src
	whole bool   // nothing follows src
	base  int64  // bytes of the stream before src
	acc   uint64 // bits that were taken from src, the next one lowest
	have  uint   // how many

	out []byte
	pos int // out[:pos] is written; matches refer to it

	before int64            // bytes of the output before out
	visit  func(Block) bool // called for each block, if not nil

	phase  phase
	final  bool // the block is the last
	stored int  // bytes that are left of a stored block
	length int  // bytes that are left of a match that found no room
	dist   int  // its distance
	err    error

	lit     litTable
	distTab distTable
	fixed   bool // the tables are those of fixed blocks
	builder tableBuilder
	pre     preTable
	lengths [litCount + distCount + 2]uint8
}

// reset starts a stream.
func (d *inflater) reset() {
	d.src, d.next, d.whole, d.base = nil, 0, false, 0
	d.acc, d.have = 0, 0
	d.out, d.pos, d.before, d.visit = nil, 0, 0, nil
	d.phase, d.final, d.stored, d.length, d.dist, d.err = atHeader, false, 0, 0, 0, nil
}

// taken returns how many bytes of the stream were needed so far.
func (d *inflater) taken() int64 { return d.base + int64(d.next) - int64(d.have>>3) }

// bit returns how many bits of the stream were decoded so far.
func (d *inflater) bit() int64 { return 8*(d.base+int64(d.next)) - int64(d.have) }

// short reports whether there may be too little input to go on for sure.
func (d *inflater) short(n int) bool { return !d.whole && len(d.src)-d.next < n }

func (d *inflater) corrupt() stop {
	d.err = &CorruptError{d.taken()}
	return failed
}

func (d *inflater) cut() stop {
	d.err = io.ErrUnexpectedEOF
	return failed
}

// run decodes until it has to stop.
func (d *inflater) run() stop {
	for d.err == nil {
		if d.length > 0 && !d.resume() {
			return needsRoom
		}
		var why stop
		var on bool
		switch d.phase {
		case atHeader:
			why, on = d.header()
		case inStored:
			why, on = d.copyStored()
		case inSymbols:
			why, on = d.symbols()
		case atEnd:
			return ended
		}
		if !on {
			return why
		}
	}
	return failed
}

// resume goes on with a match that found no room. It reports whether that is done.
func (d *inflater) resume() bool {
	n := min(d.length, len(d.out)-d.pos)
	for range n {
		d.out[d.pos] = d.out[d.pos-d.dist]
		d.pos++
	}
	d.length -= n
	return d.length == 0
}

// endBlock comes after the last byte of a block.
func (d *inflater) endBlock() {
	d.phase = atHeader
	if d.final {
		d.phase = atEnd
	}
}

// fill takes whole bytes from src, as long as acc has room for them: 56 bits at least.
func (d *inflater) fill() {
	for d.have < 56 && d.next < len(d.src) {
		d.acc |= uint64(d.src[d.next]) << d.have
		d.next++
		d.have += 8
	}
}

// giveBack returns to src the whole bytes that acc holds.
func (d *inflater) giveBack() {
	d.next -= int(d.have >> 3)
	d.have &= 7
	d.acc &= 1<<d.have - 1
}

// bits takes the next n bits, at most 32. Without enough of them ok is false.
func (d *inflater) bits(n uint) (v uint, ok bool) {
	if d.have < n {
		if d.fill(); d.have < n {
			return 0, false
		}
	}
	v = uint(d.acc & (1<<n - 1))
	d.acc >>= n
	d.have -= n
	return v, true
}

// header begins a block (RFC 1951, 3.2.3). It reports whether to go on, else why not.
func (d *inflater) header() (stop, bool) {
	if d.short(headerRoom) {
		return needsInput, false
	}
	if d.visit != nil && !d.visit(Block{d.bit(), d.before + int64(d.pos)}) {
		d.err = errEnough
		return failed, false
	}
	v, ok := d.bits(3)
	if !ok {
		return d.cut(), false
	}
	d.final = v&1 != 0
	switch v >> 1 {
	case typeStored:
		return d.beginStored()
	case typeFixed:
		d.buildFixed()
	case typeDynamic:
		d.fixed = false
		if why, ok := d.readCodes(); !ok {
			return why, false
		}
	default:
		return d.corrupt(), false
	}
	d.phase = inSymbols
	return 0, true
}

// beginStored reads the length of a stored block (RFC 1951, 3.2.4).
func (d *inflater) beginStored() (stop, bool) {
	d.bits(d.have & 7)
	v, ok := d.bits(32)
	if !ok {
		return d.cut(), false
	}
	n := v & 0xffff
	if n != ^v>>16&0xffff {
		return d.corrupt(), false
	}
	d.stored, d.phase = int(n), inStored
	d.giveBack()
	return 0, true
}

// copyStored copies what is left of a stored block.
func (d *inflater) copyStored() (stop, bool) {
	n := copy(d.out[d.pos:], d.src[d.next:d.next+min(d.stored, len(d.src)-d.next)])
	d.pos += n
	d.next += n
	d.stored -= n
	switch {
	case d.stored == 0:
		d.endBlock()
		return 0, true
	case d.pos == len(d.out):
		return needsRoom, false
	case d.whole:
		return d.cut(), false
	}
	return needsInput, false
}

// buildFixed makes the tables of RFC 1951, 3.2.6.
func (d *inflater) buildFixed() {
	if d.fixed {
		return
	}
	var lengths [288]uint8
	for s := range lengths {
		switch {
		case s >= 144 && s < 256:
			lengths[s] = 9
		case s >= 256 && s < 280:
			lengths[s] = 7
		default:
			lengths[s] = 8
		}
	}
	d.builder.build(d.lit[:], litTableBits, lengths[:], litEntries[:])
	for s := range 32 {
		lengths[s] = 5
	}
	d.builder.build(d.distTab[:], distTableBits, lengths[:32], distEntries[:])
	d.fixed = true
}

// readCodes reads the codes of a block (RFC 1951, 3.2.7).
func (d *inflater) readCodes() (stop, bool) {
	v, ok := d.bits(14)
	if !ok {
		return d.cut(), false
	}
	lits, dists, pres := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if lits > litCount || dists > distCount {
		return d.corrupt(), false
	}
	var lengths [preCount]uint8
	for _, s := range preOrder[:pres] {
		n, ok := d.bits(3)
		if !ok {
			return d.cut(), false
		}
		lengths[s] = uint8(n)
	}
	if !d.builder.build(d.pre[:], preTableBits, lengths[:], preEntries[:]) {
		return d.corrupt(), false
	}
	if why, ok := d.readLengths(lits + dists); !ok {
		return why, false
	}
	if !d.builder.build(d.lit[:], litTableBits, d.lengths[:lits], litEntries[:]) ||
		!d.builder.build(d.distTab[:], distTableBits, d.lengths[lits:lits+dists], distEntries[:]) {
		return d.corrupt(), false
	}
	return 0, true
}

// readLengths reads the lengths of n codes.
func (d *inflater) readLengths(n int) (stop, bool) {
	for i := 0; i < n; {
		d.fill()
		e := d.pre[d.acc&(1<<preTableBits-1)]
		if e&entrySpecial != 0 {
			return d.corrupt(), false
		}
		size := uint(e & entryBits)
		if size > d.have {
			return d.cut(), false
		}
		d.acc >>= size
		d.have -= size
		symbol := e >> entryValue
		if symbol < 16 {
			d.lengths[i] = uint8(symbol)
			i++
			continue
		}
		repeat, value := uint(3), uint8(0)
		if symbol == 18 {
			repeat = 11
		}
		more, ok := d.bits(extraOfRun[symbol-16])
		switch {
		case symbol == 16 && i == 0:
			return d.corrupt(), false
		case symbol == 16:
			value = d.lengths[i-1]
		}
		if !ok {
			return d.cut(), false
		}
		if repeat += more; int(repeat) > n-i {
			return d.corrupt(), false
		}
		for range repeat {
			d.lengths[i] = value
			i++
		}
	}
	return 0, true
}

// symbols decodes the symbols of a block: fast as long as there is room on both
// sides, then one by one.
func (d *inflater) symbols() (stop, bool) {
	for {
		if len(d.src)-d.next >= fastInput && len(d.out)-d.pos >= fastRoom {
			switch d.fast() {
			case fastEnd:
				d.endBlock()
				return 0, true
			case fastCorrupt:
				return d.corrupt(), false
			}
		}
		if d.short(fastInput) {
			return needsInput, false
		}
		why, on := d.symbol()
		if !on || d.phase != inSymbols {
			return why, on
		}
	}
}

// symbol decodes one symbol with every check.
func (d *inflater) symbol() (stop, bool) {
	d.fill()
	e := d.lit[d.acc&(1<<litTableBits-1)]
	acc, have := d.acc, d.have
	if e&(entrySpecial|entryEnd|entryInvalid) == entrySpecial {
		if have < litTableBits {
			return d.cut(), false
		}
		acc, have = acc>>litTableBits, have-litTableBits
		e = d.lit[(e>>entryValue+uint32(acc)&(1<<(e>>8&15)-1))&uint32(len(d.lit)-1)]
	}
	size := uint(e & entryBits)
	switch {
	case e&entryInvalid != 0:
		return d.corrupt(), false
	case size > have:
		return d.cut(), false
	case e&entryLiteral != 0:
		if d.pos == len(d.out) {
			return needsRoom, false
		}
		d.out[d.pos] = byte(e >> entryValue)
		d.pos++
		d.acc, d.have = acc>>size, have-size
		return 0, true
	case e&entryEnd != 0:
		d.acc, d.have = acc>>size, have-size
		d.endBlock()
		return 0, true
	}
	if d.pos == len(d.out) {
		return needsRoom, false
	}
	length := valueOf(e, acc)
	d.acc, d.have = acc>>size, have-size
	return d.distance(length)
}

// valueOf returns the length or distance of an entry whose code begins acc.
func valueOf(e uint32, acc uint64) int {
	return int(e>>entryValue) + int(acc&(1<<(e&entryBits)-1)>>(e>>8&15))
}

// distance decodes the distance of a match, and copies what there is room for.
func (d *inflater) distance(length int) (stop, bool) {
	d.fill()
	e := d.distTab[d.acc&(1<<distTableBits-1)]
	if e&(entrySpecial|entryInvalid) == entrySpecial {
		if d.have < distTableBits {
			return d.cut(), false
		}
		d.acc, d.have = d.acc>>distTableBits, d.have-distTableBits
		e = d.distTab[(e>>entryValue+uint32(d.acc)&(1<<(e>>8&15)-1))&uint32(len(d.distTab)-1)]
	}
	size := uint(e & entryBits)
	switch {
	case e&entryInvalid != 0:
		return d.corrupt(), false
	case size > d.have:
		return d.cut(), false
	}
	dist := valueOf(e, d.acc)
	d.acc, d.have = d.acc>>size, d.have-size
	if dist > d.pos {
		return d.corrupt(), false
	}
	d.length, d.dist = length, dist
	if !d.resume() {
		return needsRoom, false
	}
	return 0, true
}

const (
	// fastInput is what fast may read in one turn: two words, and a byte more that
	// each of them may be shifted by.
	fastInput = 24
	// fastRoom is what it may write: three literals, a match, and the words that a
	// copy may exceed it by.
	fastRoom = 3 + maxMatch + 32
)

// How fast ended.
const (
	fastStopped = iota // too close to an end
	fastEnd            // of the block
	fastCorrupt
)

// fast decodes symbols while there are fastInput bytes of input and fastRoom bytes
// of room, without other checks of either. 56 bits are at hand after a word is
// loaded: enough for two literals, a length and its extra bits, or a distance.
// It is one long function, since a call for each symbol would cost as much as decoding it:
// what it works on has to stay in registers.
func (d *inflater) fast() int {
	src, out := d.src, d.out
	next, pos := d.next, d.pos
	acc, have := d.acc, d.have
	lit, distTab := &d.lit, &d.distTab
	lastIn, lastOut := len(src)-fastInput, len(out)-fastRoom
	result := fastStopped
	acc |= load64(src, next) << (have & 63)
	next += int((63 - have) >> 3)
	have |= 56
loop:
	for next <= lastIn && pos <= lastOut {
		// 23 bits are left of the last turn: looked up before more are loaded, the
		// entry is there earlier.
		e := lit[acc&(1<<litTableBits-1)]
		acc |= load64(src, next) << (have & 63)
		next += int((63 - have) >> 3)
		have |= 56
		if e&entryLiteral != 0 {
			out[pos] = byte(e >> entryValue)
			pos++
			acc >>= e & entryBits
			have -= uint(e & entryBits)
			e = lit[acc&(1<<litTableBits-1)]
			if e&entryLiteral != 0 {
				out[pos] = byte(e >> entryValue)
				pos++
				acc >>= e & entryBits
				have -= uint(e & entryBits)
				e = lit[acc&(1<<litTableBits-1)]
				if e&entryLiteral != 0 {
					out[pos] = byte(e >> entryValue)
					pos++
					acc >>= e & entryBits
					have -= uint(e & entryBits)
					continue
				}
			}
		}
		if e&entrySpecial != 0 {
			if e&(entryEnd|entryInvalid) == 0 {
				acc >>= litTableBits
				have -= litTableBits
				e = lit[(uint64(e>>entryValue)+acc&(1<<(e>>8&15)-1))&uint64(len(lit)-1)]
				if e&entryLiteral != 0 {
					out[pos] = byte(e >> entryValue)
					pos++
					acc >>= e & entryBits
					have -= uint(e & entryBits)
					continue
				}
			}
			if e&entryEnd != 0 {
				acc >>= e & entryBits
				have -= uint(e & entryBits)
				result = fastEnd
				break loop
			}
			if e&entryInvalid != 0 {
				result = fastCorrupt
				break loop
			}
		}
		length := valueOf(e, acc)
		acc >>= e & entryBits
		have -= uint(e & entryBits)

		acc |= load64(src, next) << (have & 63)
		next += int((63 - have) >> 3)
		have |= 56
		e = distTab[acc&(1<<distTableBits-1)]
		if e&entrySpecial != 0 {
			if e&entryInvalid == 0 {
				acc >>= distTableBits
				have -= distTableBits
				e = distTab[(uint64(e>>entryValue)+acc&(1<<(e>>8&15)-1))&uint64(len(distTab)-1)]
			}
			if e&entryInvalid != 0 {
				result = fastCorrupt
				break loop
			}
		}
		dist := valueOf(e, acc)
		acc >>= e & entryBits
		have -= uint(e & entryBits)
		from := pos - dist
		if from < 0 {
			result = fastCorrupt
			break loop
		}
		end := pos + length
		if dist >= 8 {
			store64(out, pos, load64(out, from))
			store64(out, pos+8, load64(out, from+8))
			if length > 16 {
				copyWords(out, from+16, pos+16, end)
			}
		} else {
			copyClose(out, pos, end, dist)
		}
		pos = end
	}
	d.next, d.pos, d.acc, d.have = next, pos, acc, have
	d.giveBack()
	return result
}

// copyWords copies two words at a time, the last ones beyond what was asked for.
func copyWords(out []byte, from, to, end int) {
	for ; to < end; to += 16 {
		store64(out, to, load64(out, from))
		store64(out, to+8, load64(out, from+8))
		from += 16
	}
}

// copyClose repeats the dist bytes before pos, less than eight, as far as end.
func copyClose(out []byte, pos, end, dist int) {
	pattern := load64(out, pos-dist) & (1<<(8*dist) - 1) * repeats[dist&7]
	for step := int(steps[dist&7]); pos < end; pos += step {
		store64(out, pos, pattern)
	}
}

// repeats fill a word with its first 1 to 7 bytes, and steps are how far such a
// word can be moved to go on with the same bytes.
var (
	repeats = [8]uint64{0, 0x0101010101010101, 0x0001000100010001, 0x0001000001000001, 0x0000000100000001, 0x0000010000000001, 0x0001000000000001, 0x0100000000000001}
	steps   = [8]uint8{0, 8, 8, 6, 8, 5, 6, 7}
)

func store64(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:i+8:len(b)], v) }
