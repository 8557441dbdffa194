package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// shownAbove marks a library whose own needs stand further up.
const shownAbove = "already shown above"

// WriteTree writes a tree as text for people: each file with what it needs
// below it, where that was found and by which rule.
func WriteTree(w io.Writer, s *audit.Tree, style Style) error {
	t := &treeText{printer: printer{w: w, style: style}}
	t.entry(style.bold(Clean(s.Name))+"  ", headline(s))
	for i := range s.Processes {
		t.process(s, &s.Processes[i])
	}
	t.missing(s)
	t.named("No loader takes", s.Unlinked)
	t.foreign(s.Foreign)
	t.damaged(s)
	return t.end()
}

// headline tells what was read.
func headline(s *audit.Tree) string {
	files := map[audit.Format]map[string]bool{}
	var formats []audit.Format
	var targets []string
	for i := range s.Processes {
		p := &s.Processes[i]
		if files[p.Format] == nil {
			files[p.Format] = map[string]bool{}
			formats = append(formats, p.Format)
		}
		for _, n := range shownFiles(s, p) {
			files[p.Format][n.Path] = true
		}
		if name := target(p); !slices.Contains(targets, name) {
			targets = append(targets, name)
		}
	}
	if s.Kind == audit.TreeOfFile {
		return "(" + strings.Join(targets, "; ") + ")"
	}
	var counts []string
	for _, f := range formats {
		if n := len(files[f]); n > 0 {
			counts = append(counts, phrase.Count(n, f.Binary()))
		}
	}
	if len(counts) == 0 {
		return "(no binary that loads anything)"
	}
	return "(" + strings.Join(counts, ", ") + ", " + strings.Join(targets, "; ") + ")"
}

// shownFiles returns the files of a process that the tree is about: the members
// of a wheel, or the files that were named.
func shownFiles(s *audit.Tree, p *audit.Process) []*audit.Node {
	if s.Kind != audit.TreeOfWheel {
		return p.Roots
	}
	var nodes []*audit.Node
	for _, node := range p.Nodes {
		if node.InWheel {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func target(p *audit.Process) string {
	arch := p.Arch
	if arch == "" {
		arch = "unknown architecture"
	}
	switch {
	case p.System != "":
		return arch + ", " + p.System
	case !slices.ContainsFunc(p.Roots, func(n *audit.Node) bool { return !n.Static }):
		return arch + ", static"
	}
	return arch + ", " + p.Libc
}

// A treeText writes trees.
type treeText struct {
	printer
	shown map[*audit.Node]bool // of the process at hand
}

func (t *treeText) process(s *audit.Tree, p *audit.Process) {
	t.shown = map[*audit.Node]bool{}
	for _, root := range p.Roots {
		indent := "    "
		switch {
		case s.Kind != audit.TreeOfFile && root.Universal:
			t.linef("  %s (%s)", Clean(root.Path), p.Arch)
		case s.Kind != audit.TreeOfFile:
			t.linef("  %s", Clean(root.Path))
		case root.Universal:
			t.linef("  %s", p.Arch)
		default:
			indent = "  "
		}
		t.shown[root] = true
		if len(root.Needs) == 0 && s.Kind == audit.TreeOfFile {
			t.linef("%sneeds no library", indent)
		}
		if root.Interp != nil {
			t.need(indent, root.Interp)
		}
		t.needs(indent, root)
	}
}

// needs writes what a file needs. What a library needs itself is written where
// the library stands for the first time: cycles and shared libraries end there.
func (t *treeText) needs(indent string, n *audit.Node) {
	for i := range n.Needs {
		t.need(indent, &n.Needs[i])
	}
}

func (t *treeText) need(indent string, n *audit.Need) {
	if !n.Found() {
		t.leaf(indent, fmt.Sprintf("%s => %s%s", Clean(n.Name), t.absent(n), kind(n)))
		return
	}
	again := t.shown[n.To] && len(n.To.Needs) > 0
	rule := n.Rule
	if again {
		rule += "; " + shownAbove
	}
	name := n.Name
	if at := place(n.To); at != name {
		name += " => " + at
	}
	t.leaf(indent, fmt.Sprintf("%s  (%s)%s", Clean(name), Clean(rule), kind(n)))
	if !t.shown[n.To] {
		t.shown[n.To] = true
		t.needs(indent+"  ", n.To)
	}
}

// leaf writes a line that a terminal wraps, six columns further in than its first; in a pipe
// each stays one line, as programs read it.
func (t *treeText) leaf(indent, text string) {
	if t.style.Width == 0 {
		t.linef("%s%s", indent, text)
		return
	}
	first, rest, _ := strings.Cut(text, "  (")
	words := append([]string{first}, strings.Fields(rest)...)
	if rest != "" {
		words[1] = " (" + words[1] // two blanks before it
	}
	t.hanging(indent, indent+"      ", words)
}

// place names a file as the loader does.
func place(n *audit.Node) string {
	if n.Found != "" {
		return n.Found
	}
	return n.Path
}

// kind tells how a library is loaded, if that is not the usual way.
func kind(n *audit.Need) string {
	if n.Kind == "" {
		return ""
	}
	return " [" + n.Kind + "]"
}

// absent tells why there is no file for a library.
func (t *treeText) absent(n *audit.Need) string {
	switch n.Status {
	case "excluded":
		return "left out (--exclude)"
	case "system":
		return "part of " + n.System
	case audit.StatusAbsent:
		return "not found, and not needed"
	case "libpython":
		return "left to the program that loads the module (PEP 513)"
	}
	return t.style.bad("not found")
}

// missing lists the places where libraries were sought in vain, once for each
// file that needs them.
func (t *treeText) missing(s *audit.Tree) {
	seen := map[string]bool{}
	report := func(arch string, n *audit.Need, by *audit.Node) {
		who := place(by)
		if by.Universal {
			who += " (" + arch + ")"
		}
		key := n.Name + "\x00" + by.Path + "\x00" + who
		if !n.Missing() || seen[key] {
			return
		}
		seen[key] = true
		t.linef("")
		t.entry("", fmt.Sprintf("%s, which %s needs, was %s. Places searched:", Clean(n.Name), Clean(who), t.style.bad("not found")))
		for _, p := range n.Tried {
			t.leaf("  ", fmt.Sprintf("%s  (%s: %s)", Clean(p.Dir), Clean(p.Rule.String()), Clean(p.Why)))
		}
	}
	for _, p := range s.Processes {
		for _, node := range p.Nodes {
			if node.Interp != nil {
				report(p.Arch, node.Interp, node)
			}
			for i := range node.Needs {
				report(p.Arch, &node.Needs[i], node)
			}
		}
	}
	if len(seen) > 0 {
		t.linef("\nName its directory with --search-path, the target's file system with --sysroot,\nor leave it out with --exclude.")
	}
}

func (t *treeText) named(title string, files []audit.Foreign) {
	if len(files) == 0 {
		return
	}
	t.linef("\n%s", title)
	for _, f := range files {
		t.entry("  "+Clean(f.Path)+"  ", "("+Clean(f.Kind)+")")
	}
}

func (t *treeText) damaged(s *audit.Tree) {
	if len(s.Damaged) == 0 {
		return
	}
	t.linef("\n%s", t.style.bad("Cannot be read"))
	for _, d := range s.Damaged {
		t.entry("  "+Clean(d.Path)+"  ", "("+Clean(d.Err.Error())+")")
	}
}
