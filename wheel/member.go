package wheel

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

// Compression methods of members (APPNOTE.TXT 4.4.5). Wheels use no others,
// and installers need not know more.
const (
	Store   uint16 = 0
	Deflate uint16 = 8
)

// A Member is one entry of a wheel archive, file or directory. Its fields are
// for reading.
type Member struct {
	Name           string      // '/' separated; a directory's name ends in '/'
	Mode           fs.FileMode // permissions and fs.ModeDir; no permissions if the archive gives no Unix mode
	Modified       time.Time   // the DOS time, read as UTC; two seconds of resolution
	Size           int64       // bytes, uncompressed
	CompressedSize int64       // bytes in the archive
	CRC32          uint32      // IEEE
	Method         uint16      // Store or Deflate

	archive          io.ReaderAt
	headerOff        int64 // of the local header
	dataOff          int64
	flags            uint16
	unix             uint16 // st_mode, 0 if the archive gives none
	dosTime, dosDate uint16

	blocks atomic.Pointer[[]deflate.Block] // of the stream, once all of it was read, see noteBlocks
}

// IsDir reports whether the member is a directory.
func (m *Member) IsDir() bool { return strings.HasSuffix(m.Name, "/") }

// Raw returns the member's bytes as the archive stores them.
func (m *Member) Raw() *io.SectionReader {
	return io.NewSectionReader(m.archive, m.dataOff, m.CompressedSize)
}

// Open returns the member's content. The reader gives Size bytes at most, and
// in the place of io.EOF a [*FormatError] if size or CRC-32 differ from what
// the archive declares, or if the compressed bytes are damaged or too many.
func (m *Member) Open() (io.ReadCloser, error) {
	r := new(memberReader)
	r.reset(m)
	return r, nil
}

// A memberReader inflates one member after another and checks each.
type memberReader struct {
	m       *Member
	stored  *bufio.Reader   // nil until the first stored member
	inflate *deflate.Reader // nil until the first deflated member
	src     io.Reader       // stored or inflate
	left    int64           // bytes that the member still owes
	crc     uint32
	err     error // what every further Read returns

	blocks []deflate.Block // of the member so far; nil where they are not asked for
}

// noteBlocks is how many bytes of content the blocks of a stream have to have, on
// average, to be kept for [Writer.AddEdited]: encoders make blocks of 16 KiB and more.
const noteBlocks = 8 << 10

// reset starts on m. The buffers of an earlier member are used again.
func (r *memberReader) reset(m *Member) {
	r.m, r.left, r.crc, r.err = m, m.Size, 0, nil
	switch {
	case m.Method == Store && r.stored == nil:
		r.stored = bufio.NewReaderSize(m.Raw(), 64<<10)
	case m.Method == Store:
		r.stored.Reset(m.Raw())
	case r.inflate == nil:
		r.inflate = deflate.NewReader(m.Raw())
	default:
		r.inflate.Reset(m.Raw())
	}
	if r.src = r.inflate; m.Method == Store {
		r.src = r.stored
	}
	if r.blocks = r.blocks[:0]; m.Method == Deflate && m.Size >= minSplice {
		r.inflate.Blocks(r.note)
	}
}

// note takes up a block, as long as there are not too many.
func (r *memberReader) note(b deflate.Block) bool {
	if int64(len(r.blocks)) <= r.m.Size/noteBlocks+1 {
		r.blocks = append(r.blocks, b)
	}
	return true
}

// keepBlocks leaves the blocks with the member, whose stream has been read to its end.
func (r *memberReader) keepBlocks() {
	if n := int64(len(r.blocks)); n > 0 && n <= r.m.Size/noteBlocks+1 && r.m.blocks.Load() == nil {
		list := slices.Clone(r.blocks)
		r.m.blocks.Store(&list)
	}
}

// Read implements io.Reader.
func (r *memberReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.left == 0 {
		r.err = r.finish()
		return 0, r.err
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.src.Read(p)
	r.crc = crc32.Update(r.crc, crc32.IEEETable, p[:n])
	r.left -= int64(n)
	if err != nil && (err != io.EOF || r.left > 0) {
		r.err = r.damage(err)
	}
	return n, r.err
}

// damage words an error of the compressed stream.
func (r *memberReader) damage(err error) error {
	var corrupt *deflate.CorruptError
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return formatErr(r.m.Name, r.m.dataOff, "content ends after %d bytes, the archive declares %d", r.m.Size-r.left, r.m.Size)
	case errors.As(err, &corrupt):
		return formatErr(r.m.Name, r.m.dataOff+corrupt.Off, "deflate stream is damaged (RFC 1951)")
	}
	return fmt.Errorf("%s: %w", quoteName(r.m.Name), err)
}

// finish checks what can only be checked at the end.
func (r *memberReader) finish() error {
	var one [1]byte
	n, err := io.ReadFull(r.src, one[:])
	if n > 0 {
		return formatErr(r.m.Name, r.m.dataOff, "content is longer than the %d bytes that the archive declares", r.m.Size)
	}
	if err != io.EOF {
		return r.damage(err)
	}
	if r.m.Method == Deflate && r.inflate.Taken() < r.m.CompressedSize {
		return formatErr(r.m.Name, r.m.dataOff, "%d compressed bytes are declared, the deflate stream ends before", r.m.CompressedSize)
	}
	if r.crc != r.m.CRC32 {
		return formatErr(r.m.Name, r.m.dataOff, "content has CRC-32 %08x, the archive declares %08x", r.crc, r.m.CRC32)
	}
	r.keepBlocks()
	return io.EOF
}

// Close implements io.Closer. It does not check what was not read.
func (r *memberReader) Close() error {
	r.err = fs.ErrClosed
	return nil
}

// SameMember reports whether two members of two archives have the same method,
// sizes, checksum and compressed bytes: a cheap check of a copied member.
func SameMember(a, b *Member) (bool, error) {
	if a.Method != b.Method || a.Size != b.Size || a.CompressedSize != b.CompressedSize || a.CRC32 != b.CRC32 {
		return false, nil
	}
	size := min(a.CompressedSize, 32<<10) // no more: there may be very many members
	bufA, bufB := make([]byte, size), make([]byte, size)
	for off := int64(0); off < a.CompressedSize; {
		n := min(a.CompressedSize-off, size)
		for _, side := range []struct {
			m   *Member
			buf []byte
		}{{a, bufA[:n]}, {b, bufB[:n]}} {
			if err := readFullAt(side.m.archive, side.buf, side.m.dataOff+off); err != nil {
				return false, fmt.Errorf("%s: %w", quoteName(side.m.Name), err)
			}
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
		off += n
	}
	return true, nil
}

// readFullAt fills p from off; fewer bytes are io.ErrUnexpectedEOF.
func readFullAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}
