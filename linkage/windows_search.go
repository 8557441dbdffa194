package linkage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Bits of DependentLoadFlags that allow folders (LoadLibraryExW,
// LOAD_LIBRARY_SEARCH_*). Without any of them, the search is that of the process.
const (
	searchLoadDir  = 0x100
	searchUserDirs = 0x400
	searchDefault  = 0x1000
)

// A windowsSearch looks for one library.
type windowsSearch struct {
	*windows
	oneSearch
}

// search looks where Windows does: into the wheel, then among its own libraries. What the
// wheel has elsewhere comes next, as somebody may have loaded it; what the user names
// comes last.
func (w *windows) search(c *chain, n *Need) {
	s := &windowsSearch{w, oneSearch{w.engine, c, n, n.Tried == nil}}
	if strings.ContainsAny(n.Name, `\/:`) {
		s.vain(path.Dir(strings.ReplaceAll(n.Name, `\`, "/")), Rule{Kind: ByInstallName, Text: n.Name}, "a path, which means another file on every machine")
		return
	}
	if s.beside() || s.inAdded() {
		s.obey()
		return
	}
	if owner := w.owner(c.image, n); owner != NoRule {
		n.Status, n.Rule = System, Rule{Kind: owner}
		return
	}
	if s.elsewhere() {
		return
	}
	for _, dirs := range []struct {
		dirs []string
		rule Rule
	}{{w.opts.SearchPath, Rule{Kind: BySearchPath}}, {w.opts.Windows.AddPath, Rule{Kind: BySearchPath}}, {w.opts.Windows.Path, Rule{Kind: ByLibraryPath, Text: "PATH"}}} {
		for _, name := range dirs.dirs {
			if s.outside(name, dirs.rule) {
				return
			}
		}
	}
}

// beside looks into the folder of what began the load. Delay imports are loaded without
// it: only a program has its own folder searched for them (__delayLoadHelper2 of the
// Visual C++ runtime calls LoadLibraryExA without flags). A library that others load is
// loaded with theirs.
func (s *windowsSearch) beside() bool {
	root := s.from.root
	if s.need.Kind == Delay && s.from.program == nil || s.from.up == nil && s.reached[root] {
		return false
	}
	rule := Rule{Kind: ByFolder, Text: root.Path}
	if root.InWheel {
		return s.inWheel(root.dir(), rule)
	}
	d := dir{name: root.dir(), root: root.root, shown: path.Dir(root.Path), rule: rule}
	to, why := s.candidate(d, s.need.Name, s.from.image)
	return s.take(to, rule) || s.vain(d.shown, rule, why)
}

// inAdded looks into the folders that Python code of the wheel adds, or loads.
func (s *windowsSearch) inAdded() bool {
	members := s.byBase[strings.ToLower(s.need.Name)]
	if len(members) == 0 || !s.spend(s.from.image, len(members)) {
		return false
	}
	added := s.addedDirs()
	for _, f := range members {
		by, ok := added[f.dir()]
		if !ok || s.need.Kind == Delay && !by.Loads {
			continue
		}
		if s.inWheel(f.dir(), Rule{Kind: ByAddedDir, Text: by.By}) {
			return true
		}
	}
	return false
}

// addedDirs returns them by where they are installed.
func (w *windows) addedDirs() map[string]AddedDir {
	if w.added == nil && w.opts.Windows.Added != nil {
		dirs, err := w.opts.Windows.Added()
		w.err = errors.Join(w.err, err)
		w.added = make(map[string]AddedDir, len(dirs))
		for _, a := range dirs {
			w.added[InstallDir(path.Join(a.Dir, "x"))] = a
		}
	}
	return w.added
}

// inWheel looks for a member in a folder of the installed wheel.
func (s *windowsSearch) inWheel(folder string, rule Rule) bool {
	if !s.spend(s.from.image, costLook+(len(folder)+len(s.need.Name))/64) {
		return false
	}
	why := notThere
	if f := s.byFold[strings.ToLower(path.Join(folder, s.need.Name))]; f != nil {
		var to *Image
		if to, why = s.refuses(s.from.image, f); s.take(to, rule) {
			return true
		}
	}
	return s.vain(placeName(folder), rule, why)
}

// obey notes where the flags of the image keep Windows from looking into the folder where
// the library was found.
func (s *windowsSearch) obey() {
	image := s.from.image
	config, err := image.PE().LoadConfig()
	if err != nil || config == nil || config.DependentLoadFlags == 0 || s.need.Kind == Delay {
		return
	}
	allows := searchLoadDir
	if s.need.Rule.Kind == ByAddedDir {
		allows = searchUserDirs | searchDefault
	}
	if config.DependentLoadFlags&uint16(allows) == 0 {
		s.need.Rule = Rule{Kind: ForbiddenByFlags, Text: fmt.Sprintf("%#x", config.DependentLoadFlags), Of: image}
	}
}

// elsewhere takes the member that is called so, whatever its folder: the one that is
// nearest to what began the load, by the folders that both are in.
func (s *windowsSearch) elsewhere() bool {
	members := s.byBase[strings.ToLower(s.need.Name)]
	if !s.spend(s.from.image, len(members)) {
		return false
	}
	var fits []*Image
	for _, f := range members {
		if to, why := s.refuses(s.from.image, f); why == "" && f != s.from.image.File {
			fits = append(fits, to)
		}
	}
	if len(fits) == 0 {
		return false
	}
	near := s.from.root.install
	return s.take(slices.MaxFunc(fits, func(a, b *Image) int { return shared(a.install, near) - shared(b.install, near) }), Rule{Kind: Stranded})
}

// shared counts the leading bytes that two paths have in common.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// outside looks into a folder of this machine. A library that lacks what is imported from
// it is another one of the name.
func (s *windowsSearch) outside(name string, rule Rule) bool {
	root, at := s.place(name)
	d := dir{name: at, root: root, shown: root.host(at), rule: rule}
	to, why := s.candidate(d, s.need.Name, s.from.image)
	if to != nil {
		lacks, err := s.from.image.lacks(s.need, to)
		switch {
		case err != nil:
			to, why = nil, err.Error()
		case len(lacks) > 0:
			to, why = nil, "it does not export "+lacks[0]
		}
	}
	return s.take(to, rule) || s.vain(d.shown, rule, why)
}
