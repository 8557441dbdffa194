// Package overlay holds edited images: the original bytes with replaced, added
// and removed ranges. An [Overlay] keeps only what is new and reads the rest from
// the original, so that an edit costs what it changes. Make one with a [Builder].
package overlay

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"
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
	at   int64                  // offset in the result
	n    int64                  // length in bytes
	from int64                  // offset in the original; -1 when the bytes are new
	data []byte                 // new bytes; nil with from -1 means zeros
	late func() ([]byte, error) // makes data that is not known yet; the same each time
}

// Size returns the length of the edited image in bytes.
func (o *Overlay) Size() int64 { return o.size }

// Edited reports whether the image differs from the original.
func (o *Overlay) Edited() bool { return o.edited }

// ReadAt reads the edited image. It implements [io.ReaderAt].
func (o *Overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
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
	case pc.data != nil || pc.late != nil:
		data, err := pc.fresh()
		if err != nil {
			return err
		}
		copy(p, data[skip:])
	default:
		clear(p)
	}
	return nil
}

// fresh returns the new bytes of a piece that has any.
func (pc *piece) fresh() ([]byte, error) {
	if pc.late == nil {
		return pc.data, nil
	}
	data, err := pc.late()
	if err == nil && int64(len(data)) != pc.n {
		err = fmt.Errorf("%d bytes are made, want %d", len(data), pc.n)
	}
	return data, err
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

// A Builder puts an overlay together from front to back.
type Builder struct {
	base   io.ReaderAt
	size   int64
	pieces []piece
}

// NewBuilder returns a builder of an image made from base.
func NewBuilder(base io.ReaderAt) *Builder { return &Builder{base: base} }

// Size returns how many bytes the image has so far.
func (b *Builder) Size() int64 { return b.size }

// Original appends n bytes of the original, from offset from on.
func (b *Builder) Original(from, n int64) { b.append(piece{n: n, from: from}) }

// Bytes appends data, which must not change any more.
func (b *Builder) Bytes(data []byte) { b.append(piece{n: int64(len(data)), from: -1, data: data}) }

// Late appends n bytes that are made when somebody first reads them, or while
// [Overlay.WriteFile] copies the rest. make is called once, and may read what the
// builder has so far.
func (b *Builder) Late(n int64, make func() ([]byte, error)) {
	b.append(piece{n: n, from: -1, late: sync.OnceValues(make)})
}

// Zeros appends n zeros.
func (b *Builder) Zeros(n int64) { b.append(piece{n: n, from: -1}) }

// Image appends an image whose original begins at offset from of the builder's.
func (b *Builder) Image(o *Overlay, from int64) {
	for _, p := range o.pieces {
		if p.from >= 0 {
			p.from += from
		}
		b.append(p)
	}
}

func (b *Builder) append(p piece) {
	if p.n == 0 {
		return
	}
	p.at = b.size
	b.pieces = append(b.pieces, p)
	b.size += p.n
}

// Overlay returns the image, which reads from the builder's base. With edited
// false it is known to be the original's bytes.
func (b *Builder) Overlay(edited bool) *Overlay {
	return &Overlay{base: b.base, size: b.size, pieces: slices.Clip(b.pieces), edited: edited}
}
