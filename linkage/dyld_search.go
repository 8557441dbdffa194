package linkage

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/macho"
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
	edge *Need
	note bool // keep the places that were searched in vain
}

// run searches in dyld's order: folders that the user names, by the last element
// of the name, then where the name leads. With the first success it ends. What a
// name finds in the wheel comes first: the folders are those of this machine, and
// whoever installs the wheel does without them.
func (s *dyldSearch) run() {
	s.note = s.edge.Tried == nil
	name := s.edge.Name
	if len(s.opts.SearchPath)+len(s.opts.LibraryPath) > 0 && s.own(name) {
		return
	}
	if s.byLeaf(s.opts.SearchPath, Rule{Kind: BySearchPath}) || s.byLeaf(s.opts.LibraryPath, Rule{Kind: ByLibraryPath, Text: "DYLD_LIBRARY_PATH"}) {
		return
	}
	rest, ok := cutVariable(name, rpathVariable)
	switch {
	case ok:
		s.byRPath(rest)
	case path.IsAbs(name) || strings.HasPrefix(name, "@"):
		s.at(name, s.from.image, Rule{Kind: ByInstallName, Text: name})
	default:
		s.vain(Place{Dir: name, Rule: Rule{Kind: ByInstallName, Text: name}, Why: "it depends on the working directory of the process"})
	}
}

// fallback looks into the folders where dyld looks at last, by the last element of
// a name, or the framework in it. Without the variable dyld does so for files built
// before the SDK of macOS 13 (PathOverrides::forEachDylibFallback, sdkOnOrAfter2022).
// A name without a place of its own says nothing but that the linker found the file
// there, whatever the SDK; another one keeps to the rule, and to what is a file.
func (s *dyldSearch) fallback() {
	name := s.edge.Name
	for _, dir := range s.opts.Fallback {
		if s.byLeaf([]string{dir}, Rule{Kind: ByFallback, Text: dir}) {
			return
		}
	}
	placed := strings.HasPrefix(name, loaderVariable) || strings.HasPrefix(name, executableVariable) || path.IsAbs(name)
	if leaf(name) == "" || placed && s.from.image.Slice().SDK >= macho.MakeVersion(13, 0, 0) {
		return
	}
	dir, part := "/usr/local/lib", path.Base(name)
	if framework := frameworkPart(name); framework != "" {
		dir, part = "/Library/Frameworks", framework
	}
	if !s.opts.WheelOnly && s.opts.Fallback == nil && s.outside(s.root, path.Join(dir, part), Rule{Kind: ByFallback, Text: dir}) || placed {
		return
	}
	if full, ok := systemPath("/usr/lib/" + part); ok && !s.tries(name) {
		s.edge.Status, s.edge.Rule, s.edge.SystemName, s.edge.Tried = System, Rule{Kind: ByFallback, Text: "/usr/lib"}, full, nil
	}
}

// tries reports whether the name of a library led to places, all in vain.
func (s *dyldSearch) tries(name string) bool {
	return strings.HasPrefix(name, rpathVariable) && len(s.tried[s.edge]) > 0
}

// cutVariable cuts a variable and its slash off a name.
func cutVariable(name, variable string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, variable)
	return strings.TrimPrefix(rest, "/"), ok && (rest == "" || rest[0] == '/')
}

// own looks for a member to which the name leads by @loader_path, its own or that of
// an rpath.
func (s *dyldSearch) own(name string) bool {
	if s.ownAt(name, s.from.image, Rule{Kind: ByInstallName, Text: name}) {
		return true
	}
	rest, ok := cutVariable(name, rpathVariable)
	for c := s.from; ok && c != nil; c = c.up {
		for _, rpath := range c.image.Slice().RPaths {
			if !s.spend(s.from.image, costLook+(len(rpath)+len(rest))/64) {
				return false
			}
			if s.ownAt(rpath+"/"+rest, c.image, rpathRule(rpath, c.image)) {
				return true
			}
		}
	}
	return false
}

