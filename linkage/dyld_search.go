package linkage

import (
	"fmt"
	"path"
	"strings"
)

// The variables that dyld expands at the front of a name (dyld(1)).
const (
	rpathVariable      = "@rpath"
	loaderVariable     = "@loader_path"
	executableVariable = "@executable_path"
)

// A dyldSearch looks for one library.
type dyldSearch struct {
	*dyld
	from *chain
	edge *LoadEdge
	note bool // keep the places that were searched in vain
}

// run searches in dyld's order: folders that the user names, by the last element
// of the name, then where the name leads. With the first success it ends. What a
// name finds in the wheel comes first: the folders are those of this machine, and
// whoever installs the wheel does without them.
func (s *dyldSearch) run() {
	s.note = s.edge.Tried == nil
	name := s.edge.Dylib.Name
	if len(s.opts.SearchPath)+len(s.opts.LibraryPath) > 0 && s.own(name) {
		return
	}
	if s.byLeaf(s.opts.SearchPath, "--search-path") || s.byLeaf(s.opts.LibraryPath, "DYLD_LIBRARY_PATH") {
		return
	}
	rest, ok := cutVariable(name, rpathVariable)
	switch {
	case ok:
		s.byRPath(rest)
	case path.IsAbs(name) || strings.HasPrefix(name, "@"):
		s.at(name, s.from.image, "install name "+name)
	default:
		s.vain(Place{Dir: name, Rule: "install name " + name, Why: "it depends on the working directory of the process"})
	}
}

// cutVariable cuts a variable and its slash off a name.
func cutVariable(name, variable string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, variable)
	return strings.TrimPrefix(rest, "/"), ok && (rest == "" || rest[0] == '/')
}

// own looks for a member to which the name leads by @loader_path, its own or that of
// an rpath.
func (s *dyldSearch) own(name string) bool {
	if s.ownAt(name, s.from.image, "install name "+name) {
		return true
	}
	rest, ok := cutVariable(name, rpathVariable)
	for c := s.from; ok && c != nil; c = c.up {
		for _, rpath := range c.image.Slice.RPaths {
			if s.ownAt(rpath+"/"+rest, c.image, rpathRule(rpath, c.image)) {
				return true
			}
		}
	}
	return false
}

// ownAt takes the member at a path that begins with the folder of another one.
func (s *dyldSearch) ownAt(name string, by *Image, rule string) bool {
	rest, ok := cutVariable(name, loaderVariable)
	if !ok || !by.Binary.member {
		return false
	}
	at := path.Join("/", by.Binary.dir, rest)
	b := s.byInstall[strings.TrimPrefix(at, "/")]
	if !by.Binary.InWheel {
		found, _ := s.graph.disk.find(by.Binary.root, at)
		b = s.byHost[found.host]
	}
	if b == nil || !b.member || b.Image(s.from.image.Slice.Arch) == nil {
		return false
	}
	return s.take(b, placeName(b.dir), rule)
}

// rpathRule names a search path and who has it.
func rpathRule(rpath string, by *Image) string {
	return fmt.Sprintf("LC_RPATH %s of %s", rpath, by.describe())
}

// byLeaf looks into folders of this machine.
func (s *dyldSearch) byLeaf(dirs []string, rule string) bool {
	leaf := path.Base(s.edge.Dylib.Name)
	for _, dir := range dirs {
		if root, name := s.place(dir); s.outside(root, path.Join(name, leaf), rule) {
			return true
		}
	}
	return false
}

// place returns the folder of the user within the root, or outside of it.
func (s *dyldSearch) place(dir string) (Root, string) {
	if name, ok := s.root.inside(dir); ok {
		return s.root, name
	}
	name, _ := Root{}.inside(dir)
	return Root{}, name
}

