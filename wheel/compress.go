package wheel

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/klauspost/compress/flate"
)

const (
	// chunkSize is how much of a member is compressed at a time. It is part of
	// the output format: another value gives other bytes.
	chunkSize = 1 << 20
	// dictSize is how far back deflate can refer (RFC 1951, 2). Each chunk is
	// primed with that much of what comes before it.
	dictSize = 32 << 10
	// defaultLevel stands for level -1.
	defaultLevel = 7
	maxLevel     = 9
)

// A chunk is a piece of a member on its way through the compressor. Its buffers
// are used again for other chunks.
type chunk struct {
	entry *entry
	first bool // of its member
	last  bool // of its member
	in    []byte
	dict  int // how much of in is dictionary, in bytes
	out   bytes.Buffer
	err   error
	done  chan struct{} // receives once out or err is set
}

func newChunk() *chunk {
	return &chunk{done: make(chan struct{}, 1)}
}

// load reads the piece of e that begins at off, and the dictionary before it.
func (c *chunk) load(e *entry, off int64) error {
	dict := min(off, dictSize)
	n := min(e.size-off, chunkSize)
	c.in, c.dict = slices.Grow(c.in[:0], int(dict+n))[:dict+n], int(dict)
	if err := readFullAt(e.content, c.in, off-dict); err != nil {
		return fmt.Errorf("offset %#x: %w", off, err)
	}
	return nil
}

// fresh returns the bytes of the chunk without the dictionary.
func (c *chunk) fresh() []byte { return c.in[c.dict:] }

// A compressor deflates chunks. Each result is a run of whole blocks that ends
// on a byte boundary, so that the results of a member's chunks join into one
// stream, whoever made them.
type compressor struct {
	level int
	flate *flate.Writer
}

// run fills c.out.
func (z *compressor) run(c *chunk) error {
	c.out.Reset()
	if c.entry.method == Store {
		c.out.Write(c.fresh())
		return nil
	}
	if z.flate == nil {
		var err error
		if z.flate, err = flate.NewWriterDict(&c.out, z.level, c.in[:c.dict]); err != nil {
			return err
		}
	} else {
		z.flate.ResetDict(&c.out, c.in[:c.dict])
	}
	if _, err := z.flate.Write(c.fresh()); err != nil {
		return err
	}
	if c.last {
		return z.flate.Close()
	}
	return z.flate.Flush()
}
