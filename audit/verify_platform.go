package audit

import (
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
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
		default:
			if q := p.claimPlatform(text, platform); q != nil && !slices.Contains(promised, q) {
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

// claimPlatform holds the wheel to one tag, and returns the policy that it was held to,
// nil if there is none.
func (p *Proof) claimPlatform(text string, platform policy.Platform) *policy.Policy {
	r := p.Report
	if platform.Family == policy.Linux {
		text = "the ELF files are for " + platform.Arch
	}
	verdict := r.Judge(platform)
	basis, evidence := r.system.basis(r, platform)
	switch {
	case verdict.Unknown != nil && verdict.Policy == nil:
		p.unchecked(TopicPlatform, text, verdict.Unknown.Error(), nil)
		return nil
	case verdict.Unknown != nil:
		basis += "; held to " + verdict.Policy.Tag() + ", the newest policy that is not newer"
	}
	var faults []Fault
	for i := range verdict.Blockers {
		if b := &verdict.Blockers[i]; !b.aboutLibrary() && b.Kind != KindPurelib && b.Kind != KindInterpreter && !p.outside(b.File) {
			faults = append(faults, b.fault())
		}
	}
	if verdict.Unknown != nil && len(faults) > 0 {
		p.unchecked(TopicPlatform, text, "it has no policy of its own, and "+verdict.Policy.Tag()+" is not met", faults)
		return nil
	}
	p.claim(TopicPlatform, text, basis, faults, evidence...)
	return verdict.Policy
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

// inPurelib reports whether a member is installed to the purelib folder while
// it is not at the root of the wheel.
func inPurelib(name string) bool {
	scheme, _ := linkage.Scheme(name)
	return scheme == "purelib"
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

// claimPartial is about files that are not for all the architectures of the wheel, and that
// nothing loads for the others: whether code asks for them is not in their bytes.
func (p *Proof) claimPartial(text, basis string) {
	var open []Fault
	for _, f := range p.Report.Partial {
		open = append(open, Fault{File: f.Path, Reason: "it is for " + strings.Join(f.Archs(), " and ") + " alone"})
	}
	if len(open) > 0 {
		p.unchecked(TopicPlatform, text, basis, open)
	}
}
