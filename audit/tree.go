package audit

import (
	"path"

	"github.com/wheelmend/wheelmend/linkage"
)

// What a [Tree] is about.
const (
	TreeOfWheel     = "wheel"
	TreeOfFile      = "file"
	TreeOfDirectory = "directory"
)

// A Tree tells what the files of a wheel or of a directory load, or what one
// file loads. Start with [ReadTree].
type Tree struct {
	Name      string // the wheel, file or directory, as it was named
	Kind      string // TreeOfWheel, TreeOfFile or TreeOfDirectory
	Processes []Process
	Unlinked  []Foreign // ELF, Mach-O and PE files that no loader takes: object files, code of other processors
	Foreign   []Foreign // files in other formats
	Damaged   []Damage  // ELF, Mach-O and PE files of a directory that cannot be read
}

// A Process has loaded one file and all that it needs, or the members of a wheel.
type Process struct {
	Format Format // ELF or MachO
	Arch   string // as platform tags spell it; "" if they have no name for it
	Libc   string // glibc, musl or bionic: whose rules were followed; "" for those of System
	System string // the one system that has files of the format, such as "macOS"; "" if several have
	Roots  []*Node
	Nodes  []*Node // the roots and what they load, in the order of loading, each once
}

// A Node is a file that a process has loaded. The soname of a Mach-O file is its
// install name, its rpath has the LC_RPATHs, joined by colons.
type Node struct {
	Path    string // member name, the path that was given, or the path without symbolic links
	Found   string // for a library outside the wheel, the path under which the loader came upon it
	InWheel bool
	// Universal tells that the file has a slice for each of several architectures.
	Universal bool

	Soname  string
	RPath   string
	RunPath string
	Static  bool  // a static program, which loads nothing
	Interp  *Need // PT_INTERP of a program that does not come from a wheel
	Needs   []Need
}

// StatusAbsent is the [Need.Status] of a library that was not found, and that the
// loader does without: a weak one of a Mach-O file.
const StatusAbsent = "absent"

// A Need is a DT_NEEDED of a file or a library that a Mach-O file loads, or the
// interpreter of a program.
type Need struct {
	Name   string
	Status string // missing, found, excluded, libpython, system (part of macOS or Android) or absent
	Kind   string // weak, reexport, upward or lazy; "" for the usual one
	To     *Node  // what was found
	Rule   string // that led to it
	System string // whose library it is, when Status says that it is the system's: macOS or Android
	Tried  []linkage.Place
}

// Missing reports whether the library was not found.
func (n *Need) Missing() bool { return n.Status == linkage.Missing.String() }

// Found reports whether the library was found, so that To is set.
func (n *Need) Found() bool { return n.Status == linkage.Found.String() }

// A Damage is a file that has the magic number of ELF, Mach-O or PE and cannot be read.
type Damage struct {
	Path string
	Err  error
}

// Complete reports whether every library was found, and every file read.
func (s *Tree) Complete() bool {
	for _, p := range s.Processes {
		for _, n := range p.Nodes {
			if n.Interp != nil && n.Interp.Missing() {
				return false
			}
			for i := range n.Needs {
				if n.Needs[i].Missing() {
					return false
				}
			}
		}
	}
	return len(s.Damaged) == 0
}

// addProcesses takes the graph of the files that processes load.
func (s *Tree) addProcesses(g *linkage.Graph, format Format) {
	for _, p := range g.Processes() {
		process := newProcess(&p, format, g.Libc)
		if g.Libc == linkage.Bionic {
			process.leaveToAndroid()
		}
		s.Processes = append(s.Processes, process)
	}
}

func newProcess(from *linkage.Process, format Format, libc string) Process {
	p := Process{Format: format, Arch: from.Arch, Libc: libc}
	if only := systemOf(format); only != "" {
		p.System = only.String()
	}
	nodes := map[*linkage.Image]*Node{}
	for _, i := range from.Images {
		nodes[i] = newNode(i)
		p.Nodes = append(p.Nodes, nodes[i])
	}
	for _, root := range from.Roots {
		p.Roots = append(p.Roots, nodes[root])
	}
	for i, n := range nodes {
		for _, need := range i.Needs {
			n.Needs = append(n.Needs, newNeed(need, nodes[need.To]))
		}
		if need := i.Interp; need != nil {
			to := nodes[need.To]
			if to == nil && need.To != nil {
				to = newNode(need.To) // nothing needs it by name
			}
			interp := newNeed(need, to)
			n.Interp = &interp
		}
	}
	return p
}

func newNode(i *linkage.Image) *Node {
	n := &Node{Path: i.Path, Found: i.Found, InWheel: i.InWheel, Universal: i.Universal, Soname: i.Name}
	formatOf(i.Content).describe(i, n)
	return n
}

func newNeed(from *linkage.Need, to *Node) Need {
	n := Need{Name: from.Name, Status: from.Status.String(), Kind: string(from.Kind)}
	switch from.Status {
	case linkage.Found:
		n.To, n.Rule = to, from.Rule.String()
	case linkage.System:
		n.Rule, n.System = from.Rule.String(), from.Rule.Owner()
	default:
		n.Tried = from.Tried
	}
	if from.Status == linkage.Missing && from.Kind == linkage.Weak {
		n.Status = StatusAbsent
	}
	return n
}

// isWheelName reports whether a path is to be read as a wheel.
func isWheelName(name string) bool { return path.Ext(name) == ".whl" }
