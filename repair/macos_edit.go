package repair

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// change decides what changes in a member, or in a graft if there is one. Sources of one
// content and name have to load the same, since they become one file.
func (macOS) change(ctx context.Context, p *Plan, f *linkage.File, g *Graft) (Change, error) {
	if g == nil {
		if p.options.Audit.Dyld.DylibsOnly && !linkage.IsDylibName(f.Path) {
			return Change{}, nil
		}
		c := Change{Slices: p.changeSlices(f, f.Path, outsidePackages(f.Path), "")}
		return c, p.mend(ctx, f, &c)
	}
	id := installNamePrefix + g.Member
	if p.options.MacOS.KeepIDs {
		id = ""
	}
	c := Change{Slices: p.changeSlices(f, g.Member, g.outsidePlatlib, id)}
	if err := p.mend(ctx, f, &c); err != nil {
		return c, err
	}
	first := &p.Grafts[slices.IndexFunc(p.Grafts, func(o Graft) bool { return o.Member == g.Member })]
	if first != g && !reflect.DeepEqual(first.Change, c) {
		return c, fmt.Errorf("%s and %s are the same file, but load different libraries from where they lie; they cannot both become %s", first.Source, g.Source, g.Member)
	}
	return c, nil
}

// settle sees to what programs load, and tells what a person should know of the files.
func (macOS) settle(p *Plan) error {
	p.freePrograms()
	for i := range p.Edits {
		if !p.Edits[i].empty() {
			p.warnCertificate(p.Edits[i].file)
		}
	}
	for _, f := range p.report.Partial {
		p.warn("%s is for %s alone; no file of the wheel needs it for the other architectures, so Python code has to know when to ask for it", f.Path, strings.Join(f.Archs(), " and "))
	}
	return nil
}

// installNamePrefix begins the install names of grafts, as delocate writes them:
// nothing loads them by it, and it says nothing about the build machine.
const installNamePrefix = "/DLC/"

// changeSlices decides about each slice of a file that is to be called member.
func (p *Plan) changeSlices(b *linkage.File, member string, outsidePlatlib bool, id string) []SliceChange {
	var changes []SliceChange
	for _, image := range b.Images {
		s := SliceChange{Arch: image.Arch, RemovedRPaths: p.buildRPaths(image)}
		if signature, err := image.Slice().Signature(); err == nil && signature == nil {
			s.Sign = image.Slice().Arch.IsARM64()
		}
		if image.Slice().ID != "" && id != "" && image.Slice().ID != id {
			s.InstallName = id
		}
		for _, name := range s.lookUpPython(image) {
			p.warnOnce("%s: its dependency on %s is removed: Python's symbols are looked up in the program that loads it, as with -undefined dynamic_lookup", b.Path, name)
		}
		for _, e := range image.Needs {
			name := p.loadName(image, e, member, outsidePlatlib)
			r := Rename{Old: e.Name, New: name}
			if name != "" && name != e.Name && !slices.Contains(s.Needed, r) {
				s.Needed = append(s.Needed, r)
			}
		}
		if !s.empty() {
			changes = append(changes, s)
		}
	}
	return changes
}

// lookUpPython removes Python itself from what a module or library loads, and returns
// its names.
func (s *SliceChange) lookUpPython(image *linkage.Image) []string {
	for _, e := range image.Needs {
		if e.Status == linkage.LibPython && image.Slice().Type != macho.Execute && !slices.Contains(s.LookedUp, e.Name) {
			s.LookedUp = append(s.LookedUp, e.Name)
		}
	}
	return s.LookedUp
}

// loadName returns the name by which a file of the wheel loads a library after the
// repair, "" if that stays as it is.
func (p *Plan) loadName(image *linkage.Image, e *linkage.Need, member string, outsidePlatlib bool) string {
	if e.Status == linkage.System {
		return e.SystemName
	}
	to := target(image, e)
	if to == nil {
		return ""
	}
	if g := p.grafted(to, outsidePlatlib); g != nil {
		return loaderPath(member, g.Member)
	}
	if (to.InWheel || p.directory) && p.leadsThere(image, e, member) && (!outsidePlatlib || outsidePackages(to.Path)) {
		return loaderPath(member, to.Path)
	}
	return ""
}

