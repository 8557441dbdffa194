package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/jobs"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"golang.org/x/sync/errgroup"
)

// A linux holds wheels of ELF files to policies: those of manylinux and musllinux, or of
// a system that is like Linux in all but what own says.
type linux struct {
	report *Report
	facts  map[*linkage.Image]*facts
	own    own
}

// own is what one of the systems with ELF files has for itself.
type own interface {
	policies(r *Report) []*policy.Policy // that the wheel is held to, the strictest first
	plainTag(r *Report) string           // of a wheel that meets none, "" if there is no such tag
	check(j *judgement, f *facts)
	claims(p *Proof)
}

// gnu is Linux with glibc or musl.
type gnu struct{}

func (gnu) plainTag(r *Report) string { return "linux_" + string(r.Arch) }

func (gnu) check(*judgement, *facts) {}

func (gnu) claims(*Proof) {}

// assess finds the libraries of the wheel and holds it to every policy of its
// architecture and C library.
func (l *linux) assess(ctx context.Context, r *Report) (err error) {
	if r.Arch, err = wheelArch(r.Contents, r.OS); err != nil {
		return err
	}
	r.Libc = wheelLibc(r.Contents)
	if err := l.link(ctx, r); err != nil {
		return err
	}
	if err := l.readFacts(ctx, r); err != nil {
		return err
	}
	blockers := 0
	for _, p := range l.own.policies(r) {
		r.Verdicts = append(r.Verdicts, l.hold(p))
		blockers += len(r.Verdicts[len(r.Verdicts)-1].Blockers)
		if err := budget.Check("", "reasons against its policies", blockers, maxBlockers); err != nil {
			return err
		}
	}
	return nil
}

// judge holds the wheel to a tag of Linux. One of PEP 600 or 656 without a policy of its
// own is held to the newest one that is not newer.
func (l *linux) judge(r *Report, p policy.Platform) Verdict {
	v := Verdict{Platform: p}
	q, err := policy.Lookup(p.Tag)
	switch {
	case p.Machine() != r.Arch:
		v.Policy = q
		v.Blockers = []Blocker{{Tag: p.Tag, Kind: KindArchitecture, Reason: fmt.Sprintf("the wheel is for %s, not for %s", r.Arch, p.Arch)}}
		return v
	case p.Family == policy.Linux && !elf.KnownArch(p.Arch):
		v.Unknown = errors.New("nothing is known of this architecture")
		return v
	case p.Family == policy.Linux:
		v.Blockers = r.Refused()
		return v
	}
	if err != nil {
		q = floor(p)
	}
	if q != nil {
		v = l.hold(q)
	}
	v.Platform, v.Unknown = p, err
	return v
}

func (l *linux) tags(r *Report, repaired bool) []string {
	v := r.Best()
	switch {
	case repaired && r.BestRepairable() != nil:
		return r.BestRepairable().Policy.Tags()
	case repaired:
		return nil
	case v != nil:
		return []string{v.Policy.Tag()}
	}
	return []string{l.own.plainTag(r)}
}

// loads returns all that a file needs.
func (l *linux) loads(f *linkage.File) []load {
	var all []load
	for _, n := range f.Images[0].Needs {
		all = append(all, load{f.Images[0], n})
	}
	return all
}

// link resolves the libraries of all binaries that a loader could load in the
// wheel's own process. Binaries of another architecture are named by the verdicts.
func (l *linux) link(ctx context.Context, r *Report) error {
	var loaded []*Binary
	for _, b := range r.Contents.of(ELF) {
		if role, _ := r.roleOf(b); role == asLoaded {
			loaded = append(loaded, b)
		}
	}
	opts := r.options.Options
	opts.Libc = string(cmp.Or(r.Libc, policy.GLIBC))
	opts.Promised = l.everySystemHas
	graph, err := linkage.Resolve(ctx, membersOf(loaded), opts)
	if err != nil {
		return err
	}
	r.Graph = graph
	return nil
}

// readFacts reads symbols and versions of the members and of every library
// that some policy would have grafted.
func (l *linux) readFacts(ctx context.Context, r *Report) error {
	objects := linkage.Images(r.Graph.Members, l.graftable())
	all := make([]*facts, len(objects))
	var count undefinedCount
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs.Count(r.Contents.jobs))
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
	l.facts = map[*linkage.Image]*facts{}
	for _, f := range all {
		l.facts[f.object] = f
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
		Soname: file.Soname(), ISA: f.isa.String(), Extension: f.kind != elf.NotExtension,
	}
}

