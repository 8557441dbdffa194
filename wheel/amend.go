package wheel

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	hexadecimal "encoding/hex"
	"errors"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
)

// An Amendment replaces a row of RECORD that is not as it should be.
type Amendment struct {
	Member string
	Row    RecordRow // the true one; its path is empty where the archive has no such member
	Why    string    // what was wrong with the row
	False  bool      // the row contradicted the archive, and was not just malformed
}

// A RecordError reports that RECORD and the archive contradict each other.
type RecordError struct{ *FormatError }

func recordErr(member, rule string, args ...any) *RecordError {
	return &RecordError{formatErr(member, -1, rule, args...)}
}

// Unwrap returns the [*FormatError].
func (e *RecordError) Unwrap() error { return e.FormatError }

// ScanAmending is [Reader.Scan] for a wheel whose RECORD may be malformed: hex digits
// where base64 was expected, what Python makes of bytes (b'...') around them, a digest
// that is too weak, a size or a hash that is missing. Each such row whose member has the
// digest is amended. Where RECORD contradicts the archive the error is a [*RecordError],
// or, with rewrite, those rows are amended as well, and rows are added and dropped.
func (r *Reader) ScanAmending(ctx context.Context, n int, rewrite bool, visit func(m *Member, content io.Reader) error) ([]Amendment, error) {
	a := &amender{rewrite: rewrite, byMember: map[string]Amendment{}}
	record, err := a.read(r)
	if err != nil {
		return nil, err
	}
	for _, fault := range r.checkRows(record, true) {
		if err := a.take(fault.(*FormatError), record, r); err != nil {
			return nil, err
		}
	}
	s := &scan{ctx: ctx, reader: r, record: record, want: func(*Member) bool { return true }, visit: visit, failed: len(r.members), amender: a}
	s.run(n)
	if len(s.errs) > 0 {
		return nil, s.errs[s.failed]
	}
	return a.amendments(), context.Cause(ctx)
}

// Amend returns the record with the rows of amendments.
func (r *Record) Amend(amendments []Amendment) *Record {
	out := &Record{byPath: maps.Clone(r.byPath), rows: slices.Clone(r.rows)}
	for _, a := range amendments {
		if at, ok := out.byPath[a.Member]; ok {
			out.rows[at] = a.Row
		} else {
			out.byPath[a.Member] = len(out.rows)
			out.rows = append(out.rows, a.Row)
		}
	}
	return out
}

// LenientRecord returns the RECORD file, malformed rows as far as they can be read. It
// is empty where that cannot be taken apart. Other errors are those of reading.
func (r *Reader) LenientRecord() (*Record, error) {
	record, _, err := r.oddRecord()
	if broken := (*FormatError)(nil); errors.As(err, &broken) {
		return &Record{byPath: map[string]int{}}, nil
	}
	return record, err
}

func (r *Reader) oddRecord() (*Record, []error, error) {
	type result struct {
		record *Record
		odd    []error
	}
	got, err := parseMember(r, "RECORD", maxRecord, func(b []byte) (result, error) {
		record, odd, err := parseRecord(b)
		return result{record, odd}, err
	})
	return got.record, got.odd, err
}

// An amender collects amendments while members are read. The methods that workers
// call are guarded by the scan.
type amender struct {
	rewrite  bool
	byMember map[string]Amendment
}

// read parses RECORD. One that cannot be taken apart is as good as empty to rewrite.
func (a *amender) read(r *Reader) (*Record, error) {
	record, _, err := r.oddRecord()
	if err == nil {
		return record, nil
	}
	if _, ok := err.(*FormatError); ok && a.rewrite {
		return &Record{byPath: map[string]int{}}, nil
	} else if ok {
		return nil, &RecordError{err.(*FormatError)}
	}
	return nil, err
}

// take decides about a fault of the rows as a whole: a row without a hash is
// malformed, one that is missing or too many contradicts the archive.
func (a *amender) take(fault *FormatError, record *Record, r *Reader) error {
	row, listed := record.Row(fault.Member)
	if listed && row.Hash == "" {
		return nil // the member is hashed when it is read
	}
	if !a.rewrite {
		return &RecordError{fault}
	}
	if _, ok := r.byName[fault.Member]; !ok {
		a.byMember[fault.Member] = Amendment{Member: fault.Member, Why: fault.Rule, False: true}
	}
	return nil
}

