package elf

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/wheelmend/wheelmend/overlay"
)

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
	out     *overlay.Builder
}

func newBuilder(base io.ReaderAt) *builder {
	return &builder{base: base, out: overlay.NewBuilder(base)}
}

// size returns how many bytes the result has so far.
func (b *builder) size() uint64 { return uint64(b.out.Size()) }

func (b *builder) patch(off uint64, data []byte) {
	b.patches = append(b.patches, patch{off, uint64(len(data)), data})
}

func (b *builder) zero(off, n uint64) {
	if n > 0 {
		b.patches = append(b.patches, patch{off, n, nil})
	}
}

func (b *builder) bytes(data []byte) { b.out.Bytes(data) }
func (b *builder) zeros(n uint64)    { b.out.Zeros(int64(n)) }

// original appends bytes [off, end) of the original with the patches that fall
// in them. Patches must be sorted.
func (b *builder) original(off, end uint64) {
	for _, p := range b.patches {
		if p.off >= end || p.off+p.n <= off {
			continue
		}
		from := max(p.off, off)
		b.out.Original(int64(off), int64(from-off))
		n := min(p.off+p.n, end) - from
		if p.data == nil {
			b.zeros(n)
		} else {
			b.bytes(p.data[from-p.off:][:n])
		}
		off = from + n
	}
	b.out.Original(int64(off), int64(end-off))
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
			return fmt.Errorf("offset %#x: %w", p.off, err)
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
