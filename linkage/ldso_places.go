package linkage

import (
	"errors"
	"path"
	"strings"
)

// A dir is one directory of a search.
type dir struct {
	name    string // within the wheel: relative to the prefix; else within the root
	inWheel bool
	root    Root
	rule    Rule
	shown   string // as messages name it
	why     string // nothing can be looked for there, "" if it can
	listed  bool   // in ld.so.conf or musl's path file
	system  bool   // one of the loader's own directories
	entry   string // of the search path of a file
	of      *Image
}

// same reports whether two directories are the same one.
func (d dir) same(other dir) bool {
	return d.name == other.name && d.inWheel == other.inWheel && d.root == other.root
}

// userDirs turns directories that the user named into places to search. Those
// within the sysroot keep to it; others are the host's.
func (r *resolver) userDirs(names []string, rule Rule) []dir {
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

// ldLibraryPath is the rule of the folders of that variable.
var ldLibraryPath = Rule{Kind: ByLibraryPath, Text: "LD_LIBRARY_PATH"}

// setPaths sets what the user and the system add to every search.
func (r *resolver) setPaths(defaults []dir) {
	r.searchPath = r.userDirs(r.opts.SearchPath, Rule{Kind: BySearchPath})
	if counts, _ := r.rules.environment(); counts {
		r.libraryPath = r.userDirs(r.opts.LibraryPath, ldLibraryPath)
	}
	r.defaults = defaults
}

// environmentDirs returns the directories of LD_LIBRARY_PATH as the process of
// a file has them: spelled as they are, and with glibc's tokens, whose $ORIGIN is
// that of the file (elf/dl-load.c, _dl_init_paths). musl knows no tokens there.
func (r *resolver) environmentDirs(first *Image) []dir {
	var dirs []dir
	counts, tokens := r.rules.environment()
	if !counts {
		return nil
	}
	for _, entry := range r.opts.LibraryPath {
		var own []dir
		if tokens && strings.Contains(entry, "$") {
			own = r.expand(entry, first)
		} else if d, ok := r.dirOf(entry, false, first); ok && r.root == (Root{}) {
			own = []dir{d}
		} else {
			own = r.userDirs([]string{entry}, Rule{})
		}
		for _, d := range own {
			d.rule = ldLibraryPath
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// defaultPath returns the loader's own directories.
func (r *resolver) defaultPath(arch string) []dir {
	switch {
	case r.opts.WheelOnly:
		return nil
	case r.opts.UseLDPaths:
		dirs := r.userDirs(r.opts.LDPaths, Rule{Kind: ByLDPaths})
		for i := range dirs {
			dirs[i].system = true
		}
		return dirs
	}
	defaults, err := r.rules.systemDirs(r.root, arch)
	r.err = errors.Join(r.err, err)
	var dirs []dir
	for _, s := range defaults {
		d := dir{name: s.dir, root: r.root, system: true, rule: Rule{Kind: ByDefault}, shown: r.root.host(s.dir)}
		if s.conf != "" {
			d.rule, d.listed = Rule{Kind: ByConfig, Text: r.root.host(s.conf)}, true
		}
		dirs = append(dirs, d)
	}
	return dirs
}

// plan lists the places where a library is sought, in order.
func (r *resolver) plan(c *chain) []dir {
	before, after := r.rpathDirs(c)
	r.spend(c.image, costLook*(len(before)+len(after)))
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
	rest = r.eachWithCaps(rest)
	for _, d := range r.defaults {
		if !r.rules.withholds(c.image.ELF(), d) {
			rest = append(rest, d)
		}
	}
	for i := range rest {
		rest[i].why = r.disk.whyNoFolder(rest[i].root, rest[i].name)
	}
	return append(own, rest...)
}
