package audit

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// claims adds the claims about what the Mach-O files of a wheel ask for.
func (m *macOS) claims(ctx context.Context, p *Proof, opts VerifyOptions) error {
	p.claimReadable(m.basis(p.Report))
	m.claimFaults(p)
	p.claimPlatforms()
	m.claimHelpers(p)
	p.claimPurelib()
	p.claimABI()
	m.claimLibraries(p)
	m.claimOrder(p)
	if err := m.claimSymbols(ctx, p); err != nil {
		return err
	}
	m.claimPaths(p)
	m.claimOwnLibraries(p)
	return m.claimSignatures(ctx, p, opts)
}

// claimFaults adds the claim that dyld takes the files, as far as their headers and
// load commands tell.
func (m *macOS) claimFaults(p *Proof) {
	var faults []Fault
	for _, b := range m.graph.Members {
		for _, f := range b.MachO().Faults() {
			faults = append(faults, formatFault(b.Path, &f.FormatError))
		}
	}
	p.claim(TopicBinaries, "dyld takes each Mach-O file", "dyld's rules for the SDK that each slice was built with", faults)
}

// basis counts the files and slices that were looked at.
func (m *macOS) basis(*Report) string {
	files := phrase.Count(len(m.graph.Members), "Mach-O file")
	return files + " with " + phrase.Count(len(linkage.Images(m.graph.Members)), "slice") + " for " + strings.Join(allArchs(m.graph.Members), ", ")
}

// evidence is the oldest macOS that the members need on each architecture of a tag.
func (m *macOS) evidence(_ *Report, p policy.Platform) []string {
	var lines []string
	for _, n := range m.minimums(policy.MacArchs(p.Arch), false) {
		line := n.Arch + ": macOS " + n.Version.String()
		if n.File != "" {
			line += ", which " + n.File + " needs"
		}
		lines = append(lines, line)
	}
	return lines
}

// claimHelpers is about files that are not for all the architectures of the wheel, and
// that no other file loads: whether Python code asks for them is not in their bytes.
func (m *macOS) claimHelpers(p *Proof) {
	var open []Fault
	for _, b := range m.helpers() {
		open = append(open, Fault{File: b.Path, Reason: "it is for " + strings.Join(b.Archs(), " and ") + " alone"})
	}
	if len(open) > 0 {
		p.unchecked(TopicPlatform, "files for some of the architectures are asked for on those alone", "the names are Python code's", open)
	}
}

// allLoads returns what the members load, in their order.
func (m *macOS) allLoads() []load {
	var all []load
	for _, f := range m.graph.Members {
		all = append(all, m.loads(f)...)
	}
	return all
}

// file names the member, with the architecture if it has several.
func (l *load) file() string {
	b := l.from.File
	if b.Universal {
		return fmt.Sprintf("%s (%v)", b.Path, l.from.Slice().Arch)
	}
	return b.Path
}

func (l *load) inWheel() bool {
	return l.need.Status == linkage.Found && l.need.To.InWheel
}

