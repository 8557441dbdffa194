package linkage

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/macho"
)

// DyldOptions describes the system that the libraries of a macOS wheel come from.
// The zero value is this machine's own file system.
type DyldOptions struct {
	Sysroot     string   // directory that stands for / of the target; "" means the host
	SearchPath  []string // searched first, by the last element of the name
	LibraryPath []string // DYLD_LIBRARY_PATH, likewise

	// Fallback replaces the folder where dyld looks at last for a library that is not
	// macOS's own, /usr/local/lib (DYLD_FALLBACK_LIBRARY_PATH); nil means that one.
	Fallback []string

	// WheelOnly has nothing outside the wheel looked at, wherever a name leads, so
	// that the answer is the same on every machine.
	WheelOnly bool

	// ExecutablePath is the folder that @executable_path stands for, a path on
	// this machine; "" means that nobody knows: it depends on the Python that
	// loads the wheel. Programs have their own, and so has what they load.
	ExecutablePath string

	// DylibsOnly has members asked for nothing that are not called .so or .dylib:
	// what they load, and is not found by everyone, is left out.
	DylibsOnly bool

	// Exclude has patterns for install names or resolved paths, see [MatchDylib]:
	// libraries that match one are left out.
	Exclude []string

	// Graft has patterns, likewise, for libraries that are to be taken from where
	// they were found: Python's own, or others that the wheel has a copy of.
	Graft []string
}

// Image returns the image for an architecture: dyld loads x86_64 code into an
// x86_64h process, and for the rest what is asked for.
func (f *File) Image(arch string) *Image {
	var second *Image
	for _, i := range f.Images {
		switch {
		case i.Arch == arch:
			return i
		case arch == "x86_64h" && i.Arch == "x86_64":
			second = i
		}
	}
	return second
}

// MachO returns what the file is to its own package, nil if it is in another format.
func (f *File) MachO() *macho.File {
	file, _ := f.Content.(*macho.File)
	return file
}

// Slice returns the code of an image of a Mach-O file, nil if it is in another format.
func (i *Image) Slice() *macho.Slice {
	s, _ := i.Code.(*macho.Slice)
	return s
}

// ResolveDyld finds the libraries that the members of a macOS wheel load, directly
// and through others, for each slice on its own. A library that is not found is an
// edge with status Missing, not an error.
func ResolveDyld(ctx context.Context, members []Member, opts DyldOptions) (*Graph, error) {
	if err := checkMachOMembers(members); err != nil {
		return nil, err
	}
	d, err := newDyld(opts)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		b := newMachO(m.Name, m.Content.(*macho.File))
		b.InWheel, b.install = true, installPath(m.Name)
		d.byInstall[b.install] = b
		fold := strings.ToLower(b.install)
		d.byFold[fold] = append(d.byFold[fold], b)
		d.graph.Members = append(d.graph.Members, b)
	}
	for _, b := range d.graph.Members {
		for _, image := range b.Images {
			if err := ctx.Err(); err != nil {
				return nil, errors.Join(err, d.graph.Close())
			}
			d.load(image)
		}
	}
	d.settle(true)
	return d.finish()
}

func newDyld(opts DyldOptions) (*dyld, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	disk := newMachODisk()
	return &dyld{
		opts: opts, root: root, graph: &Graph{disk: disk}, disk: disk,
		byInstall: map[string]*File{}, byFold: map[string][]*File{}, byHost: map[string]*File{}, tried: map[*Need]map[string]bool{},
		same: map[[2]*Image]bool{}, settled: map[*Image]bool{}, work: newWork(),
	}, nil
}

// finish returns the graph, unless something could not be looked at.
func (d *dyld) finish() (*Graph, error) {
	if err := errors.Join(d.limit, d.work.Err(), d.disk.err); err != nil {
		return nil, errors.Join(err, d.graph.Close())
	}
	d.sort()
	return d.graph, nil
}

