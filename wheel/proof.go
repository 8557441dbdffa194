package wheel

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

// errUnequal reports compressed bytes that do not inflate to what went in.
var errUnequal = errors.New("internal error: the compressed bytes do not inflate to the content, so nothing is written")

// A prover inflates what a compressor made, while it is at hand, and compares it
// with what went in.
type prover struct {
	decoder deflate.Decoder
	buf     []byte
}

// emptyLast is a last block without content (RFC 1951, 3.2.6): a stream that has
// come to the end of a block ends with it.
var emptyLast = [...]byte{3, 0}

// prove compares the chunk's compressed bytes with its content. The chunks of a
// member join into one stream, so when each is right, and refers to no more than
// the dictionary before it, the member is.
func (p *prover) prove(c *chunk) error {
	stream := c.out
	if !c.last {
		stream = append(stream, emptyLast[:]...)
	}
	n, taken, err := p.decoder.Decode(p.room(c), stream, c.dict)
	if err != nil || n != len(c.in) || taken != len(stream) || !bytes.Equal(p.buf[c.dict:], c.fresh()) {
		return errUnequal
	}
	return nil
}

// room returns the dictionary of the chunk, and room for its content.
func (p *prover) room(c *chunk) []byte {
	p.buf = slices.Grow(p.buf[:0], len(c.in))[:len(c.in)]
	copy(p.buf, c.in[:c.dict])
	return p.buf
}

// proveBlocks is prove for blocks that were taken over, between two bits of c.out. The
// last byte of a stream may have bits that belong to no block.
func (p *prover) proveBlocks(c *chunk, from, to int64) error {
	n, err := p.decoder.DecodeBlocks(p.room(c), c.out, c.dict, from, to, c.last)
	if err != nil || n != len(c.in) || !bytes.Equal(p.buf[c.dict:], c.fresh()) {
		return errUnequal
	}
	return nil
}

// Confirm reports whether m, read from the archive that Write wrote, and its row
// in the RECORD of that archive are what Write put there as new content: the
// compressed bytes, which were inflated and compared with the content while they
// were at hand, and the digest of that content. It is false for members that
// were copied, and for those in which a part was taken over without a proof.
func (w *Writer) Confirm(m *Member, row RecordRow) (bool, error) {
	e := w.written[m.Name]
	if e == nil || !e.proved || row != e.row || m.Method != e.method || m.Size != e.size || m.CompressedSize != e.compressed || m.CRC32 != e.crc {
		return false, nil
	}
	raw := crc32.NewIEEE()
	if _, err := io.CopyBuffer(raw, onlyReader{m.Raw()}, make([]byte, copyBuffer)); err != nil {
		return false, fmt.Errorf("%s: %w", quoteName(m.Name), err)
	}
	return raw.Sum32() == e.rawCRC, nil
}

// onlyReader hides what else a reader can do, so that io.CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }
