package wheel

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/binread"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// Bounds on the files of .dist-info that are read into memory. Those of real
// wheels are far smaller: RECORD has some 100 bytes for each member.
const (
	maxInfo     = 1 << 20
	maxMetadata = 16 << 20
	maxRecord   = 64 << 20
)

// A wheel that declares more than bombSize bytes, and more than bombRatio times
// its own size, is a bomb. Real wheels reach 20 to 1; PyPI refuses the same.
const (
	bombSize  = 64 << 20
	bombRatio = 50
)

// A Reader reads a wheel archive. It may be used concurrently.
type Reader struct {
	members  []*Member
	byName   map[string]*Member
	distInfo string
	odd      oddities
	disk     *binread.Watched // what the archive is read from
}

// NewReader checks the structure of the archive in r, which has size bytes: the
// central directory, every local header, names, layout, and the one .dist-info
// directory with WHEEL, METADATA and RECORD. It does not inflate members; that
// is for [Reader.Scan]. The error is [ErrNotZip], a [*FormatError], or what r
// returned.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	if _, ok := r.(*steady.File); !ok {
		r = steady.NewReader(r, size) // what was checked is what is copied
	}
	watched := binread.Watch(r, size)
	w, err := newReader(watched, size)
	if err = watched.Over(err, "zip"); err != nil {
		return nil, err
	}
	w.disk = watched
	return w, nil
}

func newReader(r io.ReaderAt, size int64) (*Reader, error) {
	w := &Reader{}
	members, dirOff, err := readDirectory(r, size, &w.odd)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(r, members, dirOff, &w.odd); err != nil {
		return nil, err
	}
	if err := checkBomb(members, size); err != nil {
		return nil, err
	}
	names := make([]string, len(members))
	w.members, w.byName = members, make(map[string]*Member, len(members))
	for i, m := range members {
		names[i] = m.Name
		w.byName[m.Name] = m
	}
	if err := checkClashes(names); err != nil {
		return nil, err
	}
	if w.distInfo, err = findDistInfo(members); err != nil {
		return nil, err
	}
	for _, name := range []string{"WHEEL", "METADATA", "RECORD"} {
		if _, ok := w.byName[w.distInfo+"/"+name]; !ok {
			return nil, formatErr("", -1, "%s has no %s (PEP 427)", quoteName(w.distInfo), name)
		}
	}
	return w, nil
}

// checkLayout makes sure that the archive is nothing but its members, one after
// the other and then the directory. A reader that goes from header to header
// then sees what a reader of the directory sees.
func checkLayout(r io.ReaderAt, members []*Member, dirOff int64, odd *oddities) error {
	byOffset := slices.Clone(members)
	slices.SortStableFunc(byOffset, func(a, b *Member) int { return cmp.Compare(a.headerOff, b.headerOff) })
	scratch := make([]byte, localSize+math.MaxUint16)
	for i, m := range byOffset {
		if i == 0 && m.headerOff != 0 {
			return formatErr("", 0, "first member begins at %#x; the bytes before it belong to no member", m.headerOff)
		}
		if err := m.checkLocal(scratch, odd); err != nil {
			return err
		}
		next := dirOff
		if i+1 < len(byOffset) {
			next = byOffset[i+1].headerOff
		}
		if m.dataOff > next || m.CompressedSize > next-m.dataOff {
			return formatErr(m.Name, m.headerOff, "member of %d compressed bytes reaches into what begins at %#x", m.CompressedSize, next)
		}
		gap := next - m.dataOff - m.CompressedSize
		if gap > int64(len(scratch)) {
			return formatErr(m.Name, m.headerOff, "%d bytes after its data belong to no member", gap)
		}
		if err := readFullAt(r, scratch[:gap], next-gap); err != nil {
			return err
		}
		if rule := m.descriptorRule(scratch[:gap]); rule != "" {
			return formatErr(m.Name, m.headerOff, "%s", rule)
		}
	}
	return nil
}

// checkBomb refuses archives that would fill a disk or a day.
func checkBomb(members []*Member, size int64) error {
	var total int64 // no overflow: layout and maxInflation bound every Size by size
	for _, m := range members {
		total += m.Size
	}
	if total > bombSize && total > bombRatio*size {
		return formatErr("", -1, "members declare %d bytes, more than %d times the archive's %d: a decompression bomb", total, bombRatio, size)
	}
	return nil
}