// claimLibraries adds the claim that each library is in the wheel, where dyld
// finds it, or macOS's own.
func (m *macOS) claimLibraries(p *Proof) {
	inside, system := map[string]bool{}, map[string]bool{}
	var faults, excluded, folded []Fault
	modules := m.graph.UnderPython()
	var evidence []string
	for _, l := range m.allLoads() {
		name, e := l.need.Name, l.need
		fault := Fault{File: l.file(), Library: name}
		switch {
		case l.inWheel() && e.Rule.Kind != linkage.ByName && !e.Leads():
			fault.Reason = "its name does not lead to " + e.To.Path + ", " + e.Rule.String()
			faults = append(faults, fault)
		case l.inWheel() && e.Program != nil && modules[l.from]:
			fault.Reason = "it leads to " + e.To.Path + " in the process of " + e.Program.Path + " alone: @executable_path is another folder when Python loads it"
			faults = append(faults, fault)
		case l.inWheel():
			inside[e.To.Path] = true
			if e.Fold {
				fault.Reason = "the file is called " + e.To.Path
				folded = append(folded, fault)
			}
			evidence = append(evidence, l.file()+": "+name+": "+e.To.Path+" ("+e.Rule.String()+")")
		case e.Status == linkage.System && e.Rule.Kind == linkage.ByFallback && l.from.Slice().SDK >= macho.MakeVersion(13, 0, 0):
			fault.Reason = "no name or rpath leads to " + e.SystemName + ", and dyld does not look there for a file built with the SDK of macOS 13 or later"
			faults = append(faults, fault)
		case e.Status == linkage.System:
			system[name] = true
		case e.Status == linkage.LibPython && e.Kind != linkage.Weak:
			fault.Reason = "it is Python of the machine that built it; link with -undefined dynamic_lookup, so that the symbols come from the Python that loads it"
			faults = append(faults, fault)
		case e.Status == linkage.Excluded:
			fault.Reason = "left out as asked"
			excluded = append(excluded, fault)
		case e.Status == linkage.Found:
			fault.Reason = "it is not in the wheel, but " + e.To.Path + " (" + e.Rule.String() + ")"
			faults = append(faults, fault)
		case e.Kind == linkage.Weak:
			evidence = append(evidence, l.file()+": "+name+": not found, and dyld does without it (LC_LOAD_WEAK_DYLIB)")
		default:
			fault.Reason = "it is neither in the wheel nor part of macOS; searched " + linkage.Searched(e.Tried)
			faults = append(faults, fault)
		}
	}
	basis := fmt.Sprintf("%d in the wheel, %d of macOS", len(inside), len(system))
	if len(folded) > 0 {
		p.unchecked(TopicLibraries, "volumes do not tell upper from lower case", "those that do not find these files", folded)
	}
	p.claim(TopicLibraries, "each library that is loaded is found in the wheel or part of macOS", basis, faults, evidence...)
	if len(excluded) > 0 {
		p.unchecked(TopicLibraries, "libraries that are left out are on the user's system", "--exclude", excluded)
	}
}

// claimOrder is claimOrder for dyld, which takes what is in memory under the
// install name that is asked for.
func (m *macOS) claimOrder(p *Proof) {
	found := map[*linkage.Image]bool{}
	loads := m.allLoads()
	for _, l := range loads {
		if l.inWheel() && l.need.Leads() {
			found[l.need.To] = true
		}
	}
	var order, lost []Fault
	for _, l := range loads {
		if !l.inWheel() || l.need.Rule.Kind != linkage.ByName {
			continue
		}
		fault := Fault{File: l.file(), Library: l.need.Name}
		if to := l.need.To; found[to] {
			fault.Reason = "its name does not lead from it to " + to.Path
			order = append(order, fault)
		} else {
			fault.Reason = "no file of the wheel leads to " + to.Path
			lost = append(lost, fault)
		}
	}
	if len(lost) > 0 {
		p.claim(TopicOrder, "each library in the wheel is found by its name or an rpath", "dyld looks for no library in the wheel on its own", lost)
	}
	if len(order) > 0 {
		p.unchecked(TopicOrder, "modules that do not lead to a library are imported after one that does", "the order is Python code's", order)
	}
}