func (a *amender) amendments() []Amendment {
	return slices.SortedFunc(maps.Values(a.byMember), func(x, y Amendment) int { return strings.Compare(x.Member, y.Member) })
}

// A claimed digest is what a row says of its member, in whatever spelling.
type claimed struct {
	hash  hash.Hash // nil where the row says nothing that could be compared
	sum   []byte
	again bool   // other rows contradict this one
	odd   string // why the row is to be written anew, "" for one as it should be
}

// weak are the algorithms that PEP 427 rules out, and that can still be compared.
var weak = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New}

// claimOf reads the hash of a row in the spellings that tools are known to write.
func (r *Record) claimOf(row RecordRow) claimed {
	name, digest, _ := strings.Cut(row.Hash, "=")
	algorithm := algorithms[strings.ToLower(name)]
	c := claimed{}
	switch {
	case r.again[row.Path]:
		return claimed{odd: "RECORD has two rows for it", again: true}
	case row.Hash == "":
		return claimed{odd: "its row has no hash"}
	case algorithm == nil && weak[strings.ToLower(name)] != nil:
		algorithm, c.odd = weak[strings.ToLower(name)], name+" is too weak"
	case algorithm == nil:
		return claimed{odd: "its hash " + clip(row.Hash) + " is of no known algorithm"}
	case name != strings.ToLower(name):
		c.odd = "its hash " + clip(row.Hash) + " is not spelled as PEP 427 has it"
	}
	c.hash = algorithm()
	plain, wrapped := unwrapBytes(digest)
	c.sum = decodeDigest(plain, c.hash.Size())
	switch {
	case c.sum == nil:
		return claimed{odd: "its hash " + clip(row.Hash) + " is no digest"}
	case c.odd == "" && (wrapped || base64.RawURLEncoding.EncodeToString(c.sum) != digest):
		c.odd = "its hash " + clip(row.Hash) + " is not in urlsafe base64"
	case c.odd == "" && row.Size < 0:
		c.odd = "its row has no size"
	}
	return c
}

// unwrapBytes takes off what str() puts around bytes in Python: b'...'.
func unwrapBytes(s string) (string, bool) {
	for _, quote := range []string{"'", `"`} {
		if inner, ok := strings.CutPrefix(s, "b"+quote); ok && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote), true
		}
	}
	return s, false
}

// decodeDigest reads size bytes written in base64 of either alphabet, padded or not,
// or in hex. It returns nil for anything else.
func decodeDigest(s string, size int) []byte {
	if sum, err := hexadecimal.DecodeString(s); err == nil && len(sum) == size {
		return sum
	}
	s = strings.TrimRight(s, "=")
	for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
		if sum, err := encoding.DecodeString(s); err == nil && len(sum) == size {
			return sum
		}
	}
	return nil
}

// amend compares a member that has been read with its row. sum256 is its SHA-256.
func (a *amender) amend(m *Member, row RecordRow, listed bool, c claimed, sum256 []byte) (*Amendment, error) {
	out := &Amendment{Member: m.Name, Row: RecordRow{Path: m.Name, Hash: formatHash(sum256), Size: m.Size}, Why: c.odd}
	switch {
	case !listed:
		out.Why, out.False = "it has no row in RECORD", true
	case c.again:
		out.False = true
	case c.hash == nil && row.Hash != "":
		out.False = true // nothing shows that the member is the one that was recorded
	case row.Size >= 0 && row.Size != m.Size:
		out.Why, out.False = "RECORD gives another size", true
	case c.hash != nil && !bytes.Equal(c.hash.Sum(nil), c.sum):
		out.Why, out.False = "its content does not have the hash "+clip(row.Hash)+" that RECORD gives", true
	case c.odd == "":
		return nil, nil
	}
	if out.False && !a.rewrite {
		return nil, recordErr(m.Name, "%s", out.Why)
	}
	return out, nil
}
