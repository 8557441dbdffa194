package sbom

import "io"

// A pagedFile reads the pages of a database file. Each page of a sound file is
// needed at most twice, so the number of reads is bounded: chains and trees that
// run in circles end with it.
type pagedFile struct {
	r      io.ReaderAt
	size   int64
	budget int64 // reads that are left
	health *health
	length int // of a page, in bytes
}

// newPagedFile returns a file of pages, or nil if the length is none that either
// database allows (a power of two from 512 to 65536).
func newPagedFile(r io.ReaderAt, size int64, length uint32, h *health) *pagedFile {
	if length < 512 || length > 65536 || length&(length-1) != 0 {
		h.broken("its pages have %d bytes", length)
		return nil
	}
	return &pagedFile{r: r, size: size, health: h, length: int(length), budget: 2*(size/int64(length)) + 2}
}

// count returns the number of pages.
func (f *pagedFile) count() uint32 { return uint32(f.size / int64(f.length)) }

// read fills buf, which holds one page, with page n, counted from 0. It returns
// nil when there is no such page or too many were read.
func (f *pagedFile) read(n uint32, buf []byte) []byte {
	switch f.budget--; {
	case f.budget < 0:
		f.health.broken("its pages form a circle")
		return nil
	case n >= f.count():
		f.health.broken("page %d is not there", n)
		return nil
	}
	if read, err := f.r.ReadAt(buf[:f.length], int64(n)*int64(f.length)); read < f.length {
		f.health.failed(err)
		return nil
	}
	return buf[:f.length]
}

// buffer returns room for one page.
func (f *pagedFile) buffer() []byte { return make([]byte, f.length) }
