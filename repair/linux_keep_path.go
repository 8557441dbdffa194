package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// keepsEntry reports whether a search path entry stays that leads outside the wheel:
// because that was asked, or because it is the way to a library that is left out.
func (p *Plan) keepsEntry(o *linkage.Image, entry string) bool {
	if p.matchesKept(entry) {
		return true
	}
	e := p.wayTo(o, entry)
	if e == nil {
		return false
	}
	p.tellWayOut(o, entry, e)
	return true
}

// matchesKept reports whether an entry was asked to stay.
func (p *Plan) matchesKept(entry string) bool {
	found := false
	for _, pattern := range p.options.Audit.KeepRPath {
		if linkage.MatchPattern(pattern, entry) {
			found = true
			p.matched[pattern] = true
		}
	}
	return found
}

// wayTo returns the library that is left out and to which an entry of a file is the
// only way, nil if there is none. Nobody knows on the build machine what a path
// relative to the file leads to once it is installed. An absolute one has to have led
// to the library here, and is not needed beside such a path.
func (p *Plan) wayTo(o *linkage.Image, entry string) *linkage.Need {
	_, relative := wheelDir(entry, o.Path)
	relative = relative && o.InWheel
	for _, e := range p.leftOut(o) {
		switch {
		case e.OnSystem:
		case relative:
			return e
		case e.EntryOf == o && e.Entry == entry && path.IsAbs(entry) && !p.hasRelativeWay(o):
			return e
		}
	}
	return nil
}

// leftOut returns the needs that are left out for which the search path of a file
// counts: its own, and what its libraries need unless it has a DT_RUNPATH, which
// does not count for them (musl's loader makes no difference).
func (p *Plan) leftOut(o *linkage.Image) []*linkage.Need {
	edges := o.Needs
	if o.ELF().RunPath() == "" || p.policy.Libc == linkage.Musl {
		edges = o.Loads()
	}
	var out []*linkage.Need
	for _, e := range edges {
		if e.Status == linkage.Excluded {
			out = append(out, e)
		}
	}
	return out
}

// hasRelativeWay reports whether an entry of a member leads to where the wheel itself
// installs nothing: to another package, or to the prefix.
func (p *Plan) hasRelativeWay(o *linkage.Image) bool {
	return o.InWheel && slices.ContainsFunc(strings.Split(o.ELF().SearchPath(), ":"), func(entry string) bool {
		dir, ok := wheelDir(entry, o.Path)
		return ok && !slices.ContainsFunc(p.members, func(m *linkage.Image) bool { return linkage.InstallDir(m.Path) == dir })
	})
}

// tellUnusedPaths warns of patterns for search paths that match none.
func (p *Plan) tellUnusedPaths() {
	for _, pattern := range p.options.Audit.KeepRPath {
		if !p.matched[pattern] {
			p.warn("pattern %q keeps no search path entry: none that leads outside the wheel is like that", pattern)
		}
	}
}