func (d *dyld) sort() {
	slices.SortFunc(d.graph.System, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
}

// dylibKinds translates the kinds of load commands.
var dylibKinds = map[macho.DylibKind]Kind{macho.Weak: Weak, macho.Reexport: Reexport, macho.Upward: Upward, macho.Lazy: Lazy}

func newMachO(path string, f *macho.File) *File {
	b := &File{Path: path, Content: f, Universal: f.Fat}
	for _, s := range f.Slices {
		image := &Image{File: b, Arch: s.Arch.String(), Name: s.ID, Code: s}
		for _, l := range s.Dylibs {
			image.Needs = append(image.Needs, &Need{Name: l.Name, Kind: dylibKinds[l.Kind]})
		}
		b.Images = append(b.Images, image)
	}
	return b
}

// A dyld holds what one call of ResolveDyld knows.
type dyld struct {
	opts      DyldOptions
	root      Root
	graph     *Graph
	disk      *machoDisk
	byInstall map[string]*File          // members by where they are installed
	byFold    map[string][]*File        // the same in lower case
	byHost    map[string]*File          // files outside the wheel by path on this machine
	tried     map[*Need]map[string]bool // rpaths, by text, on which a library is not
	byID      map[string][]*File        // members by install name
	byLeaf    map[string][]*File        // members by what they are called, see leaf
	noted     int                       // places in vain that edges have
	same      map[[2]*Image]bool        // see sameLibrary
	settled   map[*Image]bool           // images below which no need is unsettled
	work      *budget.Budget
	limit     error // of a file outside the wheel
}

// A chain is an image with those that led to it, the last loaded first: the
// LC_RPATHs of all of them count (dyld(1), "@rpath").
type chain struct {
	image *Image
	up    *chain
}

// program returns the program that a chain begins with, nil if Python does.
func (c *chain) program() *Image {
	for c.up != nil {
		c = c.up
	}
	if c.image.Slice().Type != macho.Execute {
		return nil
	}
	return c.image
}

// load resolves what an image loads, breadth first, each image once, as dyld does
// when Python opens it. Images below which everything is settled are not gone
// through again: many files may lead to one long chain.
func (d *dyld) load(image *Image) {
	seen := map[*Image]bool{image: true}
	queue := []*chain{{image: image}}
	open := false
	for i := 0; i < len(queue); i++ {
		c := queue[i]
		for _, e := range c.image.Needs {
			if !d.spend(c.image, costVisit) {
				return
			}
			if e.unsettled() {
				d.resolve(c, e)
			}
			open = open || e.unsettled()
			if e.Status == Found && !seen[e.To] && !d.settled[e.To] {
				seen[e.To] = true
				queue = append(queue, &chain{e.To, c})
			}
		}
	}
	if !open {
		for _, c := range queue {
			d.settled[c.image] = true
		}
	}
}

// unsettled reports whether another way to the image may find the library, or the rule
// that leads to it where it is left out.
func (e *Need) unsettled() bool {
	return e.Status == Missing || e.Status == Excluded && e.Rule.Kind == NoRule
}

// spend takes units of the budget for an image. It reports whether there were any.
func (d *dyld) spend(image *Image, units int) bool {
	return d.work.Spend(image.Path, units) == nil
}

// IsDylibName reports whether a file has one of the names by which libraries and
// modules are known.
func IsDylibName(name string) bool {
	return strings.HasSuffix(name, ".so") || strings.HasSuffix(name, ".dylib")
}

// MatchDylib reports whether a pattern of [DyldOptions] matches an install name or
// path: one without wildcards is part of it, as with delocate; another one matches all
// of it, or its last element.
func MatchDylib(pattern, name string) bool {
	switch {
	case pattern == "" || name == "":
		return false
	case strings.ContainsAny(pattern, "*?["):
		return MatchPattern(pattern, name) || MatchPattern(pattern, path.Base(name))
	}
	return strings.Contains(name, pattern)
}

func (d *dyld) matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return MatchDylib(p, name) })
}

// excluded reports whether a name or path is to be left out.
func (d *dyld) excluded(name string) bool { return d.matches(d.opts.Exclude, name) }

// resolve decides what one library of the first image of a chain is.
func (d *dyld) resolve(c *chain, e *Need) {
	name := e.Name
	if !d.spend(c.image, costLook+len(name)/64) {
		return
	}
	switch {
	case d.excluded(name):
		e.Status, e.Rule = Excluded, d.wayOut(c, name)
		return
	case IsMacSystem(name):
		e.Status, e.Rule = System, Rule{Kind: PartOfMacOS}
		if clean := path.Clean(name); clean != name {
			e.SystemName = clean
		}
		return
	case d.opts.DylibsOnly && c.image.member() && !IsDylibName(c.image.Path):
		e.Status = Excluded
		return
	}
	s := &dyldSearch{dyld: d, from: c, edge: e}
	s.run()
	d.found(e)
}

// found decides about the file that a search ended with.
func (d *dyld) found(e *Need) {
	outside := e.To == nil || !e.To.InWheel && !e.To.member()
	switch {
	case e.Status != Missing:
	case outside && IsPythonName(e.Name) && !d.insists(e):
		e.Status, e.Tried = LibPython, nil
	case e.To == nil:
	case !e.To.InWheel && (d.excluded(e.To.Path) || d.excluded(e.To.real)):
		e.Status = Excluded
	default:
		e.Status, e.Tried = Found, nil
	}
}
