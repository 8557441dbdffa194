// Package steady reads files that somebody may write to meanwhile. What it has
// given once it gives again, or it fails with [ErrChanged]: what was checked is
// then what is hashed and what is copied, in however many reads. Start with
// [Open], or with a [Pool] for more files than there are descriptors.
//
// A change is noticed by the size and time of the file after each read, and by a
// checksum of each block that is read twice. FIFOs and devices are refused and
// never waited for.
package steady

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
)

// ErrChanged reports contents that are not what they were.
var ErrChanged = errors.New("changed while it was read")

const (
	// blockSize is how many bytes share a checksum. A read is widened to whole
	// blocks, and those of headers are short.
	blockSize = 8 << 10
	// groupSize is how many checksums are allocated at a time: files may be far
	// larger than what is read of them.
	groupSize = 512
)

// A group has the checksums of some blocks; 0 stands for one that is not known.
type group [groupSize]uint64

// A Reader reads contents of which each block has to be the same each time. It may
// be used from several goroutines.
type Reader struct {
	r    io.ReaderAt
	size int64
	seed maphash.Seed

	mu     sync.Mutex
	groups map[int64]*group

	buffers sync.Pool // of *[]byte
}

// NewReader returns a reader of the size bytes in r.
func NewReader(r io.ReaderAt, size int64) *Reader {
	return &Reader{r: r, size: size, seed: maphash.MakeSeed(), groups: map[int64]*group{}}
}

// Size returns the length of the contents in bytes.
func (r *Reader) Size() int64 { return r.size }

// ReadAt implements [io.ReaderAt]. Contents that are shorter than they were have
// changed, too.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= r.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), r.size-off))
	if err := r.readBlocks(p[:n], off); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// maxStep bounds the buffer of a read that does not begin and end with a block.
const maxStep = 1 << 20

// readBlocks fills p, which lies within the contents.
func (r *Reader) readBlocks(p []byte, off int64) error {
	for len(p) > 0 {
		start := off - off%blockSize
		n := min(int64(len(p)), maxStep-(off-start))
		end := min((off+n+blockSize-1)/blockSize*blockSize, r.size)
		if start == off && end == off+n {
			if err := r.readWhole(p[:n], off); err != nil {
				return err
			}
		} else if err := r.readWidened(p[:n], off, start, end); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// readWidened fills p from whole blocks around it.
func (r *Reader) readWidened(p []byte, off, start, end int64) error {
	buffer, ok := r.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	defer r.buffers.Put(buffer)
	if int64(cap(*buffer)) < end-start {
		*buffer = make([]byte, end-start)
	}
	blocks := (*buffer)[:end-start]
	if err := r.readWhole(blocks, start); err != nil {
		return err
	}
	copy(p, blocks[off-start:])
	return nil
}

// readWhole reads whole blocks and compares them with what they were.
func (r *Reader) readWhole(p []byte, off int64) error {
	n, err := r.r.ReadAt(p, off)
	if n < len(p) {
		if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
			return ErrChanged
		}
		return err
	}
	for block := off / blockSize; len(p) > 0; block++ {
		length := min(len(p), blockSize)
		if !r.same(block, maphash.Bytes(r.seed, p[:length])|1) {
			return ErrChanged
		}
		p = p[length:]
	}
	return nil
}

// same notes the checksum of a block, or compares it.
func (r *Reader) same(block int64, sum uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.groups[block/groupSize]
	if g == nil {
		g = new(group)
		r.groups[block/groupSize] = g
	}
	known := &g[block%groupSize]
	if *known == 0 {
		*known = sum
	}
	return *known == sum
}
