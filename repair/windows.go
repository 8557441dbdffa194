package repair

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/pe"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/sbom"
)

// WindowsOptions tunes the repair of Windows wheels.
type WindowsOptions struct {
	// NoMangle has patterns of libraries that keep the names of their files.
	NoMangle []string
	// Namespaces are packages, as in "google.cloud", whose __init__.py is not to be
	// patched, as other wheels have it as well.
	Namespaces []string
}

// windows is the repair of Windows wheels.
type windows struct {
	homes   []home              // folders whose modules need copies
	patches map[string]*preload // by the __init__.py
	apart   bool                // the copies lie in a folder of their own
}

// A home is a folder with files that need copies, directly or through others.
type home struct {
	dir    string // of members
	anchor string // the __init__.py that runs before its modules, "" if there is none
	grafts map[*linkage.File]bool
	delays []*linkage.Need // delay imports of copies
	reach  []*linkage.Need // of libraries of the wheel to which nothing leads
}

// choose goes by the tag of the file name, which promises an architecture alone.
func (*windows) choose(_ context.Context, p *Plan) error {
	p.tellNoLowering(audit.ErrNoLowering)
	tags := p.report.RepairedTags()
	switch o := p.options; {
	case o.Strip:
		return &OptionError{OptionStrip, errors.New("a Windows wheel: its files are not stripped; strip the binaries before they go into the wheel")}
	case o.Platform != "" && o.Platform != "auto" && !slices.Contains(tags, o.Platform):
		return &OptionError{OptionPlatform, fmt.Errorf("a Windows wheel: its tag comes from its files, %s", strings.Join(tags, "."))}
	}
	e := &UnmetError{OS: p.report.OS}
	for _, b := range p.report.Target().Blockers {
		if !b.Repairable() {
			e.Blockers = append(e.Blockers, b)
		}
	}
	if len(e.Blockers) > 0 {
		return e
	}
	p.verdict, p.platforms = p.report.Target(), tags
	p.Policy = strings.Join(tags, ".")
	return nil
}

// keeps reports whether a tag is one of those that the result has.
func (*windows) keeps(p *Plan, tag string) (kept bool, why string) {
	f, err := policy.ParsePlatform(tag)
	switch {
	case slices.Contains(p.platforms, tag):
		return true, ""
	case err == nil && f.Family == policy.Any:
		return false, ""
	}
	return false, "is removed: the wheel does not meet it"
}

// graftsByPath: the import tables know names of files alone.
func (*windows) graftsByPath() bool { return false }

