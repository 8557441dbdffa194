package linkage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/steady"
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

// A MachOMember is one Mach-O file of the wheel.
type MachOMember struct {
	Name string
	File *macho.File
}

// A Binary is one Mach-O file: a member of the wheel, or a library that something
// in it loads. There is one for each file, however many names lead to it.
type Binary struct {
	Path    string // member name, or the path on this machine without symbolic links
	InWheel bool
	File    *macho.File
	Images  []*Image // one for each of File.Slices, in its order

	member bool // of the graph

	dir  string // where a member lies once installed, or the folder within the root
	real string // outside the wheel: its path within the root
	root Root   // outside the wheel: where it was found
	info fs.FileInfo
}

// Open opens the file of a library anew, or of a member that lies in a directory. It
// is an error if it is no longer what was looked at.
func (b *Binary) Open() (*os.File, error) {
	f, _, err := b.root.fs().Open(b.real)
	if err != nil {
		return nil, err
	}
	if err := b.Same(f); err != nil {
		f.Close() // read only: nothing to lose
		return nil, err
	}
	return f, nil
}

// Same reports an error if an open file is not, or not any more, the one that was
// looked at.
func (b *Binary) Same(f *os.File) error { return steady.Same(b.info, f) }

// SystemPath returns the path of a library within its system: without the sysroot
// in front. It is "" for a member of the wheel.
func (b *Binary) SystemPath() string { return b.real }

// Image returns the image for an architecture: dyld loads x86_64 code into an
// x86_64h process, and for the rest what is asked for.
func (b *Binary) Image(arch macho.Arch) *Image {
	var second *Image
	for _, i := range b.Images {
		switch {
		case i.Slice.Arch == arch:
			return i
		case arch.String() == "x86_64h" && i.Slice.Arch.String() == "x86_64":
			second = i
		}
	}
	return second
}

// An Image is one slice of a binary.
type Image struct {
	Binary *Binary
	Slice  *macho.Slice
	Loads  []*LoadEdge // one for each of Slice.Dylibs, in its order
}

// A LoadEdge is one library that an image loads, and what it resolves to.
type LoadEdge struct {
	Dylib  macho.Dylib
	Status DyldStatus
	To     *Image  // the file, when Found; what was left out, when Excluded and known
	Rule   string  // which rule led to it, such as "LC_RPATH @loader_path/lib of demo/a.so"
	Tried  []Place // every place searched in vain, when Missing

	// SystemName is the install name of a library of macOS that the name of the
	// load command does not spell, "" for others.
	SystemName string

	Program *Image  // the program that alone finds it, since @executable_path is its folder; else nil
	Instead *Binary // with the rule OwnCopy: the library outside the wheel that was found
	Fold    bool    // the name and that of the file differ in upper and lower case
}

// Fallback reports whether only the folders where dyld looks at last have the
// library: for a file built with the SDK of macOS 13 or later it does not.
func (e *LoadEdge) Fallback() bool { return strings.HasPrefix(e.Rule, fallbackRule) }

// DyldStatus tells what became of a library.
type DyldStatus int

// The ways a library that an image loads can end.
const (
	DylibMissing  DyldStatus = iota // not found anywhere
	DylibFound                      // To is the file
	DylibSystem                     // part of macOS
	DylibExcluded                   // left to the user's system by an exclude pattern
	DylibPython                     // Python itself, which the process has already
)

// String returns the status as reports spell it.
func (s DyldStatus) String() string {
	return [...]string{"missing", "found", "system", "excluded", "libpython"}[s]
}

// A DyldGraph is what the Mach-O files of a wheel load.
type DyldGraph struct {
	Members []*Binary // of the wheel, in the order given
	System  []*Binary // libraries outside the wheel, sorted by path

	disk *machoDisk
}

// Close closes the libraries outside the wheel.
func (g *DyldGraph) Close() error { return g.disk.close() }

// ResolveDyld finds the libraries that the members of a macOS wheel load, directly
// and through others, for each slice on its own. A library that is not found is an
// edge with status DylibMissing, not an error.
func ResolveDyld(ctx context.Context, members []MachOMember, opts DyldOptions) (*DyldGraph, error) {
	if err := checkMachOMembers(members); err != nil {
		return nil, err
	}
	d, err := newDyld(opts)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		b := newBinary(m.Name, m.File)
		b.InWheel, b.member, b.dir = true, true, InstallDir(m.Name)
		d.byInstall[installPath(m.Name)] = b
		fold := strings.ToLower(installPath(m.Name))
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
	return &dyld{
		opts: opts, root: root, graph: &DyldGraph{disk: newMachODisk()},
		byInstall: map[string]*Binary{}, byFold: map[string][]*Binary{}, byHost: map[string]*Binary{}, tried: map[*LoadEdge]map[string]bool{},
		same: map[[2]*Image]bool{}, work: newWork(),
	}, nil
}

