package linkage

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/nearest"
)

// Names returns the names by which the files of the graph need libraries, sorted, each
// once, whatever became of them. Names of macOS libraries are install names.
func (g *Graph) Names() []string {
	names := map[string]bool{}
	for _, image := range Images(g.Members, g.System) {
		for _, n := range image.Needs {
			names[n.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Matches reports whether a pattern matches a library that a file of the graph needs,
// by its name or its path, see [MatchPattern] and [Graph.PatternNames].
func (g *Graph) Matches(pattern string) bool {
	match := func(name string) bool {
		return slices.ContainsFunc(g.PatternNames(name), func(n string) bool { return g.MatchesName(pattern, n) })
	}
	for _, image := range Images(g.Members, g.System) {
		for _, n := range image.Needs {
			if match(n.Name) || n.To != nil && (match(n.To.Path) || match(n.To.Found) || match(n.To.SystemPath())) {
				return true
			}
		}
	}
	return false
}

// NearMiss returns a needed library that a pattern was probably meant for, "" if there
// is none: one whose name goes on with a version, lies elsewhere, or is spelled nearly
// so. As wheels hold what strangers wrote, few are looked at.
func NearMiss(pattern string, names []string) string {
	const most = 2000 // names that are looked at, more than any real wheel needs
	names = names[:min(len(names), most)]
	bases := make([]string, len(names))
	for i, name := range names {
		bases[i] = path.Base(name)
	}
	base := path.Base(pattern)
	for _, near := range []string{pattern + ".*", pattern + "*", base, base + "*", "lib" + base + "*", strings.TrimSuffix(base, path.Ext(base)) + "*"} {
		if strings.Trim(near, "*") == "" {
			continue
		}
		for i, name := range names {
			if MatchPattern(near, name) || MatchPattern(near, bases[i]) || MatchPattern(strings.ToLower(near), strings.ToLower(bases[i])) {
				return name
			}
		}
	}
	return nearest.Word(base, bases)
}
