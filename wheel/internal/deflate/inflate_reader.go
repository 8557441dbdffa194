package deflate

import (
	"errors"
	"io"
)

// ErrRoom reports a stream that stands for more than there is room for.
var ErrRoom = errors.New("deflate stream stands for more bytes than expected")

// A Decoder inflates streams that are in memory. The zero value is ready; it keeps
// its tables between streams. It is not safe for concurrent use.
type Decoder struct{ d inflater }

// Decode inflates src behind dst[:dict], which is what the stream may refer to. It
// returns how many bytes of dst are filled then, and how many of src the stream has.
// Errors are a [*CorruptError], [io.ErrUnexpectedEOF] for one that is cut, and
// [ErrRoom] for more than dst holds. What dst holds beyond n is of no use.
func (z *Decoder) Decode(dst, src []byte, dict int) (n, taken int, err error) {
	d := &z.d
	d.reset()
	d.src, d.whole, d.out, d.pos = src, true, dst, dict
	err = ErrRoom
	switch d.run() {
	case ended:
		err = nil
	case failed:
		err = d.err
	}
	d.src, d.out = nil, nil // held no longer than the call
	return d.pos, int(d.taken()), err
}

// DecodeBlocks inflates the blocks of src that begin with bit from, at most 7, and end
// with bit to, behind dst[:dict]. It returns how many bytes of dst are filled then.
// With final, the last of them is the last of the stream and ends in the same byte.
// Blocks that end elsewhere are [ErrCorrupt].
func (z *Decoder) DecodeBlocks(dst, src []byte, dict int, from, to int64, final bool) (int, error) {
	d := &z.d
	d.reset()
	d.src, d.whole, d.out, d.pos = src, true, dst, dict
	d.bits(uint(from))
	at := int64(-1)
	d.visit = func(b Block) bool { at = b.Bit; return at < to }
	err := ErrRoom
	switch d.run() {
	case ended:
		if err = nil; final {
			at, to = (d.bit()+7)/8, (to+7)/8
		} else {
			err = ErrCorrupt // it goes on
		}
	case failed:
		if err = d.err; err == errEnough && !final {
			err = nil
		}
	}
	d.src, d.out, d.visit = nil, nil, nil
	if err == nil && at != to {
		err = ErrCorrupt
	}
	return d.pos, err
}

const (
	readerInput  = 32 << 10
	readerWindow = windowSize + 128<<10
	// noProgress is how often a reader may return nothing.
	noProgress = 100
)

// A Reader inflates a stream, of any length, in bounded memory. It reads beyond the
// end of the stream. It is not safe for concurrent use.
type Reader struct {
	d      inflater
	r      io.Reader
	in     []byte
	window []byte
	given  int   // window[given:d.pos] is still to be read
	err    error // what Read returns once that is read
}

// NewReader returns a reader of what r inflates to.
func NewReader(r io.Reader) *Reader {
	z := &Reader{in: make([]byte, readerInput), window: make([]byte, readerWindow)}
	z.Reset(r)
	return z
}

// Reset starts on another stream, with the same buffers.
func (z *Reader) Reset(r io.Reader) {
	z.d.reset()
	z.d.src, z.d.out = z.in[:0], z.window
	z.r, z.given, z.err = r, 0, nil
}

// Blocks has visit called for each block of the stream that Reset has started, in
// order, until it returns false, which ends reading with an error.
func (z *Reader) Blocks(visit func(Block) bool) { z.d.visit = visit }

// Taken returns how many bytes the stream has, once Read has returned [io.EOF].
func (z *Reader) Taken() int64 { return z.d.taken() }

// Read implements io.Reader. Errors are a [*CorruptError], [io.ErrUnexpectedEOF] for
// a stream that is cut, and those of the reader underneath.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for z.given == z.d.pos && z.err == nil {
		z.step()
	}
	if z.given == z.d.pos {
		return 0, z.err
	}
	n := copy(p, z.window[z.given:z.d.pos])
	z.given += n
	return n, nil
}

// step decodes until there is something to read, or an error. All of the window has
// been read.
func (z *Reader) step() {
	if z.d.pos == len(z.window) {
		z.d.before += int64(z.d.pos - windowSize)
		z.d.pos = copy(z.window, z.window[z.d.pos-windowSize:])
		z.given = z.d.pos
	}
	switch z.d.run() {
	case needsInput:
		z.more()
	case ended:
		z.err = io.EOF
	case failed:
		z.err = z.d.err
	}
}

// more reads the next piece of the stream behind what is left of the last one.
func (z *Reader) more() {
	d := &z.d
	d.giveBack()
	n := copy(z.in, d.src[d.next:])
	d.base += int64(d.next)
	d.next = 0
	for range noProgress {
		got, err := z.r.Read(z.in[n:])
		d.src = z.in[:n+got]
		if err == io.EOF {
			d.whole = true
			return
		} else if err != nil {
			z.err = err
			return
		} else if got > 0 {
			return
		}
	}
	z.err = io.ErrNoProgress
}
