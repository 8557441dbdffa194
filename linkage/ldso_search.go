package linkage

import (
	"path"
	"slices"
	"strings"
)

// search looks for a library: what has been loaded under a name is reused for that name
// (ld.so(8)), then come all places where the file seeks its libraries.
func (r *resolver) search(c *chain, n *Need) {
	if n.To, n.Rule = r.inMemory(c, n.Name); n.To == nil {
		n.To, n.Rule = r.seek(c, n)
	}
	if n.To == nil {
		r.leaveOutUnseen(c, n)
	}
}

// inMemory returns the file that a name stands for before anything is sought.
func (r *resolver) inMemory(c *chain, needed string) (*Image, Rule) {
	if to := r.itself(needed, c.image); to != nil {
		return to, Rule{Kind: PartOfMusl}
	}
	if to := c.loaded[needed]; to != nil && to == r.interp {
		return to, Rule{Kind: ByInterpreter}
	}
	return c.loaded[needed], Rule{Kind: Loaded}
}

// itself returns the loader for a name that it answers to itself, nil for others and
// where there is no such loader.
func (r *resolver) itself(needed string, from *Image) *Image {
	name := r.rules.itself(needed, from.Arch)
	switch {
	case name == "":
		return nil
	case r.interp != nil:
		return r.interp
	}
	to, _ := r.candidate(dir{name: path.Dir(name), root: r.root}, path.Base(name), from)
	return to
}

// seek looks for a library in every place where the file of a chain seeks its own. A
// search in vain is noted the first time that it is made.
func (r *resolver) seek(c *chain, n *Need) (*Image, Rule) {
	base, note := path.Base(n.Name), n.Tried == nil
	if strings.Contains(n.Name, "/") {
		if to, rule := r.searchDirs(n, base, r.pathDirs(n.Name, c.image), c.image, note); to != nil {
			return to, rule
		}
		return r.strandedFor(n, base, c.image)
	}
	where := vainSearch{n, r.searched(c), c.program != nil}
	if r.vain[where] {
		return nil, Rule{} // an earlier load has looked there
	}
	to, rule := r.searchInOrder(c, n, note)
	r.vain[where] = to == nil
	return to, rule
}

// A vainSearch is one that need not be made again.
type vainSearch struct {
	need    *Need
	path    *loadPath // nil where the file's own DT_RUNPATH alone counts
	program bool
}

// searched returns the load path that decides where the libraries of a file are
// sought, nil if none does.
func (r *resolver) searched(c *chain) *loadPath {
	if !r.rules.handsOn(c.image.ELF()) {
		return nil
	}
	return c.path
}

// searchInOrder looks in the wheel where search paths lead, then where the user
// says. A library of the wheel that has the name goes before the system's own if
// another file has loaded it, and comes last if nothing leads to it.
func (r *resolver) searchInOrder(c *chain, n *Need, note bool) (*Image, Rule) {
	dirs := r.dirsOf(c)
	inWheel, named := 0, 0
	for inWheel < len(dirs) && dirs[inWheel].inWheel {
		inWheel++
	}
	for named = inWheel; named < len(dirs) && !dirs[named].system; named++ {
	}
	if to, rule := r.searchDirs(n, n.Name, dirs[:inWheel], c.image, note); to != nil {
		return to, rule
	}
	to, rule := r.searchDirs(n, n.Name, dirs[inWheel:named], c.image, note)
	reached := r.reachedByName(n.Name, c)
	switch {
	case reached != nil && (to == nil || r.sameLibrary(c.image, reached, to)):
		return reached, Rule{Kind: ByName}
	case to != nil:
		return to, rule
	}
	if to, rule = r.searchDirs(n, n.Name, dirs[named:], c.image, note); to != nil {
		return to, rule
	}
	return r.strandedFor(n, n.Name, c.image)
}

// strandedFor resolves a need to a library of the wheel to which nothing leads.
func (r *resolver) strandedFor(n *Need, name string, from *Image) (to *Image, rule Rule) {
	if to, n.Rivals = r.stranded(name, from); to == nil {
		return nil, Rule{}
	}
	return to, Rule{Kind: Stranded}
}

// searchDirs looks for a library in directories, in order.
func (r *resolver) searchDirs(n *Need, name string, dirs []dir, from *Image, note bool) (*Image, Rule) {
	for _, d := range dirs {
		if r.work.Err() != nil {
			break
		}
		to, why := r.candidate(d, name, from)
		if to != nil {
			return to, d.rule
		}
		if note {
			r.note(n, Place{Dir: d.shown, Rule: d.rule, Why: why})
		}
	}
	return nil, Rule{}
}

// pathDirs returns the folder of a DT_NEEDED that is a path: it is opened as it is.
func (r *resolver) pathDirs(name string, from *Image) []dir {
	dirs := r.expand(path.Dir(name), from)
	for i := range dirs {
		dirs[i].rule = Rule{Kind: ByPath}
	}
	if len(dirs) == 0 {
		dirs = []dir{{shown: path.Dir(name), rule: Rule{Kind: ByPath}, why: dependsOnProcess}}
	}
	return dirs
}

// dependsOnProcess tells why a relative path leads nowhere.
const dependsOnProcess = "it depends on the working directory of the process"

// leaveOutUnseen leaves a library out by the path that a search leads to, where nothing
// outside the wheel is looked at.
func (r *resolver) leaveOutUnseen(c *chain, n *Need) {
	if !r.opts.WheelOnly || len(r.opts.Exclude) == 0 {
		return
	}
	paths := []string{n.Name}
	if !strings.Contains(n.Name, "/") {
		paths = nil
		for _, d := range r.dirsOf(c) {
			if !d.inWheel {
				paths = append(paths, path.Join(d.name, n.Name))
			}
		}
	}
	if slices.ContainsFunc(paths, r.excluded) {
		n.Status = Excluded
		r.leftOut(c, n)
	}
}

// leftOut notes the search path entry that leads to a library outside the wheel.
func (r *resolver) leftOut(c *chain, n *Need) {
	for _, d := range r.dirsOf(c) {
		if d.why != "" || d.inWheel || d.of == nil && !d.system || n.EntryOf != nil && !d.system {
			continue
		}
		if !r.spend(c.image, costLook+len(d.name)/64) {
			return
		}
		l := r.disk.lookup(d.root, d.name+"/"+path.Base(n.Name))
		if l.content == nil {
			continue
		}
		if _, why := r.refuses(c.image, r.file(l)); why != "" {
			continue
		}
		if d.system {
			n.OnSystem = true
		} else {
			n.Entry, n.EntryOf = d.entry, d.of
		}
	}
}

// dirsOf returns the places where the libraries of a file are sought, in order.
func (r *resolver) dirsOf(c *chain) []dir {
	if c.dirs == nil {
		c.dirs = r.plan(c)
	}
	return c.dirs
}
