package macho

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/wheelmend/wheelmend/internal/overlay"
)

// Merge returns a fat file with the slices of all files, in their order, each
// aligned to 16 KiB as lipo(1) does it. Two slices of one architecture are an
// error, unless they are the same bytes.
func Merge(files ...*File) (*Overlay, error) {
	var parts []part
	for _, f := range files {
		for _, s := range f.Slices {
			known := slices.IndexFunc(parts, func(p part) bool { return p.Arch == s.Arch })
			if known < 0 {
				parts = append(parts, part{s, 0})
				continue
			}
			same, err := sameContent(parts[known].r, s.r, parts[known].Size, s.Size)
			if err != nil {
				return nil, err
			}
			if !same {
				return nil, fmt.Errorf("macho: both files have %v code, and it differs", s.Arch)
			}
		}
	}
	base := &joined{}
	for i := range parts {
		parts[i].at = base.size
		base.add(parts[i].r, parts[i].Size)
	}
	return mergeParts(parts, base)
}

// A part is a slice and where it lies in the joined readers.
type part struct {
	*Slice
	at int64
}

const lipoAlign = 14 // as a power of two: the largest page

func mergeParts(parts []part, base *joined) (*Overlay, error) {
	f := &File{Fat: true}
	if base.size+int64(len(parts)+1)<<lipoAlign > math.MaxUint32 {
		f.fat64 = true
	}
	at := fatHeaderSize + int64(len(parts))*f.fatArchSize()
	var entries []fatArch
	for _, p := range parts {
		e := fatArch{cpu: p.Arch.CPU, sub: p.order.Uint32(p.header[8:]), off: alignUp(at, 1<<lipoAlign), size: p.Size, align: lipoAlign}
		entries = append(entries, e)
		at = e.off + e.size
	}
	b := overlay.NewBuilder(base)
	b.Bytes(f.appendFatHeader(nil, entries))
	for i, p := range parts {
		b.Zeros(entries[i].off - b.Size())
		b.Original(p.at, p.Size)
	}
	return b.Overlay(true), nil
}

// joined reads from several readers, one behind the other.
type joined struct {
	readers []io.ReaderAt
	ends    []int64
	size    int64
}

func (j *joined) add(r io.ReaderAt, size int64) {
	j.size += size
	j.readers, j.ends = append(j.readers, r), append(j.ends, j.size)
}

// ReadAt implements [io.ReaderAt].
func (j *joined) ReadAt(p []byte, off int64) (int, error) {
	done, begin := 0, int64(0)
	for i, r := range j.readers {
		at := off + int64(done)
		if at < j.ends[i] && done < len(p) {
			n, err := r.ReadAt(p[done:done+int(min(int64(len(p)-done), j.ends[i]-at))], at-begin)
			done += n
			if err != nil && err != io.EOF {
				return done, err
			}
		}
		begin = j.ends[i]
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// sameContent compares two readers.
func sameContent(a, b io.ReaderAt, aSize, bSize int64) (bool, error) {
	if aSize != bSize {
		return false, nil
	}
	const piece = 64 << 10
	bufA, bufB := make([]byte, piece), make([]byte, piece)
	for off := int64(0); off < aSize; off += piece {
		n := int(min(aSize-off, piece))
		if got, err := a.ReadAt(bufA[:n], off); got < n {
			return false, fmt.Errorf("macho: offset %#x: %w", off, err)
		}
		if got, err := b.ReadAt(bufB[:n], off); got < n {
			return false, fmt.Errorf("macho: offset %#x: %w", off, err)
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
	}
	return true, nil
}
