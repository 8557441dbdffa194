package wheel

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/wheelmend/wheelmend/internal/jobs"
)

// copyBuffer is the piece in which members are copied, in bytes.
const copyBuffer = 256 << 10

// A pipeline moves chunks from a reader, which hashes them, through jobs
// compressors to a writer. The order of the chunks never changes; their number
// bounds the memory.
type pipeline struct {
	out         io.WriterAt
	pos         int64 // where the next byte goes
	jobs        int
	level       int
	limit       int64
	free        chan *chunk
	copyBuf     []byte
	progress    func(done, total int64)
	done, total int64 // bytes
}

func (w *Writer) newPipeline(out io.WriterAt, entries []*entry) *pipeline {
	workers := jobs.Count(w.opts.Jobs)
	level := w.opts.Level
	if level == 0 {
		level = defaultLevel
	}
	p := &pipeline{out: out, jobs: workers, level: level, limit: w.limit, progress: w.opts.Progress}
	// One chunk for each compressor, one being read, one being written.
	p.free = make(chan *chunk, workers+2)
	for range cap(p.free) {
		p.free <- nil // allocated when first needed
	}
	for _, e := range entries {
		p.total += e.size
	}
	return p
}

// run writes the entries. It returns after all its goroutines have ended.
func (p *pipeline) run(ctx context.Context, entries []*entry) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan *chunk, cap(p.free))
	ordered := make(chan *chunk, cap(p.free))
	var wg sync.WaitGroup
	defer wg.Wait()
	for range p.jobs {
		wg.Go(func() { p.compress(work) })
	}
	wg.Go(func() {
		defer close(work)
		defer close(ordered)
		p.read(ctx, entries, work, ordered)
	})
	err := p.write(ctx, ordered)
	if err != nil {
		cancel()
		for range ordered { // until the reader has seen it
		}
	}
	wg.Wait()
	for _, e := range entries {
		if e.cached != nil {
			e.cached.close()
		}
	}
	return err
}

// compress runs one compressor until work ends.
func (p *pipeline) compress(work <-chan *chunk) {
	z := &compressor{level: p.level}
	for c := range work {
		if c.err == nil {
			z.run(c)
		}
		c.done <- struct{}{}
	}
}

// read loads the chunks of all entries in order. A copied entry is one chunk
// without bytes.
func (p *pipeline) read(ctx context.Context, entries []*entry, work, ordered chan<- *chunk) {
	for _, e := range entries {
		if e.content == nil {
			c, ok := p.take(ctx)
			if !ok {
				return
			}
			c.entry, c.first, c.last = e, true, true
			ordered <- c
			continue
		}
		e.sha256 = sha256.New()
		if e.cached != nil {
			e.cached.open()
		}
		if e.segments == nil {
			e.segments = fillGaps(nil, e.size)
		}
		for _, s := range e.segments {
			if !p.readSegment(ctx, e, s, work, ordered) {
				return
			}
		}
	}
}

// readSegment loads the chunks of one segment. It reports whether to go on.
func (p *pipeline) readSegment(ctx context.Context, e *entry, s segment, work, ordered chan<- *chunk) bool {
	block, off := 0, s.off
	for {
		c, ok := p.take(ctx)
		if !ok {
			return false
		}
		c.entry, c.segment, c.off, c.first = e, s, off, off == 0
		end := min(s.end, off+chunkSize)
		if c.block = block; s.blocks != nil {
			block, end = s.nextPart(block)
		}
		c.nextBlock, c.last = block, end == e.size
		e.absorb(c, end-off)
		failed := c.err != nil
		ordered <- c
		work <- c
		if failed {
			return false
		}
		if off = end; off >= s.end {
			return true
		}
	}
}

// take waits for a free chunk.
func (p *pipeline) take(ctx context.Context) (*chunk, bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case c := <-p.free:
		if c == nil {
			c = newChunk()
		}
		c.err = nil
		return c, true
	}
}

