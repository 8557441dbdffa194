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

// entry writes a text behind first as wrap does where there is a terminal. In a pipe it stays
// one line, as programs read it.
func (p *printer) entry(first, text string) {
	if p.style.Width == 0 {
		p.linef("%s%s", first, text)
		return
	}
	p.wrap(first, text)
}

// flow writes items, which are not broken, in lines of the terminal's width, as wrap does.
func (p *printer) flow(first string, items []string, gap string) {
	p.lines(first, strings.Repeat(" ", cells(first)), items, gap)
}

// hanging writes words in lines, of which the first begins with first and the others
// with rest.
func (p *printer) hanging(first, rest string, words []string) { p.lines(first, rest, words, " ") }

func (p *printer) lines(first, rest string, items []string, gap string) {
	// A long beginning leaves no room: the items begin on a line of their own.
	if room := p.style.columns() - len(rest); cells(first) > 4 && len(rest) > 8 && room < p.style.columns()/3 {
		p.linef("%s", strings.TrimRight(first, " "))
		first, rest = "        ", "        "
	}
	line, empty := first, true
	for _, item := range items {
		if !empty && cells(line)+len(gap)+cells(item) > p.style.columns() {
			p.linef("%s", strings.TrimRight(line, " "))
			line, empty = rest, true
		}
		if !empty {
			line += gap
		}
		line, empty = line+item, false
	}
	p.linef("%s", strings.TrimRight(line, " "))
}

// aligned writes rows with their columns below each other. What has no room goes on a line
// of its own.
func (p *printer) aligned(rows [][]string) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], cells(cell))
		}
	}
	for _, row := range rows {
		var items []string
		for i, cell := range row {
			if widths[i] == 0 {
				continue
			}
			if i < len(row)-1 {
				cell += strings.Repeat(" ", widths[i]-cells(cell))
			}
			items = append(items, cell)
		}
		p.lines("  ", "      ", items, "  ")
	}
}
