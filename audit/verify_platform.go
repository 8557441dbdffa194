package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// claimPlatforms holds the contents to each platform tag of the file name, save
// for needed libraries, which have a claim of their own. It returns the policies
// of the tags.
func (p *Proof) claimPlatforms() []*policy.Policy {
	var promised []*policy.Policy
	for _, tag := range p.Report.Contents.Filename.Platform {
		text := "what " + tag + " promises is met"
		platform, err := policy.ParsePlatform(tag)
		switch {
		case p.claimWrongSystem(tag, text):
		case err != nil:
			p.claimUnknown(tag, text, err)
		case platform.Family == policy.Linux && !elf.KnownArch(platform.Arch):
			p.unchecked(TopicPlatform, "the ELF files are for "+platform.Arch, "nothing is known of this architecture", nil)
		case platform.Family == policy.Linux:
			p.claim(TopicPlatform, "the ELF files are for "+platform.Arch, p.platformBasis(), faultsOf(p.Report.Refused()))
		default:
			if q := p.claimPolicy(text, platform); q != nil && !slices.Contains(promised, q) {
				promised = append(promised, q)
			}
		}
	}
	return promised
}

// claimWrongSystem adds the claim about a tag that is for another system than the
// binaries, which fails. It reports whether the tag is one.
func (p *Proof) claimWrongSystem(tag, text string) bool {
	b := p.Report.wrongSystem(tag)
	if b == nil {
		return false
	}
	if tagSystem(tag) == "" {
		text = "the wheel runs on any platform"
	}
	p.claim(TopicPlatform, text, "it holds "+phrase.Count(len(p.Report.binaries()), systems[p.Report.OS].binary), []Fault{b.fault()})
	return true
}

// claimUnknown is about a platform tag that could not be taken apart. Those of
// systems that are not known here may be right (sysconfig.get_platform); those
// that begin like a known one are not.
func (p *Proof) claimUnknown(tag, text string, err error) {
	family, _, _ := strings.Cut(tag, "_")
	switch policy.Family(strings.TrimRight(family, "0123456789")) {
	case policy.Linux, policy.Manylinux, policy.Musllinux, policy.MacOS, policy.Windows, policy.Any:
		p.claim(TopicPlatform, text, "the file name", []Fault{{Reason: err.Error()}})
	default:
		p.unchecked(TopicPlatform, text, "nothing is known of this platform", nil)
	}
}

// claimPolicy holds the wheel to the policy of a tag. A tag of PEP 600 or 656
// without a policy of its own is held to the newest one that is not newer.
func (p *Proof) claimPolicy(text string, platform policy.Platform) *policy.Policy {
	q, err := policy.Lookup(platform.Tag)
	basis := p.platformBasis()
	if err != nil {
		if q = floor(platform); q == nil {
			p.unchecked(TopicPlatform, text, err.Error(), nil)
			return nil
		}
		basis += "; held to " + q.Tag() + ", the newest policy that is not newer"
	}
	verdict := p.Report.Judge(q)
	var faults []Fault
	for i := range verdict.Blockers {
		if b := &verdict.Blockers[i]; !b.aboutLibrary() && b.Kind != KindPurelib && b.Kind != KindInterpreter && !p.outside(b.File) {
			faults = append(faults, b.fault())
		}
	}
	if err != nil && len(faults) > 0 {
		p.unchecked(TopicPlatform, text, "it has no policy of its own, and "+q.Tag()+" is not met", faults)
		return nil
	}
	p.claim(TopicPlatform, text, basis, faults, p.versionsWanted()...)
	return q
}

// outside reports whether a blocker is about a library of the system: that it
// is needed has a claim of its own.
func (p *Proof) outside(file string) bool {
	_, member := p.Report.Contents.Reader.Lookup(file)
	return !member && file != p.Report.Wheel
}

// floor returns the newest policy that asks for no more than the platform.
func floor(platform policy.Platform) *policy.Policy {
	var best *policy.Policy
	for _, q := range policy.For(platform.Libc(), policy.Arch(platform.Arch)) {
		if !q.Plain() && platform.AtLeast(q.Major, q.Minor) {
			best = q
		}
	}
	return best
}

// aboutLibrary reports whether the blocker is a library that the policy does
// not promise.
func (b *Blocker) aboutLibrary() bool {
	return b.Kind == KindLibrary || b.Kind == KindMissing || b.Library != "" && (b.Kind == KindLibc || b.Kind == KindPython)
}

// platformBasis says how much was held to a platform tag.
func (p *Proof) platformBasis() string {
	r := p.Report
	wanted := r.VersionedSymbols(nil)
	versions := 0
	for _, names := range wanted {
		versions += len(names)
	}
	basis := phrase.Count(len(r.Graph.Members), "ELF file")
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
		return basis + "; not the processor that they need"
	}
	return basis
}

// versionsWanted lists the versions that the wheel wants of libraries outside,
// by library.
func (p *Proof) versionsWanted() []string {
	var lines []string
	wanted := p.Report.VersionedSymbols(nil)
	for _, library := range slices.Sorted(maps.Keys(wanted)) {
		lines = append(lines, library+": "+strings.Join(wanted[library], ", "))
	}
	return lines
}

// faultsOf turns blockers into faults.
func faultsOf(blockers []Blocker) []Fault {
	var faults []Fault
	for i := range blockers {
		faults = append(faults, blockers[i].fault())
	}
	return faults
}

// claimPurelib adds the claim that binaries are installed where binaries belong.
func (p *Proof) claimPurelib() {
	var faults []Fault
	for _, name := range p.Report.binaries() {
		if inPurelib(name) {
			faults = append(faults, Fault{File: name, Reason: "a binary may not lie in the purelib folder"})
		}
	}
	info, err := p.Report.Contents.Reader.Info()
	if err != nil {
		return // claimNames says so
	}
	basis := "Root-Is-Purelib: false"
	if info.RootIsPurelib() {
		basis = "Root-Is-Purelib: true"
		for _, f := range p.Report.Files {
			if top, _, _ := strings.Cut(f.Path, "/"); f.Extension && !strings.HasSuffix(top, ".data") {
				faults = append(faults, Fault{File: f.Path, Reason: "Root-Is-Purelib is true, so this extension module is installed as pure Python"})
			}
		}
	}
	p.claim(TopicPurelib, "no extension module is installed as pure Python", basis, faults)
}
