package linkage

import (
	"path"

	"github.com/wheelmend/wheelmend/macho"
)

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