// claimPaths adds the claim that no path is left that only means something on
// the machine that built the wheel. A weak library that is not there does no harm,
// unless another one has its path.
func (m *macOS) claimPaths(p *Proof) {
	var faults, weak, open []Fault
	rpaths, leaving := 0, leavingImages(m.graph.Members)
	for _, b := range m.graph.Members {
		held := m.images(b)
		for _, image := range b.Images {
			l := load{from: image}
			for _, rpath := range image.Slice().RPaths {
				rpaths++
				fault := Fault{File: l.file(), Reason: "LC_RPATH \"" + rpath + "\" " + notPortableOnMacOS(rpath)}
				switch {
				case notPortableOnMacOS(rpath) == "":
				case p.Report.keeps(rpath), path.IsAbs(rpath) && leaving[image]:
					open = append(open, fault)
				default:
					faults = append(faults, fault)
				}
			}
			for _, e := range image.Needs {
				if !path.IsAbs(e.Name) || e.Status == linkage.System || e.Status == linkage.Excluded || !slices.Contains(held, image) {
					continue
				}
				fault := Fault{File: l.file(), Library: e.Name, Reason: "its install name is a path of the machine that built it"}
				if e.Status == linkage.Missing && e.Kind == linkage.Weak {
					weak = append(weak, fault)
				} else {
					faults = append(faults, fault)
				}
			}
		}
	}
	p.claim(TopicPaths, "no search path of the build machine is left", phrase.Count(rpaths, "LC_RPATH"), faults)
	if len(open) > 0 {
		p.unchecked(TopicPaths, "search paths to libraries that are left out, or that are kept as asked, lead there on the user's system", "they are not part of the wheel", open)
	}
	if len(weak) > 0 {
		p.unchecked(TopicPaths, "no other library lies where a weak one is looked for", "it is not in the wheel", weak)
	}
	m.claimInstallNames(p)
}

// leavingImages returns the images that load a library by search paths which is left
// out, and those that load such an image: their search paths count there, too.
func leavingImages(members []*linkage.File) map[*linkage.Image]bool {
	leaving, users := map[*linkage.Image]bool{}, map[*linkage.Image][]*linkage.Image{}
	var queue []*linkage.Image
	add := func(image *linkage.Image) {
		if !leaving[image] {
			leaving[image] = true
			queue = append(queue, image)
		}
	}
	for _, b := range members {
		for _, image := range b.Images {
			for _, e := range image.Needs {
				if e.Status == linkage.Found {
					users[e.To] = append(users[e.To], image)
				} else if e.Status == linkage.Excluded && strings.HasPrefix(e.Name, "@rpath/") {
					add(image)
				}
			}
		}
	}
	for len(queue) > 0 {
		image := queue[0]
		queue = queue[1:]
		for _, user := range users[image] {
			add(user)
		}
	}
	return leaving
}

// notPortableOnMacOS is notPortable for LC_RPATH. Paths of macOS are the same on
// every Mac.
func notPortableOnMacOS(rpath string) string {
	switch {
	case linkage.PortableRPath(rpath):
		return ""
	case path.IsAbs(rpath):
		return "is a path of the machine that built it"
	}
	return "depends on the working directory"
}

// graftID is where delocate says that its copies lie: nowhere, so that nothing is
// found by that name.
const graftID = "/DLC/"

// claimInstallNames is about the names that libraries give themselves. They do no
// harm to who loads by another name, so it is told and not failed: with such a
// name, a library that has the path is taken in the place of the wheel's own.
func (m *macOS) claimInstallNames(p *Proof) {
	var open []Fault
	for _, b := range m.graph.Members {
		for _, image := range b.Images {
			id := image.Slice().ID
			if l := (load{from: image}); path.IsAbs(id) && !strings.HasPrefix(id, graftID) && !linkage.IsMacSystem(id) {
				open = append(open, Fault{File: l.file(), Reason: "LC_ID_DYLIB \"" + id + "\" is a path of the machine that built it"})
			}
		}
	}
	if len(open) > 0 {
		p.unchecked(TopicPaths, "nothing outside the wheel is linked to its libraries by their install names", "they are paths of the machine that built it", open)
	}
}

// ValidatesOwn reports whether an image is a program that refuses libraries of its own
// wheel: it is signed with library validation, which the hardened runtime includes, and
// it or what it loads is signed ad hoc, and so of no team. What else is going to be
// signed ad hoc is asked for by adHoc.
func ValidatesOwn(image *linkage.Image, adHoc func(*linkage.File) bool) bool {
	if image.Slice().Type != macho.Execute {
		return false
	}
	program, err := image.Slice().Signature()
	if err != nil || program == nil || !program.ValidatesLibraries() {
		return false
	}
	seen := map[*linkage.Image]bool{image: true}
	for queue := []*linkage.Image{image}; len(queue) > 0; queue = queue[1:] {
		for _, e := range queue[0].Needs {
			if e.Status != linkage.Found || seen[e.To] {
				continue
			}
			seen[e.To] = true
			queue = append(queue, e.To)
			library, err := e.To.Slice().Signature()
			if !program.Certificate || adHoc(e.To.File) || err != nil || library == nil || !library.Certificate {
				return true
			}
		}
	}
	return false
}

