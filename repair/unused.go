package repair

import (
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
)

// tellUnused warns of patterns for libraries that match none: most are misspelled.
func (p *Plan) tellUnused(rep *audit.Report) {
	if rep.Graph == nil || p.verdict == nil {
		return
	}
	var needed, all []string
	for _, o := range slices.Concat(rep.Graph.Members, p.verdict.Grafts) {
		for _, e := range o.Edges {
			needed = append(needed, e.Needed)
			if e.To != nil && !e.To.InWheel {
				all = append(all, e.To.Path, e.To.SystemPath())
			}
		}
	}
	all = append(all, needed...)
	for _, pattern := range unmatched(p.options.Audit.Exclude, all) {
		p.warn("pattern %q leaves out no library: none has such a name or path", pattern)
	}
	for _, pattern := range unmatched(p.options.Audit.Graft, needed) {
		p.warn("pattern %q adds no library: none is needed by such a name", pattern)
	}
}

// unmatched returns the patterns that match none of the names.
func unmatched(patterns, names []string) []string {
	var out []string
	for _, pattern := range patterns {
		if !slices.ContainsFunc(names, func(name string) bool { return linkage.MatchPattern(pattern, name) }) {
			out = append(out, pattern)
		}
	}
	return out
}
