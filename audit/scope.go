package audit

import (
	"path"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/linkage"
)

// A scope is what the loader has in memory, and searches for symbols, once it
// has loaded one file with all that it needs (ld.so(8); dlopen's local scope).
type scope struct {
	root     *linkage.Object
	program  bool              // the root is executed, Python is not in the process
	objects  []*linkage.Object // breadth first
	has      map[*linkage.Object]bool
	names    map[string]*linkage.Object // by what they are needed as, and by soname
	external map[string]linkage.Status  // needed libraries that nobody has read

	unread []string // see symbolCheck.unread; nil until that is asked
	open   bool
}

// newScope follows what a file needs, as far as the budget goes.
func newScope(root *linkage.Object, work *budget.Budget) *scope {
	s := &scope{
		root: root, program: isProgram(root), objects: []*linkage.Object{root}, has: map[*linkage.Object]bool{root: true}, names: map[string]*linkage.Object{}, external: map[string]linkage.Status{},
	}
	s.name(root.File.Soname(), root)
	for i := 0; i < len(s.objects); i++ {
		if work.Spend(root.Path, 4*(1+len(s.objects[i].Edges))) != nil {
			break
		}
		for _, e := range s.objects[i].Edges {
			if e.Status != linkage.Found {
				s.external[e.Needed] = e.Status
				continue
			}
			s.name(e.Needed, e.To)
			if !s.has[e.To] {
				s.has[e.To] = true
				s.objects = append(s.objects, e.To)
				s.name(e.To.File.Soname(), e.To)
			}
		}
	}
	return s
}

func (s *scope) name(name string, o *linkage.Object) {
	if s.names[name] == nil && name != "" {
		s.names[name] = o
	}
}

// named returns the loaded file that answers to a name, nil if there is none.
func (s *scope) named(library string) *linkage.Object { return s.names[library] }

// isProgram reports whether Python executes the file instead of loading it.
func isProgram(o *linkage.Object) bool {
	interp, err := o.File.Interpreter()
	return err == nil && interp != ""
}

// roots returns the members that a process begins to load with: extension
// modules, programs, and what no other member needs, or nothing but a circle of
// members. users tells by how many roots each member is loaded.
func (r *Report) roots(work *budget.Budget) (roots []*linkage.Object, users map[*linkage.Object]int) {
	needed := map[*linkage.Object]bool{}
	for _, o := range r.Graph.Members {
		for _, e := range o.Edges {
			if e.Status == linkage.Found && e.To != o {
				needed[e.To] = true
			}
		}
	}
	users = map[*linkage.Object]int{}
	begin := func(o *linkage.Object) {
		roots = append(roots, o)
		for _, loaded := range newScope(o, work).objects {
			users[loaded]++
		}
	}
	for _, o := range r.Graph.Members {
		kind, err := o.File.Extension(path.Base(o.Path))
		if !needed[o] || isProgram(o) || err == nil && kind != elf.NotExtension {
			begin(o)
		}
	}
	for _, o := range r.Graph.Members {
		if users[o] == 0 {
			begin(o)
		}
	}
	return roots, users
}
