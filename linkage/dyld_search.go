package linkage

import (
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

// executableUnknown tells why @executable_path leads nowhere.
const executableUnknown = "the executable is not known"

// A dyldSearch looks for one library.
type dyldSearch struct {
	*dyld
	oneSearch
}

// search looks for a library. Python's own is let go where it is found outside the wheel,
// or nowhere.
func (d *dyld) search(c *chain, n *Need) {
	s := &dyldSearch{d, oneSearch{d.engine, c, n, n.Tried == nil}}
	s.run()
	d.letPythonGo(n)
}

func (d *dyld) letPythonGo(n *Need) {
	if n.Status == Missing && (n.To == nil || !n.To.member()) && IsPythonName(n.Name) && !d.insists(n) {
		n.Status = LibPython
	}
}

// run searches in dyld's order: folders that the user names, by the last element
// of the name, then where the name leads. With the first success it ends. What a
// name finds in the wheel comes first: the folders are those of this machine, and
// whoever installs the wheel does without them.
func (s *dyldSearch) run() {
	name := s.need.Name
	if len(s.opts.SearchPath)+len(s.opts.Dyld.LibraryPath) > 0 && s.own(name) {
		return
	}
	if s.byLeaf(s.opts.SearchPath, Rule{Kind: BySearchPath}) || s.byLeaf(s.opts.Dyld.LibraryPath, Rule{Kind: ByLibraryPath, Text: "DYLD_LIBRARY_PATH"}) {
		return
	}
	rest, ok := cutVariable(name, rpathVariable)
	switch {
	case ok:
		s.byRPath(rest)
	case path.IsAbs(name) || strings.HasPrefix(name, "@"):
		s.at(name, s.from.image, Rule{Kind: ByInstallName, Text: name})
	default:
		s.vain(name, Rule{Kind: ByInstallName, Text: name}, dependsOnProcess)
	}
}

// fallback looks into the folders where dyld looks at last, by the last element of
// a name, or the framework in it. Without the variable dyld does so for files built
// before the SDK of macOS 13 (PathOverrides::forEachDylibFallback, sdkOnOrAfter2022).
// A name without a place of its own says nothing but that the linker found the file
// there, whatever the SDK; another one keeps to the rule, and to what is a file.
func (s *dyldSearch) fallback() {
	name := s.need.Name
	for _, dir := range s.opts.Dyld.Fallback {
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
	if !s.opts.WheelOnly && s.opts.Dyld.Fallback == nil && s.outside(s.root, path.Join(dir, part), Rule{Kind: ByFallback, Text: dir}) || placed {
		return
	}
	if full, ok := systemPath("/usr/lib/" + part); ok && !s.tries(name) {
		s.need.Status, s.need.Rule, s.need.SystemName = System, Rule{Kind: ByFallback, Text: "/usr/lib"}, full
	}
}

// tries reports whether the name of a library led to places, all in vain.
func (s *dyldSearch) tries(name string) bool {
	return strings.HasPrefix(name, rpathVariable) && len(s.tried[s.need]) > 0
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
			by = s.from.program
		}
	}
	if !ok || by == nil || !by.member() {
		return false
	}
	at := path.Join("/", by.dir(), rest)
	f := s.byInstall[strings.TrimPrefix(at, "/")]
	if l := (lookup{}); !by.InWheel {
		if l = s.disk.lookup(by.root, at); l.content == nil {
			return false
		}
		f = s.file(l)
	}
	if f == nil || !f.member() {
		return false
	}
	to, _ := s.refuses(s.from.image, f)
	return s.take(to, rule)
}

// rpathRule names a search path and who has it.
func rpathRule(rpath string, by *Image) Rule {
	return Rule{Kind: ByLCRPath, Text: rpath, Of: by}
}

// byLeaf looks into folders of this machine.
func (s *dyldSearch) byLeaf(dirs []string, rule Rule) bool {
	leaf := path.Base(s.need.Name)
	for _, dir := range dirs {
		if root, name := s.place(dir); s.outside(root, path.Join(name, leaf), rule) {
			return true
		}
	}
	return false
}

// A triedBy is an image that has led to a need, all of its search paths in vain.
type triedBy struct {
	need           *Need
	image, program *Image
}

