package linkage

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/macho"
)

// DyldOptions describes the system that the libraries of a macOS wheel come from.
// The zero value is this machine's own file system.
type DyldOptions struct {
	Sysroot     string   // directory that stands for / of the target; "" means the host
	SearchPath  []string // searched first, by the last element of the name
	LibraryPath []string // DYLD_LIBRARY_PATH, likewise

	// WheelOnly has nothing outside the wheel looked at, wherever a name leads, so
	// that the answer is the same on every machine.
	WheelOnly bool

	// ExecutablePath is the folder that @executable_path stands for, a path on
	// this machine; "" means that nobody knows: it depends on the Python that
	// loads the wheel.
	ExecutablePath string

	// DylibsOnly has members asked for nothing that are not called .so or .dylib:
	// what they load, and is not found by everyone, is left out.
	DylibsOnly bool

	// Exclude has parts of install names or resolved paths: libraries that
	// contain one are left out, as delocate does it.
	Exclude []string
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
}

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
}

// DyldStatus tells what became of a library.
type DyldStatus int

// The ways a library that an image loads can end.
const (
	DylibMissing  DyldStatus = iota // not found anywhere
	DylibFound                      // To is the file
	DylibSystem                     // part of macOS
	DylibExcluded                   // left to the user's system by an exclude pattern
)

// String returns the status as reports spell it.
func (s DyldStatus) String() string {
	return [...]string{"missing", "found", "system", "excluded"}[s]
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
	d, err := newDyld(opts)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		b := newBinary(m.Name, m.File)
		b.InWheel, b.member, b.dir = true, true, InstallDir(m.Name)
		d.byInstall[installPath(m.Name)] = b
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
	d.findByName()
	return d.finish()
}

func newDyld(opts DyldOptions) (*dyld, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	return &dyld{
		opts: opts, root: root, graph: &DyldGraph{disk: newMachODisk()},
		byInstall: map[string]*Binary{}, byHost: map[string]*Binary{}, tried: map[*LoadEdge]map[string]bool{},
	}, nil
}

// finish returns the graph, unless something could not be looked at.
func (d *dyld) finish() (*DyldGraph, error) {
	if err := d.graph.disk.err; err != nil {
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
	byHost    map[string]*Binary            // files outside the wheel by path on this machine
	tried     map[*LoadEdge]map[string]bool // rpaths, by text, on which a library is not
}

// A chain is an image with those that led to it, the last loaded first: the
// LC_RPATHs of all of them count (dyld(1), "@rpath").
type chain struct {
	image *Image
	up    *chain
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

// IsMacSystem reports whether a path is macOS's own, whatever a search path holds:
// recent systems have no such files, but know them.
func IsMacSystem(name string) bool {
	return strings.HasPrefix(name, "/usr/lib/") || strings.HasPrefix(name, "/System/")
}

// IsDylibName reports whether a file has one of the names by which libraries and
// modules are known.
func IsDylibName(name string) bool {
	return strings.HasSuffix(name, ".so") || strings.HasSuffix(name, ".dylib")
}

// excluded reports whether a name or path has one of the parts to leave out.
func (d *dyld) excluded(name string) bool {
	return slices.ContainsFunc(d.opts.Exclude, func(part string) bool { return part != "" && strings.Contains(name, part) })
}

// resolve decides what one library of the first image of a chain is.
func (d *dyld) resolve(c *chain, e *LoadEdge) {
	name := e.Dylib.Name
	switch {
	case d.excluded(name):
		e.Status = DylibExcluded
		return
	case IsMacSystem(path.Clean(name)):
		e.Status, e.Rule = DylibSystem, "part of macOS"
		return
	case d.opts.DylibsOnly && c.image.Binary.member && !IsDylibName(c.image.Binary.Path):
		e.Status = DylibExcluded
		return
	}
	s := &dyldSearch{dyld: d, from: c, edge: e}
	s.run()
	switch {
	case e.To == nil:
	case !e.To.Binary.InWheel && (d.excluded(e.To.Binary.Path) || d.excluded(e.To.Binary.real)):
		e.Status = DylibExcluded
	default:
		e.Status, e.Tried = DylibFound, nil
	}
}

// findByName resolves what is still missing to members of the wheel that have the
// wanted install name: once something has loaded one, dyld takes it for the name.
func (d *dyld) findByName() {
	for _, b := range d.graph.Members {
		for _, image := range b.Images {
			for _, e := range image.Loads {
				if e.Status == DylibMissing {
					d.matchName(image, e)
				}
			}
		}
	}
}

func (d *dyld) matchName(image *Image, e *LoadEdge) {
	for _, other := range d.graph.Members {
		to := other.Image(image.Slice.Arch)
		if to != nil && to != image && to.Slice.ID == e.Dylib.Name {
			e.Status, e.To, e.Rule, e.Tried = DylibFound, to, ByName, nil
			return
		}
	}
}

// describe names an image for people.
func (i *Image) describe() string {
	if i.Binary.File.Fat {
		return fmt.Sprintf("%s (%v)", i.Binary.Path, i.Slice.Arch)
	}
	return i.Binary.Path
}
