package linkage

import (
	stdelf "debug/elf"
	"path"
	"regexp"
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

// rpathDirs returns the directories that the search paths of a chain of loaders
// add: those before LD_LIBRARY_PATH (DT_RPATH), and those after it (DT_RUNPATH).
// chain holds the file that needs a library, then the file that loaded it, and
// so on.
//
// glibc follows DT_RPATH up the chain, unless the file itself has DT_RUNPATH,
// which serves that file alone (elf/dl-load.c, _dl_map_object). musl makes no
// difference between the two, and searches both after LD_LIBRARY_PATH, up the
// chain (ldso/dynlink.c, load_library).
func (r *resolver) rpathDirs(chain []*Object) (before, after []dir) {
	if r.opts.Libc == Musl {
		for _, o := range chain {
			after = append(after, r.ownPath(o)...)
		}
		return nil, after
	}
	if hasRunPath(chain[0].File) {
		return nil, r.ownPath(chain[0])
	}
	for _, o := range chain {
		if !hasRunPath(o.File) {
			before = append(before, r.ownPath(o)...)
		}
	}
	return before, nil
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
func (r *resolver) plan(chain []*Object) []dir {
	before, after := r.rpathDirs(chain)
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
	if chain[0].File.Dynamic() && !noDefaultLib(chain[0].File) {
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
