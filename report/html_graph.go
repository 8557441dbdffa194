package report

import (
	"fmt"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// Sizes of the drawing, in pixels.
const (
	boxHeight  = 26
	rowHeight  = 36
	columnGap  = 60
	letterWide = 7.3 // of the type that the style names
	margin     = 10
)

// graph draws the dependencies: a column for each level, who needs whom from left to
// right. A narrow screen scrolls.
func (h *htmlPage) graph(d *dependencies) {
	if len(d.edges) == 0 {
		return
	}
	type place struct{ x, y, width int }
	rows := map[int]int{}
	widths := map[int]int{}
	places := make([]place, len(d.nodes))
	labels := make([]string, len(d.nodes))
	for i, n := range d.nodes {
		labels[i] = phrase.Cut(n.label, 60)
		width := int(letterWide*float64(len([]rune(labels[i])))) + 20
		places[i] = place{y: margin + rows[n.level]*rowHeight, width: width}
		rows[n.level]++
		widths[n.level] = max(widths[n.level], width)
	}
	left, most := map[int]int{}, 0
	x := margin
	for level := 0; level <= len(d.nodes); level++ {
		if rows[level] > 0 {
			left[level] = x
			x += widths[level] + columnGap
			most = max(most, rows[level])
		}
	}
	for i, n := range d.nodes {
		places[i].x = left[n.level]
	}
	width, height := x-columnGap+margin, most*rowHeight+margin
	h.linef("<h2>Dependencies</h2>\n<p class=\"key\"><span style=\"background:var(--module)\">files of the wheel</span><span style=\"background:var(--bundled)\">bundled</span><span style=\"background:var(--graft)\">bundled by a repair</span><span style=\"background:var(--missing)\">not found</span><span style=\"background:var(--excluded)\">left out</span></p>")
	h.linef("<div class=\"scroll\"><svg role=\"img\" aria-label=\"Dependencies of the files in the wheel\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">", width, height, width, height)
	for _, e := range d.edges {
		a, b := places[e[0]], places[e[1]]
		x1, y1, x2, y2 := a.x+a.width, a.y+boxHeight/2, b.x, b.y+boxHeight/2
		bend := max((x2-x1)/2, 20)
		h.linef("<path d=\"M%d %dC%d %d %d %d %d %d\"/>", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
	}
	for i, n := range d.nodes {
		p := places[i]
		h.linef("<g><title>%s</title><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/><text x=\"%d\" y=\"%d\">%s</text></g>",
			esc(n.label), n.kind, p.x, p.y, p.width, boxHeight, p.x+10, p.y+17, esc(labels[i]))
	}
	h.linef("</svg></div>")
	if d.left > 0 {
		h.linef("<p class=\"dim\">%s</p>", fmt.Sprintf("and %s, which the drawing has no room for", phrase.Count(d.left, "more file")))
	}
}
