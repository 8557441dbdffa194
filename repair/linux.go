package repair

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/sbom"
)

// linux is the repair of wheels for manylinux and musllinux.
type linux struct{}

// choose finds the policy whose promises decide what is grafted, and the
// platform tags that the result gets.
func (linux) choose(ctx context.Context, p *Plan) error {
	if p.options.MacOS.Resign {
		p.warn("nothing is signed anew: the wheel is not for macOS")
	}
	p.applyDefaults()
	choose := p.chooseStrictest
	if p.asked() {
		choose = p.chooseRequested
	}
	if p.options.Lower {
		choose = p.chooseLowered
	}
	if err := choose(p.report); err != nil {
		return err
	}
	p.Policy = p.policy.Tag()
	p.members = linkage.Images(p.graph.Members)
	p.findStranded()
	return p.planCopies(ctx)
}

// chooseStrictest goes by the strictest policy that can be met.
func (p *Plan) chooseStrictest(rep *audit.Report) error {
	if p.verdict = rep.Target(); p.verdict == nil {
		return fmt.Errorf("no platform tag is known for its binaries (%s %s)", rep.Arch, rep.Libc)
	}
	if !p.verdict.Repairable() {
		return unmet(rep, p.verdict, "")
	}
	p.policy = p.verdict.Policy
	p.platforms = p.policy.Tags()
	return nil
}

// chooseRequested holds the wheel to the policy that was asked for. A stricter
// one that needs no more grafts is met as well, unless only the one is wanted.
func (p *Plan) chooseRequested(rep *audit.Report) error {
	requested, err := lookup(p.options.Platform, rep)
	if err != nil {
		return err
	}
	verdict := rep.Judge(requested.Platform())
	if !verdict.Repairable() {
		return unmet(rep, &verdict, bestTag(rep))
	}
	p.verdict, p.policy, p.platforms = &verdict, requested, requested.Tags()
	if p.options.OnlyPlat {
		return nil
	}
	if v := rep.StrictestWithin(&verdict); v != nil && v.Policy != requested {
		p.verdict, p.policy = v, v.Policy
		p.platforms = append(v.Policy.Tags(), requested.Tags()...)
	}
	return nil
}

func bestTag(rep *audit.Report) string {
	if v := rep.BestRepairable(); v != nil {
		return v.Policy.Tag()
	}
	return ""
}

// lookup finds the policy of a tag, which may leave out the architecture.
func lookup(tag string, rep *audit.Report) (*policy.Policy, error) {
	requested, err := policy.LookupFor(tag, rep.Arch)
	if err != nil {
		return nil, err
	}
	if requested.Arch != rep.Arch {
		return nil, fmt.Errorf("the wheel is for %s, it cannot be repaired to %s", rep.Arch, tag)
	}
	if rep.Libc != "" && requested.Libc != rep.Libc {
		return nil, fmt.Errorf("the wheel is for %s, it cannot be repaired to %s", rep.Libc, tag)
	}
	return requested, nil
}

// unmet returns the error of a wheel that cannot meet the policy of a verdict.
func unmet(rep *audit.Report, v *audit.Verdict, best string) error {
	e := &UnmetError{OS: audit.OSLinux, Policy: v.Policy, Best: best}
	if l, err := rep.Lower(v.Policy); err == nil {
		e.Lowers = l.Reaches()
	}
	for _, b := range v.Blockers {
		if !b.Repairable() {
			e.Blockers = append(e.Blockers, b)
		}
	}
	return e
}

// asked reports whether a platform tag was asked for.
func (p *Plan) asked() bool { return p.options.Platform != "" && p.options.Platform != "auto" }

// applyDefaults takes from the defaults what is for this wheel and was not asked for.
func (p *Plan) applyDefaults() {
	own := *p.options // the caller's serve other wheels, too
	p.options = &own
	p.options.Strip = p.options.Strip || p.options.Defaults.Strip
	tags := p.options.Defaults.Platforms
	if p.options.Platform != "" || len(tags) == 0 {
		return
	}
	rep := p.report
	if p.options.Platform = fitting(tags, rep); p.options.Platform == "" && rep.Libc != policy.BIONIC {
		p.warn("the project's settings have no platform tag for this wheel (%s), only %s; the tag of the oldest system is taken",
			strings.TrimSpace(string(rep.Arch)+" "+string(rep.Libc)), strings.Join(tags, ", "))
	}
}

// fitting returns the tag for the C library and the architecture of a wheel, "" if none is.
// One that names the architecture goes before one that does not.
func fitting(tags []string, rep *audit.Report) string {
	bare := ""
	for _, tag := range tags {
		q, err := policy.LookupFor(tag, rep.Arch)
		if err != nil || q.Arch != rep.Arch || rep.Libc != "" && q.Libc != rep.Libc {
			continue
		}
		if _, err := policy.Lookup(tag); err == nil {
			return tag
		}
		if bare == "" {
			bare = tag
		}
	}
	return bare
}

