package repair

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/wheel"
)

// libDirs are the folders for grafted libraries. Programs of the .data/scripts
// folder and files of the .data/data folder are installed beside site-packages, from
// where no search path leads into it: its name depends on the version of Python. What
// they need is grafted into a folder of their own.
type libDirs struct{ packages, outsidePlatlib string }

// newLibDirs returns the folders called packages in site-packages, and beside outside
// of it, if any of the members lies there.
func newLibDirs(packages, beside string, members []*linkage.File) libDirs {
	d := libDirs{packages: packages}
	for _, f := range members {
		if outsidePackages(f.Path) {
			top, _, _ := strings.Cut(f.Path, "/")
			d.outsidePlatlib = path.Join(top, "data/lib", beside)
		}
	}
	return d
}

func (d libDirs) of(outsidePlatlib bool) string {
	if outsidePlatlib {
		return d.outsidePlatlib
	}
	return d.packages
}

// outsidePackages reports whether a member is installed outside site-packages.
func outsidePackages(member string) bool { return !linkage.InPackages(member) }

// planGrafts names the libraries that come in. Each is called as the system says, with
// digits of its digest if another one, or a file of the wheel, has that name as well:
// names that differ in case alone are one to macOS and Windows.
func (p *Plan) planGrafts(ctx context.Context) error {
	wanted := [2]map[*linkage.File]bool{p.graftsFor(false), p.graftsFor(true)}
	libraries := slices.Clone(p.verdict.Grafts)
	for _, f := range p.graph.Members {
		if wanted[1][f] {
			libraries = append(libraries, f) // a copy outside site-packages
		}
	}
	sums, err := digests(ctx, libraries, p.options.Load.Jobs)
	if err != nil {
		return err
	}
	var bases []string
	if p.dirs, bases, err = p.system.names(p, libraries, sums); err != nil {
		return err
	}
	taken, names := p.takenNames(bases, sums), map[string]string{}
	for i, f := range libraries {
		added := slices.Contains(p.graph.Added, f)
		for n, outsidePlatlib := range []bool{false, true} {
			if !wanted[n][f] {
				continue
			}
			member := path.Join(p.dirs.of(outsidePlatlib), bases[i])
			if !added && taken[strings.ToLower(member)] != sums[i] {
				member = path.Join(p.dirs.of(outsidePlatlib), graftName(bases[i], sums[i]))
			}
			if other, ok := names[member]; ok && other != sums[i] {
				return fmt.Errorf("%s: its name in the wheel, %s, is taken by a library with another content", f.Path, member)
			}
			names[member] = sums[i]
			if f.InWheel {
				p.warn("%s is copied to %s, since no search path leads from there into site-packages", f.Path, member)
			}
			p.Grafts = append(p.Grafts, Graft{Source: f.Path, SHA256: sums[i], Member: member, Added: added, OldSoname: f.Images[0].Name, file: f, outsidePlatlib: outsidePlatlib})
		}
	}
	return nil
}

// takenNames returns who has which name, in lower case: the digest of a library that
// comes in, or something else where a member or several of them have it.
func (p *Plan) takenNames(bases, sums []string) map[string]string {
	taken := map[string]string{}
	for _, m := range p.holdings() {
		taken[strings.ToLower(m.Name)] = "a member"
	}
	for i, base := range bases {
		for _, outsidePlatlib := range []bool{false, true} {
			name := strings.ToLower(path.Join(p.dirs.of(outsidePlatlib), base))
			if other, ok := taken[name]; ok && other != sums[i] {
				taken[name] = "several"
			} else {
				taken[name] = sums[i]
			}
		}
	}
	return taken
}

// digests returns the digest of each of the libraries.
func digests(ctx context.Context, libraries []*linkage.File, jobs int) ([]string, error) {
	all := make([]string, len(libraries))
	var tasks []func() error
	for i, f := range libraries {
		tasks = append(tasks, func() (err error) {
			all[i], err = fileDigest(f.Content)
			return named(f.Path, err)
		})
	}
	return all, runAll(ctx, tasks, jobs)
}

// fileDigest returns the SHA-256 of a library as it lies on the system, in
// lower-case hex.
func fileDigest(f wheel.Content) (string, error) {
	return digestOf(io.NewSectionReader(f, 0, f.Size()))
}

