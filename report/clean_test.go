package report_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"

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
		{"a line end for some readers", "a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"command of GitHub Actions", "::set-output name=x::y", `\x3a:set-output name=x::y`},
		{"and behind a line break", "a\n::stop-commands::t", `a; \x3a:stop-commands::t`},
		{"names of C++ stay", "std::string", "std::string"},
		{"command of Azure Pipelines, anywhere", "a##vso[task.complete]", `a\x23#vso[task.complete]`},
		{"group of GitHub's older form", "##[group]x", `\x23#[group]x`},
		{"TeamCity", "##TeamCity[x]", `\x23#TeamCity[x]`},
		{"GitLab and Travis", "section_start:1:x travis_fold:start:x", `\x73ection_start:1:x \x74ravis_fold:start:x`},
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

// What a caller forgot to clean does not get past the guard; colors do.
func TestGuard(t *testing.T) {
	var b bytes.Buffer
	g := report.NewGuard(&b)
	for _, text := range []string{"\x1b[31mred\x1b[0m\tx\r\x1b[2J\n", "  ::error::x\n", "half ", "::not a command, x##[group]\n", "naïve\xff\u202e\n"} {
		if n, err := g.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("Write = %d, %v, want %d", n, err, len(text))
		}
	}
	want := "\x1b[31mred\x1b[0m\tx\\r\\x1b[2J\n  \\x3a:error::x\nhalf ::not a command, x\\x23#[group]\nnaïve\\ufffd\\u202e\n"
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// FuzzGuard: nothing that acts upon a terminal or a CI service gets past the guard,
// but colors, and no line more or less.
func FuzzGuard(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m\r\n  ::error::x\n##vso[x]\xff", "::x")
	f.Fuzz(func(t *testing.T, a, b string) {
		var out bytes.Buffer
		g := report.NewGuard(&out)
		for _, s := range []string{a, b} {
			if n, err := g.Write([]byte(s)); n != len(s) || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		got := out.String()
		if strings.Count(got, "\n") != strings.Count(a+b, "\n") {
			t.Fatalf("%q became %q", a+b, got)
		}
		plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(got, "")
		if strings.ContainsFunc(plain, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }) {
			t.Fatalf("%q became %q", a+b, got)
		}
		for line := range strings.Lines(got) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") && !strings.HasPrefix(strings.TrimSpace(b), ":") {
				t.Fatalf("%q became %q", a+b, got)
			}
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
