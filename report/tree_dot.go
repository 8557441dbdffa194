package report

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// WriteTreeDOT writes trees as one graph in the DOT language of Graphviz. A
// file is one node, whoever loads it; the members of a wheel stand in a frame.
func WriteTreeDOT(w io.Writer, trees []*audit.Tree) error {
	d := &dot{printer: printer{w: w}, ids: map[string]string{}, edges: map[string]bool{}}
	d.linef("digraph wheelmend {")
	d.linef("  rankdir=LR;")
	d.linef("  node [shape=box, fontname=\"sans-serif\"];")
	d.linef("  edge [fontname=\"sans-serif\", fontsize=10];")
	for i, s := range trees {
		d.tree(i, s)
	}
	if d.left > 0 {
		d.must("  left [shape=plaintext, label=%s];", dotString("and "+phrase.Count(d.left, "more line")+"; --json has all"))
	}
	d.must("}")
	return d.err
}

// must writes a line that is never left out.
func (d *dot) must(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format+"\n", args...)
	}
}

// A dot writes a graph. Nodes have made-up names, so that no file name can be
// taken for syntax.
type dot struct {
	printer
	ids   map[string]string // of nodes by what they stand for
	edges map[string]bool   // arrows that are written
}

func (d *dot) tree(i int, s *audit.Tree) {
	wheel := ""
	if s.Kind == audit.TreeOfWheel {
		wheel = fmt.Sprint(i)
		d.linef("  subgraph cluster_%d {", i)
		d.linef("    label=%s;", dotString(path.Base(s.Name)))
		d.nodes("    ", s, wheel, true)
		d.must("  }")
	}
	d.nodes("  ", s, wheel, false)
	for _, p := range s.Processes {
		for _, n := range p.Nodes {
			if n.Interp != nil {
				d.edge(wheel, n, n.Interp, "dashed")
			}
			for j := range n.Needs {
				d.edge(wheel, n, &n.Needs[j], "solid")
			}
		}
	}
}

// nodes writes the files inside, or outside, the wheel.
func (d *dot) nodes(indent string, s *audit.Tree, wheel string, inside bool) {
	for _, p := range s.Processes {
		for _, n := range p.Nodes {
			if n.InWheel != inside {
				continue
			}
			style := ""
			if !n.InWheel && n.Found != "" && n.Found != n.Path {
				style = ", tooltip=" + dotString(n.Path)
			}
			d.node(indent, nodeKey(wheel, n), place(n), style)
		}
	}
}

// nodeKey tells files apart: the members of two wheels may have one name.
func nodeKey(wheel string, n *audit.Node) string {
	if n.InWheel {
		return "wheel " + wheel + " " + n.Path
	}
	return "file " + n.Path
}

// node writes a node unless it is written, and returns its name.
func (d *dot) node(indent, key, label, style string) string {
	if id, ok := d.ids[key]; ok {
		return id
	}
	id := fmt.Sprintf("n%d", len(d.ids)+1)
	d.ids[key] = id
	d.linef("%s%s [label=%s%s];", indent, id, dotString(label), style)
	return id
}

func (d *dot) edge(wheel string, from *audit.Node, n *audit.Need, line string) {
	if d.bytes > maxText {
		d.left++
		return
	}
	var to, more string
	switch {
	case n.Found():
		to = d.node("  ", nodeKey(wheel, n.To), place(n.To), "")
		more = ", tooltip=" + dotString(n.Rule)
	case n.Missing():
		to = d.node("  ", "missing "+n.Name, n.Name+" (not found)", ", color=red, fontcolor=red")
		more = ", color=red, fontcolor=red"
	default:
		to = d.node("  ", n.Status+" "+n.Name, n.Name+" ("+n.Status+")", ", style=dashed")
		line = "dashed"
	}
	edge := fmt.Sprintf("%s -> %s [label=%s", d.ids[nodeKey(wheel, from)], to, dotString(n.Name))
	if !d.edges[edge] {
		d.edges[edge] = true // the rule of a later process may differ, the arrow does not
		d.linef("  %s, style=%s%s];", edge, line, more)
	}
}

// dotString quotes a text for the DOT language. In labels a backslash begins an
// escape and an ampersand an entity, so both are escaped too
// (https://graphviz.org/docs/attr-types/escString/). Names of megabytes are cut.
func dotString(s string) string {
	const longest = 1024 // bytes, and any escape has a dozen
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;").Replace(Clean(phrase.Cut(s, longest))) + `"`
}
