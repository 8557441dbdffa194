package macho

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/wheelmend/wheelmend/overlay"
)

// Merge returns a fat file with the slices of all files, in their order, each
// aligned to 16 KiB as lipo(1) does it. Two slices of one architecture are an
// error, unless they are the same bytes.
func Merge(files ...*File) (*overlay.Overlay, error) {
	var parts []part
	for _, f := range files {
		for _, s := range f.Slices {
			known := slices.IndexFunc(parts, func(p part) bool { return p.arch == s.Arch })
			if known < 0 {
				parts = append(parts, part{arch: s.Arch, sub: s.order.Uint32(s.header[8:]), r: s.r, size: s.Size})
				continue
			}
			same, err := sameContent(parts[known].r, s.r, parts[known].size, s.Size)
			if err != nil {
				return nil, err
			}
			if !same {
				return nil, fmt.Errorf("both files have %v code, and it differs", s.Arch)
			}
		}
	}
	return joinParts(parts, lipoAlign), nil
}

// A part becomes a slice of a fat file.
type part struct {
	arch Arch
	sub  uint32 // with its capability bits
	r    io.ReaderAt
	size int64 // bytes
}

const lipoAlign = 14 // as a power of two: the largest page

// joinParts lays the parts out behind a fat header, each aligned to a power of two.
func joinParts(parts []part, align uint32) *overlay.Overlay {
	f, base := &File{Fat: true}, &joined{}
	for _, p := range parts {
		base.add(p.r, p.size)
	}
	if base.size+int64(len(parts)+1)<<align > math.MaxUint32 {
		f.fat64 = true
	}
	at := fatHeaderSize + int64(len(parts))*f.fatArchSize()
	var entries []fatArch
	for _, p := range parts {
		e := fatArch{cpu: p.arch.CPU, sub: p.sub, off: alignUp(at, 1<<align), size: p.size, align: align}
		entries = append(entries, e)
		at = e.off + e.size
	}
	b := overlay.NewBuilder(base)
	b.Bytes(f.appendFatHeader(nil, entries))
	from := int64(0)
	for _, e := range entries {
		b.Zeros(e.off - b.Size())
		b.Original(from, e.size)
		from += e.size
	}
	return b.Overlay(true)
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
			return false, fmt.Errorf("offset %#x: %w", off, err)
		}
		if got, err := b.ReadAt(bufB[:n], off); got < n {
			return false, fmt.Errorf("offset %#x: %w", off, err)
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
	}
	return true, nil
}
