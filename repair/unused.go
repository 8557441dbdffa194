package repair

import (
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
)

// tellUnused warns of patterns for libraries that match none: most are misspelled.
func (p *Plan) tellUnused() {
	byPath := p.system.graftsByPath()
	var all, copied []string
	for _, o := range linkage.Images(p.graph.Members, p.verdict.Grafts) {
		for _, e := range o.Needs {
			names := p.graph.PatternNames(e.Name)
			outside := e.To != nil && !e.To.InWheel
			if outside {
				names = slices.Concat(names, p.graph.PatternNames(e.To.Path), p.graph.PatternNames(e.To.SystemPath()))
			}
			all = append(all, names...)
			switch {
			case !byPath:
				copied = append(copied, e.Name)
			case outside && e.IsFound():
				copied = append(copied, names...)
			}
		}
	}
	none := "none is needed by such a name"
	if byPath {
		none = "none outside the wheel was found by such a name"
	}
	for _, pattern := range unmatched(p.graph, p.options.Audit.Exclude, all) {
		p.warn("pattern %q leaves out no library: none has such a name or path%s", pattern, instead(pattern, p.graph))
	}
	for _, pattern := range unmatched(p.graph, p.options.Audit.Graft, copied) {
		p.warn("pattern %q adds no library: %s%s", pattern, none, instead(pattern, p.graph))
	}
}

// instead names the library that a pattern was probably meant for.
func instead(pattern string, graph *linkage.Graph) string {
	if near := linkage.NearMiss(pattern, graph.Names()); near != "" {
		return "; the wheel needs " + near
	}
	return ""
}

// unmatched returns the patterns that match none of the names.
func unmatched(graph *linkage.Graph, patterns, names []string) []string {
	return slices.DeleteFunc(slices.Clone(patterns), func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return graph.MatchesName(pattern, name) })
	})
}