// ownAt takes the member at a path that begins with the folder of another one.
func (s *dyldSearch) ownAt(name string, by *Image, rule Rule) bool {
	rest, ok := cutVariable(name, loaderVariable)
	if !ok {
		if rest, ok = cutVariable(name, executableVariable); ok {
			by = s.from.program()
		}
	}
	if !ok || by == nil || !by.member() {
		return false
	}
	at := path.Join("/", by.dir(), rest)
	b := s.byInstall[strings.TrimPrefix(at, "/")]
	if !by.InWheel {
		found, _ := s.disk.find(by.root, at)
		b = s.byHost[found.host]
	}
	if to := b.imageFor(s.from.image); to == nil || !b.member() || refusal(to) != "" {
		return false
	}
	return s.take(b, placeName(b.dir()), rule)
}

// rpathRule names a search path and who has it.
func rpathRule(rpath string, by *Image) Rule {
	return Rule{Kind: ByLCRPath, Text: rpath, Of: by}
}

// byLeaf looks into folders of this machine.
func (s *dyldSearch) byLeaf(dirs []string, rule Rule) bool {
	leaf := path.Base(s.edge.Name)
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
	none, program := true, s.from.program()
	for c := s.from; c != nil; c = c.up {
		if !s.spend(s.from.image, costVisit) {
			return
		}
		for _, rpath := range c.image.Slice().RPaths {
			if !s.spend(s.from.image, 2*costLook+(len(rpath)+len(rest))/64) {
				return
			}
			none = false
			key := c.image.Path + "\x00" + rpath
			if program != nil && strings.HasPrefix(rpath, executableVariable) {
				key += "\x00" + program.Path
			}
			if done[key] {
				continue
			}
			done[key] = true
			s.note = true
			rule := rpathRule(rpath, c.image)
			full := strings.TrimSuffix(rpath, "/") + "/" + rest
			if _, ok := systemPath(full); ok {
				s.edge.Status, s.edge.Rule, s.edge.Tried = System, rule, nil
				return
			}
			if s.at(full, c.image, rule) {
				return
			}
		}
	}
	if none {
		s.vain(Place{Dir: s.edge.Name, Rule: Rule{Kind: NoLCRPath}, Why: "neither " + s.from.image.describe() + " nor what loads it has one"})
	}
}

// wayOut returns the rule by which dyld finds a library that is left out by its name: the
// absolute search path that leads to it on this machine, none if there is no such path.
func (d *dyld) wayOut(c *chain, name string) Rule {
	rest, ok := cutVariable(name, rpathVariable)
	if !ok || d.opts.WheelOnly {
		return Rule{}
	}
	for by := c; by != nil; by = by.up {
		for _, rpath := range by.image.Slice().RPaths {
			if !d.spend(c.image, 2*costLook+(len(rpath)+len(rest))/64) {
				return Rule{}
			}
			if !path.IsAbs(rpath) {
				continue
			}
			for _, at := range firmPaths(path.Join(rpath, rest)) {
				if found, _ := d.disk.find(d.root, at); found.host != "" {
					return rpathRule(rpath, by.image)
				}
			}
		}
	}
	return Rule{}
}

// at looks at a path, which may begin with a variable; @loader_path is the folder
// of the image that names it.
func (s *dyldSearch) at(name string, by *Image, rule Rule) bool {
	if rest, ok := cutVariable(name, loaderVariable); ok {
		return s.beside(by, rest, rule)
	}
	if rest, ok := cutVariable(name, executableVariable); ok {
		if program := s.from.program(); program != nil {
			found := s.beside(program, rest, rule)
			if found && program != s.from.image {
				s.edge.Program = program
			}
			return found
		}
		if s.opts.ExecutablePath == "" {
			return s.vain(Place{Dir: name, Rule: rule, Why: "the executable is not known; --executable-path names its folder"})
		}
		root, dir := s.place(s.opts.ExecutablePath)
		return s.outside(root, path.Join(dir, rest), rule)
	}
	if !path.IsAbs(name) {
		return s.vain(Place{Dir: name, Rule: rule, Why: "it depends on the working directory of the process"})
	}
	// What a sysroot lacks is not looked for on this machine: whoever made it could
	// name any file of it. --search-path and DYLD_LIBRARY_PATH lead there.
	for _, at := range firmPaths(path.Clean(name)) {
		if s.outside(s.root, at, rule) {
			return true
		}
	}
	return false
}

