package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// Style tells how text is shown. The zero value suits a file or a pipe.
type Style struct {
	Color bool
	Width int // columns of the terminal; 0 means that there is none
}

func (s Style) paint(c text.Color, t string) string {
	if !s.Color {
		return t
	}
	return c.EscapeSeq() + t + text.Reset.EscapeSeq()
}

func (s Style) bold(t string) string { return s.paint(text.Bold, t) }
func (s Style) good(t string) string { return s.paint(text.FgGreen, t) }
func (s Style) bad(t string) string  { return s.paint(text.FgRed, t) }

// A printer writes lines and keeps the first error. What exceeds [maxText] is left out
// and counted, see end.
type printer struct {
	w     io.Writer
	style Style
	all   bool // sections are complete
	err   error
	bytes int
	left  int // lines that were left out
}

// Bounds on text for people: bytes of one report, rows of one of its tables. Real
// reports stay below a hundredth. JSON is complete, see [WriteJSON].
const (
	maxText = 2 << 20
	maxRows = 1000
	maxLine = 64 << 10 // bytes of a line
)

func (p *printer) linef(format string, args ...any) {
	switch {
	case p.err != nil:
	case p.bytes > maxText:
		p.left++
	default:
		var n int
		n, p.err = fmt.Fprintln(p.w, cut(fmt.Sprintf(format, args...)))
		p.bytes += n
	}
}

// cut ends each line of a text where it is longer than anybody reads: a wheel may have
// names of megabytes.
func cut(text string) string {
	if len(text) <= maxLine {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = phrase.Cut(line, maxLine)
	}
	return strings.Join(lines, "\n")
}

// end tells how much was left out, and returns the first error.
func (p *printer) end() error {
	if p.left > 0 && p.err == nil {
		_, p.err = fmt.Fprintf(p.w, "and %s; --json has all\n", phrase.Count(p.left, "more line"))
	}
	return p.err
}

// table begins a table without lines, indented like the rest of the text.
func (p *printer) table(columns ...any) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "  ", ""
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	if len(columns) > 0 {
		t.AppendHeader(table.Row(columns))
	}
	t.SuppressTrailingSpaces()
	return t
}

func (p *printer) render(t table.Writer) { p.linef("%s", t.Render()) }

// row returns a row of a table, whose cells are bounded: a column is as wide as the
// longest.
func row(cells ...any) table.Row {
	const widest = 1024 // bytes
	for i, c := range cells {
		if text, ok := c.(string); ok {
			cells[i] = phrase.Cut(text, widest)
		}
	}
	return table.Row(cells)
}
