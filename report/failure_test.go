package report

import (
	"strings"
	"testing"
)

func TestFailuresAreToldAsCompilersDo(t *testing.T) {
	e := Explanation{
		Title:   "libfoo.so.2 was not found",
		Details: []Detail{{"needed by", []string{"demo/_a.so", "demo/_b.so"}}, {"searched", []string{"/lib", "/usr/lib"}}},
		Help:    []string{"name its folder with --search-path"},
	}
	for _, tt := range []struct {
		name  string
		voice Voice
		want  string
	}{
		{"in a pipe the first line says all that counts", Voice{Program: "wheelmend", Wheel: "demo.whl"}, `wheelmend: error: demo.whl: libfoo.so.2 was not found
  needed by: demo/_a.so
             demo/_b.so
  searched:  /lib
             /usr/lib
  help:      name its folder with --search-path
`},
		{"in a terminal", Voice{Program: "wheelmend", Wheel: "demo.whl", Terminal: true}, `error: libfoo.so.2 was not found
  wheel:     demo.whl
  needed by: demo/_a.so
             demo/_b.so
  searched:  /lib
             /usr/lib
  help:      name its folder with --search-path
`},
	} {
		var out strings.Builder
		if err := WriteExplanation(&out, Style{}, tt.voice, e); err != nil || out.String() != tt.want {
			t.Errorf("%s: %v\n%s", tt.name, err, out.String())
		}
	}
}

func TestAFailureOfOneLine(t *testing.T) {
	const text = "it is for Windows; use delvewheel for it"
	for _, tt := range []struct {
		voice Voice
		text  string
		want  string
	}{
		{Voice{Program: "wheelmend", Wheel: "a.whl"}, text, "wheelmend: error: a.whl: it is for Windows; use delvewheel for it\n"},
		{Voice{Program: "wheelmend"}, text, "wheelmend: error: it is for Windows; use delvewheel for it\n"},
		{Voice{Wheel: "a.whl", Terminal: true}, text, "error: it is for Windows\n  wheel: a.whl\n  help:  use delvewheel for it\n"},
		{Voice{Terminal: true}, `no "x; y" there`, "error: no \"x; y\" there\n"},
		{Voice{Program: "wheelmend"}, "two\nlines\x1b[2J", "wheelmend: error: two; lines\\x1b[2J\n"},
	} {
		var out strings.Builder
		if err := WriteFailureLine(&out, Style{}, tt.voice, tt.text); err != nil || out.String() != tt.want {
			t.Errorf("%+v: %v, %q, want %q", tt.voice, err, out.String(), tt.want)
		}
	}
}

func TestMessagesWrapInATerminalAlone(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 10))
	if got := Message(Style{Width: 30}, Voice{Program: "wheelmend"}, "warning", long); got != "wheelmend: warning: "+long+"\n" {
		t.Errorf("%q", got)
	}
	want := "warning: word word word word\n         word word word word\n         word word\n"
	if got := Message(Style{Width: 30}, Voice{Terminal: true}, "warning", long); got != want {
		t.Errorf("%q", got)
	}
	if got := Message(Style{Color: true}, Voice{Program: "wheelmend"}, "warning", "x"); !strings.Contains(got, "\x1b[33mwarning") {
		t.Errorf("%q", got)
	}
}
