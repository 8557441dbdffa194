package wheel

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A RecordRow is one line of RECORD (PEP 376; PEP 427, The .dist-info directory).
type RecordRow struct {
	Path string // member name
	Hash string // algorithm, '=', urlsafe base64 without padding, as in "sha256=..."; "" when empty
	Size int64  // bytes, -1 when empty
}

// Record is a RECORD file: which members the wheel has, and their digests.
type Record struct {
	rows   []RecordRow
	byPath map[string]int  // index in rows
	again  map[string]bool // paths with another row that says something else; nil for none
}

// algorithms are those that PEP 427 accepts ("sha256 or better"); md5, sha1 and
// what Python may add later are refused by name.
var algorithms = map[string]func() hash.Hash{
	"sha256": sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

// maxRows bounds RECORD. There is a row for each member, and a few that are wrong
// are told one by one.
const maxRows = 2 * maxMembers

// maxRow bounds a row, in bytes: the name of a member has 64 KiB at most (APPNOTE.TXT
// 4.4.10), of which each may be written as two.
const maxRow = 1 << 18

// ParseRecord reads a RECORD file as Python's csv module does. A row that has
// not three columns, that names a path again, or whose size is no number, is a
// [*FormatError] with the offset of the row.
func ParseRecord(b []byte) (*Record, error) {
	rec, odd, err := parseRecord(b)
	switch {
	case err != nil:
		return nil, err
	case len(odd) > 0:
		return nil, odd[0]
	}
	return rec, nil
}

// parseRecord reads a RECORD file whose rows may be malformed: each that is gets a
// [*FormatError], in the order of the file. What is left of it is in the record, a
// second row for a path when it says something else. The error is that of a file
// that cannot be taken apart.
func parseRecord(b []byte) (rec *Record, odd []error, err error) {
	var bad oddities // of which only so many are kept
	rec = &Record{byPath: make(map[string]int)}
	for off, count := 0, 0; off < len(b); count++ {
		columns, n, ok := csvRow(b[off:min(len(b), off+maxRow+1)])
		switch {
		case n > maxRow || !ok && len(b)-off > maxRow:
			return rec, bad.errors(), formatErr("", int64(off), "RECORD row has more than %d bytes, no member has a name that needs them", maxRow)
		case count == maxRows:
			return rec, bad.errors(), formatErr("", int64(off), "RECORD has more than %d rows, an archive has no more than %d members", maxRows, maxMembers)
		case !ok:
			return rec, bad.errors(), formatErr("", int64(off), "RECORD row has a quote that is not closed, or text after one")
		}
		if len(columns) > 0 { // Python skips empty lines too
			row, err := newRow(columns, off)
			if err != nil {
				bad.keep(err)
			}
			at, again := rec.byPath[row.Path]
			switch {
			case row.Path == "":
			case again:
				bad.add("", int64(off), "RECORD has a second row for %q", row.Path)
				if rec.rows[at] != row {
					rec.noteAgain(row.Path)
				}
			default:
				rec.byPath[row.Path] = len(rec.rows)
				rec.rows = append(rec.rows, row)
			}
		}
		off += n
	}
	return rec, bad.errors(), nil
}

// noteAgain notes that a path has rows that contradict each other.
func (r *Record) noteAgain(path string) {
	if r.again == nil {
		r.again = map[string]bool{}
	}
	r.again[path] = true
}

// newRow checks the three columns of a row. With an error it returns what can be read.
func newRow(columns []string, off int) (RecordRow, error) {
	row := RecordRow{Path: columns[0], Size: -1}
	if len(columns) != 3 {
		return row, formatErr("", int64(off), "RECORD row has %d columns, path, hash and size were expected", len(columns))
	}
	row.Hash = columns[1]
	if row.Path == "" {
		return row, formatErr("", int64(off), "RECORD row has an empty path")
	}
	if columns[2] == "" {
		return row, nil
	}
	size, err := strconv.ParseUint(columns[2], 10, 63)
	if err != nil {
		return row, formatErr("", int64(off), "RECORD row for %q has size %q, a number of bytes was expected", row.Path, clip(columns[2]))
	}
	row.Size = int64(size)
	return row, nil
}

// csvRow splits the first row of b into columns and returns its length, line
// end included. An empty line has no columns.
func csvRow(b []byte) (columns []string, n int, ok bool) {
	if end := lineEnd(b); end > 0 {
		return nil, end, true
	}
	for {
		column, length, ok := csvColumn(b[n:])
		if !ok {
			return nil, 0, false
		}
		columns = append(columns, column)
		n += length
		if n < len(b) && b[n] == ',' {
			n++
			continue
		}
		return columns, n + lineEnd(b[n:]), true
	}
}

// csvColumn reads up to the comma or line end after the first column.
func csvColumn(b []byte) (column string, n int, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		n = bytes.IndexAny(b, ",\r\n")
		if n < 0 {
			n = len(b)
		}
		return string(b[:n]), n, true
	}
	var text []byte
	for n = 1; n < len(b); n++ {
		if b[n] != '"' {
			text = append(text, b[n])
		} else if n+1 < len(b) && b[n+1] == '"' {
			text = append(text, '"')
			n++
		} else {
			n++
			return string(text), n, n == len(b) || strings.IndexByte(",\r\n", b[n]) >= 0
		}
	}
	return "", 0, false
}

// lineEnd returns the length of the line end that b begins with, 0 without one.
func lineEnd(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case len(b) > 0 && (b[0] == '\n' || b[0] == '\r'):
		return 1
	}
	return 0
}

// Row returns the row of a path. Without one it returns false and an empty row:
// no hash, no size.
func (r *Record) Row(path string) (RecordRow, bool) {
	i, ok := r.byPath[path]
	if !ok {
		return RecordRow{Path: path, Size: -1}, false
	}
	return r.rows[i], true
}

// Rows returns a copy of the rows in the order of the file.
func (r *Record) Rows() []RecordRow { return slices.Clone(r.rows) }

// appendRow adds a row as Python's csv.writer does, but with LF.
func appendRow(b []byte, row RecordRow) []byte {
	b = appendColumn(b, row.Path)
	b = appendColumn(append(b, ','), row.Hash)
	b = append(b, ',')
	if row.Size >= 0 {
		b = strconv.AppendInt(b, row.Size, 10)
	}
	return append(b, '\n')
}

func appendColumn(b []byte, s string) []byte {
	if !strings.ContainsAny(s, ",\"\r\n") {
		return append(b, s...)
	}
	return append(append(append(b, '"'), strings.ReplaceAll(s, `"`, `""`)...), '"')
}

// rowHash returns a new hash for the row's algorithm and the digest it claims.
func rowHash(row RecordRow) (hash.Hash, []byte, error) {
	name, digest, _ := strings.Cut(row.Hash, "=")
	algorithm, ok := algorithms[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(algorithms)), ", ")
		return nil, nil, formatErr(row.Path, -1, "RECORD hash %q is not one of %s (PEP 427)", clip(row.Hash), known)
	}
	h := algorithm()
	// Padding is against PEP 427, but cannot mean anything else.
	sum, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(digest, "="))
	if err != nil || len(sum) != h.Size() {
		return nil, nil, formatErr(row.Path, -1, "RECORD hash %q is no %s digest in urlsafe base64", clip(row.Hash), name)
	}
	return h, sum, nil
}

// formatHash writes a sha256 digest as RECORD does.
func formatHash(sum []byte) string {
	return "sha256=" + base64.RawURLEncoding.EncodeToString(sum)
}
