package linkage

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// finish resolves what names did not lead to, in the order of preference: members
// of the wheel that are called so, then where dyld looks at last. What that brings
// in loads libraries, too.
func (d *dyld) finish() {
	done := map[*Image]bool{}
	for {
		var next []*Image
		for _, b := range slices.Concat(d.graph.Members, d.graph.System) {
			for _, image := range b.Images {
				if !done[image] {
					done[image] = true
					next = append(next, image)
				}
			}
		}
		if len(next) == 0 {
			return
		}
		for _, image := range next {
			for _, e := range image.Needs {
				d.atLast(image, e)
			}
		}
	}
}

func (d *dyld) atLast(image *Image, e *Need) {
	switch {
	case e.Status == Found && !d.asTheyLie:
		d.preferOwn(image, e)
	case e.Status != Missing:
	case !d.asTheyLie && d.matchName(image, e):
	default:
		c := d.chain(image, nil)
		s := &dyldSearch{d, oneSearch{d.engine, c, e, true}}
		s.fallback()
		e.wordMore()
		if d.letPythonGo(e); e.To != nil || e.Status != Missing {
			d.end(c, e)
		}
		if e.Status == Found {
			d.load(e.To)
		}
	}
}

// matchName takes the member that is called as a missing library is: by its install
// name, which is what dyld takes once something has loaded it, or by its file name.
func (d *dyld) matchName(image *Image, e *Need) bool {
	rule, found := Rule{Kind: ByName}, d.namesakes(calledAs{kind: ByName, name: e.Name}, image, d.index().byID[e.Name], func(to *Image) bool { return to.Slice().ID == e.Name })
	if found.without(image) == 0 {
		rule, found = Rule{Kind: ByFileName}, d.namesakes(calledAs{kind: ByFileName, name: e.Name}, image, d.byLeaf[leaf(e.Name)], func(to *Image) bool { return calledSo(to, e.Name) && reaches(image, to) })
	}
	to := d.closest(image, found)
	if to == nil {
		if found.without(image) > 0 {
			e.Tried = append(e.Tried, Place{Dir: "the wheel", Rule: Rule{Kind: NameOfFiles}, Why: fmt.Sprintf("%s are called so, and differ", found.names(image))})
		}
		return false
	}
	e.Status, e.To, e.Rule, e.Tried = Found, to, rule, nil
	return true
}

// index lists the members by the names that they have, when that is asked first.
func (d *dyld) index() *dyld {
	if d.byID != nil {
		return d
	}
	d.byID, d.byLeaf = map[string][]*File{}, map[string][]*File{}
	add := func(by map[string][]*File, name string, b *File) {
		if list := by[name]; name != "" && (len(list) == 0 || list[len(list)-1] != b) {
			by[name] = append(list, b)
		}
	}
	for _, b := range d.graph.Members {
		add(d.byLeaf, leaf(b.Path), b)
		for _, image := range b.Images {
			add(d.byID, image.Slice().ID, b)
			add(d.byLeaf, leaf(image.Slice().ID), b)
		}
	}
	return d
}

// reaches reports whether a path can lead from an image to another one of the wheel once
// both are installed: none leads from site-packages out of it, or into it.
func reaches(from, to *Image) bool {
	return !from.InWheel || !to.InWheel || InPackages(from.Path) == InPackages(to.Path)
}

// calledSo reports whether the file or the install name of a library ends as a name
// does. Frameworks are compared without their version.
func calledSo(to *Image, name string) bool {
	want := leaf(name)
	return want != "" && (leaf(to.Path) == want || leaf(to.Slice().ID) == want)
}

// leaf returns what a library is called without its folders: NAME.framework/NAME of
// a framework, else its last element.
func leaf(name string) string {
	if part := frameworkPart(name); part != "" {
		return path.Base(part) + ".framework/" + path.Base(part)
	}
	if strings.HasSuffix(name, "/") || name == "" {
		return ""
	}
	return path.Base(name)
}

// preferOwn replaces a library outside the wheel by the wheel's own copy, so that
// no process has two: the same one, or the one that has its install name, unless
// the user named the folder of the other.
func (d *dyld) preferOwn(image *Image, e *Need) {
	outside := e.To
	if outside.member() || d.insists(e) {
		return
	}
	called := d.index().byLeaf[leaf(e.Name)]
	own := d.namesakes(calledAs{kind: ByFileName, name: e.Name, outside: outside}, image, called, func(to *Image) bool {
		return calledSo(to, e.Name) && reaches(image, to) && d.sameLibrary(image, to, outside)
	})
	if own.without(image) == 0 && !d.namedByUser(e) {
		own = d.namesakes(calledAs{kind: ByName, name: e.Name, outside: outside}, image, d.byID[outside.Slice().ID], func(to *Image) bool {
			id := to.Slice().ID
			return id != "" && id == outside.Slice().ID && reaches(image, to) && (leaf(id) == leaf(e.Name) || calledSo(to, e.Name))
		})
	}
	if to := d.closest(image, own); to != nil {
		e.To, e.Rule, e.Instead = to, Rule{Kind: OwnCopy}, outside.File
	}
}

// namedByUser reports whether the folder of a library was given for this search.
func (d *dyld) namedByUser(e *Need) bool {
	return e.Rule.Kind == BySearchPath || e.Rule.Kind == ByLibraryPath
}
