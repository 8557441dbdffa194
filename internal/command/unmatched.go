package command

import (
	"maps"
	"path"
	"path/filepath"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
)

// Unmatched finds the patterns of a call that match no library of any wheel: an option
// that does nothing is told, since the wheel is then not what was asked for.
type Unmatched struct {
	flags    []patternFlag
	wheels   int
	excluded bool // some library was left out, so that what it needs is not known
}

type patternFlag struct {
	name     string // with its dashes
	patterns []string
	matched  map[string]bool
	near     map[string]bool // told with what was probably meant
}

// Add names a flag and its patterns.
func (u *Unmatched) Add(name string, patterns []string) {
	u.flags = append(u.flags, patternFlag{name, patterns, map[string]bool{}, map[string]bool{}})
}

// See looks at one wheel, and warns of patterns that match nothing there but have a
// near miss, such as libfoo.so where libfoo.so.1 is needed.
func (u *Unmatched) See(c *console.Console, wheel string, graph Libraries) {
	names := graph.Names()
	if len(names) == 0 {
		return // there is nothing to match
	}
	u.wheels++
	for _, f := range u.flags {
		for _, pattern := range f.patterns {
			if graph.Matches(pattern) {
				f.matched[pattern] = true
				u.excluded = u.excluded || f.name == "--exclude"
				continue
			}
			if near := linkage.NearMiss(pattern, names); near != "" {
				f.near[pattern] = true
				c.Log.WithField("wheel", filepath.Base(wheel)).Warnf("%s %s matches no library; the wheel needs %s", f.name, pattern, near)
			}
		}
	}
}

// End warns of what has matched no library of any wheel.
func (u *Unmatched) End(c *console.Console) {
	if u.wheels == 0 {
		return
	}
	where := "the wheel needs"
	if u.wheels > 1 {
		where = "any of the " + phrase.Count(u.wheels, "wheel") + " needs"
	}
	for _, f := range u.flags {
		for _, pattern := range f.patterns {
			if f.matched[pattern] || f.near[pattern] {
				continue
			}
			hint := ""
			if u.excluded && f.name == "--exclude" {
				hint = "; what an excluded library needs is left out with it"
			}
			c.Log.Warnf("%s %s matches no library that %s%s", f.name, pattern, where, hint)
		}
	}
}

// Libraries are those that something needs: a [linkage.Graph], or what a tree found.
type Libraries interface {
	Names() []string
	Matches(pattern string) bool
}

// TreeLibraries are the libraries of a tree.
type TreeLibraries struct{ *audit.Tree }

// Names implements [Libraries].
func (s TreeLibraries) Names() []string {
	names := map[string]bool{}
	s.each(func(_ audit.Format, n *audit.Need) { names[n.Name] = true })
	return slices.Sorted(maps.Keys(names))
}

// Matches implements [Libraries].
func (s TreeLibraries) Matches(pattern string) (found bool) {
	s.each(func(format audit.Format, n *audit.Need) {
		names := []string{n.Name}
		if n.To != nil {
			names = append(names, n.To.Path, n.To.Found)
		}
		for _, name := range names {
			found = found || linkage.MatchPattern(pattern, name) || format == audit.MachO && linkage.MatchPattern(pattern, path.Base(name))
		}
	})
	return found
}

func (s TreeLibraries) each(do func(audit.Format, *audit.Need)) {
	for _, p := range s.Processes {
		for _, node := range p.Nodes {
			for i := range node.Needs {
				do(p.Format, &node.Needs[i])
			}
		}
	}
}