// names puts digits of its digest into the name of each library, so that two wheels in one
// process never mean different libraries by one name. What forwarders name keeps its own:
// they are not edited.
func (w *windows) names(p *Plan, libraries []*linkage.File, digests []string) (libDirs, []string, error) {
	forwarded := forwardedTo(p, libraries)
	bases := make([]string, len(libraries))
	for i, f := range libraries {
		base := path.Base(strings.ReplaceAll(f.Path, `\`, "/"))
		bases[i] = graftName(base, digests[i])
		kept := slices.ContainsFunc(p.options.Windows.NoMangle, func(pattern string) bool { return p.graph.MatchesName(pattern, base) })
		switch {
		case kept:
			bases[i] = base
		case forwarded[f] != "":
			bases[i] = base
			p.warn("%s keeps its name: exports of %s are forwarded to it", base, forwarded[f])
		}
	}
	w.findHomes(p)
	dirs, err := w.place(p)
	return dirs, bases, err
}

// forwardedTo returns the libraries to which exports are forwarded, each with one that does.
func forwardedTo(p *Plan, libraries []*linkage.File) map[*linkage.File]string {
	by := map[*linkage.File]string{}
	for _, image := range linkage.Images(p.graph.Members, libraries) {
		for _, n := range image.Needs {
			if n.Kind == linkage.Forward && n.IsFound() && !n.To.InWheel {
				by[n.To.File] = cmp.Or(by[n.To.File], image.Path)
			}
		}
	}
	return by
}

// findHomes collects the folders whose modules, programs and libraries that others open by
// their paths need copies, or libraries of the wheel that nothing leads to. Windows
// searches the folder of what is loaded first for all that this leads to.
func (w *windows) findHomes(p *Plan) {
	if p.selfContained() {
		return
	}
	grafts := map[*linkage.File]bool{}
	for _, f := range p.verdict.Grafts {
		grafts[f] = true
	}
	roots := rootsOf(p.graph)
	for _, dir := range slices.Sorted(maps.Keys(roots)) {
		h := home{dir: dir, grafts: map[*linkage.File]bool{}}
		for _, image := range linkage.Reach(roots[dir], (*linkage.Need).IsFound) {
			for _, n := range image.Needs {
				h.add(n, grafts)
			}
		}
		if len(h.grafts)+len(h.reach) > 0 {
			h.anchor = p.anchorOf(dir)
			w.homes = append(w.homes, h)
		}
	}
}

// selfContained reports whether no copy is needed, and nothing of the wheel has to be led to.
func (p *Plan) selfContained() bool {
	return len(p.verdict.Grafts) == 0 && !slices.ContainsFunc(linkage.Images(p.graph.Members), func(i *linkage.Image) bool {
		return slices.ContainsFunc(i.Needs, func(n *linkage.Need) bool { return n.IsFound() && n.Rule.Kind == linkage.Stranded })
	})
}

// add takes up what one library of the load comes to.
func (h *home) add(n *linkage.Need, grafts map[*linkage.File]bool) {
	switch {
	case !n.IsFound():
	case grafts[n.To.File]:
		h.grafts[n.To.File] = true
		if n.Kind == linkage.Delay {
			h.delays = append(h.delays, n)
		}
	case n.To.InWheel && n.Rule.Kind == linkage.Stranded:
		h.reach = append(h.reach, n)
	}
}

// outside reports whether the files lie outside site-packages, as programs do.
func (h *home) outside() bool { return outsidePackages(h.dir + "/x") }

// rootsOf returns what Python imports, programs, and what no other file loads, by folder.
func rootsOf(g *linkage.Graph) map[string][]*linkage.Image {
	first := map[*linkage.Image]bool{}
	for _, root := range g.Roots {
		first[root] = true
	}
	roots := map[string][]*linkage.Image{}
	for _, image := range linkage.Images(g.Members) {
		if first[image] || linkage.IsWindowsModule(image.Path) || !image.PE().IsDLL() {
			dir := path.Dir(image.Path)
			roots[dir] = append(roots[dir], image)
		}
	}
	return roots
}

// anchorOf returns the first __init__.py that runs before a module of a folder is imported,
// "" if there is none: the folder, and all above it, are namespace packages (PEP 420).
func (p *Plan) anchorOf(dir string) string {
	if outsidePackages(dir + "/x") {
		return ""
	}
	prefix := ""
	if scheme, rest := linkage.Scheme(dir + "/x"); scheme != "" {
		prefix, dir = strings.TrimSuffix(dir+"/x", rest), path.Dir(rest)
	}
	at := ""
	for part := range strings.SplitSeq(dir, "/") {
		at = path.Join(at, part)
		namespace := slices.Contains(p.options.Windows.Namespaces, strings.ReplaceAll(at, "/", "."))
		if init := prefix + at + "/__init__.py"; !namespace && at != "." && p.holds(init) {
			return init
		}
	}
	return ""
}

// place decides where the copies lie: beside the modules, if these share a folder, and so
// that no Python file is touched; else in a folder of their own, which the packages add to
// the search. Modules of namespace packages, and programs, have copies beside them.
func (w *windows) place(p *Plan) (libDirs, error) {
	own, err := p.options.libDir(p.contents.Filename.Name)
	if err != nil {
		return libDirs{}, err
	}
	inside := slices.DeleteFunc(slices.Clone(w.homes), func(h home) bool { return h.outside() || len(h.grafts) == 0 })
	anchored := slices.ContainsFunc(inside, func(h home) bool { return h.anchor != "" })
	d := libDirs{packages: own}
	switch {
	case len(inside) == 1 && (p.options.LibSuffix == "" || !anchored):
		d.packages = inside[0].dir
	case !anchored && len(inside) > 0:
		d.packages = inside[0].dir
	default:
		w.apart = len(inside) > 0
	}
	for _, h := range w.homes {
		if h.outside() && d.outsidePlatlib == "" {
			d.outsidePlatlib = h.dir
		}
	}
	if p.options.LibSuffix != "" && !w.apart && len(inside) > 0 {
		p.warn("the copies lie beside the modules in %s, and not in %s: no __init__.py could lead there", inside[0].dir, own)
	}
	return d, nil
}

// change decides what changes in a member, or in a copy if there is one.
func (w *windows) change(_ context.Context, p *Plan, f *linkage.File, g *Graft) (Change, error) {
	var c Change
	outside := outsidePackages(f.Path)
	if g != nil {
		outside = g.outsidePlatlib
	}
	for _, image := range f.Images {
		for _, n := range image.Needs {
			if !n.IsFound() {
				continue
			}
			copied := p.grafted(n.To.File, outside)
			if n.Rule.Kind == linkage.ForbiddenByFlags || copied != nil && !allowsFolders(image) {
				c.AnyFolder = true
			}
			if copied == nil {
				continue
			}
			r := Rename{Old: n.Name, New: path.Base(copied.Member)}
			if !strings.EqualFold(r.Old, r.New) && !slices.Contains(c.Needed, r) {
				c.Needed = append(c.Needed, r)
			}
		}
	}
	return c, nil
}

// allowsFolders reports whether Windows looks for what an image imports where it looks for
// the image: its flags say nothing else (LoadLibraryExW, DependentLoadFlags).
func allowsFolders(image *linkage.Image) bool {
	config, err := image.PE().LoadConfig()
	return err == nil && (config == nil || config.DependentLoadFlags == 0)
}

// settle adds the copies that lie in more than one folder, and patches the packages.
func (w *windows) settle(p *Plan) error {
	for _, h := range w.homes {
		served := h.dir == p.dirs.packages || h.dir == p.dirs.outsidePlatlib || w.apart && h.anchor != ""
		if len(h.grafts) == 0 || served {
			continue
		}
		for _, g := range slices.Clone(p.Grafts) {
			member := path.Join(h.dir, path.Base(g.Member))
			if h.grafts[g.file] && !p.holds(member) && !slices.ContainsFunc(p.Grafts, func(o Graft) bool { return o.Member == member }) {
				g.Member = member
				p.Grafts = append(p.Grafts, g)
			}
		}
	}
	slices.SortFunc(p.Grafts, func(a, b Graft) int { return strings.Compare(a.Member, b.Member) })
	for i := range p.Edits {
		if e := &p.Edits[i]; !e.empty() {
			p.warnSigned(e.file)
		}
	}
	return errors.Join(w.patch(p), p.tellRuntimes(), p.nameVersions())
}

// nameVersions notes the version that each copy has, as its resources tell it, and warns of
// runtimes for debug builds (Microsoft, "Distributable code").
func (p *Plan) nameVersions() error {
	for i := range p.Grafts {
		g := &p.Grafts[i]
		version, err := g.file.Images[0].PE().FileVersion()
		if err != nil && !errors.As(err, new(*pe.FormatError)) { // no loader looks at resources
			return named(g.Source, err)
		}
		if runtime, ok := policy.RuntimeDLL(path.Base(strings.ReplaceAll(g.Source, `\`, "/"))); ok && runtime.Debug {
			p.warn("%s is the Visual C++ runtime of debug builds, which nobody may pass on; build without /MDd", g.Source)
		}
		if version != (pe.Version{}) {
			g.version = version.String()
			g.Package = path.Base(strings.ReplaceAll(g.Source, `\`, "/")) + " " + g.version
		}
	}
	return nil
}

// tellRuntimes tells of a Visual C++ runtime that is older than the linker of who loads it.
func (p *Plan) tellRuntimes() error {
	users := map[string][]string{}
	for _, image := range linkage.Images(p.graph.Members, p.verdict.Grafts) {
		for _, n := range image.Needs {
			has, err := audit.OlderRuntime(image, n)
			if err != nil {
				return err
			}
			if has != (pe.Version{}) && !n.To.InWheel {
				text := fmt.Sprintf("%s is version %v, older than the linker %d.%d that made", n.To.Path, has, image.PE().LinkerMajor, image.PE().LinkerMinor)
				users[text] = append(users[text], path.Base(image.Path))
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(users)) {
		p.warn("%s %s; a newer one is safer", text, phrase.Some(users[text], 3))
	}
	return nil
}

// warnSigned tells that a signature that somebody vouches for is lost.
func (p *Plan) warnSigned(f *linkage.File) {
	if cert, err := f.Images[0].PE().Certificate(); err == nil && cert.Size > 0 {
		p.warn("%s: its signature is taken away, since the edit voids it; sign the wheel's files again if that counts", f.Path)
	}
}

// edit carries out a change.
func (*windows) edit(ctx context.Context, f *linkage.File, c *Change, _ string) (*overlay.Overlay, error) {
	image := f.Images[0]
	var edits []pe.Edit
	for _, r := range c.Needed {
		for _, n := range image.Needs {
			if n.Name != r.Old {
				continue
			}
			switch n.Kind {
			case linkage.Plain:
				edits = append(edits, pe.ReplaceImport(r.Old, r.New))
			case linkage.Delay:
				edits = append(edits, pe.ReplaceDelayImport(r.Old, r.New))
			}
		}
	}
	if c.AnyFolder {
		edits = append(edits, pe.SetDependentLoadFlags(0))
	}
	return image.PE().Edit(ctx, edits...)
}

// read reads an edited file back.
func (*windows) read(image *overlay.Overlay) (linkage.Content, error) {
	return pe.NewFile(image, image.Size())
}

// describe has no package database to ask.
func (*windows) describe(p *Plan, _ packages) ([]sbom.Graft, error) {
	var grafts []sbom.Graft
	for _, g := range p.Grafts {
		grafts = append(grafts, sbom.Graft{Member: g.Member, SHA256: g.SHA256, Version: g.version})
	}
	return grafts, nil
}
