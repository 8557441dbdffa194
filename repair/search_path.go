package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// search sets the search path of a binary to the given entries. An unchanged
// path is left alone; new entries make it a DT_RPATH, as auditwheel writes it,
// since that also serves what the libraries load themselves.
func (c *Change) search(o *linkage.Object, want searchPath) {
	rpath, runpath := o.File.RPath(), o.File.RunPath()
	text := strings.Join(want.entries, ":")
	switch {
	case text == "" && rpath == "" && runpath == "":
	case text == "":
		c.NoPath = true
	case want.grown || runpath == "":
		if text != rpath || runpath != "" {
			c.RPath = text
		}
	case text != runpath || rpath != "":
		c.RunPath = text
	}
}

// A searchPath is what the search path of a file shall be.
type searchPath struct {
	entries []string
	grown   bool // it leads to grafted libraries
}

// memberSearch keeps the entries of a member's search path that lie inside the
// wheel, and adds the folder of grafted libraries if it needs any. Absolute
// paths of the build machine go away from every file. member is where the file
// will lie.
func (p *Plan) memberSearch(o *linkage.Object, member, libDir string, needsLibs bool) searchPath {
	text := o.File.RunPath()
	if text == "" {
		text = o.File.RPath()
	}
	var want searchPath
	for _, entry := range strings.Split(text, ":") {
		switch {
		case entry == "" || slices.Contains(want.entries, entry):
		case member == o.Path && p.leadsInside(entry, member):
			want.entries = append(want.entries, entry)
		default:
			p.outside[entry] = append(p.outside[entry], o.Path)
		}
	}
	if !needsLibs {
		return want
	}
	want.grown = true
	if entry := originEntry(member, path.Join(libDir, "x")); !slices.Contains(want.entries, entry) {
		want.entries = append(want.entries, entry)
	}
	return want
}

// originEntry returns the search path entry by which the file from finds the
// file to.
func originEntry(from, to string) string {
	if rel := linkage.RelativeDir(from, to); rel != "" {
		return "$ORIGIN/" + rel
	}
	return "$ORIGIN"
}

// leadsInside reports whether a search path entry stays inside the wheel: below
// site-packages, where packages may also find each other's libraries, or in a
// folder outside it that the wheel installs to.
func (p *Plan) leadsInside(entry, member string) bool {
	rest, ok := strings.CutPrefix(entry, "$ORIGIN")
	if !ok {
		rest, ok = strings.CutPrefix(entry, "${ORIGIN}")
	}
	if !ok || rest != "" && rest[0] != '/' || strings.Contains(rest, "$") {
		return false
	}
	target := path.Join(linkage.InstallDir(member), rest)
	site := linkage.InstallDir("x")
	if target == site || strings.HasPrefix(target, site+"/") {
		return true
	}
	for _, m := range p.contents.Reader.Members() {
		if dir := linkage.InstallDir(m.Name); dir == target || strings.HasPrefix(dir, target+"/") && target != "" && !strings.HasPrefix(site, target) {
			return true
		}
	}
	return false
}

// graftSearch returns the entries by which a grafted library finds other grafts
// and the files of the wheel that it needs. What its source had belongs to the
// build machine.
func (p *Plan) graftSearch(g *Graft) searchPath {
	want := searchPath{grown: true}
	for _, e := range g.object.Edges {
		if e.Status != linkage.Found {
			continue
		}
		to := ""
		if other := p.grafted(e.To); other != nil {
			to = other.Member
		} else if e.To.InWheel {
			to = e.To.Path
		}
		if to == "" {
			continue
		}
		if entry := originEntry(g.Member, to); !slices.Contains(want.entries, entry) {
			want.entries = append(want.entries, entry)
		}
	}
	return want
}
