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
	root     *linkage.Image
	program  bool             // the root is executed, Python is not in the process
	objects  []*linkage.Image // breadth first
	has      map[*linkage.Image]bool
	names    map[string]*linkage.Image // by what they are needed as, and by soname
	external map[string]linkage.Status // needed libraries that nobody has read

	unread []string // see symbolCheck.unread; nil until that is asked
	open   bool
}

// newScope follows what a file needs, as far as the budget goes.
func newScope(root *linkage.Image, work *budget.Budget) *scope {
	s := &scope{
		root: root, program: isProgram(root), objects: []*linkage.Image{root}, has: map[*linkage.Image]bool{root: true}, names: map[string]*linkage.Image{}, external: map[string]linkage.Status{},
	}
	s.name(root.ELF().Soname(), root)
	for i := 0; i < len(s.objects); i++ {
		if work.Spend(root.Path, 4*(1+len(s.objects[i].Needs))) != nil {
			break
		}
		for _, e := range s.objects[i].Needs {
			if e.Status != linkage.Found {
				s.external[e.Name] = e.Status
				continue
			}
			s.name(e.Name, e.To)
			if !s.has[e.To] {
				s.has[e.To] = true
				s.objects = append(s.objects, e.To)
				s.name(e.To.ELF().Soname(), e.To)
			}
		}
	}
	return s
}

func (s *scope) name(name string, o *linkage.Image) {
	if s.names[name] == nil && name != "" {
		s.names[name] = o
	}
}

// named returns the loaded file that answers to a name, nil if there is none.
func (s *scope) named(library string) *linkage.Image { return s.names[library] }

// isProgram reports whether Python executes the file instead of loading it.
func isProgram(o *linkage.Image) bool {
	interp, err := o.ELF().Interpreter()
	return err == nil && interp != ""
}

// roots returns the members that a process begins to load with: extension
// modules, programs, and what no other member needs, or nothing but a circle of
// members. users tells by how many roots each member is loaded.
func (r *Report) roots(work *budget.Budget) (roots []*linkage.Image, users map[*linkage.Image]int) {
	needed := map[*linkage.Image]bool{}
	for _, o := range linkage.Images(r.Graph.Members) {
		for _, e := range o.Needs {
			if e.Status == linkage.Found && e.To != o {
				needed[e.To] = true
			}
		}
	}
	users = map[*linkage.Image]int{}
	begin := func(o *linkage.Image) {
		roots = append(roots, o)
		for _, loaded := range newScope(o, work).objects {
			users[loaded]++
		}
	}
	for _, o := range linkage.Images(r.Graph.Members) {
		kind, err := o.ELF().Extension(path.Base(o.Path))
		if !needed[o] || isProgram(o) || err == nil && kind != elf.NotExtension {
			begin(o)
		}
	}
	for _, o := range linkage.Images(r.Graph.Members) {
		if users[o] == 0 {
			begin(o)
		}
	}
	return roots, users
}
