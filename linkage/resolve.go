package linkage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/wheelmend/wheelmend/elf"
)

// Options describes the system that the libraries come from. The zero value is
// this machine's own glibc system.
type Options struct {
	Libc        string   // Glibc or Musl: whose rules apply; "" means Glibc
	Sysroot     string   // directory that stands for / of the target; "" means the host
	SearchPath  []string // searched before the system's directories
	LDPaths     []string // replace the loader's default directories, when UseLDPaths
	UseLDPaths  bool
	LibraryPath []string // LD_LIBRARY_PATH
	Exclude     []string // patterns (path.Match) of sonames or resolved paths that are left out
}

// A Member is one ELF file of the wheel.
type Member struct {
	Name string
	File *elf.File
}

// Resolve finds the libraries that the members of a wheel load, directly and
// through others. A library that is not found is an [Edge] with status Missing,
// not an error; errors concern the options and the system.
func Resolve(ctx context.Context, members []Member, opts Options) (*Graph, error) {
	r, err := newResolver(members, opts)
	if err != nil {
		return nil, err
	}
	for _, o := range r.order() {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, r.graph.Close())
		}
		r.load(o)
	}
	if r.err != nil {
		return nil, errors.Join(r.err, r.graph.Close())
	}
	slices.SortFunc(r.graph.System, func(a, b *Object) int { return cmp.Compare(a.Path, b.Path) })
	return r.graph, nil
}

// A resolver holds what one call of Resolve knows.
type resolver struct {
	opts        Options
	root        Root
	graph       *Graph
	byInstall   map[string]*Object        // members by where they are installed
	bySoname    map[string][]*Object      // members by soname and by base name
	byPath      map[string]*Object        // system libraries by path on this machine
	paths       map[*Object][]dir         // search path of each file
	lookups     map[string]lookup         // by path within the root of the system
	vain        map[*Edge]map[string]bool // load paths, by key, on which a library is not
	searchPath  []dir
	libraryPath []dir
	defaults    []dir
	err         error
}

// A lookup is what lies at a path of the system: a library, or why there is none.
type lookup struct {
	library *Object
	why     string
}

func newResolver(members []Member, opts Options) (*resolver, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	for _, pattern := range opts.Exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("exclude pattern %q: %w", pattern, err)
		}
	}
	r := &resolver{
		opts: opts, root: root, graph: &Graph{},
		byInstall: map[string]*Object{}, bySoname: map[string][]*Object{},
		byPath: map[string]*Object{}, paths: map[*Object][]dir{}, lookups: map[string]lookup{}, vain: map[*Edge]map[string]bool{},
	}
	arch := ""
	for _, m := range members {
		o := &Object{Path: m.Name, InWheel: true, File: m.File, install: installPath(m.Name)}
		r.graph.Members = append(r.graph.Members, o)
		r.byInstall[o.install] = o
		r.addSoname(path.Base(m.Name), o)
		if soname := m.File.Soname(); soname != path.Base(m.Name) {
			r.addSoname(soname, o)
		}
		if arch == "" {
			arch, _ = m.File.Arch()
		}
	}
	r.searchPath = r.userDirs(opts.SearchPath, "--search-path")
	r.libraryPath = r.userDirs(opts.LibraryPath, "LD_LIBRARY_PATH")
	r.defaults = r.defaultPath(arch)
	return r, nil
}

func (r *resolver) defaultPath(arch string) []dir {
	if r.opts.UseLDPaths {
		return r.userDirs(r.opts.LDPaths, "--ldpaths")
	}
	var dirs []dir
	for _, name := range defaultDirs(r.root, r.opts.Libc, arch) {
		dirs = append(dirs, dir{name: name, root: r.root, rule: "default directory", shown: r.root.host(name)})
	}
	return dirs
}

func (r *resolver) addSoname(name string, o *Object) {
	if name != "" {
		r.bySoname[name] = append(r.bySoname[name], o)
	}
}

