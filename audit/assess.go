package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/jobs"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// Options tunes an audit. The zero value looks at this machine's libraries.
type Options struct {
	linkage.Options          // where libraries are sought; Libc is filled in by Assess
	Graft           []string // patterns of sonames that are grafted even where the policy promises them
	KeepRPath       []string // patterns of search path entries that stay, wherever they lead
	IgnoreISA       bool     // do not hold binaries to the baseline of x86-64
	Jobs            int      // binaries read at once; 0 means GOMAXPROCS
	MacOS           MacOptions
}

// Assess finds the libraries of the wheel and holds it to every policy of its
// architecture and C library, or to the tags of macOS.
func Assess(ctx context.Context, c *Contents, opts Options) (*Report, error) {
	r := &Report{Wheel: c.Filename.String(), Contents: c, Graph: &linkage.Graph{}, best: -1, repairable: -1, options: opts}
	r.OS, r.Unserved = c.system()
	r.Format, r.Foreign = r.OS.format(r.Unserved), c.foreignTo(r.OS, r.Unserved)
	var err error
	switch {
	case r.Unserved != nil, r.Format == Pure:
		return r, nil
	case r.Format == MachO:
		if r.MacOS, err = assessMacOS(ctx, c, opts.MacOS); err != nil {
			return nil, err
		}
		r.Files = machOFiles(c)
		return r, nil
	}
	if r.Arch, err = wheelArch(c); err != nil {
		return nil, err
	}
	r.Libc = wheelLibc(c)
	if err := r.link(ctx); err != nil {
		return nil, err
	}
	if err := r.readFacts(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	blockers := 0
	for _, p := range r.policies() {
		r.Verdicts = append(r.Verdicts, r.judge(p))
		blockers += len(r.Verdicts[len(r.Verdicts)-1].Blockers)
		if err := budget.Check(r.Wheel, "reasons against its policies", blockers, maxBlockers); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	r.choose()
	return r, nil
}

// link resolves the libraries of all binaries that a loader could load in the
// wheel's own process. Binaries of another architecture are named by the verdicts.
func (r *Report) link(ctx context.Context) error {
	var loaded []*Binary
	for _, b := range r.Contents.of(ELF) {
		if role, _ := r.roleOf(b); role == asLoaded {
			loaded = append(loaded, b)
		}
	}
	opts := r.options.Options
	opts.Libc = string(cmp.Or(r.Libc, policy.GLIBC))
	opts.Promised = r.everySystemHas
	var err error
	r.Graph, err = linkage.Resolve(ctx, membersOf(loaded), opts)
	return err
}

// membersOf hands files to the simulated loader.
func membersOf(files []*Binary) []linkage.Member {
	members := make([]linkage.Member, len(files))
	for i, b := range files {
		members[i] = linkage.Member{Name: b.Member.Name, Content: b.Content}
	}
	return members
}

// readFacts reads symbols and versions of the members and of every library
// that some policy would have grafted.
func (r *Report) readFacts(ctx context.Context) error {
	objects := linkage.Images(r.Graph.Members, r.graftable())
	all := make([]*facts, len(objects))
	var count undefinedCount
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs.Count(r.options.Jobs))
	for i, o := range objects {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f, err := newFacts(o, &count)
			if err != nil {
				return fmt.Errorf("%s: %w", o.Path, err)
			}
			all[i] = f
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	r.facts = map[*linkage.Image]*facts{}
	for _, f := range all {
		r.facts[f.object] = f
		if f.object.InWheel {
			r.Files = append(r.Files, newFile(f))
		}
	}
	return nil
}

func newFile(f *facts) File {
	file := f.object.ELF()
	return File{
		Path: f.object.Path, Needed: file.Needed(), RPath: file.RPath(), RunPath: file.RunPath(),
		Soname: file.Soname(), ISA: f.isa, Extension: f.kind != elf.NotExtension,
	}
}

// policies returns those that the wheel is held to. Without a C library, as in
// a wheel of static programs, glibc's serve. musl 1.1 is only considered where
// the file name claims it: too few of its limits can be seen in a binary.
func (r *Report) policies() []*policy.Policy {
	all := policy.For(cmp.Or(r.Libc, policy.GLIBC), r.Arch)
	if r.Libc != policy.MUSL || len(all) == 0 {
		return all
	}
	for i, p := range all {
		if slices.Contains(r.Contents.Filename.Platform, p.Tag()) {
			return all[i:]
		}
	}
	return all[len(all)-1:]
}

// graftable returns the system libraries that any policy would have grafted.
func (r *Report) graftable() []*linkage.File {
	seen := map[*linkage.File]bool{}
	for _, p := range slices.Concat(policy.For(policy.GLIBC, r.Arch), policy.For(policy.MUSL, r.Arch)) {
		if r.Libc != "" && p.Libc != r.Libc {
			continue
		}
		for _, o := range r.grafts(p) {
			seen[o] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), byPath)
}

func byPath(a, b *linkage.File) int { return cmp.Compare(a.Path, b.Path) }

// everySystemHas reports whether some policy promises a library, so that a library of
// the wheel to which nothing leads does not stand for it.
func (r *Report) everySystemHas(name string) bool {
	if slices.ContainsFunc(r.options.Graft, func(pattern string) bool { return linkage.MatchPattern(pattern, name) }) {
		return false
	}
	return slices.ContainsFunc(policy.For(cmp.Or(r.Libc, policy.GLIBC), r.Arch), func(p *policy.Policy) bool { return p.AllowsLibrary(name) })
}

// leaves reports whether a policy leaves a needed library to the system.
func (r *Report) leaves(p *policy.Policy, e *linkage.Need) bool {
	if e.To != nil && e.To.InWheel || !p.AllowsLibrary(e.Name) {
		return false
	}
	if policy.IsLoader(e.Name) {
		return true
	}
	for _, pattern := range r.options.Graft {
		if linkage.MatchPattern(pattern, e.Name) {
			return false
		}
	}
	return true
}

// grafts returns the libraries that a repair for the policy copies in: what the
// members need and the system does not promise, and what those need in turn.
func (r *Report) grafts(p *policy.Policy) []*linkage.File {
	files := r.Graph.Reach(linkage.Images(r.Graph.Members, r.Graph.Added), func(n *linkage.Need) bool {
		return n.Status == linkage.Found && !n.To.InWheel && !r.leaves(p, n)
	})
	return slices.SortedFunc(slices.Values(slices.DeleteFunc(files, func(f *linkage.File) bool { return f.InWheel })), byPath)
}

// judge holds the wheel to one policy.
func (r *Report) judge(p *policy.Policy) Verdict {
	j := &judgement{report: r, policy: p, verdict: Verdict{Policy: p}, grafted: map[*linkage.Image]bool{}}
	if j.wrongTarget() {
		return j.verdict
	}
	j.verdict.Grafts = r.grafts(p)
	for _, o := range linkage.Images(j.verdict.Grafts) {
		j.grafted[o] = true
	}
	j.checkMembers()
	for _, o := range linkage.Images(r.Graph.Members, j.verdict.Grafts) {
		j.checkLibraries(r.facts[o])
		j.checkVersions(r.facts[o])
		j.checkSymbols(r.facts[o])
		j.checkBuild(r.facts[o])
		j.checkRelocations(r.facts[o])
		if b, wrong := r.wrongInterpreter(o); wrong {
			j.block(b)
		}
	}
	j.verdict.external = len(j.external)
	return j.verdict
}

// choose picks the tags of the report. A repair never grafts more than the
// fewest libraries that any policy asks for: an older tag is not worth a second
// copy of a library that later systems all have (as auditwheel decides).
func (r *Report) choose() {
	fewest := -1
	for i := range r.Verdicts {
		if n := r.Verdicts[i].external; fewest < 0 || n < fewest {
			fewest = n
		}
	}
	enough := false
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		enough = enough || v.external <= fewest
		if r.best < 0 && v.Meets() {
			r.best = i
		}
		if r.repairable < 0 && enough && v.Repairable() {
			r.repairable = i
		}
	}
}

// Libraries returns every library outside the wheel that its files and the
// grafts of a verdict need, sorted by soname, with what a repair for that
// policy does about it. Without a verdict, nothing is grafted.
func (r *Report) Libraries(v *Verdict) []Library {
	type key struct{ soname, path string }
	found := map[key]*Library{}
	objects := linkage.Images(r.Graph.Members)
	if v != nil {
		objects = linkage.Images(r.Graph.Members, v.Grafts)
	}
	for _, o := range objects {
		for _, e := range o.Needs {
			if e.To != nil && e.To.InWheel {
				continue
			}
			k := key{soname: e.Name}
			if e.To != nil {
				k.path = e.To.Path
			}
			if found[k] == nil {
				found[k] = &Library{Soname: e.Name, Path: k.path, Action: r.action(v, e), Tried: e.Tried}
			}
			found[k].NeededBy = append(found[k].NeededBy, o.Path)
		}
	}
	var out []Library
	for _, l := range found {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Library) int {
		return cmp.Or(strings.Compare(a.Soname, b.Soname), strings.Compare(a.Path, b.Path))
	})
	return out
}