// beside looks at a path below the folder of an image.
func (s *dyldSearch) beside(by *Image, rest string, rule Rule) bool {
	if by.InWheel {
		return s.inWheel(path.Join(by.dir(), rest), rule)
	}
	return s.outside(by.root, path.Join(by.dir(), rest), rule)
}

// inWheel looks for a member by where it is installed.
func (s *dyldSearch) inWheel(at string, rule Rule) bool {
	name, dir := strings.TrimPrefix(path.Join("/", at), "/"), placeName(path.Dir(at))
	b := s.byInstall[name]
	if other := s.byFold[strings.ToLower(name)]; b == nil && len(other) == 1 {
		s.edge.Fold = s.take(other[0], dir, rule)
		return s.edge.Fold
	}
	if b == nil {
		return s.vain(Place{Dir: dir, Rule: rule, Why: "not there"})
	}
	return s.take(b, dir, rule)
}

// outside looks for a file of a root.
func (s *dyldSearch) outside(root Root, name string, rule Rule) bool {
	if s.opts.WheelOnly && s.excluded(name) {
		s.edge.Status, s.edge.Rule, s.edge.Tried = Excluded, rule, nil // what lies there is left out unseen
		return true
	}
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
func (s *dyldSearch) take(b *File, dir string, rule Rule) bool {
	to := b.Image(s.from.image.Arch)
	if to == nil {
		var archs []string
		for _, i := range b.Images {
			archs = append(archs, i.Arch)
		}
		return s.vain(Place{Dir: dir, Rule: rule, Why: fmt.Sprintf("%s, not %v", strings.Join(archs, " and "), s.from.image.Arch)})
	}
	if why := refusal(to); why != "" {
		return s.vain(Place{Dir: dir, Rule: rule, Why: why})
	}
	s.edge.To, s.edge.Rule = to, rule
	return true
}

// imageFor returns the image that another one loads, nil if there is no file.
func (b *File) imageFor(from *Image) *Image {
	if b == nil {
		return nil
	}
	return b.Image(from.Arch)
}

// refusal tells why dyld does not take an image for a library that another one
// loads, "" if it does.
func refusal(to *Image) string {
	switch s := to.Slice(); {
	case s.Type == macho.Bundle:
		return "a bundle, not a library (MH_BUNDLE)"
	case s.Type != macho.DyLib:
		return fmt.Sprintf("not a library (%v)", s.Type)
	case s.Platform != 0 && s.Platform != macho.PlatformMacOS:
		return "built for " + macho.PlatformName(s.Platform) + ", not for macOS"
	}
	return ""
}

// notePlace keeps a place that was searched in vain, or counts it with others.
func (s *dyldSearch) notePlace(p Place) {
	if s.noted++; s.noted <= maxNoted && len(s.edge.Tried) < maxPlaces {
		s.edge.Tried = append(s.edge.Tried, p)
		return
	}
	more := 1
	if last := len(s.edge.Tried) - 1; last >= 0 && s.edge.Tried[last].more > 0 {
		more += s.edge.Tried[last].more
		s.edge.Tried = s.edge.Tried[:last]
	}
	s.edge.Tried = append(s.edge.Tried, morePlaces(more))
}

// vain notes a place without success, once for each search.
func (s *dyldSearch) vain(p Place) bool {
	if s.note {
		s.notePlace(p)
	}
	return false
}

// file returns the Mach-O file at a path of a root, or why there is none. There is
// one Binary for each file: dyld compares device and inode.
func (d *dyld) file(root Root, name string) (*File, string) {
	found, why := d.disk.find(root, name)
	if why != "" {
		return nil, why
	}
	if b, ok := d.byHost[found.host]; ok {
		return b, ""
	}
	b := newMachO(found.host, found.file)
	b.real, b.root, b.info = found.real, root, found.info
	d.limit = errors.Join(d.limit, checkMachO(b.Path, b.MachO()))
	d.byHost[found.host] = b
	d.graph.System = append(d.graph.System, b)
	return b, ""
}
