package wheel

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

// Content is what a member is made of; *bytes.Reader and *io.SectionReader are
// some. It is read once, in order, but for the 32 KiB before each chunk, which
// are read again.
type Content interface {
	io.ReaderAt
	Size() int64 // bytes
}

// A Header describes a member to add.
type Header struct {
	Name     string      // '/' separated; a directory's name ends in '/'
	Mode     fs.FileMode // permissions; 0 leaves the Unix mode out; the name alone tells a directory
	Modified time.Time   // kept in UTC, to two seconds, from 1980 to 2107
}

// NoCompression as a level stores members as they are.
const NoCompression = -1

// WriterOptions tune a [Writer].
type WriterOptions struct {
	Level    int                     // deflate level, 1 to 9; 0 is the default level, NoCompression stores
	Jobs     int                     // chunks compressed at once; less than 1 means GOMAXPROCS; no influence on the output
	Cache    Cache                   // of [Writer.AddCached]; may be nil; no influence on the output
	Progress func(done, total int64) // if not nil, called now and then with bytes read, from one goroutine at a time
}

// A Writer collects members and then writes them as one wheel. The order in
// which they come has no influence on the output.
type Writer struct {
	distInfo string
	opts     WriterOptions
	entries  []*entry
	written  map[string]*entry // by name, once Write has begun
	limit    int64             // sizes and offsets from here on need zip64
}

// An entry is a member to write: a copy if member is set, else new content.
type entry struct {
	record
	member   *Member
	content  Content
	source   *Member   // that the content was made from, nil for none
	runs     []Run     // what they have in common
	segments []segment // how the content is made
	row      RecordRow // of a copy from the start, of new content once it is read
	sha256   hash.Hash
	cached   *cachedEntry
	proved   bool   // the compressed bytes stand for the content, as far as they are written
	rawCRC   uint32 // of the compressed bytes written so far
}

// NewWriter returns a Writer for a wheel whose .dist-info directory has that
// name. Wrong names and options are reported by [Writer.Write].
func NewWriter(distInfo string, opts WriterOptions) *Writer {
	return &Writer{distInfo: distInfo, opts: opts, limit: 0xffffffff}
}

// Copy takes a member over as it is: compressed bytes, permissions and time.
// Extra fields, comment and data descriptor are dropped. row, from the RECORD
// of m's own wheel, goes into the new RECORD: with its size, if that is missing,
// and with its hash as PEP 427 spells it.
func (w *Writer) Copy(m *Member, row RecordRow) { w.CopyAs(m.Name, m, row) }

// CopyAs is Copy under another name, as for a member out of a wheel that was
// written before.
func (w *Writer) CopyAs(name string, m *Member, row RecordRow) {
	row = row.canonical(m.Size)
	row.Path = name
	w.entries = append(w.entries, &entry{member: m, row: row, record: record{
		name: name, method: m.Method, unix: m.unix, dosTime: m.dosTime, dosDate: m.dosDate,
		crc: m.CRC32, size: m.Size, compressed: m.CompressedSize,
	}})
}

// Add takes new content, which has to stay as it is until Write returns. A
// directory has none: c may be nil.
func (w *Writer) Add(h Header, c Content) {
	if c == nil {
		c = bytes.NewReader(nil)
	}
	date, clock := timeToDOS(h.Modified)
	w.entries = append(w.entries, &entry{content: c, record: record{
		name: h.Name, method: w.method(c.Size()), unix: unixMode(h.Mode, strings.HasSuffix(h.Name, "/")),
		dosTime: clock, dosDate: date, size: c.Size(),
	}})
}

// method returns how content of that size is kept; deflate makes nothing
// longer.
func (w *Writer) method(size int64) uint16 {
	if w.opts.Level == NoCompression || size == 0 {
		return Store
	}
	return Deflate
}

