package deflate

import (
	"errors"
	"io"
)

// A Block is the beginning of one block of a stream.
type Block struct {
	Bit int64 // where its header begins, in bits from the start of the stream
	Out int64 // how many bytes the blocks before it stand for
}

// ErrCorrupt reports a stream that breaks a rule of RFC 1951.
var ErrCorrupt = errors.New("deflate stream is damaged (RFC 1951)")

// errEnough ends a stream whose further blocks nobody asks for.
var errEnough = errors.New("no more blocks are asked for")

// ScanBlocks finds where the blocks of a stream begin, and calls visit for each
// in order until it returns false. A damaged stream is [ErrCorrupt] or
// [io.ErrUnexpectedEOF], other errors are those of r.
func ScanBlocks(r io.Reader, visit func(Block) bool) error {
	z := NewReader(r)
	z.Blocks(visit)
	for z.err == nil {
		z.given = z.d.pos // nobody reads it
		z.step()
	}
	if z.err == io.EOF || z.err == errEnough {
		return nil
	}
	return z.err
}
