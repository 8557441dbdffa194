package linkage

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// search looks for the library of an edge in every place where the file of q
// seeks its libraries. A search in vain is noted in the edge.
func (r *resolver) search(e *Need, q *request) (to *Image, rule Rule) {
	from := q.file
	if strings.Contains(e.Name, "/") {
		return r.searchPathName(e, from)
	}
	where := vainSearch{e, r.searched(q), q.program}
	if r.vain[where] {
		return nil, Rule{} // an earlier load has looked there
	}
	if q.dirs == nil {
		q.dirs = r.plan(q)
	}
	if to, rule = r.searchInOrder(e, q); to != nil {
		return to, rule
	}
	r.note(e, e.Name, q.dirs, from)
	r.vain[where] = true
	return nil, Rule{}
}

// A vainSearch is one that need not be made again.
type vainSearch struct {
	edge    *Need
	path    *loadPath // nil where the file's own DT_RUNPATH alone counts
	program bool
}

// searched returns the load path that decides where the libraries of a file are
// sought, nil if none does.
func (r *resolver) searched(q *request) *loadPath {
	if !r.rules.handsOn(q.file.ELF()) {
		return nil
	}
	return q.path
}

// searchInOrder looks in the wheel where search paths lead, then where the user
// says. A library of the wheel that has the name goes before the system's own if
// another file has loaded it, and comes last if nothing leads to it.
func (r *resolver) searchInOrder(e *Need, q *request) (to *Image, rule Rule) {
	inWheel, named := 0, 0
	for inWheel < len(q.dirs) && q.dirs[inWheel].inWheel {
		inWheel++
	}
	for named = inWheel; named < len(q.dirs) && !q.dirs[named].system; named++ {
	}
	if to, rule = r.searchDirs(e.Name, q.dirs[:inWheel], q.file); to != nil {
		return to, rule
	}
	to, rule = r.searchDirs(e.Name, q.dirs[inWheel:named], q.file)
	reached := r.reachedByName(e.Name, q)
	switch {
	case reached != nil && (to == nil || r.sameELF(q.file, reached.ELF(), to.ELF())):
		return reached, Rule{Kind: ByName}
	case to != nil:
		return to, rule
	}
	if to, rule = r.searchDirs(e.Name, q.dirs[named:], q.file); to != nil {
		return to, rule
	}
	return r.strandedFor(e, e.Name, q.file)
}

// strandedFor resolves an edge to a library of the wheel to which nothing leads.
func (r *resolver) strandedFor(e *Need, name string, from *Image) (to *Image, rule Rule) {
	if to, e.Rivals = r.stranded(name, from); to == nil {
		return nil, Rule{}
	}
	return to, Rule{Kind: Stranded}
}

func (r *resolver) searchDirs(needed string, dirs []dir, from *Image) (to *Image, rule Rule) {
	for _, d := range dirs {
		if r.work.Err() != nil {
			break
		}
		if to, _ := r.candidate(d, needed, from); to != nil {
			return to, d.rule
		}
	}
	return nil, Rule{}
}

// note records where a library was sought in vain, the first time that it was.
func (r *resolver) note(e *Need, name string, dirs []dir, from *Image) {
	if e.Tried != nil {
		return
	}
	shown := min(len(dirs), maxPlaces)
	if r.noted > maxNoted {
		shown = 0
	}
	r.noted += shown
	for _, d := range dirs[:shown] {
		_, why := r.candidate(d, name, from)
		e.Tried = append(e.Tried, Place{Dir: d.shown, Rule: d.rule, Why: why})
	}
	if more := len(dirs) - shown; more > 0 {
		e.Tried = append(e.Tried, morePlaces(more))
	}
}

// Bounds on the places that are told: of one library, and of all.
const (
	maxPlaces = 256
	maxNoted  = 1 << 14
)

// morePlaces stands for places that are not told.
func morePlaces(n int) Place {
	return Place{Dir: "and " + phrase.Count(n, "more place"), Rule: Rule{Kind: notTold}, Why: "without success", more: n}
}

// searchPathName resolves a DT_NEEDED that is a path: it is opened as it is.
func (r *resolver) searchPathName(e *Need, from *Image) (to *Image, rule Rule) {
	dirs := r.expand(path.Dir(e.Name), from)
	for i := range dirs {
		dirs[i].rule = Rule{Kind: ByPath}
	}
	if len(dirs) == 0 {
		e.Tried = []Place{{Dir: path.Dir(e.Name), Rule: Rule{Kind: ByPath}, Why: "it depends on the working directory of the process"}}
	}
	if to, rule = r.searchDirs(path.Base(e.Name), dirs, from); to != nil {
		return to, rule
	}
	r.note(e, path.Base(e.Name), dirs, from)
	return r.strandedFor(e, path.Base(e.Name), from)
}

// noteWay notes how a library that is left out would be found outside the wheel.
func (r *resolver) noteWay(e *Need, q *request) {
	if q.dirs == nil {
		q.dirs = r.plan(q)
	}
	for _, d := range q.dirs {
		if d.inWheel || d.of == nil && !d.system || e.EntryOf != nil && !d.system {
			continue
		}
		if !r.spend(q.file, costLook+len(d.name)/64) {
			return
		}
		l := r.disk.lookup(d.root, d.name+"/"+path.Base(e.Name))
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
func (r *resolver) candidate(d dir, name string, from *Image) (*Image, string) {
	if !r.spend(from, costLook+(len(d.name)+len(name))/64) {
		return nil, "not looked at"
	}
	if d.inWheel {
		o := r.byInstall[path.Join(d.name, name)]
		if o == nil {
			return nil, "not there"
		}
		if why := refuses(from, o.ELF()); why != "" {
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
func refuses(from *Image, library *elf.File) string {
	if from.ELF().SameTarget(&library.Header) {
		return ""
	}
	return fmt.Sprintf("%s, not %s", archName(library), archName(from.ELF()))
}

func archName(f *elf.File) string {
	if arch, _ := f.Arch(); arch != "" {
		return arch
	}
	return f.Machine.String()
}

// A fileStat is what hard links to a file have in common, as far as every system
// tells it.
type fileStat struct {
	size int64
	time time.Time
}

// object returns the library of an image that was found at a path of its root.
// There is one for each file: the loader compares device and inode, so another
// hard link to what is loaded is no other library.
func (r *resolver) object(found image, at string) *Image {
	if o, ok := r.byPath[found.host]; ok {
		return o
	}
	stat := fileStat{found.info.Size(), found.info.ModTime()}
	for _, o := range r.byStat[stat] {
		if os.SameFile(o.info, found.info) {
			return o
		}
	}
	o := newELF(&File{Path: found.host, Found: found.root.host(at), real: found.real, found: at, root: found.root, info: found.info}, found.file)
	r.err = errors.Join(r.err, checkELF(o.Path, o.ELF()))
	r.byPath[found.host] = o
	r.byStat[stat] = append(r.byStat[stat], o)
	r.graph.System = append(r.graph.System, o.File)
	return o
}