// keeps reports whether the wheel meets a tag after the repair.
func (linux) keeps(p *Plan, tag string) (kept bool, why string) {
	if p.truthful(tag) {
		return true, ""
	}
	if f, err := policy.ParsePlatform(tag); err != nil || f.Family != policy.Linux && f.Family != policy.Any {
		why = "is removed: the wheel does not meet it"
	}
	return false, why
}

// truthful reports whether a platform tag of the wheel may stay: not "any" or one
// of another system, nor a linux tag that promises nothing, nor a policy that the
// wheel cannot meet.
func (p *Plan) truthful(tag string) bool {
	rep := p.report
	q, err := policy.Lookup(tag)
	if err != nil {
		// A tag of PEP 600 or 656 that has no policy of its own may stay.
		f, err := policy.ParsePlatform(tag)
		return err == nil && !p.policy.Plain() && f.Machine() == rep.Arch && f.Libc() == p.policy.Libc && f.AtLeast(p.policy.Major, p.policy.Minor)
	}
	if q == p.policy || slices.Contains(p.platforms, tag) {
		return true
	}
	if q.Arch != rep.Arch {
		return false
	}
	if q.Libc != p.policy.Libc {
		// A wheel of static programs serves both C libraries.
		v := rep.Judge(q.Platform())
		return v.Meets()
	}
	return p.policy.Older(q)
}

// names puts digits of its digest into each name, as auditwheel does. What nothing needs
// by name keeps its own: code opens it by that.
func (linux) names(p *Plan, libraries []*linkage.File, digests []string) (dirs libDirs, bases []string, err error) {
	for i, f := range libraries {
		base := graftName(path.Base(f.Path), digests[i])
		if slices.Contains(p.graph.Added, f) {
			base = f.FoundAs()
		}
		bases = append(bases, base)
	}
	folder, err := p.options.libDir(p.contents.Filename.Name)
	return newLibDirs(folder, folder, p.graph.Members), bases, err
}

// change decides what changes in a member, or in a graft if there is one.
func (linux) change(_ context.Context, p *Plan, f *linkage.File, g *Graft) (Change, error) {
	o := f.Images[0]
	if g != nil {
		c := p.relink(o, g.outsidePlatlib)
		if !g.Added {
			c.Soname = path.Base(g.Member)
		}
		c.search(o, p.graftSearch(g), p.runPath)
		c.Strip, c.PlainStack, c.Lowered = p.options.Strip, p.plainStack(o), p.lowered(f)
		return c, nil
	}
	if p.folded[f] != nil {
		return Change{}, nil
	}
	outsidePlatlib, libDir := outsidePackages(f.Path), ""
	c := p.relink(o, outsidePlatlib)
	if p.needsGraft(f) || len(p.graph.Added) > 0 && !outsidePlatlib {
		libDir = p.dirs.of(outsidePlatlib)
	}
	c.search(o, p.memberSearch(o, libDir), p.runPath)
	c.Strip, c.PlainStack, c.Lowered = p.options.Strip, p.plainStack(o), p.lowered(f)
	if c.Interpreter = p.report.Interpreter(o); c.Interpreter != "" {
		p.warn("%s: its interpreter is that of the machine which built it; it is set to %s", f.Path, c.Interpreter)
	}
	return c, nil
}

// graftsByPath: auditwheel knows a library by its soname.
func (linux) graftsByPath() bool { return false }

// settle names the files that crash with the first releases of the musl that the tag
// promises. The tag stays: it says musl 1.2, and every Alpine that is still cared for has
// 1.2.4 or later.
func (linux) settle(p *Plan) error {
	if p.policy.Libc != policy.MUSL {
		return nil
	}
	var packed []string
	for _, o := range p.members {
		if o.ELF().PackedRelocations() {
			packed = append(packed, o.Path)
		}
	}
	for i := range p.Grafts {
		if p.Grafts[i].file.Images[0].ELF().PackedRelocations() {
			packed = append(packed, p.Grafts[i].Member)
		}
	}
	if len(packed) > 0 {
		p.warn("musl before 1.2.4 (Alpine before 3.18) crashes with packed relocations (DT_RELR), as in %s; link without -z pack-relative-relocs", phrase.Some(packed, 3))
	}
	return nil
}

// relink renames the grafts among the needed libraries, and drops libpython.
func (p *Plan) relink(o *linkage.Image, outsidePlatlib bool) Change {
	var c Change
	for _, e := range o.Needs {
		switch e.Status {
		case linkage.LibPython:
			if !slices.Contains(c.Removed, e.Name) {
				c.Removed = append(c.Removed, e.Name)
				p.warn("%s: its dependency on %s is removed, since extension modules must not load libpython (PEP 513)", o.Path, e.Name)
			}
		case linkage.Found:
			if name := p.newName(o, e, outsidePlatlib); name != "" {
				c.rename(renames(o, e, name))
			}
		}
	}
	return c
}

