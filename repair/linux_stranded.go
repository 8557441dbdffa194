package repair

import (
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
)

// findStranded notes the libraries of the wheel to which no search path leads a file
// that needs them. Those that are needed by another name than that of their file (a
// wheel has no links) are needed by that of the file afterwards, by everyone: musl
// knows a loaded library by no other name.
func (p *Plan) findStranded() {
	p.stranded = map[*linkage.Image]bool{}
	for _, o := range linkage.Images(p.graph.Members, p.verdict.Grafts) {
		for _, e := range o.Needs {
			if e.Status == linkage.Found && e.To.InWheel && e.Rule.Kind == linkage.Stranded {
				p.stranded[e.To] = true
			}
		}
	}
}

// leadToStranded adds the entries by which a member finds the libraries of the wheel
// to which nothing leads. They come last, but before an entry where another file has
// the name.
func (p *Plan) leadToStranded(want *searchPath, o *linkage.Image) {
	for _, e := range o.Needs {
		if e.Status != linkage.Found || !p.needsWay(o, e) || p.grafted(e.To.File, outsidePackages(o.Path)) != nil {
			continue
		}
		if !linkage.InPackages(o.Path) && linkage.InPackages(e.To.Path) {
			continue // no search path leads into site-packages: its name depends on Python's version
		}
		entry := originEntry(o.Path, e.To.Path)
		want.grown = true
		if p.hidesStranded(want.entries, o, e.To) {
			want.entries = slices.DeleteFunc(want.entries, func(other string) bool { return other == entry })
			want.entries = slices.Insert(want.entries, 0, entry)
		}
		want.add(entry)
	}
}

// needsWay reports whether a file needs an entry to a library of the wheel: nothing leads
// there, or it finds the library by a name that it does not have afterwards.
func (p *Plan) needsWay(o *linkage.Image, e *linkage.Need) bool {
	return e.Rule.Kind == linkage.Stranded || p.stranded[e.To] && e.To != o && path.Base(e.To.Path) != e.Name
}

// hidesStranded reports whether an entry leads to another file with the name.
func (p *Plan) hidesStranded(entries []string, o, to *linkage.Image) bool {
	return slices.ContainsFunc(entries, func(entry string) bool {
		dir, ok := wheelDir(entry, o.Path)
		if !ok || dir == linkage.InstallDir(to.Path) {
			return false
		}
		return slices.ContainsFunc(p.members, func(m *linkage.Image) bool {
			return linkage.InstallDir(m.Path) == dir && path.Base(m.Path) == path.Base(to.Path)
		})
	})
}

// tellStranded names the library that was chosen among several of one name.
func (p *Plan) tellStranded(o *linkage.Image, e *linkage.Need) {
	if e.Rule.Kind != linkage.Stranded || len(e.Rivals) == 0 {
		return
	}
	p.warn("%s needs %s, to which no search path leads: it gets %s, not %s, which has the name too", o.Path, e.Name, e.To.Path, e.Rivals[0].Path)
}
