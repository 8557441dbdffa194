package wheel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wheelmend/wheelmend/internal/jobs"
	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

// A Run is a part of new content that stands in a member, too.
type Run struct {
	At   int64 // offset in the new content
	From int64 // offset in the member
	Size int64 // bytes
}

// AddEdited is Add for content that was made from m. Where runs, in ascending
// order, say that the content is m's, its compressed bytes are taken over, as far
// as whole blocks reach, so that an edit costs what it changes. That needs the
// default level; at another, all is compressed again.
func (w *Writer) AddEdited(h Header, c Content, m *Member, runs []Run) {
	w.Add(h, c)
	if e := w.entries[len(w.entries)-1]; w.opts.Level == 0 && e.method == Deflate && m.Method == Deflate {
		e.source, e.runs = m, runs
	}
}

// minSplice is the least length, in bytes of content, that is taken over.
const minSplice = 64 << 10

// A segment is a part of a member's content that is made in one way.
type segment struct {
	off, end int64 // of the content
	from     int64 // where its compressed bytes begin in the source; -1 to compress it
	bits     int64 // how many bits they have

	// blocks begin the parts that can be inflated on their own, each with the bit of
	// the source and the byte of the content where it does. nil for none.
	blocks []deflate.Block
}

// maxBlock is the most content, in bytes, of a block that is inflated at once.
const maxBlock = 1 << 20

// spliced reports whether the segment is taken over.
func (s *segment) spliced() bool { return s.from >= 0 }

// planSplices finds out, for all entries, what can be taken over.
func (w *Writer) planSplices(ctx context.Context, entries []*entry) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs.Count(w.opts.Jobs))
	for _, e := range entries {
		group.Go(func() error {
			spliced, err := e.splices()
			if err != nil {
				return fmt.Errorf("%s: %w", quoteName(e.source.Name), err)
			}
			e.segments = fillGaps(spliced, e.size)
			return ctx.Err()
		})
	}
	return group.Wait()
}

// splices returns the segments of the entry that can be taken over. A block may
// refer to the 32 KiB before it, so those have to be the same, too; and it has
// to begin a byte, since a stored block means bytes. A source with a damaged stream
// gives none: compressing needs no source. Errors are those of reading it, for the
// result must not depend on them.
func (e *entry) splices() ([]segment, error) {
	if e.source == nil || len(e.runs) == 0 {
		return nil, nil
	}
	s := &splicer{entry: e, runs: e.runs}
	err := e.source.scanBlocks(s.visit)
	if errors.Is(err, deflate.ErrCorrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil
	}
	s.close()
	return s.found, err
}

// scanBlocks is [deflate.ScanBlocks] of the member's stream, or what was noted when that
// was read.
func (m *Member) scanBlocks(visit func(deflate.Block) bool) error {
	noted := m.blocks.Load()
	if noted == nil {
		return deflate.ScanBlocks(m.Raw(), visit)
	}
	for _, b := range *noted {
		if !visit(b) {
			break
		}
	}
	return nil
}

// blocksFrom returns the blocks from one on in front of end, as far as they were noted,
// moved by shift. It is nil if one is too large to inflate at once.
func (m *Member) blocksFrom(start, end deflate.Block, shift int64) []deflate.Block {
	noted := m.blocks.Load()
	if noted == nil {
		return nil
	}
	var list []deflate.Block
	for i, b := range *noted {
		if b.Bit < start.Bit || b.Bit >= end.Bit {
			continue
		}
		next := end
		if i+1 < len(*noted) {
			next = (*noted)[i+1]
		}
		if next.Out-b.Out > maxBlock {
			return nil
		}
		list = append(list, deflate.Block{Bit: b.Bit, Out: b.Out + shift})
	}
	return list
}

// A splicer goes through the blocks of a source and the runs side by side.
type splicer struct {
	entry *entry
	runs  []Run         // that are not done
	start deflate.Block // where the run can be taken over from, once open
	last  deflate.Block // the last block that begins in the run
	open  bool
	found []segment
}

