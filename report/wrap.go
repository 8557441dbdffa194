package report

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// standardWidth is how wide text is where there is no terminal.
const standardWidth = 80

// columns returns how wide text is to be.
func (s Style) columns() int {
	if s.Width > 0 {
		return s.Width
	}
	return standardWidth
}

// cells returns how many columns of a terminal a text takes, colors aside.
func cells(s string) int { return text.StringWidthWithoutEscSequences(s) }

// wrap writes a text in lines of the terminal's width. The first one begins with first,
// the others with as many blanks. A word that is longer than a line is not cut.
func (p *printer) wrap(first, words string) { p.flow(first, strings.Fields(words), " ") }

// flow writes items, which are not broken, in lines of the terminal's width, as wrap does.
func (p *printer) flow(first string, items []string, gap string) {
	indent := strings.Repeat(" ", cells(first))
	line, empty := first, true
	for _, item := range items {
		if !empty && cells(line)+len(gap)+cells(item) > p.style.columns() {
			p.linef("%s", strings.TrimRight(line, " "))
			line, empty = indent, true
		}
		if !empty {
			line += gap
		}
		line, empty = line+item, false
	}
	p.linef("%s", strings.TrimRight(line, " "))
}
