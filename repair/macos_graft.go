package repair

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// machOKey identifies a library that comes in: files outside site-packages have
// grafts of their own, see [libDirs].
type machOKey struct {
	binary *linkage.File
	aside  bool
}

// graftMachO names the libraries that come in. A library keeps the name of its
// file, unless another one, or a member of the wheel, has it as well: then each
// gets digits of its digest. Names that differ in case alone are one to macOS.
func (p *Plan) graftMachO(ctx context.Context, libDir string) error {
	dirs := libDirs{packages: libDir}
	for _, b := range p.graph.Members {
		if outsidePackages(b.Path) {
			// Not the folder's own name alone: other wheels install there as well.
			top, _, _ := strings.Cut(b.Path, "/")
			dirs.aside = path.Join(top, "data/lib", p.contents.Filename.Name+strings.TrimPrefix(path.Base(libDir), p.contents.Filename.Name))
		}
	}
	digests, err := p.machODigests(ctx)
	if err != nil {
		return err
	}
	taken := map[string]string{} // by member in lower case: the digest of what has the name, "" for several
	for _, m := range p.contents.Reader.Members() {
		taken[strings.ToLower(m.Name)] = "a member"
	}
	wanted := p.wantedMachO()
	bases := graftBases(p.verdict.Grafts, digests)
	for i := range p.verdict.Grafts {
		for _, dir := range []string{dirs.packages, dirs.aside} {
			name := strings.ToLower(path.Join(dir, bases[i]))
			if other, ok := taken[name]; ok && other != digests[i] {
				taken[name] = ""
			} else {
				taken[name] = digests[i]
			}
		}
	}
	for i, b := range p.verdict.Grafts {
		for _, aside := range []bool{false, true} {
			if !wanted[machOKey{b, aside}] {
				continue
			}
			member := path.Join(dirs.of(aside), bases[i])
			if taken[strings.ToLower(member)] != digests[i] {
				member = path.Join(dirs.of(aside), graftName(bases[i], digests[i]))
			}
			p.Grafts = append(p.Grafts, Graft{Source: b.Path, SHA256: digests[i], Member: member, file: b, aside: aside})
		}
	}
	return nil
}

// graftBases returns the names of the files of libraries. Copies of one whose names
// differ in case alone, as a volume that does not tell may spell them, have the first.
func graftBases(grafts []*linkage.File, digests []string) []string {
	first := map[string]string{} // by the name in lower case and the digest
	bases := make([]string, len(grafts))
	for i, b := range grafts {
		base := graftBase(b)
		key := strings.ToLower(base) + "\x00" + digests[i]
		if first[key] == "" {
			first[key] = base
		}
		bases[i] = first[key]
	}
	return bases
}

// graftBase returns the name of a library's file.
func graftBase(b *linkage.File) string {
	return path.Base(strings.ReplaceAll(b.Path, "\\", "/"))
}

// machODigests returns the digest of each library that is to be grafted.
func (p *Plan) machODigests(ctx context.Context) ([]string, error) {
	all := make([]string, len(p.verdict.Grafts))
	var tasks []func() error
	for i, b := range p.verdict.Grafts {
		tasks = append(tasks, func() (err error) {
			all[i], err = fileDigest(b.MachO())
			return named(b.Path, err)
		})
	}
	return all, runAll(ctx, tasks, p.options.Load.Jobs)
}

// wantedMachO returns the grafts that the members of each part of the installation
// load, directly and through others.
func (p *Plan) wantedMachO() map[machOKey]bool {
	grafts := map[*linkage.File]bool{}
	for _, b := range p.verdict.Grafts {
		grafts[b] = true
	}
	wanted := map[machOKey]bool{}
	var queue []machOKey
	for _, b := range p.graph.Members {
		queue = append(queue, machOKey{b, outsidePackages(b.Path)})
	}
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for _, image := range from.binary.Images {
			for _, e := range image.Needs {
				if e.Status != linkage.Found || !grafts[e.To.File] {
					continue
				}
				if key := (machOKey{e.To.File, from.aside}); !wanted[key] {
					wanted[key] = true
					queue = append(queue, key)
				}
			}
		}
	}
	return wanted
}

// graftedMachO returns the graft of a library for one part of the installation,
// nil if it stays outside.
func (p *Plan) graftedMachO(b *linkage.File, aside bool) *Graft {
	i := slices.IndexFunc(p.Grafts, func(g Graft) bool { return g.file == b && g.aside == aside })
	if i < 0 {
		return nil
	}
	return &p.Grafts[i]
}

// dropSameMachO leaves one of several sources with the same content and name. They
// have to load the same, too, since they become one.
func (p *Plan) dropSameMachO() error {
	kept := []Graft{}
	for _, g := range p.Grafts {
		i := slices.IndexFunc(kept, func(k Graft) bool { return k.Member == g.Member })
		switch {
		case i < 0:
			kept = append(kept, g)
		case !reflect.DeepEqual(kept[i].Change, g.Change):
			return fmt.Errorf("%s and %s are the same file, but load different libraries from where they lie; they cannot both become %s", kept[i].Source, g.Source, g.Member)
		}
	}
	p.Grafts = kept
	slices.SortFunc(p.Grafts, func(a, b Graft) int { return strings.Compare(a.Member, b.Member) })
	return nil
}
