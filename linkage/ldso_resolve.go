package linkage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
)

// Options describes the system that the libraries come from. The zero value is
// this machine's own glibc system.
type Options struct {
	Libc        string   // Glibc or Musl: whose rules apply; "" means Glibc, and to Loader what the file tells
	Sysroot     string   // directory that stands for / of the target; "" means the host
	SearchPath  []string // searched before the system's directories
	LDPaths     []string // replace the loader's default directories, when UseLDPaths
	UseLDPaths  bool
	LibraryPath []string // LD_LIBRARY_PATH
	Exclude     []string // patterns of sonames or resolved paths that are left out, see MatchPattern

	// Add has libraries of this machine, by path, that nothing needs by name: they are
	// opened at run time. A path within the sysroot keeps to it. [Resolve] reads them.
	Add []string

	// Promised tells whether the system that the wheel is for has a library of a
	// name: a library of the wheel to which nothing leads does not stand for it.
	// nil means no.
	Promised func(name string) bool

	// WheelOnly has [Resolve] look at nothing outside the wheel, wherever a search
	// path leads, so that the answer is the same on every machine.
	WheelOnly bool

	// HWCaps are the glibc-hwcaps subdirectories that [Loader] searches, best
	// first: see [HWCaps]. They count for files of x86_64 and without a sysroot
	// alone. The libraries of a wheel are never sought there: those need a newer
	// processor than the tag promises.
	HWCaps []string
}

// A Member is one file of the wheel, which has been read.
type Member struct {
	Name    string
	Content Content
}

// elf returns what an ELF file is to its own package.
func (m *Member) elf() *elf.File { return m.Content.(*elf.File) }

// Resolve finds the libraries that the members of a wheel load, directly and
// through others. A library that is not found is an [Need] with status Missing,
// not an error; errors concern the options and the system.
func Resolve(ctx context.Context, members []Member, opts Options) (*Graph, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	if err := checkMembers(members); err != nil {
		return nil, err
	}
	r := newResolver(members, root, opts)
	r.reach(members)
	reached := map[*Image]bool{}
	for _, o := range r.order() {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, r.graph.Close())
		}
		if !reached[o] {
			r.graph.Roots = append(r.graph.Roots, o)
		}
		for loaded := range r.load(o) {
			reached[loaded] = true
		}
	}
	r.addLibraries()
	if err := r.failure(); err != nil {
		return nil, errors.Join(err, r.graph.Close())
	}
	for _, o := range Images(r.graph.Members, r.graph.System) {
		o.index()
	}
	slices.SortFunc(r.graph.System, func(a, b *File) int { return cmp.Compare(a.Path, b.Path) })
	return r.graph, nil
}

// failure returns what makes the answer worthless.
func (r *resolver) failure() error { return errors.Join(r.err, r.work.Err(), r.disk.err) }

// spend takes units of the budget for a file. It reports whether there were any.
func (r *resolver) spend(o *Image, units int) bool { return r.work.Spend(o.Path, units) == nil }

// addLibraries loads the libraries that nothing needs by name.
func (r *resolver) addLibraries() {
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

// A resolver holds what one call of Resolve knows.
type resolver struct {
	opts        Options
	rules       rules
	root        Root
	graph       *Graph
	byInstall   map[string]*Image       // members by where they are installed
	bySoname    map[string][]*Image     // members by soname and by base name
	reached     map[string][]*Image     // members by the names that they are loaded by, see reach
	isReached   map[reachedAs]bool      // the same
	ledOnly     bool                    // nothing is found by its name alone
	byPath      map[string]*Image       // files outside the wheel by path on this machine
	byStat      map[fileStat][]*Image   // the same by what hard links share
	paths       map[*Image][]dir        // search path of each file
	loadPaths   map[pathKey]*loadPath   // each once
	extended    map[extension]*loadPath // see extend
	versions    map[*Image]*versionSets // see nearest
	same        map[[2]*elf.File]bool   // see sameELF
	disk        *disk                   // what has been seen of the system
	vain        map[vainSearch]bool     // where a library is not
	noted       int                     // places in vain that edges have
	work        *budget.Budget
	asTheyLie   bool     // files of a file system, not of a wheel
	interp      *Image   // the loader itself, for a program of the file system
	hwcaps      []string // glibc-hwcaps subdirectories, best first
	searchPath  []dir
	libraryPath []dir
	defaults    []dir
	err         error
}

// emptyResolver returns a resolver that knows no member yet.
func emptyResolver(root Root, d *disk, opts Options) *resolver {
	return &resolver{
		opts: opts, rules: rulesOf(opts.Libc), root: root, disk: d, graph: &Graph{Libc: cmp.Or(opts.Libc, Glibc), disk: d},
		byInstall: map[string]*Image{}, bySoname: map[string][]*Image{}, reached: map[string][]*Image{},
		byPath: map[string]*Image{}, byStat: map[fileStat][]*Image{}, paths: map[*Image][]dir{}, vain: map[vainSearch]bool{},
		loadPaths: map[pathKey]*loadPath{}, extended: map[extension]*loadPath{}, isReached: map[reachedAs]bool{},
		versions: map[*Image]*versionSets{}, same: map[[2]*elf.File]bool{}, work: newWork(),
	}
}

// newResolver returns a resolver that knows the members and has loaded none.
func newResolver(members []Member, root Root, opts Options) *resolver {
	disk := newDisk(true)
	disk.closed = opts.WheelOnly
	r := emptyResolver(root, disk, opts)
	arch := ""
	for _, m := range members {
		o := newELF(&File{Path: m.Name, InWheel: true, install: installPath(m.Name)}, m.elf())
		r.graph.Members = append(r.graph.Members, o.File)
		r.byInstall[o.install] = o
		r.addSoname(path.Base(m.Name), o)
		if soname := m.elf().Soname(); soname != path.Base(m.Name) {
			r.addSoname(soname, o)
		}
		if arch == "" {
			arch, _ = m.elf().Arch()
		}
	}
	r.setPaths(r.defaultPath(arch))
	return r
}

func (r *resolver) addSoname(name string, o *Image) {
	if name != "" {
		r.bySoname[name] = append(r.bySoname[name], o)
	}
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
