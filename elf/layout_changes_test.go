//go:build integration

package elf

import (
	"maps"
	"slices"
	"strings"
)

// A change is one way to edit an image, and what it does to the facts.
type change struct {
	name  string
	edits []Edit
	want  func(*facts)
	// versions that go away change what is said about symbols.
	dropsVersions bool
}

// changes are the ways in which the images of a layout are edited.
func (l *lab) changes(o layout, was facts) []change {
	dep := was.Needed[slices.IndexFunc(was.Needed, func(s string) bool { return strings.HasPrefix(s, "libdep") })]
	folder, short := l.needed(o["machine"]), l.short(o["machine"])
	long := "$ORIGIN/a/very/long/way/to/some/other/folder/that/is/not/there:" + folder
	list := []change{
		{name: "longer rpath", edits: []Edit{SetRPath(long)}, want: rpath(long)},
		{name: "shorter rpath", edits: []Edit{SetRPath(short)}, want: rpath(short)},
		{name: "longer runpath", edits: []Edit{SetRunPath(long)}, want: runpath(long)},
		{name: "shorter runpath", edits: []Edit{SetRunPath(short)}, want: runpath(short)},
		{name: "one more entry", edits: []Edit{AddRPath(long)}, want: entryAdded(long)},
		{name: "no rpath", edits: []Edit{RemoveRPath()}, want: rpath("")},
		{name: "there and back", edits: []Edit{SetRPath(long), SetRPath(short)}, want: rpath(short)},
		{name: "graft", edits: []Edit{ReplaceNeeded(dep, "libdep-01234567.so.1"), SetRPath(long)}, want: graft(dep, long)},
		{name: "shorter needed", edits: []Edit{ReplaceNeeded("libm.so.6", "m.so")}, want: replaced("libm.so.6", "m.so")},
		{name: "one more needed", edits: []Edit{AddNeeded("libutil.so.1")}, want: added("libutil.so.1")},
		{name: "many more needed", edits: manyNeeded(), want: added(more()...)},
		{name: "one needed less", edits: []Edit{RemoveNeeded("libm.so.6")}, want: removed("libm.so.6"), dropsVersions: true},
		{name: "strip", edits: []Edit{Strip()}, want: func(*facts) {}},
		{name: "everything", edits: append(manyNeeded(), Strip(), ReplaceNeeded(dep, "libdep-01234567.so.1"), SetRunPath(long)),
			want: func(f *facts) { graft(dep, "")(f); runpath(long)(f); added(more()...)(f) }},
	}
	if o["kind"] == "library" {
		soname := "libanother-name-that-is-longer-than-the-first.so.1"
		list = append(list, change{name: "soname", edits: []Edit{SetSoname(soname)}, want: func(f *facts) { f.Soname = soname }})
	}
	if o["kind"] != "library" {
		for _, name := range []string{"l", longInterpreter} {
			path := l.interpreter(o["machine"], name)
			list = append(list, change{name: "interpreter " + name, edits: []Edit{SetInterpreter(path)}, want: func(f *facts) { f.Interpreter = path }})
		}
	}
	if o["sections"] == "false sections" { // nobody knows what could be stripped
		list = slices.DeleteFunc(list, func(c change) bool { return c.name == "strip" || c.name == "everything" })
	}
	if o["special"] == "more than 0xff00 sections" { // which take readers seconds each
		list = slices.DeleteFunc(list, func(c change) bool { return c.name != "many more needed" && c.name != "everything" })
	}
	return list
}

// more are libraries of the system that the images do not need.
func more() []string {
	return []string{"librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1", "libnss_dns.so.2", "libnss_files.so.2"}
}

func manyNeeded() []Edit {
	var edits []Edit
	for _, name := range more() {
		edits = append(edits, AddNeeded(name))
	}
	return edits
}

func rpath(path string) func(*facts)   { return func(f *facts) { f.RPath, f.RunPath = path, "" } }
func runpath(path string) func(*facts) { return func(f *facts) { f.RPath, f.RunPath = "", path } }

// entryAdded adds to the path in force, which is DT_RUNPATH where there is one.
func entryAdded(path string) func(*facts) {
	return func(f *facts) {
		switch {
		case f.RunPath != "":
			f.RunPath = joinPaths(f.RunPath, path)
		case f.RPath != "":
			f.RPath = joinPaths(f.RPath, path)
		default:
			f.RPath = path
		}
	}
}

// joinPaths adds the entries of more that path does not have.
func joinPaths(path, more string) string {
	for _, entry := range strings.Split(more, ":") {
		if !slices.Contains(strings.Split(path, ":"), entry) {
			path += ":" + entry
		}
	}
	return path
}

func added(names ...string) func(*facts) {
	return func(f *facts) {
		for _, name := range names {
			f.Needed = append([]string{name}, f.Needed...)
		}
	}
}

func removed(name string) func(*facts) {
	return func(f *facts) {
		f.Needed = slices.DeleteFunc(f.Needed, func(s string) bool { return s == name })
		delete(f.Needs, name)
	}
}

func replaced(old, name string) func(*facts) {
	return func(f *facts) {
		f.Needed[slices.Index(f.Needed, old)] = name
		if versions, ok := f.Needs[old]; ok {
			delete(f.Needs, old)
			f.Needs[name] = versions
		}
	}
}

func graft(dep, path string) func(*facts) {
	return func(f *facts) {
		replaced(dep, "libdep-01234567.so.1")(f)
		rpath(path)(f)
	}
}

// wanted returns the facts that a change makes of those of the original.
func (c *change) wanted(was facts) facts {
	was.Needed, was.Needs = slices.Clone(was.Needed), maps.Clone(was.Needs)
	c.want(&was)
	if c.dropsVersions {
		was.Digest = ""
	}
	was.Sections = ""
	return was
}