// digestOf returns the SHA-256 of what a reader has.
func digestOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, r, make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// graftsFor returns the grafts that the members of one part of the installation
// need, directly and through others. Outside site-packages these may be libraries of
// the wheel, which come there as copies.
func (p *Plan) graftsFor(outsidePlatlib bool) map[*linkage.File]bool {
	grafts, reached := map[*linkage.File]bool{}, map[*linkage.File]bool{}
	for _, f := range p.verdict.Grafts {
		grafts[f] = true
	}
	var queue []*linkage.File
	if !outsidePlatlib {
		for _, f := range p.graph.Added {
			reached[f] = true
			queue = append(queue, f)
		}
	}
	for _, f := range p.graph.Members {
		if outsidePackages(f.Path) == outsidePlatlib {
			queue = append(queue, f)
		}
	}
	for n := 0; n < len(queue); n++ {
		f := queue[n]
		for _, e := range needsOf(f) {
			if e.Status != linkage.Found || reached[e.To.File] {
				continue
			}
			if grafts[e.To.File] || outsidePlatlib && cutOff(e, reached[f]) {
				reached[e.To.File] = true
				queue = append(queue, e.To.File)
			}
		}
	}
	return reached
}

// needsOf returns what all images of a file need.
func needsOf(f *linkage.File) []*linkage.Need {
	var all []*linkage.Need
	for _, image := range f.Images {
		all = append(all, image.Needs...)
	}
	return all
}

// cutOff reports whether a file outside site-packages needs a library inside that it
// does not find there: no search path leads in, and a copy has none.
func cutOff(e *linkage.Need, copied bool) bool {
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
func (p *Plan) grafted(f *linkage.File, outsidePlatlib bool) *Graft {
	for i := range p.Grafts {
		if p.Grafts[i].file == f && p.Grafts[i].outsidePlatlib == outsidePlatlib {
			return &p.Grafts[i]
		}
	}
	return nil
}

// needsGraft reports whether a member needs a library that is copied in.
func (p *Plan) needsGraft(f *linkage.File) bool {
	return slices.ContainsFunc(f.Images, func(i *linkage.Image) bool {
		return slices.ContainsFunc(i.Needs, func(e *linkage.Need) bool {
			to := target(i, e)
			return to != nil && p.grafted(to, outsidePackages(f.Path)) != nil
		})
	})
}

// target returns the file that a library resolves to. An image for which it was not
// found follows another one of the file: it then asks for the library in the wheel
// and not for a path of the build machine.
func target(image *linkage.Image, e *linkage.Need) *linkage.File {
	if e.Status == linkage.Found {
		return e.To.File
	}
	if e.Status != linkage.Missing {
		return nil
	}
	for _, other := range image.Images {
		if o := other.Need(e.Name); other != image && o != nil && o.Status == linkage.Found && !o.To.InWheel {
			return o.To.File
		}
	}
	return nil
}

// planEdits decides what changes in each binary of the wheel, and in each graft.
func (p *Plan) planEdits(ctx context.Context) error {
	for _, f := range p.graph.Members {
		if p.needsGraft(f) {
			p.tellScript(f.Path, p.dirs.of(outsidePackages(f.Path)))
		}
		change, err := p.system.change(ctx, p, f, nil)
		if err != nil {
			return err
		}
		p.Edits = append(p.Edits, Edit{Member: f.Path, Change: change, file: f})
	}
	for i := range p.Grafts {
		g := &p.Grafts[i]
		change, err := p.system.change(ctx, p, g.file, g)
		if err != nil {
			return err
		}
		g.Change = change
	}
	p.dropSameGrafts()
	if err := p.system.settle(p); err != nil {
		return err
	}
	p.Edits = slices.DeleteFunc(p.Edits, func(e Edit) bool { return e.empty() })
	return nil
}

// tellScript warns of a program whose libraries one way of installing leaves out.
func (p *Plan) tellScript(member, libDir string) {
	if linkage.IsScript(member) {
		p.warn("%s finds its libraries in %s; pip install --target leaves that folder out", member, libDir)
	}
}

// dropSameGrafts leaves one of several sources with the same content and name,
// and those that the wheel holds already.
func (p *Plan) dropSameGrafts() {
	seen := map[string]bool{}
	p.Grafts = slices.DeleteFunc(p.Grafts, func(g Graft) bool {
		held := p.holds(g.Member)
		switch {
		case held && g.Added:
			p.warn("%s is in the wheel already, and stays as it is", g.Member)
		case g.Added && !seen[g.Member]:
			p.warn("%s lies at %s, for code that opens it", g.Source, g.Member)
		}
		drop := held || seen[g.Member]
		seen[g.Member] = true
		return drop
	})
	slices.SortFunc(p.Grafts, func(a, b Graft) int { return strings.Compare(a.Member, b.Member) })
}