// claimOwnLibraries is about programs, if there are any that ask for library validation.
func (m *macOS) claimOwnLibraries(p *Proof) {
	var faults []Fault
	programs := 0
	for _, b := range m.graph.Members {
		for _, image := range b.Images {
			signature, err := image.Slice().Signature()
			if err != nil || signature == nil || image.Slice().Type != macho.Execute || !signature.ValidatesLibraries() {
				continue
			}
			programs++
			if ValidatesOwn(image, func(*linkage.File) bool { return false }) {
				l := load{from: image}
				faults = append(faults, Fault{File: l.file(), Reason: "it is signed with the hardened runtime or library validation, so it loads no library that its own team has not signed; sign it anew (codesign -s -, wheelmend patch --sign)"})
			}
		}
	}
	if programs > 0 {
		p.claim(TopicSignatures, "programs load the libraries of the wheel, as they are signed", phrase.Count(programs, "program")+" with library validation", faults)
	}
}

// claimSignatures compares every page of signed code with its digest, as the
// kernel does when it maps the page. arm64 code without a signature is killed.
func (m *macOS) claimSignatures(ctx context.Context, p *Proof, opts VerifyOptions) error {
	var faults []Fault
	var evidence []string
	signed, bare := 0, 0
	for _, b := range m.graph.Members {
		for _, image := range b.Images {
			l := load{from: image}
			s := image.Slice()
			signature, err := s.Signature()
			switch {
			case !loadable(s):
				continue
			case err == nil && signature == nil && s.Arch.IsARM64():
				faults = append(faults, Fault{File: l.file(), Reason: "it has no signature, and macOS kills what loads such arm64 code; sign it (codesign -s -, wheelmend patch --sign)"})
				continue
			case err == nil && signature == nil:
				bare++
				continue
			case err == nil:
				signed++
				err = s.VerifySignature(ctx, opts.Load.Jobs)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				faults = append(faults, formatFault(l.file(), err))
				continue
			}
			evidence = append(evidence, l.file()+": "+describeSignature(signature))
		}
	}
	basis := phrase.Count(signed, "signature") + ", each page hashed; who signed is not checked"
	if bare > 0 {
		basis += fmt.Sprintf("; %s without, which macOS asks for on arm64 only", phrase.Count(bare, "slice"))
	}
	p.claim(TopicSignatures, "signed code is as it was signed, and arm64 code is signed", basis, faults, evidence...)
	return nil
}

// formatFault turns an error about a member into a fault.
func formatFault(file string, err error) Fault {
	var format *macho.FormatError
	if errors.As(err, &format) {
		if format.Arch != "" && !strings.HasSuffix(file, " ("+format.Arch+")") {
			file += " (" + format.Arch + ")"
		}
		return Fault{File: file, Reason: fmt.Sprintf("offset %#x: %s", format.Off, format.Rule)}
	}
	return Fault{File: file, Reason: err.Error()}
}

// describeSignature tells what a signature says of itself.
func describeSignature(g *macho.Signature) string {
	kind := "ad hoc"
	switch {
	case g.Certificate:
		kind = "with a certificate"
	case g.Flags&macho.LinkerSigned != 0:
		kind = "ad hoc, by the linker"
	}
	return fmt.Sprintf("%s, identifier %q, %s of %d bytes", kind, g.Identifier, phrase.Count(int((g.Limit+g.PageSize-1)/g.PageSize), "page"), g.PageSize)
}

// binaries returns the names of the members that are binaries in the format of
// the wheel.
func (r *Report) binaries() []string {
	var names []string
	for _, b := range r.Contents.of(r.Format) {
		names = append(names, b.Member.Name)
	}
	return names
}
