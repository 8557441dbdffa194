package linkage

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
)

// A loadPath holds the directories that a file and its loaders hand on to what
// is loaded through them. The file's own come first.
//
// glibc follows DT_RPATH up the chain of loaders, unless the file itself has
// DT_RUNPATH, which serves that file alone (elf/dl-load.c, _dl_map_object). musl
// makes no difference between the two, and follows both up the chain
// (ldso/dynlink.c, load_library).
type loadPath struct{ dirs []dir }

// A pathKey stands for the directories of a load path: their SHA-256.
type pathKey [sha256.Size]byte

// An extension is a file that is loaded with a load path.
type extension struct {
	path *loadPath
	file *Image
}

// noPath returns the load path of a process that has loaded nothing.
func (r *resolver) noPath() *loadPath { return r.intern(nil) }

// intern returns the one load path with these directories.
func (r *resolver) intern(dirs []dir) *loadPath {
	hash := sha256.New()
	for _, d := range dirs {
		fmt.Fprintf(hash, "%q %q ", d.root.dir, d.name)
	}
	key := pathKey(hash.Sum(nil))
	p, ok := r.loadPaths[key]
	if !ok {
		p = &loadPath{dirs}
		r.loadPaths[key] = p
	}
	return p
}

// extend returns the load path of a file that was loaded with path p.
func (r *resolver) extend(p *loadPath, o *Image) *loadPath {
	if !r.rules.handsOn(o.ELF()) {
		return p
	}
	own := r.ownPath(o)
	if len(own) == 0 {
		return p
	}
	as := extension{p, o}
	if known, ok := r.extended[as]; ok {
		return known
	}
	if !r.spend(o, costKeep*(len(own)+len(p.dirs))) {
		return p
	}
	dirs := distinct(slices.Concat(own, p.dirs))
	if err := budget.Check(o.Path, "directories in its search path and those of the files that load it", len(dirs), maxPathEntries); err != nil {
		r.err = errors.Join(r.err, err)
	}
	r.extended[as] = r.intern(dirs)
	return r.extended[as]
}

// distinct keeps the first of several entries for a directory.
func distinct(dirs []dir) []dir {
	type key struct {
		name    string
		inWheel bool
		root    Root
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(dirs, func(d dir) bool {
		k := key{d.name, d.inWheel, d.root}
		twice := seen[k]
		seen[k] = true
		return twice
	})
}

// rpathDirs returns the directories that search paths add for a file: those
// before LD_LIBRARY_PATH (DT_RPATH of glibc), and those after it.
func (r *resolver) rpathDirs(c *chain) (before, after []dir) {
	switch {
	case !r.rules.handsOn(c.image.ELF()):
		return nil, r.ownPath(c.image)
	case r.rules.pathFirst():
		return c.path.dirs, nil
	}
	return nil, c.path.dirs
}

// ownPath returns the directories of the file's own search path: DT_RUNPATH if
// it has one, else DT_RPATH.
func (r *resolver) ownPath(o *Image) []dir {
	if dirs, ok := r.paths[o]; ok {
		return dirs
	}
	kind, text := r.rules.ownPath(o.ELF())
	var dirs []dir
	for entry := range strings.SplitSeq(text, ":") {
		if !r.spend(o, costKeep+(len(entry)+len(o.Path))/4) {
			break
		}
		for _, d := range r.expand(entry, o) {
			d.rule, d.entry, d.of = Rule{Kind: kind, Text: entry, Of: o}, entry, o
			dirs = append(dirs, d)
		}
	}
	r.paths[o] = distinct(dirs)
	return r.paths[o]
}
