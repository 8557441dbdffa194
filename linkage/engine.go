package linkage

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path"
	"slices"
	"time"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// A loader has the rules of one system's dynamic loader: where a name is sought, and what
// refuses a candidate. The engine does the rest.
type loader interface {
	// images makes the images of a file, and returns how many libraries they name. It is
	// an error if a file asks for more than the limits allow.
	images(*File) (needs int, err error)
	// order returns the members in the order in which they are loaded.
	order() []*Image
	// chain returns the chain of an image that the last of another one loads, or that a
	// process begins with.
	chain(image *Image, by *chain) *chain
	// unsettled reports whether a need is worth a search.
	unsettled(*Need) bool
	// byName settles what the name of a library alone decides.
	byName(*chain, *Need)
	// search sets the image that a need comes to, and the rule; it may settle the need.
	search(*chain, *Need)
	// refuses returns the image of a file that another one loads, or why there is none.
	refuses(from *Image, f *File) (*Image, string)
	// leftOut notes how a library that is excluded would be found.
	leftOut(*chain, *Need)
	// finish follows all loads.
	finish()
}

// An engine finds what files load, by the rules of one loader.
type engine struct {
	loader
	opts      Options
	root      Root
	disk      *disk
	graph     *Graph
	byInstall map[string]*File     // members by where they are installed
	byPath    map[string]*File     // files outside the wheel by path on this machine
	byStat    map[fileStat][]*File // the same by what hard links share
	same      map[[2]*Image]bool   // see sameLibrary
	settled   map[*Image]bool      // images below which no need is unsettled
	through   map[*Image]bool      // images that a load went through that left no need unsettled
	byNames   bool                 // a process knows what it has loaded by name, and how it was found
	asTheyLie bool                 // files of a file system, not of a wheel
	noted     int                  // places in vain that needs have
	work      *budget.Budget
	err       error
}

// newEngine returns an engine without a loader, which knows no file.
func newEngine(root Root, d *disk, opts Options) *engine {
	return &engine{
		opts: opts, root: root, disk: d, graph: &Graph{disk: d}, byInstall: map[string]*File{}, byPath: map[string]*File{},
		byStat: map[fileStat][]*File{}, same: map[[2]*Image]bool{}, settled: map[*Image]bool{}, through: map[*Image]bool{}, work: newWork(),
	}
}

// A chain is an image with those that led to it, the last loaded first.
type chain struct {
	image   *Image
	up      *chain
	program *Image            // that the process began with, nil if Python did
	root    *Image            // PE: whose folder is searched
	loaded  map[string]*Image // by the names that the process knows
	path    *loadPath         // ELF: of the image and of those that led to it
	dirs    []dir             // ELF: where its libraries are sought; made for the first of them
}

// addMembers makes the members of a wheel known.
func (e *engine) addMembers(members []Member) error {
	all := 0
	for _, m := range members {
		f := &File{Path: m.Name, InWheel: true, Content: m.Content, install: installPath(m.Name)}
		n, err := e.images(f)
		if err != nil {
			return err
		}
		all += n
		if err := budget.Check(m.Name, "libraries that all files name", all, maxEdges); err != nil {
			return err
		}
		e.byInstall[f.install] = f
		e.graph.Members = append(e.graph.Members, f)
	}
	return nil
}

// resolve loads the members, and returns the graph.
func (e *engine) resolve(ctx context.Context) (*Graph, error) {
	reached := map[*Image]bool{}
	for _, o := range e.order() {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, e.graph.Close())
		}
		if !reached[o] {
			e.graph.Roots = append(e.graph.Roots, o)
		}
		if e.through[o] {
			continue // all that it loads is reached, and found
		}
		for loaded := range e.load(o) {
			reached[loaded] = true
		}
	}
	e.finish()
	if err := e.failure(); err != nil {
		return nil, errors.Join(err, e.graph.Close())
	}
	for _, o := range Images(e.graph.Members, e.graph.System) {
		o.index()
	}
	slices.SortFunc(e.graph.System, func(a, b *File) int { return cmp.Compare(a.Path, b.Path) })
	return e.graph, nil
}

// failure returns what makes the answer worthless.
func (e *engine) failure() error { return errors.Join(e.err, e.work.Err(), e.disk.err) }

// spend takes units of the budget for an image. It reports whether there were any.
func (e *engine) spend(image *Image, units int) bool { return e.work.Spend(image.Path, units) == nil }

// load goes through what an image loads, breadth first, each image once, as a loader
// does when it opens it. Where names are not reused, images below which everything is
// settled are not gone through again: many files may lead to one long chain. It returns
// the images that it came to.
func (e *engine) load(first *Image) map[*Image]bool {
	seen := map[*Image]bool{first: true}
	queue := []*chain{e.chain(first, nil)}
	open := false
	for i := 0; i < len(queue) && e.err == nil; i++ {
		c := queue[i]
		for _, n := range c.image.Needs {
			if !e.spend(c.image, costVisit) {
				return seen
			}
			e.settle(c, n)
			open = open || e.unsettled(n)
			if n.Status != Found || e.settled[n.To] {
				continue
			}
			if c.loaded != nil {
				c.loaded[n.Name] = n.To
			}
			if !seen[n.To] {
				seen[n.To] = true
				if !e.spend(n.To, costLoad) {
					return seen
				}
				queue = append(queue, e.chain(n.To, c))
			}
		}
	}
	for n := 0; n < len(queue) && !open; n++ {
		e.through[queue[n].image] = true
		if !e.byNames {
			e.settled[queue[n].image] = true
		}
	}
	return seen
}