// policies returns those that the wheel is held to. Without a C library, as in
// a wheel of static programs, glibc's serve. musl 1.1 is only considered where
// the file name claims it: too few of its limits can be seen in a binary.
func (gnu) policies(r *Report) []*policy.Policy {
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
func (l *linux) graftable() []*linkage.File {
	r := l.report
	seen := map[*linkage.File]bool{}
	all := slices.Concat(policy.For(policy.GLIBC, r.Arch), policy.For(policy.MUSL, r.Arch))
	if r.Libc != "" {
		all = policy.For(r.Libc, r.Arch)
	}
	for _, p := range all {
		for _, o := range l.grafts(p) {
			seen[o] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), byPath)
}

// everySystemHas reports whether some policy promises a library, so that a library of
// the wheel to which nothing leads does not stand for it.
func (l *linux) everySystemHas(name string) bool {
	r := l.report
	return !r.insists(name) && slices.ContainsFunc(policy.For(cmp.Or(r.Libc, policy.GLIBC), r.Arch), func(p *policy.Policy) bool { return p.AllowsLibrary(name) })
}

// promised reports whether a policy leaves a needed library to the system.
func (l *linux) promised(p *policy.Policy, e *linkage.Need) bool {
	if e.To != nil && e.To.InWheel || !p.AllowsLibrary(e.Name) {
		return false
	}
	return policy.IsLoader(e.Name) || !l.report.insists(e.Name)
}

// insists reports whether a library was asked to be copied whoever promises it.
func (r *Report) insists(name string) bool {
	return slices.ContainsFunc(r.options.Graft, func(pattern string) bool { return linkage.MatchPattern(pattern, name) })
}

// grafts returns the libraries that a repair for the policy copies in: what the
// members need and the system does not promise, and what those need in turn.
func (l *linux) grafts(p *policy.Policy) []*linkage.File {
	g := l.report.Graph
	files := g.Reach(linkage.Images(g.Members, g.Added), func(n *linkage.Need) bool {
		return n.Status == linkage.Found && !n.To.InWheel && !l.promised(p, n)
	})
	return slices.SortedFunc(slices.Values(slices.DeleteFunc(files, func(f *linkage.File) bool { return f.InWheel })), byPath)
}

// hold holds the wheel to one policy.
func (l *linux) hold(p *policy.Policy) Verdict {
	r := l.report
	j := l.newJudgement(Verdict{Policy: p, promised: func(n *linkage.Need) bool { return l.promised(p, n) }})
	if j.wrongTarget() {
		return j.verdict
	}
	j.graft(l.grafts(p))
	j.checkMembers()
	for _, o := range linkage.Images(r.Graph.Members, j.verdict.Grafts) {
		j.checkLibraries(l.facts[o])
		j.checkVersions(l.facts[o])
		j.checkSymbols(l.facts[o])
		j.checkBuild(l.facts[o])
		j.checkRelocations(l.facts[o])
		j.checkJumps(l.facts[o])
		l.own.check(j, l.facts[o])
		if b, wrong := r.wrongInterpreter(o); wrong {
			j.block(b)
		}
	}
	j.verdict.external = len(j.external)
	return j.verdict
}

// basis says how much was held to a platform tag, and lists the versions that the wheel
// wants of libraries outside, by library.
func (l *linux) basis(r *Report, p policy.Platform) (basis string, evidence []string) {
	wanted := r.VersionedSymbols(nil)
	versions := 0
	for _, library := range slices.Sorted(maps.Keys(wanted)) {
		versions += len(wanted[library])
		if p.Family != policy.Linux {
			evidence = append(evidence, library+": "+strings.Join(wanted[library], ", "))
		}
	}
	basis = phrase.Count(len(r.Graph.Members), "ELF file")
	if r.Arch != "" {
		basis += " for " + string(r.Arch)
	}
	if r.Libc != "" {
		basis += ", " + string(r.Libc)
	}
	if versions > 0 {
		basis += fmt.Sprintf(", %s of %s", phrase.Count(versions, "symbol version"), phrase.Count(len(wanted), "library"))
	}
	if r.options.IgnoreISA {
		basis += "; not the processor that they need"
	}
	return basis, evidence
}

// VersionedSymbols returns the versions that the members and the grafts of a
// verdict want of libraries that stay outside the wheel, by soname. Both the
// names and the versions are complete, in the order of the policies' tables.
func (r *Report) VersionedSymbols(v *Verdict) map[string][]string {
	return versions(r, v, func(j *judgement, o *linkage.Image, library string) bool { return j.inside(o, library) })
}

// WantedVersions returns all versions that the members and the grafts of a verdict
// want, also of each other, by library.
func (r *Report) WantedVersions(v *Verdict) map[string][]string {
	return versions(r, v, func(*judgement, *linkage.Image, string) bool { return false })
}

// versions collects the versions that are wanted of libraries that are not inside.
func versions(r *Report, v *Verdict, inside func(j *judgement, o *linkage.Image, library string) bool) map[string][]string {
	l, ok := r.system.(*linux)
	if !ok {
		return map[string][]string{} // other systems know no versions of symbols
	}
	sets := map[string]map[string]bool{}
	j := l.newJudgement(Verdict{})
	if v != nil {
		j.policy = v.Policy
		j.graft(v.Grafts)
	}
	for _, o := range linkage.Images(r.Graph.Members, j.verdict.Grafts) {
		for _, n := range l.facts[o].needs {
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

// claims adds the claims about what the ELF files of a wheel ask for.
func (l *linux) claims(ctx context.Context, p *Proof, opts VerifyOptions) error {
	r := p.Report
	p.claimReadable(phrase.Count(len(r.binaries()), "ELF file"))
	promised := p.claimPlatforms()
	p.claimPurelib()
	p.claimABI()
	if len(r.Graph.Members) == 0 {
		p.unchecked(TopicLibraries, "the ELF files load", "the loader of "+string(r.Arch)+" would load none of them", nil)
		return nil
	}
	p.claimLibraries(l.libraryRules(promised))
	err := l.claimSymbols(ctx, p, promised, opts)
	var format *elf.FormatError
	switch {
	case errors.As(err, &format):
		p.claim(TopicSymbols, "the symbols of each file can be read", "the gABI and the rules of ld.so", []Fault{{Reason: err.Error()}})
	case err != nil:
		return err
	}
	p.claimPaths(r.pathRules())
	p.claimPacked(promised)
	p.claimStack()
	l.own.claims(p)
	return nil
}
