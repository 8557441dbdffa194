package report

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/repair"
)

// WriteRepaired tells what became of a wheel, as text for people: on one line, and below
// it what was copied in, what is left to the system, and the size.
func WriteRepaired(w io.Writer, name string, r *repair.Result, s Style) error {
	p := &printer{w: w, style: s}
	name = s.bold(Clean(name))
	switch {
	case r.Plan == nil && r.Path == "":
		p.line(name + ": a pure wheel, to be copied as it is")
	case r.Plan == nil:
		p.line(name + ": a pure wheel, copied to " + Clean(r.Path))
	case r.Unchanged:
		p.line(fmt.Sprintf("%s: nothing to do, it meets %s", name, s.good(r.Plan.Policy)))
	case len(r.Plan.Grafts) == 0:
		p.line(fmt.Sprintf("%s: meets %s, written to %s", name, s.good(r.Plan.Policy), Clean(r.Path)))
		p.sizes(r)
	default:
		p.line(fmt.Sprintf("%s: meets %s with %s, written to %s", name, s.good(r.Plan.Policy), graftCount(len(r.Plan.Grafts)), Clean(r.Path)))
		p.list("copied in", graftNames(r.Plan.Grafts))
		p.list("left to the system", cleaned(r.System))
		p.sizes(r)
	}
	p.lowered(r.Plan)
	return p.err
}

// lowered says how many symbols others stand in for, and what that asks of a person.
func (p *printer) lowered(plan *repair.Plan) {
	if plan == nil {
		return
	}
	files, relabelled, compat, weak := plan.Lowered()
	if files == 0 {
		return
	}
	text := fmt.Sprintf("lowered %s: %s. None of this code was run: test the wheel on %s before you publish it (experimental)", phrase.Count(files, "file"), lowered(relabelled, compat, weak), plan.Policy)
	p.hanging("  ", "  ", strings.Fields(text))
}

// line writes a line that only a terminal needs to be wrapped for: programs look for what
// is on it.
func (p *printer) line(text string) {
	if p.style.Width == 0 {
		p.linef("%s", text)
		return
	}
	p.hanging("", "  ", strings.Fields(text))
}

// list writes names after what they are.
func (p *printer) list(what string, names []string) {
	const shown = 12
	if more := len(names) - shown; more > 1 {
		names = append(append([]string{}, names[:shown]...), fmt.Sprintf("and %d more (-v)", more))
	}
	if len(names) > 0 {
		p.flow("  "+what+": ", names, "  ")
	}
}

func cleaned(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = Clean(name)
	}
	return out
}

// graftNames spells the libraries that were copied in, with the packages that they come
// from.
func graftNames(grafts []repair.Graft) []string {
	var names []string
	seen := map[string]bool{} // a library may be copied in beside several folders
	for _, g := range grafts {
		if seen[g.Source] {
			continue
		}
		seen[g.Source] = true
		name := Clean(path.Base(strings.ReplaceAll(g.Source, "\\", "/")))
		if g.Package != "" {
			name += " (" + Clean(g.Package) + ")"
		}
		names = append(names, name)
	}
	return names
}

func (p *printer) sizes(r *repair.Result) {
	if r.After > 0 {
		p.linef("  size: %s before, %s after", size(r.Before), size(r.After))
	}
}

// tableOrLines writes rows below each other where they have room, else each as a line of
// its own, without the heading.
func (p *printer) tableOrLines(table [][]string) {
	total := 0
	for i := range table[0] {
		widest := 0
		for _, row := range table {
			widest = max(widest, cells(row[i]))
		}
		total += widest + 2
	}
	if total <= p.style.columns() {
		p.aligned(table)
		return
	}
	for _, row := range table[1:] {
		items := []string{row[0], row[2]}
		if row[1] != "" {
			items = []string{row[0], row[1] + " -> " + row[2], row[3] + " copied in", row[4]}
		}
		p.lines("  ", "      ", items, "  ")
	}
}

// A Repaired is one wheel of several that were to be repaired.
type Repaired struct {
	Wheel  string
	Result *repair.Result // nil for one that failed
}

// WriteRepairTable tells at the end what became of several wheels, and counts them.
func WriteRepairTable(w io.Writer, all []Repaired, s Style) error {
	p := &printer{w: w, style: s}
	counts := map[string]int{}
	table := [][]string{{"wheel", "tag before", "tag after", "copied in", "size"}}
	for _, one := range all {
		row := []string{Clean(one.Wheel), "", s.bad("failed"), "", ""}
		switch r := one.Result; {
		case r == nil:
			counts["failed"]++
		case r.Plan == nil:
			counts["copied"]++
			row = []string{row[0], r.Tag, "any", "0", size(r.After)}
		case r.Unchanged:
			counts["unchanged"]++
			row = []string{row[0], r.Tag, "the same", "0", size(r.After)}
		default:
			counts["repaired"]++
			row = []string{row[0], r.Tag, r.Plan.Policy, fmt.Sprint(len(r.Plan.Grafts)), size(r.After)}
		}
		table = append(table, row)
	}
	p.linef("")
	p.tableOrLines(table)
	var sums []string
	for _, word := range []string{"repaired", "unchanged", "copied", "failed"} {
		if n := counts[word]; n > 0 {
			sums = append(sums, fmt.Sprintf("%d %s", n, word))
		}
	}
	p.linef("%s", strings.Join(sums, ", "))
	return p.end()
}