// settle decides what a need of the first image of a chain comes to. The first load that
// finds a file decides: a file can only be rewritten once.
func (e *engine) settle(c *chain, n *Need) {
	switch {
	case !e.unsettled(n) || !e.spend(c.image, costLook+len(n.Name)/64):
		return
	case e.excluded(n.Name):
		n.Status = Excluded
		e.leftOut(c, n)
		return
	}
	if e.byName(c, n); n.Status == Missing {
		e.search(c, n)
		e.end(c, n)
		n.wordMore()
	}
}

// end decides about the image that a search ended with.
func (e *engine) end(c *chain, n *Need) {
	switch {
	case n.Status != Missing:
		n.Tried = nil
	case n.To == nil:
	case !n.To.InWheel && (e.excluded(n.To.Path) || e.excluded(n.To.real)):
		n.Status, n.Tried = Excluded, nil
		e.leftOut(c, n)
	default:
		n.Status, n.Tried = Found, nil
	}
}

// excluded matches the name of a library, or the path of one that was found, against
// the exclude patterns.
func (e *engine) excluded(name string) bool {
	return e.graph.matchesAny(e.opts.Exclude, e.graph.PatternNames(name))
}

// candidate looks for a library at one place. Without one, it says why.
func (e *engine) candidate(d dir, name string, from *Image) (*Image, string) {
	if d.why != "" {
		e.spend(from, costVisit)
		return nil, d.why
	}
	if !e.spend(from, costLook+(len(d.name)+len(name))/64) {
		return nil, "not looked at"
	}
	if d.inWheel {
		f := e.byInstall[path.Join(d.name, name)]
		if f == nil {
			return nil, notThere
		}
		return e.refuses(from, f)
	}
	at := path.Join(d.name, name)
	if e.byNames {
		at = d.name + "/" + name // a ".." behind a symbolic link leads elsewhere
	}
	l := e.disk.lookup(d.root, at)
	if l.content == nil {
		return nil, l.why
	}
	return e.outside(l, at, from)
}

// outside returns the image of a file outside the wheel that was found at a path of its
// root, or why it is refused.
func (e *engine) outside(l lookup, at string, from *Image) (*Image, string) {
	f := e.file(l)
	to, why := e.refuses(from, f)
	if why != "" {
		return nil, why
	}
	if !f.known {
		f.known = true
		if e.byNames {
			f.Found, f.found = l.root.host(at), at
		}
		e.graph.System = append(e.graph.System, f)
	}
	return to, ""
}

// A fileStat is what hard links to a file have in common, as far as every system
// tells it.
type fileStat struct {
	size int64
	time time.Time
}

// file returns the file of a lookup. There is one for each file: loaders compare device
// and inode, so another hard link to what is loaded is no other library.
func (e *engine) file(l lookup) *File {
	if f, ok := e.byPath[l.host]; ok {
		return f
	}
	stat := fileStat{l.info.Size(), l.info.ModTime()}
	for _, f := range e.byStat[stat] {
		if os.SameFile(f.info, l.info) {
			return f
		}
	}
	f := &File{Path: l.host, Content: l.content, real: l.real, root: l.root, info: l.info}
	_, err := e.images(f)
	e.err = errors.Join(e.err, err)
	e.byPath[l.host] = f
	e.byStat[stat] = append(e.byStat[stat], f)
	return f
}

// place returns where a path of the user lies: within the root, or outside of it.
func (e *engine) place(name string) (Root, string) {
	if at, ok := e.root.inside(name); ok {
		return e.root, at
	}
	at, _ := Root{}.inside(name)
	return Root{}, at
}

// A oneSearch looks for one library.
type oneSearch struct {
	engine *engine
	from   *chain
	need   *Need
	noting bool // keep the places that were searched in vain
}

// take ends the search with an image, if there is one.
func (s *oneSearch) take(to *Image, rule Rule) bool {
	if to != nil {
		s.need.To, s.need.Rule = to, rule
	}
	return to != nil
}

// vain notes a place without success, once for each search.
func (s *oneSearch) vain(dir string, rule Rule, why string) bool {
	if s.noting {
		s.engine.note(s.need, Place{Dir: dir, Rule: rule, Why: why})
	}
	return false
}

// note keeps a place that was searched in vain, or counts it with others.
func (e *engine) note(n *Need, p Place) {
	if len(n.Tried) < maxPlaces && e.noted < maxNoted {
		e.noted++
		n.Tried = append(n.Tried, p)
		return
	}
	if last := len(n.Tried) - 1; last >= 0 && n.Tried[last].more > 0 {
		n.Tried[last].more++
		return
	}
	n.Tried = append(n.Tried, Place{Rule: Rule{Kind: notTold}, Why: "without success", more: 1})
}

// wordMore tells how many places are not told, once all are counted.
func (n *Need) wordMore() {
	if last := len(n.Tried) - 1; last >= 0 && n.Tried[last].more > 0 {
		n.Tried[last].Dir = "and " + phrase.Count(n.Tried[last].more, "more place")
	}
}

// Bounds on the places that are told: of one library, and of all.
const (
	maxPlaces = 256
	maxNoted  = 1 << 14
)
