package report

import (
	"github.com/wheelmend/wheelmend/audit"
)

// Tree is the JSON document of a tree. See docs/tree.schema.json.
type Tree struct {
	Schema    int            `json:"schema"`
	Input     string         `json:"input"` // the same as Name
	Name      string         `json:"name"`
	Kind      string         `json:"kind"` // wheel, file or directory
	Complete  bool           `json:"complete"`
	Processes []TreeProcess  `json:"processes"`
	Unlinked  []AuditForeign `json:"unlinked_files"`
	Foreign   []AuditForeign `json:"foreign_files"`
	Damaged   []TreeDamage   `json:"damaged_files"`
}

// TreeProcess is what one process loads.
type TreeProcess struct {
	Format string     `json:"format"` // elf or macho
	Arch   *string    `json:"arch"`
	Libc   *string    `json:"libc"` // null for Mach-O
	Roots  []string   `json:"roots"`
	Files  []TreeFile `json:"files"` // in the order of loading
}

// TreeFile is one file of a process.
type TreeFile struct {
	Path        string     `json:"path"`
	Found       *string    `json:"found_at"` // as the loader spells it; null for members of a wheel
	InWheel     bool       `json:"in_wheel"`
	Static      bool       `json:"static"`
	Soname      *string    `json:"soname"`
	RPath       *string    `json:"rpath"`
	RunPath     *string    `json:"runpath"`
	Interpreter *TreeNeed  `json:"interpreter"`
	Needed      []TreeNeed `json:"needed"`
}

// TreeNeed is a library that a file needs, or its interpreter.
type TreeNeed struct {
	Name     string       `json:"name"`
	Status   string       `json:"status"` // found, missing, excluded, libpython, system or absent
	Kind     *string      `json:"kind"`   // weak, reexport, upward or lazy
	Path     *string      `json:"path"`   // of the file in the same process
	Found    *string      `json:"found_at"`
	Rule     *string      `json:"rule"`
	Searched []AuditPlace `json:"searched,omitempty"`
}

// TreeDamage is an ELF, Mach-O or PE file that cannot be read.
type TreeDamage struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// TreeFailure is the JSON document for an argument that could not be read.
type TreeFailure struct {
	Schema int    `json:"schema"`
	Input  string `json:"input"`
	Name   string `json:"name"`
	Error  string `json:"error"`
}

// NewTreeFailure returns the JSON document for an error.
func NewTreeFailure(name string, err error) TreeFailure {
	return TreeFailure{Schema: Schema, Input: name, Name: name, Error: err.Error()}
}

// NewTree returns the JSON document of a tree.
func NewTree(s *audit.Tree) Tree {
	t := Tree{
		Schema: Schema, Input: s.Name, Name: s.Name, Kind: s.Kind, Complete: s.Complete(),
		Processes: []TreeProcess{}, Unlinked: foreignFiles(s.Unlinked), Foreign: foreignFiles(s.Foreign), Damaged: []TreeDamage{},
	}
	for _, p := range s.Processes {
		process := TreeProcess{Format: string(p.Format), Arch: optional(p.Arch), Libc: optional(p.Libc), Roots: []string{}, Files: []TreeFile{}}
		for _, root := range p.Roots {
			process.Roots = append(process.Roots, root.Path)
		}
		for _, n := range p.Nodes {
			process.Files = append(process.Files, newTreeFile(n))
		}
		t.Processes = append(t.Processes, process)
	}
	for _, d := range s.Damaged {
		t.Damaged = append(t.Damaged, TreeDamage{d.Path, d.Err.Error()})
	}
	return t
}

func foreignFiles(files []audit.Foreign) []AuditForeign {
	out := []AuditForeign{}
	for _, f := range files {
		out = append(out, AuditForeign{f.Path, f.Kind})
	}
	return out
}

func newTreeFile(n *audit.Node) TreeFile {
	f := TreeFile{
		Path: n.Path, Found: optional(n.Found), InWheel: n.InWheel, Static: n.Static,
		Soname: optional(n.Soname), RPath: optional(n.RPath), RunPath: optional(n.RunPath), Needed: []TreeNeed{},
	}
	for i := range n.Needs {
		f.Needed = append(f.Needed, newTreeNeed(&n.Needs[i]))
	}
	if n.Interp != nil {
		interp := newTreeNeed(n.Interp)
		f.Interpreter = &interp
	}
	return f
}

func newTreeNeed(n *audit.Need) TreeNeed {
	out := TreeNeed{Name: n.Name, Status: n.Status, Kind: optional(n.Kind), Rule: optional(n.Rule)}
	if n.Found() {
		out.Path, out.Found = optional(n.To.Path), optional(n.To.Found)
	}
	for _, p := range n.Tried {
		out.Searched = append(out.Searched, AuditPlace{p.Dir, p.Rule.String(), p.Why})
	}
	return out
}
