package report_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/wheelmend/wheelmend/report"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "demo/_core.so", "demo/_core.so"},
		{"other scripts stay", "naïve/日本.so", "naïve/日本.so"},
		{"quotes and backslashes stay", `a "b" \c`, `a "b" \c`},
		{"escape sequence", "lib\x1b[31mred.so", `lib\x1b[31mred.so`},
		{"a line break does not begin a line", "a\nwheelmend: error", "a; wheelmend: error"},
		{"carriage return does not write over the line", "bad\rgood", `bad\rgood`},
		{"backspace", "abc\b\b\b", `abc\b\b\b`},
		{"NUL and DEL", "a\x00b\x7f", `a\x00b\x7f`},
		{"C1 control sequence introducer", "a\u009b31m", `a\u009b31m`},
		{"text that runs backwards", "gpj\u202e.so", `gpj\u202e.so`},
		{"what cannot be seen", "a\u200bb\ufeff", `a\u200bb\ufeff`},
		{"bytes that are no UTF-8", "a\xffb", `a\ufffdb`},
		{"tag character beyond the basic plane", "a\U000e0041", `a\U000e0041`},
		{"white space at the ends", " \n a \n", "a"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("lib\x1b[31mred\u202e.so\nx\xff")
	f.Fuzz(func(t *testing.T, s string) {
		clean := report.Clean(s)
		for _, r := range clean {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("Clean(%q) = %q has a control character", s, clean)
			}
		}
		if again := report.Clean(clean); again != clean {
			t.Fatalf("Clean(%q) = %q, and cleaned again %q", s, clean, again)
		}
	})
}

func TestWriteJSON(t *testing.T) {
	in := report.Failure{Schema: 1, Wheel: "a\u202e<&>.whl", Error: "lib\x1b[31m \u009b \U000e0041 \x7f"}
	var b bytes.Buffer
	if err := report.WriteJSON(&b, in); err != nil {
		t.Fatal(err)
	}
	want := `{"schema":1,"wheel":"a\u202e<&>.whl","error":"lib\u001b[31m \u009b \udb40\udc41 \u007f"}` + "\n"
	if got := b.String(); got != want {
		t.Errorf("WriteJSON wrote\n%swant\n%s", got, want)
	}
	var out report.Failure
	if err := json.Unmarshal(b.Bytes(), &out); err != nil || out != in {
		t.Errorf("it reads back as %+v (%v), want %+v", out, err, in)
	}
}
