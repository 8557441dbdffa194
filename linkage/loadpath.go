package linkage

import (
	stdelf "debug/elf"
	"regexp"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

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
			d.rule, d.entry, d.of = tag+" "+entry+" of "+o.Path, entry, o
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