// Write writes the wheel, with a fresh RECORD as its last member, and returns
// its size in bytes. RECORD has the mode and time of WHEEL. Errors name the
// member; after one, what out holds is of no use.
func (w *Writer) Write(ctx context.Context, out io.WriterAt) (int64, error) {
	entries, err := w.plan()
	if err != nil {
		return 0, err
	}
	if err := w.planSplices(ctx, entries); err != nil {
		return 0, err
	}
	p := w.newPipeline(out, entries)
	if err := p.run(ctx, entries); err != nil {
		return 0, err
	}
	rec, err := w.recordEntry(entries)
	if err != nil {
		return 0, err
	}
	if err := p.run(ctx, []*entry{rec}); err != nil {
		return 0, err
	}
	return p.finish(append(entries, rec))
}

// plan checks names and options, and puts the members in order.
func (w *Writer) plan() ([]*entry, error) {
	if w.opts.Level < NoCompression || w.opts.Level > deflate.MaxLevel {
		return nil, fmt.Errorf("compression level %d is not in -1 to %d", w.opts.Level, deflate.MaxLevel)
	}
	if !strings.HasSuffix(w.distInfo, ".dist-info") || strings.Contains(w.distInfo, "/") {
		return nil, fmt.Errorf("%q is no .dist-info directory", w.distInfo)
	}
	names := make([]string, 0, len(w.entries)+1)
	for _, e := range w.entries {
		if rule := e.check(w.distInfo); rule != "" {
			return nil, formatErr(e.name, -1, "%s", rule)
		}
		names = append(names, e.name)
	}
	if err := checkClashes(append(names, w.recordName())); err != nil {
		return nil, err
	}
	w.written = map[string]*entry{}
	for _, e := range w.entries {
		w.written[e.name] = e
	}
	entries := slices.Clone(w.entries)
	slices.SortFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(w.rank(a.name), w.rank(b.name)), cmp.Compare(a.name, b.name))
	})
	return entries, nil
}

func (w *Writer) recordName() string { return w.distInfo + "/RECORD" }

// rank puts .dist-info last (PEP 427, "Recommended archiver features").
func (w *Writer) rank(name string) int {
	if strings.HasPrefix(name, w.distInfo+"/") {
		return 1
	}
	return 0
}

// check returns the rule that the entry breaks, before anything is written.
func (e *entry) check(distInfo string) string {
	if rule := nameRule(e.name); rule != "" {
		return rule
	}
	dir := strings.HasSuffix(e.name, "/")
	switch {
	case dir && e.size != 0:
		return "directory has " + itoa(e.size) + " bytes of content"
	case e.member != nil && dir != e.member.IsDir():
		return "a directory cannot become a file, or a file a directory"
	case e.member != nil && e.row.Size >= 0 && e.row.Size != e.size:
		return "RECORD gives " + itoa(e.row.Size) + " bytes, the member has " + itoa(e.size)
	case e.member != nil && !dir && e.row.Hash == "" && !isSignature(distInfo, e.name):
		return "RECORD row of the member to copy has no hash (PEP 427)"
	}
	return ""
}

// recordEntry makes RECORD: the rows in the order of the archive, its own,
// which is empty (PEP 376), at the end.
func (w *Writer) recordEntry(entries []*entry) (*entry, error) {
	var text []byte
	mode := uint16(unixRegular | 0o644)
	date, clock := timeToDOS(time.Time{})
	for _, e := range entries {
		if e.name == w.distInfo+"/WHEEL" {
			mode, date, clock = e.unix, e.dosDate, e.dosTime
		}
		if !strings.HasSuffix(e.name, "/") && !isSignature(w.distInfo, e.name) {
			text = appendRow(text, e.row)
		}
	}
	text = appendRow(text, RecordRow{Path: w.recordName(), Size: -1})
	if len(text) > maxRecord {
		return nil, formatErr(w.recordName(), -1, "%d bytes, more than the %d that RECORD may have", len(text), maxRecord)
	}
	return &entry{content: bytes.NewReader(text), record: record{
		name: w.recordName(), method: w.method(int64(len(text))), unix: mode,
		dosTime: clock, dosDate: date, size: int64(len(text)),
	}}, nil
}
