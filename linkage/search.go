package linkage

import (
	"path"
	"strings"
)

// search looks for the library of an edge in every place where the file of q
// seeks its libraries. A search in vain is noted in the edge.
func (r *resolver) search(e *Edge, q *request) (to *Object, rule string) {
	from := q.file
	if strings.Contains(e.Needed, "/") {
		return r.searchPathName(e, from)
	}
	if r.vain[e][q.path.key] {
		return nil, "" // an earlier load has looked there
	}
	if q.dirs == nil {
		q.dirs = r.plan(q)
	}
	wheelDirs := 0
	for wheelDirs < len(q.dirs) && q.dirs[wheelDirs].inWheel {
		wheelDirs++
	}
	if to, rule = r.searchDirs(e.Needed, q.dirs[:wheelDirs], from); to != nil {
		return to, rule
	}
	if to = r.bySonameInWheel(e.Needed, from); to != nil {
		return to, ByName
	}
	if to, rule = r.searchDirs(e.Needed, q.dirs[wheelDirs:], from); to != nil {
		return to, rule
	}
	r.note(e, e.Needed, q.dirs, from)
	if r.vain[e] == nil {
		r.vain[e] = map[string]bool{}
	}
	r.vain[e][q.path.key] = true
	return nil, ""
}

func (r *resolver) searchDirs(needed string, dirs []dir, from *Object) (to *Object, rule string) {
	for _, d := range dirs {
		if to, _ := r.candidate(d, needed, from); to != nil {
			return to, d.rule
		}
	}
	return nil, ""
}

// note records where a library was sought in vain, the first time that it was.
func (r *resolver) note(e *Edge, name string, dirs []dir, from *Object) {
	if e.Tried != nil {
		return
	}
	for _, d := range dirs {
		_, why := r.candidate(d, name, from)
		e.Tried = append(e.Tried, Place{Dir: d.shown, Rule: d.rule, Why: why})
	}
}

// needsPath is the rule of a DT_NEEDED with a slash.
const needsPath = "DT_NEEDED with a path"

// searchPathName resolves a DT_NEEDED that is a path: it is opened as it is.
func (r *resolver) searchPathName(e *Edge, from *Object) (to *Object, rule string) {
	dirs := r.expand(path.Dir(e.Needed), from)
	for i := range dirs {
		dirs[i].rule = needsPath
	}
	if len(dirs) == 0 {
		e.Tried = []Place{{Dir: path.Dir(e.Needed), Rule: needsPath, Why: "it depends on the working directory of the process"}}
	}
	if to, rule = r.searchDirs(path.Base(e.Needed), dirs, from); to == nil {
		r.note(e, path.Base(e.Needed), dirs, from)
	}
	return to, rule
}

// bySonameInWheel finds a member by soname or base name. Of several, one in the
// same directory goes first, then the first in the order of the wheel.
func (r *resolver) bySonameInWheel(needed string, from *Object) *Object {
	var best *Object
	for _, o := range r.bySoname[needed] {
		if o == from || !from.File.SameTarget(&o.File.Header) {
			continue
		}
		if path.Dir(o.install) == path.Dir(from.install) {
			return o
		}
		if best == nil {
			best = o
		}
	}
	return best
}

// candidate looks for a library in one directory. Without one, it says why.
func (r *resolver) candidate(d dir, name string, from *Object) (*Object, string) {
	if d.inWheel {
		o := r.byInstall[path.Join(d.name, name)]
		if o == nil {
			return nil, "not there"
		}
		return r.accept(o, from)
	}
	l := r.lookup(d.root, d.name+"/"+name)
	if l.library == nil {
		return nil, l.why
	}
	return r.accept(l.library, from)
}
