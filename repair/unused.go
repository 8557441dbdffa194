package repair

import (
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
)

// patterns are those by which libraries are left out, or copied in all the same.
type patterns struct {
	exclude, graft []string
	matches        func(pattern, name string) bool
	// paths tells that those for copies match paths as well, and only what was found
	// outside the wheel.
	paths bool
}

// tellUnused warns of patterns for libraries that match none: most are misspelled.
func (p *Plan) tellUnused() {
	asked := p.system.patterns(&p.options.Audit)
	var all, copied []string
	for _, o := range linkage.Images(p.graph.Members, p.verdict.Grafts) {
		for _, e := range o.Needs {
			names := []string{e.Name}
			outside := e.To != nil && !e.To.InWheel
			if outside {
				names = append(names, e.To.Path, e.To.SystemPath())
			}
			all = append(all, names...)
			switch {
			case !asked.paths:
				copied = append(copied, e.Name)
			case outside && e.IsFound():
				copied = append(copied, names...)
			}
		}
	}
	none := "none is needed by such a name"
	if asked.paths {
		none = "none outside the wheel was found by such a name"
	}
	for _, pattern := range asked.unmatched(asked.exclude, all) {
		p.warn("pattern %q leaves out no library: none has such a name or path", pattern)
	}
	for _, pattern := range asked.unmatched(asked.graft, copied) {
		p.warn("pattern %q adds no library: %s", pattern, none)
	}
}

// unmatched returns the patterns that match none of the names.
func (a *patterns) unmatched(patterns, names []string) []string {
	return slices.DeleteFunc(slices.Clone(patterns), func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return a.matches(pattern, name) })
	})
}