// leadsThere reports whether the way to a member has to be written anew. What a
// graft finds in the wheel, it has to find from its new place. Another file is where it was: it keeps a name that leads to the
// library in whatever process.
func (p *Plan) leadsThere(image *linkage.Image, e *linkage.Need, member string) bool {
	b := image.File
	if e.Rule.Kind == linkage.ByFileName || e.Rule.Kind == linkage.OwnCopy {
		p.tellOwn(b, e)
	}
	elsewhere := e.Program != nil && (linkage.IsScript(e.Program.Path) || p.graph.UnderPython()[image])
	return !b.InWheel || member != b.Path || elsewhere || e.Fold || !e.Leads()
}

// tellOwn tells which file of the wheel or directory is taken for a name that does not lead to it.
func (p *Plan) tellOwn(b *linkage.File, e *linkage.Need) {
	instead := "which is called so"
	if e.Instead != nil {
		instead = "and not a second copy of " + e.Instead.Path
	}
	p.warnOnce("%s: %s becomes %s of the %s, %s", b.Path, e.Name, e.To.Path, p.repaired(), instead)
}

// loaderPath spells the way from one member to another, or from one file of a directory.
func loaderPath(from, to string) string {
	from, to = filepath.ToSlash(from), filepath.ToSlash(to)
	return "@loader_path/" + path.Join(linkage.RelativeDir(from, to), path.Base(to))
}

// buildRPaths returns the search paths of an image that speak of the build machine:
// absolute ones, but for those of macOS's own libraries and those that lead to a library
// that is left out, and relative ones, which depend on the working directory, as all do
// that begin with no variable of dyld. Each is there once. What was asked to stay stays.
func (p *Plan) buildRPaths(image *linkage.Image) []string {
	if p.options.MacOS.KeepRPaths || p.directory && !relinked(image.File) {
		return nil
	}
	loaded := slices.Concat(p.graph.Members, p.verdict.Grafts)
	var removed []string
	for _, rpath := range image.Slice().RPaths {
		switch e := wayOut(rpath, loaded); {
		case linkage.PortableRPath(rpath), slices.Contains(removed, rpath), p.matchesKept(rpath):
		case e != nil:
			p.tellWayOut(image, rpath, e)
		default:
			removed = append(removed, rpath)
		}
	}
	return removed
}

// relinked reports whether a file of a directory gets new names for what it loads: from
// others delocate-path takes no search path.
func relinked(f *linkage.File) bool {
	return slices.ContainsFunc(f.Images, func(i *linkage.Image) bool {
		return slices.ContainsFunc(i.Needs, func(e *linkage.Need) bool { return target(i, e) != nil })
	})
}

// tellWayOut tells of a search path that stays, once for each file.
func (p *Plan) tellWayOut(o *linkage.Image, entry string, e *linkage.Need) {
	if p.warnOnce("%s: search path entry %q stays: %s is left out, and may be found through it", o.Path, entry, e.Name) {
		p.kept = append(p.kept, entry)
	}
}

// wayOut returns the library that is left out, and to which a search path led the
// loader, nil if there is none.
func wayOut(rpath string, loaded []*linkage.File) *linkage.Need {
	for _, b := range loaded {
		for _, image := range b.Images {
			for _, e := range image.Needs {
				if e.Status == linkage.Excluded && e.Rule.Kind == linkage.ByLCRPath && e.Rule.Text == rpath {
					return e
				}
			}
		}
	}
	return nil
}

// warnCertificate tells that a signature that somebody vouches for is lost.
func (p *Plan) warnCertificate(b *linkage.File) {
	for _, s := range b.MachO().Slices {
		if old, err := s.Signature(); err == nil && old != nil && old.Certificate {
			p.warn("%s: its signature is replaced by one without a certificate (ad hoc); sign the %s's files again if that counts", b.Path, p.repaired())
			return
		}
	}
}

// signedByName reports whether the bytes of a copy may depend on the name of its file,
// which is the identifier of a new signature.
func signedByName(f *linkage.File) bool { return f.MachO() != nil }