// findDistInfo returns the one directory at top level that ends in .dist-info.
func findDistInfo(members []*Member) (string, error) {
	found := ""
	for _, m := range members {
		top, _, ok := strings.Cut(m.Name, "/")
		switch {
		case top == found && ok, !strings.HasSuffix(strings.ToLower(top), ".dist-info"):
			continue
		case !ok:
			return "", formatErr(m.Name, -1, "a file at top level must not end in .dist-info: pip takes it for a folder (PEP 427)")
		case !strings.HasSuffix(top, ".dist-info"):
			return "", formatErr(m.Name, -1, ".dist-info is not in lower case: whether it counts depends on the file system")
		}
		if found != "" {
			return "", formatErr("", -1, "two .dist-info directories, %s and %s, PEP 427 allows one", quoteName(found), quoteName(top))
		}
		found = top
	}
	if found == "" {
		return "", formatErr("", -1, "no .dist-info directory at top level (PEP 427)")
	}
	return found, nil
}

// ReadError returns the first error of what the archive is read from, whatever the
// question was in which it came up: after one, no answer counts.
func (r *Reader) ReadError() error { return r.disk.Over(nil, "zip") }

// Members returns the members in the order of the central directory,
// directories included. The slice is the caller's, the members are shared.
func (r *Reader) Members() []*Member { return slices.Clone(r.members) }

// Lookup returns the member of that name; a directory's ends in '/'.
func (r *Reader) Lookup(name string) (*Member, bool) {
	m, ok := r.byName[name]
	return m, ok
}

// DistInfo returns the name of the .dist-info directory, as in
// "demo-1.0.dist-info".
func (r *Reader) DistInfo() string { return r.distInfo }

// Info reads the WHEEL file.
func (r *Reader) Info() (*Info, error) { return parseMember(r, "WHEEL", maxInfo, ParseInfo) }

// Metadata reads the METADATA file.
func (r *Reader) Metadata() (*Metadata, error) {
	return parseMember(r, "METADATA", maxMetadata, ParseMetadata)
}

// Record reads the RECORD file. It does not compare it with the members; that
// is for [Reader.Scan].
func (r *Reader) Record() (*Record, error) { return parseMember(r, "RECORD", maxRecord, ParseRecord) }

// parseMember reads and parses a file of .dist-info that has at most limit bytes.
func parseMember[T any](r *Reader, base string, limit int64, parse func([]byte) (T, error)) (T, error) {
	var zero T
	m := r.byName[r.distInfo+"/"+base]
	if m.Size > limit {
		return zero, formatErr(m.Name, -1, "%d bytes, more than the %d that %s may have", m.Size, limit, base)
	}
	content, err := m.Open()
	if err != nil {
		return zero, err
	}
	defer content.Close()
	b, err := io.ReadAll(content)
	if err != nil {
		return zero, err
	}
	v, err := parse(b)
	if err != nil {
		return zero, inMember(m.Name, err)
	}
	return v, nil
}

// A File is a wheel on disk.
type File struct {
	*Reader
	Path string // as given to Open

	f *steady.File
}

// Open opens the wheel at path, as [NewReader] does. Errors do not repeat the path. A wheel that is written to while it is open is an error of
// every read since then. The caller closes the file.
func Open(path string) (*File, error) {
	f, err := steady.Open(path)
	if errors.Is(err, steady.ErrIrregular) {
		return nil, errIrregular
	} else if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return nil, pe.Err // the caller names the path
	} else if err != nil {
		return nil, err
	}
	r, err := NewReader(f, f.Size())
	if err != nil {
		f.Close() // read only: nothing to lose
		return nil, err
	}
	return &File{Reader: r, Path: path, f: f}, nil
}

// errIrregular reports a directory, a pipe: what has no size is no archive.
var errIrregular = fmt.Errorf("not a regular file: %w", ErrNotZip)

// CopyTo writes the bytes of the archive to w, and returns how many there are.
func (f *File) CopyTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(f.f, 0, f.f.Size()))
}

// Close closes the file. Members cannot be read any more.
func (f *File) Close() error { return f.f.Close() }
