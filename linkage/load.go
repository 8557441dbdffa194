package linkage

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A request is one file of a load in progress.
type request struct {
	file    *Object
	program bool      // the process is that of a program
	path    *loadPath // of the file and of those that led to it
	dirs    []dir     // where its libraries are sought; made for the first of them
}

// load walks breadth first, as ld.so loads a file and all that it needs. What
// has been loaded under a name is reused for that name (ld.so(8)). It returns
// the files that were loaded.
func (r *resolver) load(first *Object) map[*Object]bool {
	loaded := map[string]*Object{}
	if r.interp != nil {
		r.loadedAs(loaded, r.interp)
	}
	r.loadedAs(loaded, first)
	seen := map[*Object]bool{first: true}
	program := isProgram(first.File)
	queue := []*request{{file: first, program: program, path: r.extend(r.noPath(), first)}}
	for len(queue) > 0 && r.err == nil {
		q := queue[0]
		queue = queue[1:]
		for i, needed := range q.file.File.Needed() {
			if !r.spend(q.file, costVisit) {
				return seen
			}
			to := r.follow(r.edge(q.file, i, needed), loaded, q)
			if to == nil {
				continue
			}
			loaded[needed] = to
			r.loadedAs(loaded, to)
			if !seen[to] {
				seen[to] = true
				if !r.spend(to, costLoad) {
					return seen
				}
				queue = append(queue, &request{file: to, program: program, path: r.extend(q.path, to)})
			}
		}
	}
	return seen
}

// loadedAs notes that a file answers to its soname from now on. To musl a
// library has no name but the one that it was asked for by (ldso/dynlink.c,
// load_library, shortname).
func (r *resolver) loadedAs(loaded map[string]*Object, o *Object) {
	if soname := o.File.Soname(); soname != "" && loaded[soname] == nil && r.opts.Libc != Musl {
		loaded[soname] = o
	}
}

// edge returns edge i of o, made when o is loaded for the first time.
func (r *resolver) edge(o *Object, i int, needed string) *Edge {
	if i == len(o.Edges) {
		o.Edges = append(o.Edges, &Edge{Needed: needed})
	}
	return o.Edges[i]
}

// libpython matches the library that embeds Python, of any build (m, d, t) and
// with the stable ABI. Extension modules find its symbols in the program that
// loads them (PEP 513).
var libpython = regexp.MustCompile(`^libpython\d+(\.\d+[a-z]*)?\.so(\.\d+)*$`)

// follow resolves an edge within one load. The first load that finds a file
// decides the edge: a file can only be rewritten once.
func (r *resolver) follow(e *Edge, loaded map[string]*Object, q *request) *Object {
	switch {
	case e.Status == Found:
		return e.To
	case e.Status == Excluded || e.Status == LibPython:
		return nil
	case r.excluded(e.Needed):
		e.Status = Excluded
		r.noteWay(e, q)
		return nil
	case !r.asTheyLie && libpython.MatchString(e.Needed):
		e.Status = LibPython
		return nil
	}
	if !r.spend(q.file, costLook) {
		return nil
	}
	to, rule := r.known(e.Needed, loaded, q.file)
	if to == nil {
		to, rule = r.search(e, q)
	}
	if to == nil {
		r.leaveOutUnseen(e, q)
		return nil
	}
	e.To, e.Rule, e.Tried = to, rule, nil
	if !to.InWheel && (r.excluded(to.Path) || r.excluded(to.real)) {
		e.Status = Excluded
		r.noteWay(e, q)
		return nil
	}
	e.Status = Found
	return to
}

// leaveOutUnseen leaves a library out by the path that a search leads to, where nothing
// outside the wheel is looked at.
func (r *resolver) leaveOutUnseen(e *Edge, q *request) {
	if !r.opts.WheelOnly || len(r.opts.Exclude) == 0 {
		return
	}
	paths := []string{e.Needed}
	if !strings.Contains(e.Needed, "/") {
		paths = nil
		for _, d := range q.dirs {
			if !d.inWheel {
				paths = append(paths, path.Join(d.name, e.Needed))
			}
		}
	}
	if slices.ContainsFunc(paths, r.excluded) {
		e.Status, e.Tried = Excluded, nil
		r.noteWay(e, q)
	}
}

// known returns the file that a name stands for before anything is sought.
func (r *resolver) known(needed string, loaded map[string]*Object, from *Object) (to *Object, rule string) {
	if to = r.muslItself(needed, from); to != nil {
		return to, muslRule
	}
	if to = loaded[needed]; to != nil && to == r.interp {
		return to, interpRule
	}
	return to, Loaded
}

// excluded matches a soname, or the path of a resolved library, against the
// exclude patterns. As in the shell's fnmatch, * reaches across slashes there.
func (r *resolver) excluded(name string) bool {
	for _, pattern := range r.opts.Exclude {
		if MatchPattern(pattern, name) {
			return true
		}
	}
	return false
}
