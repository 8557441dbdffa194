package repair

import (
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/wheel"
)

// search sets the search path of a binary to the given entries. An unchanged
// path is left alone; new entries make it a DT_RPATH, as auditwheel writes it,
// since that also serves what the libraries load themselves, unless the loader
// reads DT_RUNPATH alone.
func (c *Change) search(o *linkage.Image, want searchPath, asRunPath bool) {
	rpath, runpath := o.ELF().RPath(), o.ELF().RunPath()
	text := strings.Join(want.entries, ":")
	switch {
	case text == "" && rpath == "" && runpath == "":
	case text == "":
		c.NoPath = true
	case asRunPath:
		if text != runpath || rpath != "" {
			c.RunPath = text
		}
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
// paths of the build machine go away from every file. libDir is "" for one that
// needs no graft.
func (p *Plan) memberSearch(o *linkage.Image, libDir string) searchPath {
	var want searchPath
	for entry := range strings.SplitSeq(o.ELF().SearchPath(), ":") {
		switch {
		case entry == "":
		case p.leadsInside(entry, o.Path), p.keepsEntry(o, entry):
			want.add(entry)
		default:
			p.outside[entry] = append(p.outside[entry], o.Path)
		}
	}
	p.leadToStranded(&want, o)
	if libDir != "" {
		want.grown = true
		want.add(originEntry(o.Path, path.Join(libDir, "x")))
	}
	return want
}

// add appends an entry that is not there yet.
func (s *searchPath) add(entry string) {
	if !slices.Contains(s.entries, entry) {
		s.entries = append(s.entries, entry)
	}
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
	target, ok := wheelDir(entry, member)
	if !ok {
		return false
	}
	site := linkage.InstallDir("x")
	if target == site || strings.HasPrefix(target, site+"/") {
		return true
	}
	return p.installed[target]
}

// wheelDir returns the directory, relative to the prefix, that a search path entry
// of a member stands for, if it begins with $ORIGIN.
func wheelDir(entry, member string) (string, bool) {
	rest, ok := strings.CutPrefix(entry, "$ORIGIN")
	if !ok {
		rest, ok = strings.CutPrefix(entry, "${ORIGIN}")
	}
	if !ok || rest != "" && rest[0] != '/' || strings.Contains(rest, "$") {
		return "", false
	}
	return linkage.SearchDir(member, rest), true
}

// installedDirs returns the folders that members are installed to, and those
// above them, as far as they are not site-packages or above it: "lib" belongs
// to the system, unless the wheel puts a file there.
func installedDirs(members []*wheel.Member) map[string]bool {
	site := linkage.InstallDir("x")
	dirs := map[string]bool{}
	for _, m := range members {
		if m.IsDir() {
			continue
		}
		dir := linkage.InstallDir(m.Name)
		for above := dir; !dirs[above]; above = path.Dir(above) {
			if above != dir && (above == "." || above == site || strings.HasPrefix(site, above+"/")) {
				break
			}
			dirs[above] = true
			if above == "." {
				break
			}
		}
	}
	return dirs
}

// graftSearch returns the entries by which a grafted library finds other grafts
// and the files of the wheel that it needs. What its source had belongs to the
// build machine.
func (p *Plan) graftSearch(g *Graft) searchPath {
	image := g.file.Images[0]
	want := searchPath{grown: true}
	if len(p.graph.Added) > 0 && !g.outsidePlatlib {
		want.add("$ORIGIN") // it may open what was added
	}
	for _, e := range image.Needs {
		if e.Status != linkage.Found {
			continue
		}
		to := ""
		if other := p.grafted(e.To.File, g.outsidePlatlib); other != nil {
			to = other.Member
		} else if e.To.InWheel && (!g.outsidePlatlib || outsidePackages(e.To.Path)) {
			to = e.To.Path
		}
		if to == "" {
			continue
		}
		want.add(originEntry(g.Member, to))
	}
	for entry := range strings.SplitSeq(image.ELF().SearchPath(), ":") {
		if path.IsAbs(entry) && p.keepsEntry(image, entry) {
			want.add(entry)
		}
	}
	return want
}
