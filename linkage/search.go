package linkage

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
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
	if to, rule = r.searchInOrder(e, q); to != nil {
		return to, rule
	}
	r.note(e, e.Needed, q.dirs, from)
	if r.vain[e] == nil {
		r.vain[e] = map[string]bool{}
	}
	r.vain[e][q.path.key] = true
	return nil, ""
}

// searchInOrder looks in the wheel where search paths lead, then where the user
// says. A library of the wheel that has the name goes before the system's own if
// another file has loaded it, and comes last if nothing leads to it.
func (r *resolver) searchInOrder(e *Edge, q *request) (to *Object, rule string) {
	inWheel, named := 0, 0
	for inWheel < len(q.dirs) && q.dirs[inWheel].inWheel {
		inWheel++
	}
	for named = inWheel; named < len(q.dirs) && !q.dirs[named].system; named++ {
	}
	if to, rule = r.searchDirs(e.Needed, q.dirs[:inWheel], q.file); to != nil {
		return to, rule
	}
	to, rule = r.searchDirs(e.Needed, q.dirs[inWheel:named], q.file)
	reached := r.reachedByName(e.Needed, q)
	switch {
	case reached != nil && (to == nil || sameELF(reached.File, to.File)):
		return reached, ByName
	case to != nil:
		return to, rule
	}
	if to, rule = r.searchDirs(e.Needed, q.dirs[named:], q.file); to != nil {
		return to, rule
	}
	return r.strandedFor(e, e.Needed, q.file)
}

// strandedFor resolves an edge to a library of the wheel to which nothing leads.
func (r *resolver) strandedFor(e *Edge, name string, from *Object) (to *Object, rule string) {
	if to, e.Rivals = r.stranded(name, from); to == nil {
		return nil, ""
	}
	return to, Stranded
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
	if to, rule = r.searchDirs(path.Base(e.Needed), dirs, from); to != nil {
		return to, rule
	}
	r.note(e, path.Base(e.Needed), dirs, from)
	return r.strandedFor(e, path.Base(e.Needed), from)
}

// noteWay notes how a library that is left out would be found outside the wheel.
func (r *resolver) noteWay(e *Edge, q *request) {
	if q.dirs == nil {
		q.dirs = r.plan(q)
	}
	for _, d := range q.dirs {
		if d.inWheel || d.of == nil && !d.system || e.EntryOf != nil && !d.system {
			continue
		}
		l := r.disk.lookup(d.root, d.name+"/"+path.Base(e.Needed))
		switch {
		case l.file == nil || refuses(q.file, l.file) != "":
		case d.system:
			e.OnSystem = true
		default:
			e.Entry, e.EntryOf = d.entry, d.of
		}
	}
}

// candidate looks for a library in one directory. Without one, it says why.
func (r *resolver) candidate(d dir, name string, from *Object) (*Object, string) {
	if d.inWheel {
		o := r.byInstall[path.Join(d.name, name)]
		if o == nil {
			return nil, "not there"
		}
		if why := refuses(from, o.File); why != "" {
			return nil, why
		}
		return o, ""
	}
	l := r.disk.lookup(d.root, d.name+"/"+name)
	if l.file == nil {
		return nil, l.why
	}
	if why := refuses(from, l.file); why != "" {
		return nil, why
	}
	return r.object(l.image, d.name+"/"+name), ""
}

// refuses tells why a file passes over a library: ld.so does so when the library
// is of another class or machine.
func refuses(from *Object, library *elf.File) string {
	if from.File.SameTarget(&library.Header) {
		return ""
	}
	return fmt.Sprintf("%s, not %s", archName(library), archName(from.File))
}

func archName(f *elf.File) string {
	if arch, _ := f.Arch(); arch != "" {
		return arch
	}
	return f.Machine.String()
}

// object returns the library of an image that was found at a path of its root.
// There is one for each file: the loader compares device and inode, so another
// hard link to what is loaded is no other library.
func (r *resolver) object(found image, at string) *Object {
	if o, ok := r.byPath[found.host]; ok {
		return o
	}
	for _, o := range r.byPath {
		if os.SameFile(o.info, found.info) {
			return o
		}
	}
	o := &Object{Path: found.host, File: found.file, Found: found.root.host(at), real: found.real, found: at, root: found.root, info: found.info}
	r.byPath[found.host] = o
	r.graph.System = append(r.graph.System, o)
	return o
}