// byRPath goes through the LC_RPATHs of the image and of those that led to it.
func (s *dyldSearch) byRPath(rest string) {
	done := s.tried[s.edge]
	if done == nil {
		done = map[string]bool{}
		s.tried[s.edge] = done
	}
	none := true
	for c := s.from; c != nil; c = c.up {
		for _, rpath := range c.image.Slice.RPaths {
			none = false
			key := c.image.Binary.Path + "\x00" + rpath
			if done[key] {
				continue
			}
			done[key] = true
			s.note = true
			rule := rpathRule(rpath, c.image)
			full := strings.TrimSuffix(rpath, "/") + "/" + rest
			if IsMacSystem(full) && strings.HasPrefix(path.Base(rest), "libswift") {
				s.edge.Status, s.edge.Rule = DylibSystem, rule
				return
			}
			if s.at(full, c.image, rule) {
				return
			}
		}
	}
	if none {
		s.vain(Place{Dir: s.edge.Dylib.Name, Rule: "LC_RPATH", Why: "neither " + s.from.image.describe() + " nor what loads it has one"})
	}
}

// at looks at a path, which may begin with a variable; @loader_path is the folder
// of the image that names it.
func (s *dyldSearch) at(name string, by *Image, rule string) bool {
	if rest, ok := cutVariable(name, loaderVariable); ok {
		if by.Binary.InWheel {
			return s.inWheel(path.Join(by.Binary.dir, rest), rule)
		}
		return s.outside(by.Binary.root, path.Join(by.Binary.dir, rest), rule)
	}
	if rest, ok := cutVariable(name, executableVariable); ok {
		if s.opts.ExecutablePath == "" {
			return s.vain(Place{Dir: name, Rule: rule, Why: "the executable is not known; --executable-path names its folder"})
		}
		root, dir := s.place(s.opts.ExecutablePath)
		return s.outside(root, path.Join(dir, rest), rule)
	}
	if !path.IsAbs(name) {
		return s.vain(Place{Dir: name, Rule: rule, Why: "it depends on the working directory of the process"})
	}
	// A sysroot holds what was built for macOS, the host perhaps the rest.
	if s.outside(s.root, path.Clean(name), rule) || s.root.dir == "" {
		return s.edge.To != nil
	}
	return s.outside(Root{}, path.Clean(name), rule)
}

// inWheel looks for a member by where it is installed.
func (s *dyldSearch) inWheel(at, rule string) bool {
	b, dir := s.byInstall[strings.TrimPrefix(path.Join("/", at), "/")], placeName(path.Dir(at))
	if b == nil {
		return s.vain(Place{Dir: dir, Rule: rule, Why: "not there"})
	}
	return s.take(b, dir, rule)
}

// outside looks for a file of a root.
func (s *dyldSearch) outside(root Root, name, rule string) bool {
	if s.opts.WheelOnly {
		return s.vain(Place{Dir: path.Dir(name), Rule: rule, Why: "outside the wheel"})
	}
	b, why := s.file(root, name)
	if why != "" {
		return s.vain(Place{Dir: path.Dir(root.host(name)), Rule: rule, Why: why})
	}
	return s.take(b, path.Dir(root.host(name)), rule)
}

// take ends the search with a file, if it has the architecture.
func (s *dyldSearch) take(b *Binary, dir, rule string) bool {
	to := b.Image(s.from.image.Slice.Arch)
	if to == nil {
		var archs []string
		for _, i := range b.Images {
			archs = append(archs, i.Slice.Arch.String())
		}
		return s.vain(Place{Dir: dir, Rule: rule, Why: fmt.Sprintf("%s, not %v", strings.Join(archs, " and "), s.from.image.Slice.Arch)})
	}
	s.edge.To, s.edge.Rule = to, rule
	return true
}

// vain notes a place without success, once for each search.
func (s *dyldSearch) vain(p Place) bool {
	if s.note {
		s.edge.Tried = append(s.edge.Tried, p)
	}
	return false
}

// file returns the Mach-O file at a path of a root, or why there is none. There is
// one Binary for each file: dyld compares device and inode.
func (d *dyld) file(root Root, name string) (*Binary, string) {
	found, why := d.graph.disk.find(root, name)
	if why != "" {
		return nil, why
	}
	if b, ok := d.byHost[found.host]; ok {
		return b, ""
	}
	b := newBinary(found.host, found.file)
	b.real, b.dir, b.root = found.real, path.Dir(found.real), root
	d.byHost[found.host] = b
	d.graph.System = append(d.graph.System, b)
	return b, ""
}
