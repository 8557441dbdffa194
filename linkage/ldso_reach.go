package linkage

import (
	"cmp"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// reach notes which libraries of the wheel the search paths of its files lead to,
// in a process of Python: a file that needs one of these by name finds it once
// another has loaded it. Nothing of the system is looked at for that.
func (r *resolver) reach() {
	r.reached = map[string][]*Image{}
	if r.ledOnly || r.asTheyLie {
		return
	}
	var members []Member
	own := map[string]*Image{}
	for _, o := range Images(r.graph.Members) {
		own[o.Path] = o
		members = append(members, Member{o.Path, o.Content})
	}
	opts := r.opts
	opts.WheelOnly = true
	inner := newResolver(members, Root{}, opts)
	inner.ledOnly = true
	inner.work = r.work
	r.err = errors.Join(r.err, inner.addMembers(members))
	for from := range inner.loadedByPython() {
		for _, n := range from.Needs {
			if n.Status == Found && n.To != from { // who needs itself has not been led there
				r.reaches(n.Name, own[n.To.Path])
			}
		}
	}
}

// loadedByPython resolves the members and returns those that a process of Python may
// load: extension modules, what nothing else loads, and the libraries of both.
func (r *resolver) loadedByPython() map[*Image]bool {
	python, program := map[*Image]bool{}, map[*Image]bool{}
	var modules, programs, others []*Image
	for _, o := range r.order() {
		kind, err := o.ELF().Extension(path.Base(o.Path))
		switch {
		case isProgram(o.ELF()):
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
func (r *resolver) reaches(needed string, o *Image) {
	names := []string{needed}
	if soname := o.ELF().Soname(); soname != "" && soname != needed && r.rules.bySoname() {
		names = append(names, soname)
	}
	for _, name := range names {
		if as := (reachedAs{name, o}); !r.isReached[as] {
			r.isReached[as] = true
			r.reached[name] = append(r.reached[name], o)
		}
	}
}

// reachedAs is a member and a name that it is loaded by.
type reachedAs struct {
	name string
	o    *Image
}

// isProgram reports a file that the kernel starts: it has a process of its own.
func isProgram(f *elf.File) bool {
	interp, err := f.Interpreter()
	return err == nil && interp != ""
}

// reachedByName returns the library of the wheel that has a name, and that another
// file with a search path has loaded before.
func (r *resolver) reachedByName(needed string, c *chain) *Image {
	if c.program != nil {
		return nil
	}
	if r.reached == nil {
		r.reach()
	}
	to, _ := r.nearest(needed, c.image, r.reached[needed])
	return to
}

// stranded returns the library of the wheel that has a name, though nothing leads to
// it, and other libraries of that name: copies of it do not count.
func (r *resolver) stranded(name string, from *Image) (to *Image, others []*Image) {
	if r.ledOnly || r.opts.Promised != nil && r.opts.Promised(name) {
		return nil, nil
	}
	to, others = r.nearest(name, from, r.bySoname[name])
	others = slices.DeleteFunc(others, func(o *Image) bool { return r.sameLibrary(from, to, o) })
	return to, others
}

// nearest chooses among members of one name: one that has the versions which the
// file wants of it, then that in the nearest folder, then one whose file is called so,
// then the first by path.
func (r *resolver) nearest(name string, from *Image, candidates []*Image) (best *Image, others []*Image) {
	type ranked struct {
		o    *Image
		rank [3]int
	}
	var fit []ranked
	wanted := r.versionsOf(from).wanted[name]
	for _, o := range candidates {
		if !r.spend(from, costRank+costLook*len(wanted)) {
			return nil, nil
		}
		if o != from && from.ELF().SameTarget(&o.ELF().Header) {
			fit = append(fit, ranked{o, r.rank(name, from, o, wanted)})
		}
	}
	if len(fit) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(fit, func(a, b ranked) int {
		return cmp.Or(slices.Compare(a.rank[:], b.rank[:]), cmp.Compare(a.o.Path, b.o.Path))
	})
	for _, f := range fit[1:] {
		others = append(others, f.o)
	}
	return fit[0].o, others
}

// rank tells how well a member of a name serves a file; the lower the better.
func (r *resolver) rank(name string, from, o *Image, wanted []string) (rank [3]int) {
	if between := RelativeDir(from.Path, o.Path); between != "" && from.InWheel {
		rank[1] = strings.Count(between+"/", "/")
	}
	if !r.versionsOf(o).defineAll(wanted) {
		rank[0] = 1
	}
	if path.Base(o.Path) != name {
		rank[2] = 1
	}
	return rank
}

// versionSets are the symbol versions of a file.
type versionSets struct {
	wanted  map[string][]string // by library, without weak ones
	defined map[string]bool
	lost    bool // the definitions cannot be read
}

// versionsOf returns the symbol versions of a file, read once.
func (r *resolver) versionsOf(o *Image) *versionSets {
	if sets, ok := r.versions[o]; ok {
		return sets
	}
	sets := &versionSets{wanted: map[string][]string{}, defined: map[string]bool{}}
	r.versions[o] = sets
	if needs, err := o.ELF().VersionNeeds(); err == nil {
		for _, n := range needs {
			for _, v := range n.Versions {
				if !v.Weak {
					sets.wanted[n.Library] = append(sets.wanted[n.Library], v.Name)
				}
			}
		}
	}
	defs, err := o.ELF().VersionDefs()
	sets.lost = err != nil
	for _, d := range defs {
		sets.defined[d.Name] = true
	}
	return sets
}

// defineAll reports whether a library has all of the versions, or none of any kind.
func (s *versionSets) defineAll(versions []string) bool {
	if s.lost || len(s.defined) == 0 {
		return !s.lost
	}
	return !slices.ContainsFunc(versions, func(name string) bool { return !s.defined[name] })
}
