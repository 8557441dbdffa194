package linkage

import (
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// newELF gives an ELF file its image.
func newELF(file *File, f *elf.File) *Image {
	arch, _ := f.Arch()
	image := &Image{File: file, Arch: arch, Name: f.Soname(), Code: f}
	file.Content, file.Images = f, []*Image{image}
	return image
}

// ELF returns what an image is to its own package, nil if it is in another format.
func (i *Image) ELF() *elf.File {
	f, _ := i.Code.(*elf.File)
	return f
}

// A request is one file of a load in progress.
type request struct {
	file    *Image
	program bool      // the process is that of a program
	path    *loadPath // of the file and of those that led to it
	dirs    []dir     // where its libraries are sought; made for the first of them
}

// load walks breadth first, as ld.so loads a file and all that it needs. What
// has been loaded under a name is reused for that name (ld.so(8)). It returns
// the files that were loaded.
func (r *resolver) load(first *Image) map[*Image]bool {
	loaded := map[string]*Image{}
	if r.interp != nil {
		r.loadedAs(loaded, r.interp)
	}
	r.loadedAs(loaded, first)
	seen := map[*Image]bool{first: true}
	program := isProgram(first.ELF())
	queue := []*request{{file: first, program: program, path: r.extend(r.noPath(), first)}}
	for len(queue) > 0 && r.err == nil {
		q := queue[0]
		queue = queue[1:]
		for i, needed := range q.file.ELF().Needed() {
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

// loadedAs notes that a file answers to its soname from now on.
func (r *resolver) loadedAs(loaded map[string]*Image, o *Image) {
	if soname := o.ELF().Soname(); soname != "" && loaded[soname] == nil && r.rules.bySoname() {
		loaded[soname] = o
	}
}

// edge returns edge i of o, made when o is loaded for the first time.
func (r *resolver) edge(o *Image, i int, needed string) *Need {
	if i == len(o.Needs) {
		o.Needs = append(o.Needs, &Need{Name: needed})
	}
	return o.Needs[i]
}

// follow resolves an edge within one load. The first load that finds a file
// decides the edge: a file can only be rewritten once.
func (r *resolver) follow(e *Need, loaded map[string]*Image, q *request) *Image {
	switch {
	case e.Status == Found:
		return e.To
	case e.Status == Excluded || e.Status == LibPython:
		return nil
	case r.excluded(e.Name):
		e.Status = Excluded
		r.noteWay(e, q)
		return nil
	case !r.asTheyLie && r.rules.python(e.Name):
		e.Status = LibPython
		return nil
	}
	if !r.spend(q.file, costLook) {
		return nil
	}
	to, rule := r.known(e.Name, loaded, q.file)
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
func (r *resolver) leaveOutUnseen(e *Need, q *request) {
	if !r.opts.WheelOnly || len(r.opts.Exclude) == 0 {
		return
	}
	paths := []string{e.Name}
	if !strings.Contains(e.Name, "/") {
		paths = nil
		for _, d := range q.dirs {
			if !d.inWheel {
				paths = append(paths, path.Join(d.name, e.Name))
			}
		}
	}
	if slices.ContainsFunc(paths, r.excluded) {
		e.Status, e.Tried = Excluded, nil
		r.noteWay(e, q)
	}
}

// known returns the file that a name stands for before anything is sought.
func (r *resolver) known(needed string, loaded map[string]*Image, from *Image) (to *Image, rule Rule) {
	if to = r.itself(needed, from); to != nil {
		return to, Rule{Kind: PartOfMusl}
	}
	if to = loaded[needed]; to != nil && to == r.interp {
		return to, Rule{Kind: ByInterpreter}
	}
	return to, Rule{Kind: Loaded}
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
