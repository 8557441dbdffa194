package linkage

import (
	"maps"
	"slices"
)

// A Process has loaded the members of a graph that are for one architecture.
type Process struct {
	Arch   string
	Roots  []*Image // those that nothing has loaded before, in the order in which they are loaded
	Images []*Image // the roots, each followed by what it loads, breadth first, each once
}

// Processes returns what the members of the graph are loaded into: a process for each
// architecture, sorted by its name. ELF files of a graph are for one.
func (g *Graph) Processes() []Process {
	var all []Process
	if g.Libc != "" {
		if len(g.Members) > 0 {
			all = append(all, g.linuxProcess())
		}
		return all
	}
	for _, arch := range g.archs() {
		all = append(all, g.macProcess(arch))
	}
	return all
}

// linuxProcess follows the order in which the members were resolved.
func (g *Graph) linuxProcess() Process {
	var p Process
	p.Roots = g.Roots
	seen := map[*Image]bool{}
	for _, root := range g.Roots {
		if p.Arch == "" {
			p.Arch = root.Arch
		}
		p.Images = append(p.Images, ReachUnseen([]*Image{root}, seen, (*Need).IsFound)...)
	}
	return p
}

// macProcess begins with the images that no other loads.
func (g *Graph) macProcess(arch string) Process {
	p := Process{Arch: arch}
	loaded := map[*Image]bool{}
	for _, f := range g.Members {
		if image := f.Image(arch); image != nil {
			for _, n := range image.Needs {
				loaded[n.To] = loaded[n.To] || n.Status == Found && n.To != image
			}
		}
	}
	seen := map[*Image]bool{}
	for _, second := range []bool{false, true} { // the rest load each other
		for _, f := range g.Members {
			if image := f.Image(arch); image != nil && !seen[image] && loaded[image] == second {
				p.Roots = append(p.Roots, image)
				p.Images = append(p.Images, ReachUnseen([]*Image{image}, seen, (*Need).IsFound)...)
			}
		}
	}
	return p
}

// archs returns the architectures of the members, sorted by name.
func (g *Graph) archs() []string {
	archs := map[string]bool{}
	for _, i := range Images(g.Members) {
		archs[i.Arch] = true
	}
	return slices.Sorted(maps.Keys(archs))
}
