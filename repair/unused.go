package repair

import (
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
)

// unused warns of patterns for libraries that match none: most are misspelled.
func (linux) unused(p *Plan, rep *audit.Report) {
	var needed, all []string
	for _, o := range linkage.Images(rep.Graph.Members, p.verdict.Grafts) {
		for _, e := range o.Needs {
			needed = append(needed, e.Name)
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

// unused does the same for a macOS wheel. What is copied in all the same was
// asked for in vain, too.
func (macOS) unused(p *Plan, _ *audit.Report) {
	matched := map[string]bool{}
	note := func(patterns []string, kind string, names ...string) {
		for _, pattern := range patterns {
			if slices.ContainsFunc(names, func(name string) bool { return linkage.MatchDylib(pattern, name) }) {
				matched[kind+pattern] = true
			}
		}
	}
	o := p.options.Audit.MacOS
	for _, b := range slices.Concat(p.graph.Members, p.verdict.Grafts) {
		for _, image := range b.Images {
			for _, e := range image.Needs {
				names := []string{e.Name}
				if e.To != nil && !e.To.InWheel {
					names = append(names, e.To.Path, e.To.File.SystemPath())
				}
				note(o.Exclude, "exclude ", names...)
				if e.Status == linkage.Found && !e.To.InWheel {
					note(o.Graft, "graft ", names...)
				}
			}
		}
	}
	for _, pattern := range o.Exclude {
		if !matched["exclude "+pattern] {
			p.warn("pattern %q leaves out no library: none has such a name or path", pattern)
		}
	}
	for _, pattern := range o.Graft {
		if !matched["graft "+pattern] {
			p.warn("pattern %q adds no library: none outside the wheel was found by such a name", pattern)
		}
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