func (r *Report) action(v *Verdict, e *linkage.Need) Action {
	switch {
	case e.Status == linkage.Excluded:
		return Excluded
	case e.Status == linkage.LibPython:
		return Remove
	case v != nil && r.leaves(v.Policy, e):
		return System
	case e.Status == linkage.Missing:
		return Missing
	}
	return Graft
}

// VersionedSymbols returns the versions that the members and the grafts of a
// verdict want of libraries that stay outside the wheel, by soname. Both the
// names and the versions are complete, in the order of the policies' tables.
func (r *Report) VersionedSymbols(v *Verdict) map[string][]string {
	return r.versions(v, func(j *judgement, o *linkage.Image, library string) bool { return j.inside(o, library) })
}

// WantedVersions returns all versions that the members and the grafts of a verdict
// want, also of each other, by library.
func (r *Report) WantedVersions(v *Verdict) map[string][]string {
	return r.versions(v, func(*judgement, *linkage.Image, string) bool { return false })
}

// versions collects the versions that are wanted of libraries that are not inside.
func (r *Report) versions(v *Verdict, inside func(j *judgement, o *linkage.Image, library string) bool) map[string][]string {
	sets := map[string]map[string]bool{}
	j := &judgement{report: r, grafted: map[*linkage.Image]bool{}}
	objects := linkage.Images(r.Graph.Members)
	if v != nil {
		j.policy, objects = v.Policy, linkage.Images(r.Graph.Members, v.Grafts)
		for _, o := range linkage.Images(v.Grafts) {
			j.grafted[o] = true
		}
	}
	for _, o := range objects {
		for _, n := range r.facts[o].needs {
			if inside(j, o, n.Library) {
				continue
			}
			for _, version := range n.Versions {
				if sets[n.Library] == nil {
					sets[n.Library] = map[string]bool{}
				}
				sets[n.Library][version.Name] = true
			}
		}
	}
	out := map[string][]string{}
	for library, set := range sets {
		out[library] = slices.SortedFunc(maps.Keys(set), policy.CompareVersions)
	}
	return out
}

// Judge holds the wheel to one policy, also one that the report does not list.
// One for another architecture or C library is never met.
func (r *Report) Judge(p *policy.Policy) Verdict { return r.judge(p) }

// StrictestWithin returns the verdict on the strictest policy that a repair can
// meet with no more libraries from outside than the given one, nil if there is
// none.
func (r *Report) StrictestWithin(limit *Verdict) *Verdict {
	enough := false
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		enough = enough || v.external <= limit.external
		if enough && v.Repairable() && !limit.Policy.Older(v.Policy) {
			return v
		}
	}
	return nil
}
