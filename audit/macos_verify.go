package audit

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// claims adds the claims about what the Mach-O files of a wheel ask for.
func (m *macOS) claims(ctx context.Context, p *Proof, opts VerifyOptions) error {
	p.claimReadable(m.scope())
	m.claimFaults(p)
	p.claimPlatforms()
	p.claimPartial("files for some of the architectures are asked for on those alone", "the names are Python code's")
	p.claimPurelib()
	p.claimABI()
	m.claimFolded(p)
	p.claimLibraries(m.libraryRules())
	if err := m.claimSymbols(ctx, p); err != nil {
		return err
	}
	p.claimPaths(m.pathRules())
	m.claimInstallNames(p)
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

// scope counts the files and slices that were looked at.
func (m *macOS) scope() string {
	files := phrase.Count(len(m.graph.Members), "Mach-O file")
	return files + " with " + phrase.Count(len(linkage.Images(m.graph.Members)), "slice") + " for " + strings.Join(allArchs(m.graph.Members), ", ")
}

// basis tells the oldest macOS that the members need on each architecture of a tag.
func (m *macOS) basis(_ *Report, p policy.Platform) (basis string, evidence []string) {
	for _, n := range m.minimums(policy.MacArchs(p.Arch), false) {
		line := n.Arch + ": macOS " + n.Version.String()
		if n.File != "" {
			line += ", which " + n.File + " needs"
		}
		evidence = append(evidence, line)
	}
	return m.scope(), evidence
}

// libraryRules are those of dyld, which takes what is in memory under the install name
// that is asked for.
func (m *macOS) libraryRules() libraryRules {
	return libraryRules{
		text: "each library that is loaded is found in the wheel or part of macOS", system: "of macOS",
		fate: m.fate, paths: "a name or rpath", alone: "dyld looks for no library in the wheel on its own",
	}
}

// fate tells what becomes of a library that is loaded.
func (m *macOS) fate(l load) fate {
	switch e := l.need; {
	case l.inWheel() && e.Rule.Kind != linkage.ByName && !e.Rule.Leads():
		return fate{fault: "its name does not lead to " + e.To.Path + ", " + e.Rule.String()}
	case l.inWheel() && e.Program != nil && m.graph.UnderPython()[l.from]:
		return fate{fault: "it leads to " + e.To.Path + " in the process of " + e.Program.Path + " alone: @executable_path is another folder when Python loads it"}
	case l.inWheel():
		return fate{}
	case e.Status == linkage.System && e.Rule.Kind == linkage.ByFallback && l.from.Slice().SDK >= macho.MakeVersion(13, 0, 0):
		return fate{fault: "no name or rpath leads to " + e.SystemName + ", and dyld does not look there for a file built with the SDK of macOS 13 or later"}
	case e.Status == linkage.System:
		return fate{outside: true}
	case e.Status == linkage.LibPython && e.Kind != linkage.Weak:
		return fate{fault: "it is Python of the machine that built it; link with -undefined dynamic_lookup, so that the symbols come from the Python that loads it"}
	case e.IsFound():
		return fate{fault: "it is not in the wheel, but " + e.To.Path + " (" + e.Rule.String() + ")"}
	case e.Kind == linkage.Weak:
		return fate{told: "not found, and dyld does without it (LC_LOAD_WEAK_DYLIB)"}
	default:
		return fate{fault: "it is neither in the wheel nor part of macOS; searched " + linkage.Searched(e.Tried)}
	}
}

// claimFolded is about names that lead to a file on a volume alone that does not tell
// upper from lower case, as most do not.
func (m *macOS) claimFolded(p *Proof) {
	var folded []Fault
	for _, l := range p.loads() {
		if l.inWheel() && l.need.Fold && m.fate(l).fault == "" {
			folded = append(folded, l.fault("the file is called %s", l.need.To.Path))
		}
	}
	if len(folded) > 0 {
		p.unchecked(TopicLibraries, "volumes do not tell upper from lower case", "those that do not find these files", folded)
	}
}

// pathRules are those of dyld. Paths of macOS are the same on every Mac.
func (m *macOS) pathRules() pathRules {
	held := map[*linkage.Image]bool{}
	for _, b := range m.graph.Members {
		for _, image := range m.images(b) {
			held[image] = true
		}
	}
	return pathRules{
		unit: "LC_RPATH", needed: "its install name", portable: linkage.PortableRPath,
		held:   func(image *linkage.Image) bool { return held[image] },
		sought: func(e *linkage.Need) bool { return strings.HasPrefix(e.Name, "@rpath/") },
		others: func(*linkage.Image) []Fault { return nil },
		entries: func(image *linkage.Image) []pathEntry {
			var entries []pathEntry
			for _, rpath := range image.Slice().RPaths {
				entries = append(entries, pathEntry{"LC_RPATH", rpath})
			}
			return entries
		},
	}
}

// graftID is where delocate says that its copies lie: nowhere, so that nothing is
// found by that name.
const graftID = "/DLC/"

// claimInstallNames is about the names that libraries give themselves. They do no
// harm to who loads by another name, so it is told and not failed: with such a
// name, a library that has the path is taken in the place of the wheel's own.
func (m *macOS) claimInstallNames(p *Proof) {
	var open []Fault
	for _, image := range linkage.Images(m.graph.Members) {
		id := image.Slice().ID
		if path.IsAbs(id) && !strings.HasPrefix(id, graftID) && !linkage.IsMacSystem(id) {
			open = append(open, Fault{File: called(image), Reason: "LC_ID_DYLIB \"" + id + "\" is a path of the machine that built it"})
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
	for _, image := range linkage.Images(m.graph.Members) {
		signature, err := image.Slice().Signature()
		if err != nil || signature == nil || image.Slice().Type != macho.Execute || !signature.ValidatesLibraries() {
			continue
		}
		programs++
		if ValidatesOwn(image, func(*linkage.File) bool { return false }) {
			faults = append(faults, Fault{File: called(image), Reason: "it is signed with the hardened runtime or library validation, so it loads no library that its own team has not signed; sign it anew (codesign -s -)"})
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
	for _, image := range linkage.Images(m.graph.Members) {
		s := image.Slice()
		signature, err := s.Signature()
		switch {
		case !loadable(s):
			continue
		case err == nil && signature == nil && s.Arch.IsARM64():
			faults = append(faults, Fault{File: called(image), Reason: "it has no signature, and macOS kills what loads such arm64 code; sign it (codesign -s -)"})
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
			faults = append(faults, formatFault(called(image), err))
			continue
		}
		evidence = append(evidence, called(image)+": "+describeSignature(signature))
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