// finish returns the graph, unless something could not be looked at.
func (d *dyld) finish() (*DyldGraph, error) {
	if err := errors.Join(d.limit, d.work.Err(), d.graph.disk.err); err != nil {
		return nil, errors.Join(err, d.graph.Close())
	}
	d.sort()
	return d.graph, nil
}

func (d *dyld) sort() {
	slices.SortFunc(d.graph.System, func(a, b *Binary) int { return strings.Compare(a.Path, b.Path) })
}

func newBinary(path string, f *macho.File) *Binary {
	b := &Binary{Path: path, File: f}
	for _, s := range f.Slices {
		image := &Image{Binary: b, Slice: s}
		for _, l := range s.Dylibs {
			image.Loads = append(image.Loads, &LoadEdge{Dylib: l})
		}
		b.Images = append(b.Images, image)
	}
	return b
}

// A dyld holds what one call of ResolveDyld knows.
type dyld struct {
	opts      DyldOptions
	root      Root
	graph     *DyldGraph
	byInstall map[string]*Binary            // members by where they are installed
	byFold    map[string][]*Binary          // the same in lower case
	byHost    map[string]*Binary            // files outside the wheel by path on this machine
	tried     map[*LoadEdge]map[string]bool // rpaths, by text, on which a library is not
	byID      map[string][]*Binary          // members by install name
	byLeaf    map[string][]*Binary          // members by what they are called, see leaf
	noted     int                           // places in vain that edges have
	same      map[[2]*Image]bool            // see sameLibrary
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
	if c.image.Slice.Type != macho.Execute {
		return nil
	}
	return c.image
}

// load resolves what an image loads, breadth first, each image once, as dyld does
// when Python opens it.
func (d *dyld) load(image *Image) {
	seen := map[*Image]bool{image: true}
	queue := []*chain{{image: image}}
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		for _, e := range c.image.Loads {
			if !d.spend(c.image, costVisit) {
				return
			}
			if e.Status == DylibMissing {
				d.resolve(c, e)
			}
			if e.Status == DylibFound && !seen[e.To] {
				seen[e.To] = true
				queue = append(queue, &chain{e.To, c})
			}
		}
	}
}

// spend takes units of the budget for an image. It reports whether there were any.
func (d *dyld) spend(image *Image, units int) bool {
	return d.work.Spend(image.Binary.Path, units) == nil
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
func (d *dyld) resolve(c *chain, e *LoadEdge) {
	name := e.Dylib.Name
	if !d.spend(c.image, costLook+len(name)/64) {
		return
	}
	switch {
	case d.excluded(name):
		e.Status = DylibExcluded
		return
	case IsMacSystem(name):
		e.Status, e.Rule = DylibSystem, "part of macOS"
		if clean := path.Clean(name); clean != name {
			e.SystemName = clean
		}
		return
	case d.opts.DylibsOnly && c.image.Binary.member && !IsDylibName(c.image.Binary.Path):
		e.Status = DylibExcluded
		return
	}
	s := &dyldSearch{dyld: d, from: c, edge: e}
	s.run()
	d.found(e)
}

// found decides about the file that a search ended with.
func (d *dyld) found(e *LoadEdge) {
	outside := e.To == nil || !e.To.Binary.InWheel && !e.To.Binary.member
	switch {
	case e.Status != DylibMissing:
	case outside && IsPythonName(e.Dylib.Name) && !d.insists(e):
		e.Status, e.Tried = DylibPython, nil
	case e.To == nil:
	case !e.To.Binary.InWheel && (d.excluded(e.To.Binary.Path) || d.excluded(e.To.Binary.real)):
		e.Status = DylibExcluded
	default:
		e.Status, e.Tried = DylibFound, nil
	}
}

// describe names an image for people.
func (i *Image) describe() string {
	if i.Binary.File.Fat {
		return fmt.Sprintf("%s (%v)", i.Binary.Path, i.Slice.Arch)
	}
	return i.Binary.Path
}
