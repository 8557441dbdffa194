package linkage

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"github.com/wheelmend/wheelmend/elf"
)

// A Loader tells what files of a file system load, each as it lies there. Unlike
// [Resolve] it knows of no wheel and no Python: every file is the first of its
// process, as when ld.so runs it or traces it. It is not for concurrent use.
type Loader struct {
	opts     Options
	root     Root
	disk     *disk
	defaults map[target][]dir
}

// A target is what the loader's own directories depend on.
type target struct{ libc, arch string }

// NewLoader returns a loader for the system of the options.
func NewLoader(opts Options) (*Loader, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	d := newDisk(parseELF, 0)
	d.pool.Through = opts.Through
	return &Loader{opts, root, d, map[target][]dir{}}, nil
}

// Load finds what the ELF file at a path of this machine loads. The graph has
// the file as its one member, its libraries in the order in which they are
// loaded, and nothing that must be closed. The file itself is known by its soname
// alone: whoever needs it by another name gets a second copy of it, since neither
// loader knows the inode of what the kernel has mapped. A library or an interpreter that is
// not found is an edge with status Missing, not an error.
func (l *Loader) Load(name string) (*Graph, error) {
	first, err := l.open(name)
	if err != nil {
		return nil, err
	}
	interp, err := first.ELF().Interpreter()
	if err != nil {
		return nil, err
	}
	arch, _ := first.ELF().Arch()
	opts := l.opts
	opts.Libc = cmp.Or(opts.Libc, LibcOf(first.ELF(), path.Base(first.found)), Glibc)
	r := emptyResolver(l.root, l.disk, opts)
	r.asTheyLie = true
	if l.opts.Sysroot == "" && arch == "x86_64" && opts.Libc == Glibc {
		r.hwcaps = opts.HWCaps
	}
	r.setPaths(l.defaultsFor(r, arch))
	r.libraryPath = r.environmentDirs(first)
	r.graph.Members, r.graph.Roots = []*File{first.File}, []*Image{first}
	if err := checkELF(name, first.ELF()); err != nil {
		return nil, err
	}
	if interp != "" {
		r.findInterpreter(first, interp)
	}
	r.load(first)
	r.graph.System = nil
	for _, e := range first.Loads() {
		if e.Status == Found {
			r.graph.System = append(r.graph.System, e.To.File)
		}
	}
	if err := r.failure(); err != nil {
		l.disk.forget()
		return nil, err
	}
	return r.graph, nil
}

// defaultsFor returns the loader's own directories for a target, read once.
func (l *Loader) defaultsFor(r *resolver, arch string) []dir {
	t := target{r.opts.Libc, arch}
	if dirs, ok := l.defaults[t]; ok {
		return dirs
	}
	dirs := r.cachedWithCaps(r.defaultPath(arch))
	if r.failure() == nil {
		l.defaults[t] = dirs
	}
	return dirs
}

// open returns the file at a path of this machine. One within the sysroot keeps
// to it.
func (l *Loader) open(name string) (*Image, error) {
	root := l.root
	inside, ok := root.inside(name)
	if !ok {
		root = Root{}
		if inside, ok = root.inside(name); !ok {
			return nil, fmt.Errorf("%s: the working directory has no name", name)
		}
	}
	at := path.Clean("/" + inside)
	found := l.disk.look(root, at)
	switch {
	case found.why == notELF:
		return nil, elf.ErrNotELF
	case found.why != "":
		l.disk.forget()
		return nil, errors.New(found.why)
	}
	file := &File{Path: name, Found: name, real: found.real, found: at, root: root, info: found.info}
	return newELF(file, found.content.(*elf.File)), nil
}

// findInterpreter looks for the loader of a program. The kernel has loaded it
// before anything else, under the path that the program gives.
func (r *resolver) findInterpreter(first *Image, name string) {
	e := &Need{Name: name, Rule: Rule{Kind: ByInterpreter}}
	first.Interp = e
	if r.excluded(name) {
		e.Status = Excluded
		return
	}
	d := dir{name: path.Dir(name), root: r.root}
	if !path.IsAbs(name) {
		d.why = dependsOnProcess
	}
	to, why := r.candidate(d, path.Base(name), first)
	if to != nil {
		r.interp = to
		e.Status, e.To = Found, to
		return
	}
	e.Tried = []Place{{Dir: path.Dir(r.root.host(name)), Rule: Rule{Kind: ByInterpreter}, Why: why}}
}