// visit takes the next block. It reports whether there is need for more.
func (s *splicer) visit(b deflate.Block) bool {
	for len(s.runs) > 0 && b.Out > s.runs[0].From+s.runs[0].Size {
		s.close()
	}
	if len(s.runs) == 0 {
		return false
	}
	run := s.runs[0]
	lowest := run.From + dictSize
	if run.At == 0 && run.From == 0 {
		lowest = 0
	}
	if !s.open && b.Out >= lowest && b.Bit&7 == 0 {
		s.open, s.start = true, b
	}
	s.last = b
	if s.open && s.toEnd(run) {
		s.add(run, deflate.Block{Bit: 8 * s.entry.source.CompressedSize, Out: s.entry.source.Size})
		s.runs, s.open = nil, false
		return false
	}
	return true
}

// toEnd reports whether a run ends both the source and the content.
func (s *splicer) toEnd(run Run) bool {
	return run.From+run.Size == s.entry.source.Size && run.At+run.Size == s.entry.size
}

// close ends the run in front of the last block that begins in it.
func (s *splicer) close() {
	if s.open {
		s.add(s.runs[0], s.last)
	}
	if len(s.runs) > 0 {
		s.runs = s.runs[1:]
	}
	s.open = false
}

func (s *splicer) add(run Run, end deflate.Block) {
	if end.Out-s.start.Out < minSplice {
		return
	}
	shift := run.At - run.From
	s.found = append(s.found, segment{
		off: s.start.Out + shift, end: end.Out + shift, from: s.start.Bit / 8, bits: end.Bit - s.start.Bit,
		blocks: s.entry.source.blocksFrom(s.start, end, shift),
	})
}

// fillGaps adds segments to compress, so that the content is covered.
func fillGaps(spliced []segment, size int64) []segment {
	var all []segment
	at := int64(0)
	for _, s := range append(spliced, segment{off: size, end: size}) {
		if s.off > at || size == 0 {
			all = append(all, segment{off: at, end: s.off, from: -1})
		}
		if s.end > s.off {
			all = append(all, s)
		}
		at = s.end
	}
	return all
}

// splice fills c.out with the part of the source's compressed bytes that goes
// with its part of the segment.
func (c *chunk) splice() error {
	s := c.segment
	total, length := (s.bits+7)/8, s.end-s.off
	first := total * (c.off - s.off) / length
	stop := total * (c.off + int64(len(c.fresh())) - s.off) / length
	if err := c.readSource(s.from+first, s.from+stop); err != nil {
		return err
	}
	c.endSplice(stop == total)
	return nil
}

// readSource fills c.out with compressed bytes of the source.
func (c *chunk) readSource(first, end int64) error {
	c.out = slices.Grow(c.out[:0], int(end-first))[:end-first]
	m := c.entry.source
	if err := readFullAt(m.archive, c.out, m.dataOff+first); err != nil && err != io.EOF {
		return err
	}
	return nil
}

// endSplice comes behind the last compressed bytes of a segment.
func (c *chunk) endSplice(last bool) {
	if last && !c.last {
		c.out = deflate.AppendSync(c.out, int(c.segment.bits&7))
	}
}

// nextPart returns where the chunk ends that begins with block i: the first block of
// the next one, and its place in the content.
func (s *segment) nextPart(i int) (int, int64) {
	for j := i + 1; j < len(s.blocks) && s.blocks[j].Out < s.end; j++ {
		if s.blocks[j].Out-s.blocks[i].Out >= chunkSize {
			return j, s.blocks[j].Out
		}
	}
	return len(s.blocks), s.end
}

// spliceProved is splice for a chunk of whole blocks, which are inflated and compared
// with the content while they are at hand.
func (z *prover) spliceProved(c *chunk) error {
	s := c.segment
	from := s.blocks[c.block].Bit
	to, last := 8*s.from+s.bits, c.nextBlock == len(s.blocks)
	if !last {
		to = s.blocks[c.nextBlock].Bit
	}
	if err := c.readSource(from/8, (to+7)/8); err != nil {
		return err
	}
	if err := z.proveBlocks(c, from&7, to-from/8*8); err != nil {
		return err
	}
	if !last { // the next chunk begins with the byte in which this one ends
		c.out = c.out[:to/8-from/8]
	}
	c.endSplice(last)
	return nil
}