// absorb loads a chunk of the entry and updates digest and checksum.
func (e *entry) absorb(c *chunk, size int64) {
	if c.err = c.load(size); c.err != nil {
		return
	}
	e.sha256.Write(c.fresh())
	e.crc = crc32.Update(e.crc, crc32.IEEETable, c.fresh())
	if c.last {
		e.row = RecordRow{Path: e.name, Hash: formatHash(e.sha256.Sum(nil)), Size: e.size}
	}
}

// write takes the chunks in order and puts them into the archive.
func (p *pipeline) write(ctx context.Context, ordered <-chan *chunk) error {
	for c := range ordered {
		err := p.writeChunk(c)
		e := c.entry
		p.free <- c
		if err != nil {
			return inEntry(e.name, err)
		}
	}
	return context.Cause(ctx)
}

// inEntry names the member in an error of the disk or of Content.
func inEntry(name string, err error) error {
	return fmt.Errorf("%s: %w", quoteName(name), err)
}

// writeChunk writes a chunk, or a whole copied member.
func (p *pipeline) writeChunk(c *chunk) error {
	e := c.entry
	if e.member != nil {
		p.begin(e)
		if err := p.copy(e); err != nil {
			return err
		}
		return p.end(e)
	}
	<-c.done
	if c.err != nil {
		return c.err
	}
	if c.first {
		p.begin(e)
		e.proved, e.rawCRC = true, 0
	}
	if err := p.append(c.out); err != nil {
		return err
	}
	e.proved = e.proved && (!c.segment.spliced() || c.segment.blocks != nil)
	e.rawCRC = crc32.Update(e.rawCRC, crc32.IEEETable, c.out)
	if e.cached != nil {
		e.cached.keep(c)
		if c.last {
			e.cached.close()
		}
	}
	e.compressed += int64(len(c.out))
	p.advance(int64(len(c.fresh())))
	if !c.last {
		return nil
	}
	return p.end(e)
}

// begin leaves room for the local header, which is written at the end, when
// the sizes are known.
func (p *pipeline) begin(e *entry) {
	e.headerOff, e.limit = p.pos, p.limit
	// Deflate lengthens what it cannot shorten by 5 bytes for 64 KiB at most
	// (RFC 1951, 3.2.4), and a chunk by its last, empty block.
	e.zip64 = e.size+e.size/(8<<10)+64 >= p.limit || e.compressed >= p.limit
	p.pos += e.localLen()
}

// end writes the local header.
func (p *pipeline) end(e *entry) error {
	_, err := p.out.WriteAt(e.appendLocal(nil), e.headerOff)
	return err
}

func (p *pipeline) append(b []byte) error {
	_, err := p.out.WriteAt(b, p.pos)
	p.pos += int64(len(b))
	return err
}

// copy copies the compressed bytes of a member.
func (p *pipeline) copy(e *entry) error {
	if p.copyBuf == nil {
		p.copyBuf = make([]byte, copyBuffer)
	}
	m := e.member
	for off := int64(0); off < m.CompressedSize; {
		b := p.copyBuf[:min(m.CompressedSize-off, copyBuffer)]
		if err := readFullAt(m.archive, b, m.dataOff+off); err != nil {
			return err
		}
		if err := p.append(b); err != nil {
			return err
		}
		off += int64(len(b))
	}
	p.advance(m.Size)
	return nil
}

func (p *pipeline) advance(n int64) {
	p.done += n
	if p.progress != nil {
		p.progress(p.done, p.total)
	}
}

// finish writes the central directory and its end, and returns the size of the
// archive.
func (p *pipeline) finish(entries []*entry) (int64, error) {
	var b []byte
	for _, e := range entries {
		b = e.appendCentral(b)
	}
	b = appendEnd(b, len(entries), p.pos, int64(len(b)), p.limit)
	if err := p.append(b); err != nil {
		return 0, err
	}
	return p.pos, nil
}
