package wheel

import (
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

const (
	// chunkSize is how much of a member is compressed at a time. It is part of
	// the output format: another value gives other bytes. Chunks of 1 and 2 MiB
	// save less than 0.1 % (libcrypto, libhdf5, libxml2, libicudata), and keep
	// fewer processors busy with a member of some MiB.
	chunkSize = 512 << 10
	// dictSize is how far back deflate can refer (RFC 1951, 2). Each chunk is
	// primed with that much of what comes before it.
	dictSize = 32 << 10
	// defaultLevel stands for level 0: the fastest whose output is no more than
	// 1 % larger than that of zlib level 6 on each shared library measured (see
	// package deflate). Repaired psycopg2, lxml and h5py come out 0.2 to 1.3 %
	// smaller than auditwheel's; level 2 would make h5py 1.4 % larger.
	defaultLevel = 3
)

// A chunk is a piece of a member on its way through the compressor. Its buffers
// are used again for other chunks.
type chunk struct {
	entry     *entry
	segment   segment // that it is a piece of
	off       int64   // of the content
	block     int     // of the segment, with which it begins
	nextBlock int     // with which the next chunk begins
	first     bool    // of its member
	last      bool    // of its member
	in        []byte
	dict      int // how much of in is dictionary, in bytes
	out       []byte
	err       error
	fromCache bool          // out is what the cache had
	done      chan struct{} // receives once out or err is set
}

func newChunk() *chunk {
	return &chunk{done: make(chan struct{}, 1)}
}

// load reads size bytes of the content, and the dictionary before them.
func (c *chunk) load(size int64) error {
	dict := min(c.off, dictSize)
	if c.segment.spliced() && c.segment.blocks == nil {
		dict = 0
	}
	c.in, c.dict = slices.Grow(c.in[:0], int(dict+size))[:dict+size], int(dict)
	if err := readFullAt(c.entry.content, c.in, c.off-dict); err != nil {
		return fmt.Errorf("offset %#x: %w", c.off, err)
	}
	return nil
}

// fresh returns the bytes of the chunk without the dictionary.
func (c *chunk) fresh() []byte { return c.in[c.dict:] }

// A compressor deflates chunks. Each result is a run of whole blocks that ends
// on a byte boundary, so that the results of a member's chunks join into one
// stream, whoever made them.
type compressor struct {
	level   int
	encoder *deflate.Encoder // nil until the first chunk
	prover
}

// run fills c.out.
func (z *compressor) run(c *chunk) {
	switch {
	case c.segment.blocks != nil:
		c.err = z.spliceProved(c)
		return
	case c.segment.spliced():
		c.err = c.splice()
		return
	}
	if c.entry.method == Store {
		c.out = append(c.out[:0], c.fresh()...)
		return
	}
	c.fromCache = c.entry.cached != nil && c.entry.cached.take(z, c)
	if c.fromCache {
		return
	}
	if z.encoder == nil {
		z.encoder = deflate.New(z.level)
	}
	c.out = z.encoder.Append(c.out[:0], c.in, c.dict, c.last)
	c.err = z.prove(c)
}
