package linkage

import (
	"maps"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/macho"
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
	if g.Libc != "" {
		return []Process{g.linuxProcess()}
	}
	var all []Process
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

// UnderPython returns the images of a macOS wheel that a process of Python loads:
// extension modules, libraries that no program alone loads, and what these load.
func (g *Graph) UnderPython() map[*Image]bool {
	if g.python != nil {
		return g.python
	}
	loaded := g.LoadedByOthers()
	var roots []*Image
	for _, i := range Images(g.Members) {
		if s := i.Slice(); s.Type == macho.Bundle || s.Type == macho.DyLib && !loaded[i.File] {
			roots = append(roots, i)
		}
	}
	g.python = map[*Image]bool{}
	ReachUnseen(roots, g.python, func(n *Need) bool { return n.IsFound() && n.Program == nil })
	return g.python
}

// LoadedByOthers returns the members of a macOS wheel that other members load, and so
// only for the architectures of those: the two slices of a file may load different
// libraries. Python imports a module, whoever loads it as well.
func (g *Graph) LoadedByOthers() map[*File]bool {
	loaded := map[*File]bool{}
	for _, i := range Images(g.Members) {
		for _, n := range i.Needs {
			if n.Status == Found && n.To.File != i.File && !IsModuleName(n.To.Path) {
				loaded[n.To.File] = true
			}
		}
	}
	return loaded
}

// IsModuleName reports whether Python on macOS would look for a module in a file of that
// name: it does so in .so alone.
func IsModuleName(name string) bool { return path.Ext(name) == ".so" }