// order returns the members as Python would load them: extension modules
// first, then what no other file has loaded. Members are never loaded twice.
func (r *resolver) order() []*Object {
	var modules, others []*Object
	for _, o := range r.graph.Members {
		kind, err := o.File.Extension(path.Base(o.Path))
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

// A request is one file of a load in progress.
type request struct {
	file *Object
	path *loadPath // of the file and of those that led to it
	dirs []dir     // where its libraries are sought; made for the first of them
}

// load walks breadth first, as ld.so loads a file and all that it needs. What
// has been loaded under a name is reused for that name (ld.so(8)).
func (r *resolver) load(first *Object) {
	loaded := map[string]*Object{}
	r.loadedAs(loaded, first)
	seen := map[*Object]bool{first: true}
	queue := []*request{{file: first, path: r.extend(&loadPath{}, first)}}
	for len(queue) > 0 {
		q := queue[0]
		queue = queue[1:]
		for i, needed := range q.file.File.Needed() {
			to := r.follow(r.edge(q.file, i, needed), loaded, q)
			if to == nil {
				continue
			}
			loaded[needed] = to
			r.loadedAs(loaded, to)
			if !seen[to] {
				seen[to] = true
				queue = append(queue, &request{file: to, path: r.extend(q.path, to)})
			}
		}
	}
}

// loadedAs notes that a file answers to its soname from now on. To musl a
// library has no name but the one that it was asked for by (ldso/dynlink.c,
// load_library, shortname).
func (r *resolver) loadedAs(loaded map[string]*Object, o *Object) {
	if soname := o.File.Soname(); soname != "" && loaded[soname] == nil && r.opts.Libc != Musl {
		loaded[soname] = o
	}
}

// edge returns edge i of o, made when o is loaded for the first time.
func (r *resolver) edge(o *Object, i int, needed string) *Edge {
	if i == len(o.Edges) {
		o.Edges = append(o.Edges, &Edge{Needed: needed})
	}
	return o.Edges[i]
}

// libpython matches the library that embeds Python, of any build (m, d, t) and
// with the stable ABI. Extension modules find its symbols in the program that
// loads them (PEP 513).
var libpython = regexp.MustCompile(`^libpython\d+(\.\d+[a-z]*)?\.so(\.\d+)*$`)

// follow resolves an edge within one load. The first load that finds a file
// decides the edge: a file can only be rewritten once.
func (r *resolver) follow(e *Edge, loaded map[string]*Object, q *request) *Object {
	switch {
	case e.Status == Found:
		return e.To
	case e.Status == Excluded || e.Status == LibPython:
		return nil
	case r.excluded(e.Needed):
		e.Status = Excluded
		return nil
	case libpython.MatchString(e.Needed):
		e.Status = LibPython
		return nil
	}
	if to := loaded[e.Needed]; to != nil {
		e.Status, e.To, e.Rule = Found, to, "already loaded"
		return to
	}
	to, rule := r.search(e, q)
	if to == nil {
		return nil
	}
	e.To, e.Rule, e.Tried = to, rule, nil
	if !to.InWheel && (r.excluded(to.Path) || r.excluded(to.real)) {
		e.Status = Excluded
		return nil
	}
	e.Status = Found
	return to
}

// excluded matches a soname, or the path of a resolved library, against the
// exclude patterns. As in the shell's fnmatch, * reaches across slashes there.
func (r *resolver) excluded(name string) bool {
	for _, pattern := range r.opts.Exclude {
		if MatchPattern(pattern, name) {
			return true
		}
	}
	return false
}

// search looks for the library of an edge in every place where the file of q
// seeks its libraries. A search in vain is noted in the edge.
func (r *resolver) search(e *Edge, q *request) (to *Object, rule string) {
	from := q.file
	if strings.Contains(e.Needed, "/") {
		return r.searchPathName(e, from)
	}
	if r.vain[e][q.path.key] {
		return nil, "" // an earlier load has looked there
	}
	if q.dirs == nil {
		q.dirs = r.plan(q)
	}
	wheelDirs := 0
	for wheelDirs < len(q.dirs) && q.dirs[wheelDirs].inWheel {
		wheelDirs++
	}
	if to, rule = r.searchDirs(e.Needed, q.dirs[:wheelDirs], from); to != nil {
		return to, rule
	}
	if to = r.bySonameInWheel(e.Needed, from); to != nil {
		return to, ByName
	}
	if to, rule = r.searchDirs(e.Needed, q.dirs[wheelDirs:], from); to != nil {
		return to, rule
	}
	r.note(e, e.Needed, q.dirs, from)
	if r.vain[e] == nil {
		r.vain[e] = map[string]bool{}
	}
	r.vain[e][q.path.key] = true
	return nil, ""
}

func (r *resolver) searchDirs(needed string, dirs []dir, from *Object) (to *Object, rule string) {
	for _, d := range dirs {
		if to, _ := r.candidate(d, needed, from); to != nil {
			return to, d.rule
		}
	}
	return nil, ""
}

// note records where a library was sought in vain, the first time that it was.
func (r *resolver) note(e *Edge, name string, dirs []dir, from *Object) {
	if e.Tried != nil {
		return
	}
	for _, d := range dirs {
		_, why := r.candidate(d, name, from)
		e.Tried = append(e.Tried, Place{Dir: d.shown, Rule: d.rule, Why: why})
	}
}

// needsPath is the rule of a DT_NEEDED with a slash.
const needsPath = "DT_NEEDED with a path"

// searchPathName resolves a DT_NEEDED that is a path: it is opened as it is.
func (r *resolver) searchPathName(e *Edge, from *Object) (to *Object, rule string) {
	dirs := r.expand(path.Dir(e.Needed), from)
	for i := range dirs {
		dirs[i].rule = needsPath
	}
	if len(dirs) == 0 {
		e.Tried = []Place{{Dir: path.Dir(e.Needed), Rule: needsPath, Why: "it depends on the working directory of the process"}}
	}
	if to, rule = r.searchDirs(path.Base(e.Needed), dirs, from); to == nil {
		r.note(e, path.Base(e.Needed), dirs, from)
	}
	return to, rule
}

// bySonameInWheel finds a member by soname or base name. Of several, one in the
// same directory goes first, then the first in the order of the wheel.
func (r *resolver) bySonameInWheel(needed string, from *Object) *Object {
	var best *Object
	for _, o := range r.bySoname[needed] {
		if o == from || !from.File.SameTarget(&o.File.Header) {
			continue
		}
		if path.Dir(o.install) == path.Dir(from.install) {
			return o
		}
		if best == nil {
			best = o
		}
	}
	return best
}

// candidate looks for a library in one directory. Without one, it says why.
func (r *resolver) candidate(d dir, name string, from *Object) (*Object, string) {
	if d.inWheel {
		o := r.byInstall[path.Join(d.name, name)]
		if o == nil {
			return nil, "not there"
		}
		return r.accept(o, from)
	}
	l := r.lookup(d.root, d.name+"/"+name)
	if l.library == nil {
		return nil, l.why
	}
	return r.accept(l.library, from)
}

// lookup returns what lies at a path of the system. Each path is looked at once.
func (r *resolver) lookup(root Root, name string) lookup {
	key := root.dir + "\x00" + name
	l, ok := r.lookups[key]
	if ok {
		return l
	}
	real, err := root.resolve(name)
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		l.why = "not there"
	case errors.As(err, &pathErr):
		l.why = pathErr.Err.Error()
	case err != nil:
		l.why = err.Error()
	default:
		l.library, l.why = r.system(root, real)
	}
	r.lookups[key] = l
	return l
}

// accept passes over a library of another class or machine, as ld.so does.
func (r *resolver) accept(o, from *Object) (*Object, string) {
	if !from.File.SameTarget(&o.File.Header) {
		return nil, fmt.Sprintf("%s, not %s", archName(o.File), archName(from.File))
	}
	return o, ""
}

func archName(f *elf.File) string {
	if arch, _ := f.Arch(); arch != "" {
		return arch
	}
	return f.Machine.String()
}

// system opens a library of the system, once.
func (r *resolver) system(root Root, real string) (*Object, string) {
	host := root.host(real)
	if o, ok := r.byPath[host]; ok {
		return o, ""
	}
	info, err := os.Stat(host)
	if err != nil {
		return nil, errors.Unwrap(err).Error()
	}
	if !info.Mode().IsRegular() {
		return nil, "not a regular file"
	}
	file, err := os.Open(host)
	if err != nil {
		return nil, errors.Unwrap(err).Error()
	}
	image, err := elf.NewFile(file, info.Size())
	if err == nil && !image.Dynamic() {
		err = errors.New("not a shared library")
	}
	if err != nil {
		file.Close()
		if errors.Is(err, elf.ErrNotELF) {
			return nil, "not ELF (a linker script?)"
		}
		return nil, err.Error()
	}
	o := &Object{Path: host, File: image, real: real, root: root}
	r.byPath[host] = o
	r.graph.System = append(r.graph.System, o)
	r.graph.files = append(r.graph.files, file)
	return o, ""
}
