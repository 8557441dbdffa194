package report

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Style tells how text is shown. The zero value suits a file or a pipe.
type Style struct {
	Color bool
	Width int // columns of the terminal; 0 means unbounded
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

// A printer writes lines and keeps the first error.
type printer struct {
	w     io.Writer
	style Style
	err   error
}

func (p *printer) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// table begins a table without lines, indented like the rest of the text.
func (p *printer) table(columns ...any) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "  ", ""
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SetAllowedRowLength(p.style.Width)
	t.AppendHeader(table.Row(columns))
	t.SuppressTrailingSpaces()
	return t
}

func (p *printer) render(t table.Writer) { p.linef("%s", t.Render()) }

func row(cells ...any) table.Row { return table.Row(cells) }
