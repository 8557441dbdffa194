package wheel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRecord(t *testing.T) {
	text := "a.py,sha256=abc,12\r\n\n\"with, comma\",sha256=d,0\n\"with \"\"quotes\"\"\",,\nin\"side,x=,3\rlast,,"
	rec, err := ParseRecord([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []RecordRow{
		{"a.py", "sha256=abc", 12},
		{"with, comma", "sha256=d", 0},
		{`with "quotes"`, "", -1},
		{`in"side`, "x=", 3},
		{"last", "", -1},
	}
	if diff := cmp.Diff(want, rec.Rows()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if row, ok := rec.Row("with, comma"); !ok || row != want[1] {
		t.Errorf("Row = %v, %v", row, ok)
	}
	if row, ok := rec.Row("none"); ok || row != (RecordRow{"none", "", -1}) {
		t.Errorf("Row of an unknown path = %v, %v, want an empty row and false", row, ok)
	}
}

func TestParseRecordRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"one column", "a.py\n", "RECORD row has 1 columns"},
		{"four columns", "a,b,1,c\n", "RECORD row has 4 columns"},
		{"no path", ",sha256=x,1\n", "RECORD row has an empty path"},
		{"size in hex", "a,,0x10\n", `size "0x10"`},
		{"size out of range", "a,,9223372036854775808\n", `size "9223372036854775808"`},
		{"again", "a,,\nb,,\na,,\n", `offset 0x8: RECORD has a second row for "a"`},
		{"open quote", "\"a,,\n", "quote that is not closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRecord([]byte(c.in))
			checkRefusal(t, err, c.want)
		})
	}
}

// FuzzParseRecord wants rows that are written to read back the same, and to be
// written the same again.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte("a.py,sha256=abc,12\r\n\n\"with, comma\",sha256=d,0\n"))
	f.Add([]byte("\"with \"\"quotes\"\"\",,\nin\"side,x=,3\rlast,,"))
	f.Add([]byte("\"line\nbreak\",,\n"))
	f.Add([]byte(recordPart(demoParts()[:7]).content))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := ParseRecord(b)
		if err != nil {
			return
		}
		var text []byte
		for _, row := range rec.Rows() {
			text = appendRow(text, row)
		}
		again, err := ParseRecord(text)
		if err != nil {
			t.Fatalf("rows written as %q do not read back: %v", text, err)
		}
		if diff := cmp.Diff(rec.Rows(), again.Rows()); diff != "" {
			t.Fatalf("rows change (-before +after):\n%s", diff)
		}
	})
}

// A row is bounded: nothing that is called so can be a member.
func TestRowOfRecordIsBounded(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a name of 64 KiB, all of it quotes", `"` + strings.Repeat(`""`, 1<<16-1) + `",,` + "\n", ""},
		{"commas", strings.Repeat(",", maxRow+1), "RECORD row has more than 262144 bytes"},
		{"a quote that is closed beyond the limit", `"` + strings.Repeat("x", maxRow) + `",,` + "\n", "RECORD row has more than 262144 bytes"},
		{"a quote that is not closed, and a long rest", `"` + strings.Repeat("x\n", maxRow), "RECORD row has more than 262144 bytes"},
	} {
		_, err := ParseRecord([]byte("a,,\n" + tt.text))
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
