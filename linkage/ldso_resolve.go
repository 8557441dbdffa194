package linkage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
)

// A resolver is the loader of ELF files: see rules for what differs between C libraries.
type resolver struct {
	*engine
	rules       rules
	bySoname    map[string][]*Image     // members by soname and by base name
	reached     map[string][]*Image     // members by the names that they are loaded by, see reach; nil until that is asked
	isReached   map[reachedAs]bool      // the same
	ledOnly     bool                    // nothing is found by its name alone
	paths       map[*Image][]dir        // search path of each file
	loadPaths   map[pathKey]*loadPath   // each once
	extended    map[extension]*loadPath // see extend
	versions    map[*Image]*versionSets // see nearest
	vain        map[vainSearch]bool     // where a library is not
	interp      *Image                  // the loader itself, for a program of the file system
	hwcaps      []string                // glibc-hwcaps subdirectories, best first
	searchPath  []dir
	libraryPath []dir
	defaults    []dir
}

// emptyResolver returns a resolver that knows no member yet.
func emptyResolver(root Root, d *disk, opts Options) *resolver {
	r := &resolver{
		engine: newEngine(root, d, opts), rules: rulesOf(opts.Libc), bySoname: map[string][]*Image{}, paths: map[*Image][]dir{}, vain: map[vainSearch]bool{},
		loadPaths: map[pathKey]*loadPath{}, extended: map[extension]*loadPath{}, isReached: map[reachedAs]bool{}, versions: map[*Image]*versionSets{},
	}
	r.loader, r.byNames, r.graph.Libc = r, true, cmp.Or(opts.Libc, Glibc)
	return r
}

// newResolver returns a resolver for the members of a wheel.
func newResolver(members []Member, root Root, opts Options) *resolver {
	d := newDisk(parseELF, maxOpen)
	d.closed, d.pool.Through = opts.WheelOnly, opts.Through
	r := emptyResolver(root, d, opts)
	arch := ""
	for n := 0; n < len(members) && arch == ""; n++ {
		arch, _ = members[n].Content.(*elf.File).Arch()
	}
	r.setPaths(r.defaultPath(arch))
	return r
}

// notELF tells that a file has no ELF header.
const notELF = "not ELF (a linker script?)"

func parseELF(in io.ReaderAt, size int64) (Content, string, error) {
	file, err := elf.NewFile(in, size)
	rule := (*elf.FormatError)(nil)
	switch {
	case err == nil:
		return file, "", nil
	case errors.Is(err, elf.ErrNotELF):
		return nil, notELF, nil
	case errors.As(err, &rule):
		return nil, err.Error(), nil
	}
	return nil, "", err
}

// ELF returns what an image is to its own package, nil if it is in another format.
func (i *Image) ELF() *elf.File {
	f, _ := i.Code.(*elf.File)
	return f
}

func (r *resolver) images(file *File) (needs int, err error) {
	f := file.Content.(*elf.File)
	image := newELF(file, f)
	if file.InWheel {
		r.addSoname(path.Base(file.Path), image)
		if image.Name != path.Base(file.Path) {
			r.addSoname(image.Name, image)
		}
	}
	return f.NeededCount(), checkELF(file.Path, f)
}

// newELF gives an ELF file its image.
func newELF(file *File, f *elf.File) *Image {
	arch, _ := f.Arch()
	image := &Image{File: file, Arch: arch, Name: f.Soname(), Code: f}
	image.build = func() build { return build{buildID(f), 0, f.Size()} }
	file.Content, file.Images = f, []*Image{image}
	return image
}

func (r *resolver) addSoname(name string, o *Image) {
	if name != "" {
		r.bySoname[name] = append(r.bySoname[name], o)
	}
}

