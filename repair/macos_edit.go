package repair

import (
	"fmt"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// editMembers decides what changes in each Mach-O file of the wheel, and in each
// graft.
func (p *Plan) editMembers(rep *audit.Report) error {
	for _, b := range p.graph.Members {
		if p.options.Audit.MacOS.DylibsOnly && !linkage.IsDylibName(b.Path) {
			continue
		}
		change := Change{Slices: p.changeSlices(b, b.Path, outsidePackages(b.Path), "")}
		if g := p.graftOf(b); g != nil {
			p.tellScript(b.Path, path.Dir(g.Member))
		}
		if !change.empty() {
			p.Edits = append(p.Edits, Edit{Member: b.Path, Change: change, file: b})
			p.warnCertificate(b)
		}
	}
	for i := range p.Grafts {
		g := &p.Grafts[i]
		id := installNamePrefix + g.Member
		if p.options.MacOS.KeepIDs {
			id = ""
		}
		g.Slices = p.changeSlices(g.file, g.Member, g.aside, id)
	}
	return p.dropSameMachO()
}

// graftOf returns a library that is copied in and that a member loads, nil if there is
// none.
func (p *Plan) graftOf(b *linkage.File) *Graft {
	for _, image := range b.Images {
		for _, e := range image.Needs {
			if to := target(image, e); to != nil {
				if g := p.graftedMachO(to, outsidePackages(b.Path)); g != nil {
					return g
				}
			}
		}
	}
	return nil
}

// installNamePrefix begins the install names of grafts, as delocate writes them:
// nothing loads them by it, and it says nothing about the build machine.
const installNamePrefix = "/DLC/"

// changeSlices decides about each slice of a file that is to be called member.
func (p *Plan) changeSlices(b *linkage.File, member string, aside bool, id string) []SliceChange {
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
			text := fmt.Sprintf("%s: its dependency on %s is removed: Python's symbols are looked up in the program that loads it, as with -undefined dynamic_lookup", b.Path, name)
			if !slices.Contains(p.Warnings, text) {
				p.Warnings = append(p.Warnings, text)
			}
		}
		for _, e := range image.Needs {
			name := p.loadName(image, e, member, aside)
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
func (p *Plan) loadName(image *linkage.Image, e *linkage.Need, member string, aside bool) string {
	if e.Status == linkage.System {
		return e.SystemName
	}
	to := target(image, e)
	if to == nil {
		return ""
	}
	if g := p.graftedMachO(to, aside); g != nil {
		return loaderPath(member, g.Member)
	}
	if to.InWheel && p.leadsThere(image, e, member) && (!aside || outsidePackages(to.Path)) {
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
	elsewhere := e.Program != nil && (isScript(e.Program.Path) || p.graph.UnderPython()[image])
	return !b.InWheel || member != b.Path || elsewhere || e.Fold || !e.Leads()
}

// tellOwn tells which file of the wheel is taken for a name that does not lead to it.
func (p *Plan) tellOwn(b *linkage.File, e *linkage.Need) {
	text := fmt.Sprintf("%s: %s becomes %s of the wheel, which is called so", b.Path, e.Name, e.To.Path)
	if e.Instead != nil {
		text = fmt.Sprintf("%s: %s becomes %s of the wheel, and not a second copy of %s", b.Path, e.Name, e.To.Path, e.Instead.Path)
	}
	if !slices.Contains(p.Warnings, text) {
		p.Warnings = append(p.Warnings, text)
	}
}

// target returns the file that a library resolves to. A slice for which it was not
// found follows another one of the file: it then asks for the library in the wheel
// and not for a path of the build machine.
func target(image *linkage.Image, e *linkage.Need) *linkage.File {
	if e.Status == linkage.Found {
		return e.To.File
	}
	if e.Status != linkage.Missing {
		return nil
	}
	for _, other := range image.File.Images {
		for _, o := range other.Needs {
			if o.Name == e.Name && o.Status == linkage.Found && !o.To.InWheel {
				return o.To.File
			}
		}
	}
	return nil
}

// loaderPath spells the way from one member to another.
func loaderPath(from, to string) string {
	return "@loader_path/" + path.Join(linkage.RelativeDir(from, to), path.Base(to))
}

// buildRPaths returns the search paths of an image that speak of the build machine:
// absolute ones, but for those of macOS's own libraries and those that lead to a library
// that is left out, and relative ones, which depend on the working directory, as all do
// that begin with no variable of dyld. Each is there once. What was asked to stay stays.
func (p *Plan) buildRPaths(image *linkage.Image) []string {
	if p.options.MacOS.KeepRPaths {
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

// tellWayOut tells of a search path that stays, once for each file.
func (p *Plan) tellWayOut(image *linkage.Image, rpath string, e *linkage.Need) {
	text := fmt.Sprintf("%s: search path entry %q stays: %s is left out, and may be found through it", image.File.Path, rpath, e.Name)
	if !slices.Contains(p.Warnings, text) {
		p.Warnings = append(p.Warnings, text)
		p.kept = append(p.kept, rpath)
	}
}

// buildRPaths returns those of the search paths that no repaired file keeps; loaded
// are the files that may have found what was left out by one of them.
func buildRPaths(rpaths []string, loaded []*linkage.File) []string {
	var removed []string
	for _, rpath := range rpaths {
		if !linkage.PortableRPath(rpath) && wayOut(rpath, loaded) == nil && !slices.Contains(removed, rpath) {
			removed = append(removed, rpath)
		}
	}
	return removed
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
			p.warn("%s: its signature is replaced by one without a certificate (ad hoc); sign the wheel's files again if that counts", b.Path)
			return
		}
	}
}
