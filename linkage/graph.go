package linkage

import (
	"io/fs"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/elf"
)

// The C libraries whose loaders are known.
const (
	Glibc = "glibc"
	Musl  = "musl"
)

// An Object is one ELF file: a member of the wheel, or a library of the system
// that something in the wheel needs. There is one Object for each file, however
// many names lead to it.
type Object struct {
	Path    string // member name, or the path on this machine without symbolic links
	InWheel bool
	File    *elf.File
	Edges   []*Edge // one for each DT_NEEDED, in its order
	Interp  *Edge   // PT_INTERP of a program that [Loader.Load] was asked about, else nil

	// Found is the name under which the loader came upon a library of the
	// system, as ld.so itself would show it: symbolic links are still in it.
	Found string

	byNeeded map[string]*Edge // of an object with many edges, see index

	install string // where a member lies once installed, see installPath
	real    string // outside the wheel: its path within the root
	found   string // the same as the loader came upon it
	root    Root
	info    fs.FileInfo
}

// Status tells what became of a needed library.
type Status int

// The ways a needed library can end.
const (
	Missing   Status = iota // not found anywhere
	Found                   // To is the file
	Excluded                // left to the user's system by an exclude pattern
	LibPython               // libpython, which extension modules must not load (PEP 513)
)

// String returns the status as reports spell it.
func (s Status) String() string {
	return [...]string{"missing", "found", "excluded", "libpython"}[s]
}

// An Edge is one DT_NEEDED of a file and what it resolves to.
type Edge struct {
	Needed string
	Status Status
	To     *Object // the file, when Found; what was left out, when Excluded and known
	Rule   string  // which rule of the search led to To, such as "DT_RUNPATH $ORIGIN/../lib of demo/_core.so"
	Tried  []Place // every place searched in vain, when Missing

	// Entry is the search path entry that leads to an Excluded library on this
	// machine, and EntryOf the file that has it; OnSystem tells that the library
	// lies in one of the loader's own directories.
	Entry    string
	EntryOf  *Object
	OnSystem bool

	// Rivals are other members of the wheel that have the name, when the rule is
	// Stranded: To was chosen among them.
	Rivals []*Object
}

// ByName is the [Edge.Rule] of a library that lies in the wheel and to which no
// search path of the file leads, but that of another file, which has loaded it before.
const ByName = "in the wheel under this name"

// Stranded is the [Edge.Rule] of a library that lies in the wheel and to which
// nothing leads: no loader finds it.
const Stranded = "in the wheel, but no search path leads there"

// Loaded is the [Edge.Rule] of a library that is in memory when it is needed.
const Loaded = "already loaded"

// A Place is one directory that was searched, and why without success.
type Place struct {
	Dir  string
	Rule string
	Why  string // such as "not there", "not ELF", "i686, not x86_64"

	more int // places that this one stands for, which are not told
}

// A Graph is what the files of a wheel load, or one file of a file system.
type Graph struct {
	Members []*Object // ELF members of the wheel, in the order given; or the one file
	System  []*Object // libraries outside the wheel, sorted by path
	Added   []*Object // those of System that Options.Add names, in that order
	Roots   []*Object // members that no other has loaded before, in the order in which they are loaded

	Libc string // whose rules were followed

	disk *disk
}

// Close closes the system libraries of the graph.
func (g *Graph) Close() error {
	if g.disk == nil {
		return nil
	}
	return g.disk.close()
}

// Loads returns the edges that a load of o follows, in the loader's order:
// breadth first, each library once, and whatever is not found. What has been
// loaded before is not among them.
func (o *Object) Loads() []*Edge {
	var edges []*Edge
	seen := map[*Object]bool{o: true}
	queue := []*Object{o}
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for _, e := range from.Edges {
			switch {
			case e.Status != Found:
				edges = append(edges, e)
			case !seen[e.To]:
				seen[e.To] = true
				edges = append(edges, e)
				queue = append(queue, e.To)
			}
		}
	}
	return edges
}

// FoundAs returns the file name under which a library of the system was found: that of
// a symbolic link, if one led to it.
func (o *Object) FoundAs() string { return path.Base(o.found) }

// LoadedWith returns what a load of o brings in, breadth first, without what is in
// seen, to which it adds all of that. The files of seen must be there with all that
// they load.
func (o *Object) LoadedWith(seen map[*Object]bool) []*Object {
	if seen[o] {
		return nil
	}
	seen[o] = true
	queue := []*Object{o}
	for i := 0; i < len(queue); i++ {
		for _, e := range queue[i].Edges {
			if e.Status == Found && !seen[e.To] {
				seen[e.To] = true
				queue = append(queue, e.To)
			}
		}
	}
	return queue
}

// SystemPath returns the path of a library within its system: without the
// sysroot in front. It is "" for a member of the wheel.
func (o *Object) SystemPath() string { return o.real }

// index makes [Object.Edge] fast.
func (o *Object) index() {
	const many = 16
	if len(o.Edges) < many {
		return
	}
	o.byNeeded = make(map[string]*Edge, len(o.Edges))
	for _, e := range slices.Backward(o.Edges) {
		o.byNeeded[e.Needed] = e
	}
}

// Edge returns the edge of the DT_NEEDED of that name, nil if there is none.
func (o *Object) Edge(needed string) *Edge {
	if o.byNeeded != nil {
		return o.byNeeded[needed]
	}
	for _, e := range o.Edges {
		if e.Needed == needed {
			return e
		}
	}
	return nil
}
