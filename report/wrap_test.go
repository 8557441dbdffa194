package report

import (
	"strings"
	"testing"
)

func TestTextWrapsAtTheTerminal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		width int
		write func(*printer)
		want  string
	}{
		{"words", 20, func(p *printer) { p.wrap("  ", "one two three four five") }, "  one two three four\n  five\n"},
		{"80 columns without a terminal", 0, func(p *printer) { p.wrap("", strings.Repeat("word ", 20)) },
			strings.TrimSpace(strings.Repeat("word ", 16)) + "\nword word word word\n"},
		{"below the first word", 20, func(p *printer) { p.wrap("  help: ", "one two three") }, "  help: one two\n        three\n"},
		{"a word that is too long is whole", 10, func(p *printer) { p.wrap("  ", "a "+strings.Repeat("x", 30)+" b") },
			"  a\n  " + strings.Repeat("x", 30) + "\n  b\n"},
		{"items are whole", 20, func(p *printer) { p.flow("  ", []string{"liba so", "libb so", "libc so"}, "  ") },
			"  liba so  libb so\n  libc so\n"},
		{"colors take no room", 20, func(p *printer) { p.wrap("  ", "\x1b[32mone two\x1b[0m three four") }, "  \x1b[32mone two\x1b[0m three four\n"},
		{"an entry", 20, func(p *printer) { p.entry("  a: ", "one two three four") }, "  a: one two three\n     four\n"},
		{"an entry in a pipe", 0, func(p *printer) { p.entry("  a: ", strings.Repeat("word ", 20)) }, "  a: " + strings.Repeat("word ", 20) + "\n"},
		{"columns", 24, func(p *printer) {
			p.aligned([][]string{{"a", "1 MB", "for x"}, {"bbb", "20 MB", "for a long list"}})
		}, "  a    1 MB   for x\n  bbb  20 MB\n      for a long list\n"},
		{"a column that no row has", 40, func(p *printer) { p.aligned([][]string{{"a", "", "x"}, {"b", "", "y"}}) }, "  a  x\n  b  y\n"},
	} {
		var out strings.Builder
		p := &printer{w: &out, style: Style{Width: tt.width}}
		tt.write(p)
		if p.err != nil || out.String() != tt.want {
			t.Errorf("%s: %v, %q, want %q", tt.name, p.err, out.String(), tt.want)
		}
	}
}

func TestNamesOfCompilersAreReadable(t *testing.T) {
	for symbol, want := range map[string]string{
		"memcpy":                 "memcpy",
		"_ZdlPvmSt11align_val_t": "operator delete(void*, unsigned long, std::align_val_t)",
		"_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE": "std::condition_variable::wait(std::unique_lock<std::mutex>&)",
		"_Znot-a-name": "_Znot-a-name",
	} {
		if got := Readable(symbol); got != want {
			t.Errorf("%s: %q, want %q", symbol, got, want)
		}
	}
}
