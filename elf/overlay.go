package elf

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"
)

// An Overlay is an edited image: the original bytes with replaced ranges. It
// holds only what is new and reads the rest from the original, so that an edit
// costs what it changes.
type Overlay struct {
	base   io.ReaderAt
	size   int64
	pieces []piece
	edited bool
}

// A piece is a run of bytes of the result, from one source.
type piece struct {
	at   int64  // offset in the result
	n    int64  // length in bytes
	from int64  // offset in the original; -1 when the bytes are new
	data []byte // new bytes; nil with from -1 means zeros
}

// Size returns the length of the edited image in bytes.
func (o *Overlay) Size() int64 { return o.size }

// Edited reports whether the image differs from the original.
func (o *Overlay) Edited() bool { return o.edited }

// ReadAt reads the edited image. It implements [io.ReaderAt].
func (o *Overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("elf: read at negative offset %d", off)
	}
	i := sort.Search(len(o.pieces), func(i int) bool { return o.pieces[i].at+o.pieces[i].n > off })
	done := 0
	for ; i < len(o.pieces) && done < len(p); i++ {
		pc := o.pieces[i]
		skip := off + int64(done) - pc.at
		part := p[done : done+int(min(int64(len(p)-done), pc.n-skip))]
		if err := pc.read(o.base, part, skip); err != nil {
			return done, err
		}
		done += len(part)
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

func (pc *piece) read(base io.ReaderAt, p []byte, skip int64) error {
	switch {
	case pc.from >= 0:
		n, err := base.ReadAt(p, pc.from+skip)
		if n == len(p) {
			return nil
		}
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	case pc.data != nil:
		copy(p, pc.data[skip:])
	default:
		clear(p)
	}
	return nil
}

// A patch replaces bytes of the original, where they lie.
type patch struct {
	off  uint64
	n    uint64
	data []byte // nil means zeros
}

// A builder puts an overlay together: runs of the original with patches, and
// new bytes, one after the other.
type builder struct {
	base    io.ReaderAt
	patches []patch // in the offsets of the original
	pieces  []piece
	size    int64
}

func (b *builder) patch(off uint64, data []byte) {
	b.patches = append(b.patches, patch{off, uint64(len(data)), data})
}

func (b *builder) zero(off, n uint64) {
	if n > 0 {
		b.patches = append(b.patches, patch{off, n, nil})
	}
}

func (b *builder) append(n uint64, from int64, data []byte) {
	if n == 0 {
		return
	}
	b.pieces = append(b.pieces, piece{b.size, int64(n), from, data})
	b.size += int64(n)
}

func (b *builder) bytes(data []byte) { b.append(uint64(len(data)), -1, data) }
func (b *builder) zeros(n uint64)    { b.append(n, -1, nil) }

// original appends bytes [off, end) of the original with the patches that fall
// in them. Patches must be sorted.
func (b *builder) original(off, end uint64) {
	for _, p := range b.patches {
		if p.off >= end || p.off+p.n <= off {
			continue
		}
		from := max(p.off, off)
		b.append(from-off, int64(off), nil)
		n := min(p.off+p.n, end) - from
		if p.data == nil {
			b.zeros(n)
		} else {
			b.bytes(p.data[from-p.off:][:n])
		}
		off = from + n
	}
	b.append(end-off, int64(off), nil)
}

// cut takes n bytes at off out of every patch.
func (b *builder) cut(off, n uint64) {
	var rest []patch
	for _, p := range b.patches {
		end := p.off + p.n
		if p.off >= off+n || end <= off {
			rest = append(rest, p)
			continue
		}
		if p.off < off {
			rest = append(rest, p.slice(p.off, off))
		}
		if end > off+n {
			rest = append(rest, p.slice(off+n, end))
		}
	}
	b.patches = rest
}

// slice returns the part of a patch between two offsets.
func (p patch) slice(from, to uint64) patch {
	if p.data == nil {
		return patch{from, to - from, nil}
	}
	return patch{from, to - from, p.data[from-p.off : to-p.off]}
}

// sortPatches orders the patches and reports two that touch the same bytes,
// which would be a mistake of the planner.
func (b *builder) sortPatches() error {
	slices.SortFunc(b.patches, func(x, y patch) int { return cmp.Compare(x.off, y.off) })
	for i := 1; i < len(b.patches); i++ {
		if prev, next := b.patches[i-1], b.patches[i]; prev.off+prev.n > next.off {
			return formatErr(next.off, "two structures share these bytes (%#x bytes at %#x before it); the file cannot be edited safely", prev.n, prev.off)
		}
	}
	return nil
}

// trimPatches leaves out of the patches what the original says already, so that
// an edit changes no more bytes than it must.
func (b *builder) trimPatches() error {
	kept := b.patches[:0]
	for _, p := range b.patches {
		if p.data == nil {
			kept = append(kept, p)
			continue
		}
		old := make([]byte, p.n)
		if n, err := b.base.ReadAt(old, int64(p.off)); n < len(old) {
			return fmt.Errorf("elf: offset %#x: %w", p.off, err)
		}
		for p.n > 0 && old[0] == p.data[0] {
			p.off, p.n, p.data, old = p.off+1, p.n-1, p.data[1:], old[1:]
		}
		for p.n > 0 && old[p.n-1] == p.data[p.n-1] {
			p.n, p.data = p.n-1, p.data[:p.n-1]
		}
		if p.n > 0 {
			kept = append(kept, p)
		}
	}
	b.patches = kept
	return nil
}

// A Run is a part of an edited image that stands in the original, too.
type Run struct {
	At   int64 // offset in the edited image
	From int64 // offset in the original
	Size int64 // bytes
}

// Runs returns the parts of the image that are the original's, in order.
func (o *Overlay) Runs() []Run {
	var runs []Run
	for _, p := range o.pieces {
		if p.from >= 0 {
			runs = append(runs, Run{At: p.at, From: p.from, Size: p.n})
		}
	}
	return runs
}

func (b *builder) overlay() *Overlay {
	return &Overlay{base: b.base, size: b.size, pieces: b.pieces, edited: true}
}
