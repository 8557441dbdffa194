package audit

import (
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// macProcesses takes the graph of Mach-O files: a process for each architecture
// that one of them has.
func macProcesses(g *linkage.DyldGraph) []Process {
	var processes []Process
	for _, arch := range g.Archs() {
		roots, images := g.Process(arch)
		p := Process{Format: MachO, Arch: arch.String()}
		nodes := map[*linkage.Image]*Node{}
		for _, i := range images {
			nodes[i] = newMacNode(i)
			p.Nodes = append(p.Nodes, nodes[i])
		}
		for _, i := range roots {
			p.Roots = append(p.Roots, nodes[i])
		}
		for i, n := range nodes {
			for _, e := range i.Loads {
				n.Needs = append(n.Needs, newMacNeed(e, nodes[e.To]))
			}
		}
		processes = append(processes, p)
	}
	return processes
}

func newMacNode(i *linkage.Image) *Node {
	return &Node{
		Path: i.Binary.Path, InWheel: i.Binary.InWheel, Universal: i.Binary.File.Fat,
		Soname: i.Slice.ID, RPath: strings.Join(i.Slice.RPaths, ":"),
	}
}

func newMacNeed(e *linkage.LoadEdge, to *Node) Need {
	n := Need{Name: e.Dylib.Name, Status: e.Status.String(), Rule: e.Rule}
	if e.Dylib.Kind != macho.Load {
		n.Kind = e.Dylib.Kind.String()
	}
	switch {
	case e.Status == linkage.DylibFound:
		n.To = to
	case e.Status == linkage.DylibMissing && e.Dylib.Kind == macho.Weak:
		n.Status, n.Tried = StatusAbsent, e.Tried
	case e.Status == linkage.DylibMissing:
		n.Tried = e.Tried
	case e.Status == linkage.DylibExcluded:
		n.Rule = ""
	}
	return n
}
