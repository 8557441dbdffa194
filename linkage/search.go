package linkage

import (
	stdelf "debug/elf"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// A dir is one directory of a search.
type dir struct {
	name    string // within the wheel: relative to the prefix; else within the root
	inWheel bool
	root    Root
	rule    string
	shown   string // as messages name it
}

// A loadPath holds the directories that a file and its loaders hand on to what
// is loaded through them. The file's own come first.
//
// glibc follows DT_RPATH up the chain of loaders, unless the file itself has
// DT_RUNPATH, which serves that file alone (elf/dl-load.c, _dl_map_object). musl
// makes no difference between the two, and follows both up the chain
// (ldso/dynlink.c, load_library).
type loadPath struct {
	dirs []dir
	key  string // names the directories
}

// extend returns the load path of a file that was loaded with path p.
func (r *resolver) extend(p *loadPath, o *Object) *loadPath {
	if r.opts.Libc != Musl && hasRunPath(o.File) {
		return p
	}
	own := r.ownPath(o)
	if len(own) == 0 {
		return p
	}
	longer := &loadPath{dirs: slices.Clone(own)}
	for _, d := range p.dirs {
		if !slices.ContainsFunc(own, d.same) {
			longer.dirs = append(longer.dirs, d)
		}
	}
	var key strings.Builder
	for _, d := range longer.dirs {
		key.WriteString(d.root.dir + "\x00" + d.name + "\x00")
	}
	longer.key = key.String()
	return longer
}

// same reports whether two directories are the same one.
func (d dir) same(other dir) bool {
	return d.name == other.name && d.inWheel == other.inWheel && d.root == other.root
}

// rpathDirs returns the directories that search paths add for a file: those
// before LD_LIBRARY_PATH (DT_RPATH of glibc), and those after it.
func (r *resolver) rpathDirs(q *request) (before, after []dir) {
	switch {
	case r.opts.Libc == Musl:
		return nil, q.path.dirs
	case hasRunPath(q.file.File):
		return nil, r.ownPath(q.file)
	}
	return q.path.dirs, nil
}

// ownPath returns the directories of the file's own search path: DT_RUNPATH if
// it has one, else DT_RPATH.
func (r *resolver) ownPath(o *Object) []dir {
	if dirs, ok := r.paths[o]; ok {
		return dirs
	}
	tag, text := "DT_RPATH", o.File.RPath()
	if hasRunPath(o.File) {
		tag, text = "DT_RUNPATH", o.File.RunPath()
	}
	if r.opts.Libc == Musl && strings.Contains(muslTokens.ReplaceAllString(text, ""), "$") {
		text = "" // musl drops the whole path then (ldso/dynlink.c, fixup_rpath)
	}
	var dirs []dir
	for _, entry := range strings.Split(text, ":") {
		for _, d := range r.expand(entry, o) {
			d.rule = tag + " " + entry + " of " + o.Path
			dirs = append(dirs, d)
		}
	}
	r.paths[o] = dirs
	return dirs
}

// hasRunPath reports whether the file has a DT_RUNPATH. An empty one hides
// DT_RPATH too (elf/dl-load.c, decompose_rpath).
func hasRunPath(f *elf.File) bool {
	_, ok := f.DynValue(stdelf.DT_RUNPATH)
	return ok
}

// muslTokens matches the only string token that musl knows.
var muslTokens = regexp.MustCompile(`\$(\{ORIGIN\}|ORIGIN)`)

// tokens matches the dynamic string tokens of ld.so(8).
var tokens = regexp.MustCompile(`\$(\{(ORIGIN|LIB|PLATFORM)\}|ORIGIN\b|LIB\b|PLATFORM\b)`)

// expand replaces the tokens of one search path entry. An entry that is empty
// or relative depends on the working directory of whoever runs Python, so it
// leads nowhere.
func (r *resolver) expand(entry string, o *Object) []dir {
	var dirs []dir
	arch, _ := o.File.Arch()
	libs := []string{""}
	if strings.Contains(entry, "$LIB") || strings.Contains(entry, "${LIB}") {
		libs = libTokens(arch)
	}
	for _, lib := range libs {
		inWheel := false
		text := tokens.ReplaceAllStringFunc(entry, func(token string) string {
			switch strings.Trim(token, "${}") {
			case "LIB":
				return lib
			case "PLATFORM":
				return platformToken(arch)
			}
			inWheel = o.InWheel
			return o.origin()
		})
		if d, ok := r.dirOf(text, inWheel, o); ok {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// origin returns what $ORIGIN stands for.
func (o *Object) origin() string {
	if o.InWheel {
		return "/" + path.Dir(o.install)
	}
	return path.Dir(o.real)
}

func (r *resolver) dirOf(text string, inWheel bool, o *Object) (dir, bool) {
	if !path.IsAbs(text) {
		return dir{}, false
	}
	if inWheel {
		name := packagesDir.ReplaceAllString(strings.TrimPrefix(path.Clean(text), "/"), sitePackages+"$5")
		return dir{name: name, inWheel: true, shown: strings.TrimPrefix(name, sitePackages+"/")}, true
	}
	root := r.root
	if !o.InWheel {
		root = o.root
	}
	// Not cleaned: a ".." behind a symbolic link leads elsewhere.
	return dir{name: text, root: root, shown: root.host(path.Clean(text))}, true
}

// userDirs turns directories that the user named into places to search. Those
// within the sysroot keep to it; others are the host's.
func (r *resolver) userDirs(names []string, rule string) []dir {
	var dirs []dir
	for _, name := range names {
		if name == "" {
			continue
		}
		root := r.root
		inside, ok := root.inside(name)
		if !ok {
			root = Root{}
			inside, ok = root.inside(name)
		}
		if ok {
			dirs = append(dirs, dir{name: path.Clean("/" + inside), root: root, rule: rule, shown: name})
		}
	}
	return dirs
}

// plan lists the places where a library is sought, in order.
func (r *resolver) plan(q *request) []dir {
	before, after := r.rpathDirs(q)
	var own, rest []dir
	for _, d := range append(append([]dir(nil), before...), after...) {
		if d.inWheel {
			own = append(own, d)
		}
	}
	add := func(dirs []dir) {
		for _, d := range dirs {
			if !d.inWheel {
				rest = append(rest, d)
			}
		}
	}
	add(r.searchPath)
	add(before)
	add(r.libraryPath)
	add(after)
	if !noDefaultLib(q.file.File) {
		add(r.defaults)
	}
	return append(own, rest...)
}

// noDefaultLib reports DF_1_NODEFLIB: the file does not want the loader's own
// directories.
func noDefaultLib(f *elf.File) bool {
	const flags1, noDefLib = 0x6ffffffb, 0x800
	v, _ := f.DynValue(flags1)
	return v&noDefLib != 0
}