// newName returns the name by which a file needs a library from now on, "" if it
// does not change.
func (p *Plan) newName(o *linkage.Image, e *linkage.Need, outsidePlatlib bool) string {
	if g := p.grafted(e.To.File, outsidePlatlib); g != nil {
		return path.Base(g.Member)
	}
	if kept := p.folded[e.To.File]; kept != nil {
		return path.Base(kept.Path)
	}
	if p.stranded[e.To] && e.To != o {
		p.tellStranded(o, e)
		return path.Base(e.To.Path)
	}
	return ""
}

// rename adds renames that are not there yet.
func (c *Change) rename(steps []Rename) {
	for _, r := range steps {
		if r.New != r.Old && !slices.Contains(c.Needed, r) {
			c.Needed = append(c.Needed, r)
		}
	}
}

// renames returns the steps by which a DT_NEEDED gets the name of a graft. A
// version need has to follow: ld.so aborts when it names a library that is not
// loaded (elf/dl-version.c, _dl_check_map_versions). One that knows the library
// by its soname, where DT_NEEDED has another name, follows from there.
func renames(o *linkage.Image, e *linkage.Need, name string) []Rename {
	soname := e.To.ELF().Soname()
	needs, err := o.ELF().VersionNeeds()
	bySoname := err == nil && soname != e.Name && o.Need(soname) == nil &&
		slices.ContainsFunc(needs, func(n elf.VersionNeed) bool { return n.Library == soname })
	if bySoname {
		return []Rename{{e.Name, soname}, {soname, name}}
	}
	return []Rename{{e.Name, name}}
}

// plainStack reports whether a file asks for an executable stack that shall go.
func (p *Plan) plainStack(o *linkage.Image) bool {
	return p.options.PlainStack && p.report.ExecutableStack(o)
}

// tellStack notes that the option about stacks had nothing to do.
func (p *Plan) tellStack() {
	changed := slices.ContainsFunc(p.Edits, func(e Edit) bool { return e.PlainStack }) ||
		slices.ContainsFunc(p.Grafts, func(g Graft) bool { return g.PlainStack })
	if p.options.PlainStack && !changed {
		p.warn("no file asks for an executable stack, so none is cleared")
	}
}

// edits translates a change into edits of an ELF file.
func (c *Change) edits(f *elf.File) []elf.Edit {
	edits := c.Lowered.edits(f)
	if c.Soname != "" {
		edits = append(edits, elf.SetSoname(c.Soname))
	}
	for _, r := range c.Needed {
		edits = append(edits, elf.ReplaceNeeded(r.Old, r.New))
	}
	for _, name := range c.Removed {
		edits = append(edits, elf.RemoveNeeded(name))
	}
	switch {
	case c.NoPath:
		edits = append(edits, elf.RemoveRPath())
	case c.RPath != "":
		edits = append(edits, elf.SetRPath(c.RPath))
	case c.RunPath != "":
		edits = append(edits, elf.SetRunPath(c.RunPath))
	}
	if c.Interpreter != "" {
		edits = append(edits, elf.SetInterpreter(c.Interpreter))
	}
	if c.PlainStack {
		edits = append(edits, elf.SetExecutableStack(false))
	}
	if c.Strip {
		edits = append(edits, elf.Strip())
	}
	return edits
}

// edit makes the edited file.
func (linux) edit(ctx context.Context, f *linkage.File, c *Change, _ string) (*overlay.Overlay, error) {
	file := f.Images[0].ELF()
	return file.Edit(ctx, c.edits(file)...)
}

// read reads an edited file back.
func (linux) read(image *overlay.Overlay) (linkage.Content, error) {
	return elf.NewFile(image, image.Size())
}

// describe asks the package database. The path of a library that no package owns tells
// about the build machine only.
func (linux) describe(p *Plan, packages packages) ([]sbom.Graft, error) {
	database, err := packages()
	if err != nil {
		return nil, err
	}
	var grafts []sbom.Graft
	for _, g := range p.Grafts {
		entry, at := sbom.Graft{Member: g.Member, SHA256: g.SHA256, Soname: g.file.Images[0].Name}, g.file.SystemPath()
		if _, ours := p.compat(g.file); ours {
			entry.Package = &sbom.Package{Type: "generic", Name: "wheelmend-compat", Version: p.options.Tool.Version, Licenses: []sbom.License{{Name: "MIT"}}}
		} else if pkg, ok := database.Owner(at); ok {
			entry.Package, entry.Source = pkg, at
		} else if database.Expects(at) {
			p.warn("no package of the database has %s: the SBOM gives it no version", g.Source)
		}
		grafts = append(grafts, entry)
	}
	if err := database.Err(); err != nil {
		return nil, &OptionError{OptionNoSBOM, fmt.Errorf("package database: %w", err)}
	}
	for _, doubt := range database.Damage() {
		p.warn("package database: %s; the SBOM may lack packages", doubt)
	}
	return grafts, nil
}