// byRPath goes through the LC_RPATHs of the image and of those that led to it.
func (s *dyldSearch) byRPath(rest string) {
	done := s.tried[s.need]
	if done == nil {
		done = map[string]bool{}
		s.tried[s.need] = done
	}
	none, program := true, s.from.program
	for c := s.from; c != nil; c = c.up {
		if !s.spend(s.from.image, costStep) {
			return
		}
		rpaths := c.image.Slice().RPaths
		none = none && len(rpaths) == 0
		// An image may be behind the need by many ways: all of its paths were in vain before.
		way := triedBy{s.need, c.image, program}
		if len(rpaths) == 0 || s.triedBy[way] {
			continue
		}
		s.triedBy[way] = true
		for _, rpath := range rpaths {
			if !s.spend(s.from.image, 2*costLook+(len(rpath)+len(rest))/64) {
				return
			}
			key := c.image.Path + "\x00" + rpath
			if program != nil && strings.HasPrefix(rpath, executableVariable) {
				key += "\x00" + program.Path
			}
			if done[key] {
				continue
			}
			done[key] = true
			s.noting = true
			rule := rpathRule(rpath, c.image)
			full := strings.TrimSuffix(rpath, "/") + "/" + rest
			if _, ok := systemPath(full); ok {
				s.need.Status, s.need.Rule = System, rule
				return
			}
			if s.at(full, c.image, rule) {
				return
			}
		}
	}
	if none {
		s.vain(s.need.Name, Rule{Kind: NoLCRPath}, "neither "+s.from.image.describe()+" nor what loads it has one")
	}
}

// leftOut notes the rule by which dyld finds a library that is left out by its name: the
// absolute search path that leads to it on this machine, if there is one.
func (d *dyld) leftOut(c *chain, n *Need) {
	rest, ok := cutVariable(n.Name, rpathVariable)
	if !ok || d.opts.WheelOnly || n.Rule.Kind != NoRule {
		return
	}
	for by := c; by != nil; by = by.up {
		for _, rpath := range by.image.Slice().RPaths {
			if !d.spend(c.image, 2*costLook+(len(rpath)+len(rest))/64) {
				return
			}
			if !path.IsAbs(rpath) {
				continue
			}
			for _, at := range firmPaths(path.Join(rpath, rest)) {
				if d.disk.lookup(d.root, at).content != nil {
					n.Rule = rpathRule(rpath, by.image)
					return
				}
			}
		}
	}
}

// at looks at a path, which may begin with a variable; @loader_path is the folder
// of the image that names it.
func (s *dyldSearch) at(name string, by *Image, rule Rule) bool {
	if rest, ok := cutVariable(name, loaderVariable); ok {
		return s.beside(by, rest, rule)
	}
	if rest, ok := cutVariable(name, executableVariable); ok {
		if program := s.from.program; program != nil {
			found := s.beside(program, rest, rule)
			if found && program != s.from.image {
				s.need.Program = program
			}
			return found
		}
		if s.opts.Dyld.ExecutablePath == "" {
			return s.vain(name, rule, executableUnknown)
		}
		root, dir := s.place(s.opts.Dyld.ExecutablePath)
		return s.outside(root, path.Join(dir, rest), rule)
	}
	if !path.IsAbs(name) {
		return s.vain(name, rule, dependsOnProcess)
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
	name := strings.TrimPrefix(path.Join("/", at), "/")
	d := dir{name: path.Dir(name), inWheel: true, shown: placeName(path.Dir(at)), rule: rule}
	if other := s.byFold[strings.ToLower(name)]; s.byInstall[name] == nil && len(other) == 1 {
		d.name = other[0].dir()
		s.need.Fold = s.try(d, path.Base(other[0].install))
		return s.need.Fold
	}
	return s.try(d, path.Base(name))
}

// outside looks for a file of a root.
func (s *dyldSearch) outside(root Root, name string, rule Rule) bool {
	if s.opts.WheelOnly && s.excluded(name) {
		s.need.Status, s.need.Rule = Excluded, rule // what lies there is left out unseen
		return true
	}
	return s.try(dir{name: path.Dir(name), root: root, shown: path.Dir(root.host(name)), rule: rule}, path.Base(name))
}

// try looks for a file at one place.
func (s *dyldSearch) try(d dir, file string) bool {
	to, why := s.candidate(d, file, s.from.image)
	return s.take(to, d.rule) || s.vain(d.shown, d.rule, why)
}
