package macho

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// ErrNotMachO reports bytes that do not begin with a Mach-O or fat magic number.
var ErrNotMachO = errors.New("not a Mach-O file")

// A FormatError reports bytes that break a rule of the format.
type FormatError struct {
	Off  int64  // offset of the offending field, in bytes from the start of the file
	Arch string // of the slice, "" in a thin file and in the fat header
	Rule string // what was found, and what the format asks for
}

func (e *FormatError) Error() string {
	if e.Arch != "" {
		return fmt.Sprintf("%s slice: offset %#x: %s", e.Arch, e.Off, e.Rule)
	}
	return fmt.Sprintf("offset %#x: %s", e.Off, e.Rule)
}

func formatErr(off int64, format string, args ...any) error {
	return &FormatError{Off: off, Rule: fmt.Sprintf(format, args...)}
}

// A File is a Mach-O file: one image, or a fat file with one for each of several
// architectures.
type File struct {
	Fat    bool // several slices behind a fat header, though it may be only one
	Slices []*Slice

	fat64 bool // the fat header has 64-bit offsets (FAT_MAGIC_64)
	r     *binread.Watched
	size  int64
}

// Magic numbers of <mach-o/fat.h>, which are big-endian, and of
// <mach-o/loader.h>, in the byte order of the image.
const (
	fatMagic   = 0xcafebabe
	fatMagic64 = 0xcafebabf
	magic32    = 0xfeedface
	magic64    = 0xfeedfacf
)

// IsMagic reports whether a file that begins with these bytes claims to be
// Mach-O. Four bytes tell, but for Java classes, which share the magic number of
// fat files: eight are needed to tell them apart.
func IsMagic(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	switch binary.BigEndian.Uint32(head) {
	case fatMagic:
		// Java has its version there, 45 or more; a fat file its few slices.
		return len(head) < 8 || binary.BigEndian.Uint32(head[4:]) < 45
	case fatMagic64, magic32, magic64:
		return true
	}
	little := binary.LittleEndian.Uint32(head)
	return little == magic32 || little == magic64
}

// NewFile reads and checks the headers of a Mach-O file of size bytes. Slices are
// read when something is asked of them.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	watched := binread.Watch(r, size)
	f, err := newFile(watched, size)
	if err = watched.Over(err, "macho"); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadError returns the error of the first read that failed since the file was opened, nil
// if none has: what cannot be read is not there to several questions.
func (f *File) ReadError() error { return f.r.Over(nil, "macho") }

func newFile(r *binread.Watched, size int64) (*File, error) {
	head := make([]byte, min(size, 8))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("offset 0: %w", err)
	}
	if !IsMagic(head) {
		return nil, ErrNotMachO
	}
	f := &File{r: r, size: size}
	switch binary.BigEndian.Uint32(head) {
	case fatMagic, fatMagic64:
		f.Fat, f.fat64 = true, binary.BigEndian.Uint32(head) == fatMagic64
		if err := f.readFat(); err != nil {
			return nil, err
		}
		return f, nil
	}
	s, err := newSlice(r, 0, size)
	if err != nil {
		return nil, err
	}
	f.Slices = []*Slice{s}
	return f, nil
}

// Slice returns the slice of an architecture as [Arch.String] names it, nil if
// there is none.
func (f *File) Slice(arch string) *Slice {
	for _, s := range f.Slices {
		if s.Arch.String() == arch {
			return s
		}
	}
	return nil
}

// ReadAt reads the file. It implements [io.ReaderAt].
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadAt(p, off) }

// Size returns the size of the file in bytes.
func (f *File) Size() int64 { return f.size }

// readExact reads n bytes at off of a file of the given size.
func readExact(r io.ReaderAt, off, n, size int64) ([]byte, error) {
	b, err := binread.ReadAt(r, uint64(off), uint64(n), size)
	var short *binread.ShortError
	if errors.As(err, &short) {
		return nil, formatErr(off, "%d bytes are wanted here, the file ends at %#x; it looks truncated", n, size)
	}
	if err != nil {
		return nil, fmt.Errorf("offset %#x: %w", off, err)
	}
	return b, nil
}

// cString returns the text before the first NUL.
func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
