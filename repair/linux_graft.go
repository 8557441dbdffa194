package repair

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// libDirs are the folders for grafted libraries. Programs of the .data/scripts
// folder and files of the .data/data folder are installed beside site-packages, from
// where no search path leads into it: its name depends on the version of Python. What
// they need is grafted into a folder of their own.
type libDirs struct{ packages, aside string }

func newLibDirs(libDir string, members []*linkage.Image) libDirs {
	d := libDirs{packages: libDir}
	for _, o := range members {
		if outsidePackages(o.Path) {
			top, _, _ := strings.Cut(o.Path, "/")
			d.aside = path.Join(top, "data/lib", libDir)
		}
	}
	return d
}

func (d libDirs) of(aside bool) string {
	if aside {
		return d.aside
	}
	return d.packages
}

// outsidePackages reports whether a member is installed outside site-packages.
func outsidePackages(member string) bool { return !linkage.InPackages(member) }

// digests returns the digest of each of the libraries.
func digests(ctx context.Context, libraries []*linkage.Image, jobs int) ([]string, error) {
	all := make([]string, len(libraries))
	var tasks []func() error
	for i, o := range libraries {
		tasks = append(tasks, func() (err error) {
			all[i], err = fileDigest(o.Content)
			return named(o.Path, err)
		})
	}
	return all, runAll(ctx, tasks, jobs)
}

// planGrafts names the libraries that come in.
func (p *Plan) planGrafts(ctx context.Context, dirs libDirs, members []*linkage.Image) error {
	names := map[string]string{} // member to digest
	wanted := [2]map[*linkage.Image]bool{p.graftsFor(members, false), p.graftsFor(members, true)}
	libraries := linkage.Images(p.verdict.Grafts)
	for _, o := range members {
		if wanted[1][o] {
			libraries = append(libraries, o) // a copy outside site-packages
		}
	}
	digests, err := digests(ctx, libraries, p.options.Load.Jobs)
	if err != nil {
		return err
	}
	for n, o := range libraries {
		digest := digests[n]
		name := graftName(path.Base(strings.ReplaceAll(o.Path, "\\", "/")), digest)
		added := slices.Contains(p.added, o)
		if added {
			name = o.FoundAs()
		}
		for i, aside := range []bool{false, true} {
			if !wanted[i][o] {
				continue
			}
			member := path.Join(dirs.of(aside), name)
			if other, ok := names[member]; ok && other != digest {
				return fmt.Errorf("%s: its name in the wheel, %s, is taken by a library with another content", o.Path, member)
			}
			names[member] = digest
			if o.InWheel {
				p.warn("%s is copied to %s, since no search path leads from there into site-packages", o.Path, member)
			}
			p.Grafts = append(p.Grafts, Graft{Source: o.Path, SHA256: digest, Member: member, Added: added, file: o.File, aside: aside})
		}
	}
	return nil
}

// graftsFor returns the grafts that the members of one part of the installation
// need, directly and through others. Outside site-packages these may be libraries of
// the wheel, which come there as copies.
func (p *Plan) graftsFor(members []*linkage.Image, aside bool) map[*linkage.Image]bool {
	grafts, reached := map[*linkage.Image]bool{}, map[*linkage.Image]bool{}
	for _, o := range linkage.Images(p.verdict.Grafts) {
		grafts[o] = true
	}
	var queue []*linkage.Image
	if !aside {
		for _, o := range p.added {
			reached[o] = true
			queue = append(queue, o)
		}
	}
	for _, o := range members {
		if outsidePackages(o.Path) == aside {
			queue = append(queue, o)
		}
	}
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		for _, e := range o.Needs {
			if e.Status != linkage.Found || reached[e.To] {
				continue
			}
			if grafts[e.To] || aside && cutOff(o, e, reached[o]) {
				reached[e.To] = true
				queue = append(queue, e.To)
			}
		}
	}
	return reached
}

// cutOff reports whether a file outside site-packages needs a library inside that it
// does not find there: no search path leads in, and a copy has none.
func cutOff(o *linkage.Image, e *linkage.Need, copied bool) bool {
	if !e.To.InWheel || outsidePackages(e.To.Path) {
		return false
	}
	return copied || e.Rule.Kind == linkage.Stranded
}

// graftName puts the first 8 hex digits of the digest into a library's name, as
// auditwheel does: libfoo.so.1.2 becomes libfoo-0123abcd.so.1.2. A name that
// has them already stays.
func graftName(base, digest string) string {
	stem, rest, dotted := strings.Cut(base, ".")
	tag := "-" + digest[:8]
	if strings.HasSuffix(stem, tag) {
		return base
	}
	if !dotted {
		return stem + tag
	}
	return stem + tag + "." + rest
}

// grafted returns the graft of a library for one part of the installation, nil
// if it stays outside.
func (p *Plan) grafted(o *linkage.Image, aside bool) *Graft {
	for i := range p.Grafts {
		if p.Grafts[i].file == o.File && p.Grafts[i].aside == aside {
			return &p.Grafts[i]
		}
	}
	return nil
}

// needsGraft reports whether a file of the wheel needs a library that is copied in.
func (p *Plan) needsGraft(o *linkage.Image) bool {
	return slices.ContainsFunc(o.Needs, func(e *linkage.Need) bool {
		return e.Status == linkage.Found && p.grafted(e.To, outsidePackages(o.Path)) != nil
	})
}

// dropSameGrafts leaves one of several sources with the same content and name,
// and those that the wheel holds already.
func (p *Plan) dropSameGrafts() {
	seen := map[string]bool{}
	p.Grafts = slices.DeleteFunc(p.Grafts, func(g Graft) bool {
		if _, ok := p.contents.Reader.Lookup(g.Member); ok || seen[g.Member] {
			if ok && g.Added {
				p.warn("%s is in the wheel already, and stays as it is", g.Member)
			}
			return true
		}
		if g.Added {
			p.warn("%s lies at %s, for code that opens it", g.Source, g.Member)
		}
		seen[g.Member] = true
		return false
	})
	slices.SortFunc(p.Grafts, func(a, b Graft) int { return strings.Compare(a.Member, b.Member) })
}
