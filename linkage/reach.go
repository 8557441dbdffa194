package linkage

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// reach notes which libraries of the wheel the search paths of its files lead to,
// in a process of Python: a file that needs one of these by name finds it once
// another has loaded it. Nothing of the system is looked at for that.
func (r *resolver) reach(members []Member) {
	opts := r.opts
	opts.WheelOnly = true
	inner := newResolver(members, Root{}, opts)
	inner.ledOnly = true
	own := map[string]*Object{}
	for _, o := range r.graph.Members {
		own[o.Path] = o
	}
	for from := range inner.loadedByPython() {
		for _, e := range from.Edges {
			if e.Status == Found && e.To != from { // who needs itself has not been led there
				r.reaches(e.Needed, own[e.To.Path])
			}
		}
	}
}

// loadedByPython resolves the members and returns those that a process of Python may
// load: extension modules, what nothing else loads, and the libraries of both.
func (r *resolver) loadedByPython() map[*Object]bool {
	python, program := map[*Object]bool{}, map[*Object]bool{}
	var modules, programs, others []*Object
	for _, o := range r.order() {
		kind, err := o.File.Extension(path.Base(o.Path))
		switch {
		case isProgram(o.File):
			programs = append(programs, o)
		case err == nil && kind != elf.NotExtension:
			modules = append(modules, o)
		default:
			others = append(others, o)
		}
	}
	for _, o := range modules {
		if !python[o] {
			maps.Copy(python, r.load(o))
		}
	}
	for _, o := range programs {
		maps.Copy(program, r.load(o))
	}
	for _, o := range others {
		if !python[o] && !program[o] {
			maps.Copy(python, r.load(o))
		}
	}
	return python
}

// reaches notes the names by which the loader knows a library once it is loaded.
// musl has but the one that it was asked for by (ldso/dynlink.c, load_library).
func (r *resolver) reaches(needed string, o *Object) {
	names := []string{needed}
	if soname := o.File.Soname(); soname != "" && soname != needed && r.opts.Libc != Musl {
		names = append(names, soname)
	}
	for _, name := range names {
		if !slices.Contains(r.reached[name], o) {
			r.reached[name] = append(r.reached[name], o)
		}
	}
}

// isProgram reports a file that the kernel starts: it has a process of its own.
func isProgram(f *elf.File) bool {
	interp, err := f.Interpreter()
	return err == nil && interp != ""
}

// reachedByName returns the library of the wheel that has a name, and that another
// file with a search path has loaded before.
func (r *resolver) reachedByName(needed string, q *request) *Object {
	if q.program {
		return nil
	}
	to, _ := nearest(needed, q.file, r.reached[needed])
	return to
}

// stranded returns the library of the wheel that has a name, though nothing leads to
// it, and other libraries of that name: copies of it do not count.
func (r *resolver) stranded(name string, from *Object) (to *Object, others []*Object) {
	if r.ledOnly || r.opts.Promised != nil && r.opts.Promised(name) {
		return nil, nil
	}
	to, others = nearest(name, from, r.bySoname[name])
	others = slices.DeleteFunc(others, func(o *Object) bool { return sameELF(to.File, o.File) })
	return to, others
}

// nearest chooses among members of one name: one that has the versions which the
// file wants of it, then that in the nearest folder, then one whose file is called so,
// then the first by path.
func nearest(name string, from *Object, candidates []*Object) (best *Object, others []*Object) {
	wanted := versionsWanted(name, from.File)
	var fit []*Object
	for _, o := range candidates {
		if o != from && from.File.SameTarget(&o.File.Header) && !slices.Contains(fit, o) {
			fit = append(fit, o)
		}
	}
	rank := func(o *Object) []int {
		r := []int{0, strings.Count(RelativeDir(from.Path, o.Path)+"/", "/"), 0}
		if RelativeDir(from.Path, o.Path) == "" || !from.InWheel {
			r[1] = 0
		}
		if !definesAll(o.File, wanted) {
			r[0] = 1
		}
		if path.Base(o.Path) != name {
			r[2] = 1
		}
		return r
	}
	slices.SortStableFunc(fit, func(a, b *Object) int {
		return cmp.Or(slices.Compare(rank(a), rank(b)), cmp.Compare(a.Path, b.Path))
	})
	if len(fit) == 0 {
		return nil, nil
	}
	return fit[0], fit[1:]
}

// versionsWanted returns the versions that a file wants of a library.
func versionsWanted(library string, f *elf.File) []string {
	needs, err := f.VersionNeeds()
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range needs {
		for _, v := range n.Versions {
			if n.Library == library && !v.Weak {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// definesAll reports whether a library has all of the versions, or none of any kind.
func definesAll(f *elf.File, versions []string) bool {
	defs, err := f.VersionDefs()
	if err != nil || len(defs) == 0 {
		return err == nil
	}
	for _, name := range versions {
		if !slices.ContainsFunc(defs, func(d elf.VersionDef) bool { return d.Name == name }) {
			return false
		}
	}
	return true
}

// sameELF reports whether two files are one library: the same build (the note
// that linkers leave, which stripping and a new search path do not change), or the
// same bytes.
func sameELF(a, b *elf.File) bool {
	if id := buildID(a); id != "" && id == buildID(b) {
		return true
	}
	if a.Size() != b.Size() {
		return false
	}
	const chunk = 1 << 16
	one, two := make([]byte, chunk), make([]byte, chunk)
	for off := int64(0); off < a.Size(); off += chunk {
		n, err := a.ReadAt(one[:min(chunk, a.Size()-off)], off)
		if err != nil && err != io.EOF {
			return false
		}
		m, err := b.ReadAt(two[:n], off)
		if err != nil && err != io.EOF || m != n || !bytes.Equal(one[:n], two[:n]) {
			return false
		}
	}
	return true
}
