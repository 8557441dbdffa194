package linkage

import (
	"path"

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

// same reports whether two directories are the same one.
func (d dir) same(other dir) bool {
	return d.name == other.name && d.inWheel == other.inWheel && d.root == other.root
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
