package linkage

import (
	"io"
)

// A build tells what an image was made from.
type build struct {
	id        string // what the linker leaves, which stripping, signing and a new search path do not change; "" if nothing
	off, size int64  // its bytes in the file
}

// sameLibrary compares two images for another one, each pair once: see the function of
// that name.
func (e *engine) sameLibrary(from, a, b *Image) bool {
	pair := [2]*Image{a, b}
	same, ok := e.same[pair]
	if !ok && e.spend(from, costLook+int(min(a.Content.Size(), b.Content.Size())>>8)) {
		same = sameLibrary(a, b)
		e.same[pair] = same
	}
	return same
}

// sameLibrary reports whether two images came out of one run of the linker, or are
// equal byte by byte.
func sameLibrary(a, b *Image) bool {
	one, two := a.build(), b.build()
	if one.id != "" {
		return one.id == two.id
	}
	return one.size == two.size && sameBytes(io.NewSectionReader(a.Content, one.off, one.size), io.NewSectionReader(b.Content, two.off, two.size))
}

// sameBytes compares what two readers have.
func sameBytes(a, b io.Reader) bool {
	const chunk = 1 << 16
	left, right := make([]byte, chunk), make([]byte, chunk)
	for {
		n, errA := io.ReadFull(a, left)
		m, errB := io.ReadFull(b, right)
		if n != m || string(left[:n]) != string(right[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return isEnd(errA) && isEnd(errB)
		}
	}
}

func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
