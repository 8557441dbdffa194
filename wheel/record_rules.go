package wheel

import (
	"encoding/base64"
	"strings"
)

// OddRows returns the rows of RECORD that are true and that installer, or pip,
// still refuses: each a [*FormatError]. The error is that of RECORD itself.
func (r *Reader) OddRows() ([]error, error) {
	record, err := r.Record()
	if err != nil {
		return nil, err
	}
	return r.oddRows(record), nil
}

// oddRows returns the rows of RECORD that are true and that installer still
// refuses, or that the recording specification does not want: the row of RECORD
// itself, those of signatures, and rows that do not say all.
func (r *Reader) oddRows(record *Record) []error {
	var odd oddities
	own := r.distInfo + "/RECORD"
	if row, ok := record.Row(own); !ok {
		odd.add(own, -1, "RECORD has no row for itself, which installer refuses")
	} else if row.Hash != "" || row.Size >= 0 {
		odd.add(own, -1, "RECORD gives itself a hash or a size, which installer refuses")
	}
	for _, row := range record.rows {
		switch {
		case row.Path == own:
		case isSignature(r.distInfo, row.Path):
			odd.add(row.Path, -1, "a signature has a row in RECORD, which installer refuses (PEP 427)")
		case strings.HasSuffix(row.Path, "/"):
			odd.add(row.Path, -1, "RECORD has a row for a directory")
		case row.Hash == "": // a fault of its own
		case row.Size < 0:
			odd.add(row.Path, -1, "RECORD row has no size, which installer refuses")
		case row.canonical(row.Size) != row:
			odd.add(row.Path, -1, "RECORD hash %q is not in the form that installer compares: urlsafe base64 without padding", clip(row.Hash))
		}
	}
	blank, _ := parseMember(r, "RECORD", maxRecord, oddLines) // it could be read before
	return append(odd.errors(), r.within("RECORD", blank)...)
}

// canonical returns the row with the size that its member has, and its hash in the
// one spelling in which equal digests are equal texts. What has no hash stays.
func (row RecordRow) canonical(size int64) RecordRow {
	_, sum, err := rowHash(row)
	if row.Hash == "" || err != nil {
		return row
	}
	name, _, _ := strings.Cut(row.Hash, "=")
	row.Hash, row.Size = name+"="+base64.RawURLEncoding.EncodeToString(sum), size
	return row
}

// oddLines returns an empty line of RECORD, at which pip and installer fail.
func oddLines(b []byte) ([]error, error) {
	var odd oddities
	for off, line := range lines(b) {
		if line == "" {
			odd.add("", int64(off), "RECORD has an empty line, which pip and installer refuse")
		}
	}
	return odd.errors(), nil
}