// checkELF holds a file to the limits.
func checkELF(name string, f *elf.File) error {
	if err := budget.Check(name, "libraries (DT_NEEDED)", f.NeededCount(), maxNeeded); err != nil {
		return err
	}
	if err := budget.Check(name, "bytes of names of libraries (DT_NEEDED)", f.NeededBytes(), maxNeededBytes); err != nil {
		return err
	}
	for _, text := range []string{f.RPath(), f.RunPath()} {
		if err := budget.Check(name, "bytes of search path (DT_RPATH, DT_RUNPATH)", len(text), maxPathBytes); err != nil {
			return err
		}
		if err := budget.Check(name, "directories in a search path (DT_RPATH, DT_RUNPATH)", strings.Count(text, ":"), maxPathEntries); err != nil {
			return err
		}
	}
	return nil
}

// order returns the members as Python would load them: extension modules
// first, then what no other file has loaded. Members are never loaded twice.
func (r *resolver) order() []*Image {
	var modules, others []*Image
	for _, o := range Images(r.graph.Members) {
		kind, err := o.ELF().Extension(path.Base(o.Path))
		if err != nil {
			r.err = errors.Join(r.err, fmt.Errorf("%s: %w", o.Path, err))
			continue
		}
		if kind != elf.NotExtension {
			modules = append(modules, o)
		} else {
			others = append(others, o)
		}
	}
	return append(modules, others...)
}

// chain hands on the search path of a file and of those that led to it. The process knows
// the file by its soname from then on.
func (r *resolver) chain(image *Image, by *chain) *chain {
	c := &chain{image: image, up: by}
	if by != nil {
		c.program, c.loaded, c.path = by.program, by.loaded, r.extend(by.path, image)
	} else {
		c.loaded, c.path = map[string]*Image{}, r.extend(r.noPath(), image)
		if isProgram(image.ELF()) {
			c.program = image
		}
		if r.interp != nil {
			r.loadedAs(c, r.interp)
		}
	}
	r.loadedAs(c, image)
	if image.Needs == nil {
		for _, name := range image.ELF().Needed() {
			image.Needs = append(image.Needs, &Need{Name: name})
		}
	}
	return c
}

// loadedAs notes that a file answers to its soname.
func (r *resolver) loadedAs(c *chain, o *Image) {
	if soname := o.ELF().Soname(); soname != "" && c.loaded[soname] == nil && r.rules.bySoname() {
		c.loaded[soname] = o
	}
}

func (r *resolver) unsettled(n *Need) bool { return n.Status == Missing }

// byName lets the library of Python go.
func (r *resolver) byName(_ *chain, n *Need) {
	if !r.asTheyLie && r.rules.python(n.Name) {
		n.Status = LibPython
	}
}

// refuses tells why a file passes over a library: ld.so does so when the library
// is of another class or machine.
func (r *resolver) refuses(from *Image, f *File) (*Image, string) {
	to := f.Images[0]
	switch library := to.ELF(); {
	case !f.InWheel && !library.Dynamic():
		return nil, "not a shared library"
	case !from.ELF().SameTarget(&library.Header):
		return nil, fmt.Sprintf("%s, not %s", archName(library), archName(from.ELF()))
	}
	return to, ""
}

func archName(f *elf.File) string {
	if arch, _ := f.Arch(); arch != "" {
		return arch
	}
	return f.Machine.String()
}

// finish loads the libraries that nothing needs by name.
func (r *resolver) finish() {
	for _, name := range r.opts.Add {
		dirs := r.userDirs([]string{filepath.Dir(name)}, Rule{})
		if len(dirs) == 0 || len(r.graph.Members) == 0 {
			r.err = errors.Join(r.err, fmt.Errorf("library to add %q: the wheel holds no file that could open it", name))
			return
		}
		o, why := r.candidate(dirs[0], filepath.Base(name), r.graph.Members[0].Images[0])
		if o == nil {
			r.err = errors.Join(r.err, fmt.Errorf("library to add %q: %s", name, why))
			return
		}
		if !slices.Contains(r.graph.Added, o.File) {
			r.graph.Added = append(r.graph.Added, o.File)
		}
		r.load(o)
	}
}
