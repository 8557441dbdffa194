package audit

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// claimPaths adds the claim that no search path is left that only means
// something on the machine that built the wheel.
func (p *Proof) claimPaths() {
	var faults, open []Fault
	entries := 0
	for _, o := range linkage.Images(p.Report.Graph.Members) {
		leaves := sync.OnceValue(func() bool { return leavesOut(o) })
		for _, tag := range []struct{ name, value string }{{"DT_RPATH", o.ELF().RPath()}, {"DT_RUNPATH", o.ELF().RunPath()}} {
			if tag.value == "" {
				continue
			}
			for _, entry := range strings.Split(tag.value, ":") {
				entries++
				why := notPortable(entry)
				fault := Fault{File: o.Path, Reason: tag.name + " entry \"" + entry + "\" " + why}
				switch {
				case why == "":
				case entry != "" && (p.Report.keeps(entry) || path.IsAbs(entry) && leaves()):
					open = append(open, fault)
				default:
					faults = append(faults, fault)
				}
			}
		}
		if b, wrong := p.Report.wrongInterpreter(o); wrong && b.Kind == KindInterpreter {
			faults = append(faults, b.fault())
		}
		for _, e := range o.Needs {
			if path.IsAbs(e.Name) && e.Status != linkage.Excluded {
				faults = append(faults, Fault{File: o.Path, Library: e.Name, Reason: "DT_NEEDED is a path of the machine that built it"})
			}
		}
	}
	p.claim(TopicPaths, "no search path of the build machine is left", phrase.Count(entries, "search path entry"), faults)
	if len(open) > 0 {
		p.unchecked(TopicPaths, "search paths to libraries that are left out, or that are kept as asked, lead there on the user's system", "they are not part of the wheel", open)
	}
}

// keeps reports whether a search path entry was asked to stay.
func (r *Report) keeps(entry string) bool {
	return slices.ContainsFunc(r.options.KeepRPath, func(pattern string) bool { return linkage.MatchPattern(pattern, entry) })
}

// leavesOut reports whether a file, or what it loads, needs a library that is left out.
func leavesOut(o *linkage.Image) bool {
	return slices.ContainsFunc(o.Loads(), func(e *linkage.Need) bool { return e.Status == linkage.Excluded })
}

// notPortable tells why a search path entry means something else on every
// machine, "" if it is relative to where the file is installed.
func notPortable(entry string) string {
	switch {
	case entry == "":
		return "means the working directory"
	case strings.HasPrefix(entry, "$ORIGIN"), strings.HasPrefix(entry, "${ORIGIN}"):
		return ""
	case path.IsAbs(entry):
		return "is a path of the machine that built it"
	}
	return "depends on the working directory"
}

// claimStack adds the claim that no file wants an executable stack.
func (p *Proof) claimStack() {
	var faults []Fault
	const advice = ", which glibc from 2.41 on and hardened systems refuse; link with -z noexecstack"
	for _, o := range linkage.Images(p.Report.Graph.Members) {
		switch {
		case !p.Report.ExecutableStack(o):
		case o.ELF().ExecutableStack():
			faults = append(faults, Fault{File: o.Path, Reason: "its PT_GNU_STACK asks for an executable stack" + advice})
		default:
			faults = append(faults, Fault{File: o.Path, Reason: "it has no PT_GNU_STACK, for which glibc makes the stack executable" + advice})
		}
	}
	p.claim(TopicStack, "no file asks for an executable stack", "PT_GNU_STACK of "+phrase.Count(len(p.Report.Graph.Members), "ELF file"), faults)
}

// ExecutableStack reports whether a file that is loaded makes the stacks of the
// process executable: it says so, or it says nothing and glibc takes that for a yes
// (musl never does).
func (r *Report) ExecutableStack(o *linkage.Image) bool {
	switch o.ELF().Stack() {
	case elf.StackExecutable:
		return true
	case elf.StackPlain:
		return false
	}
	return r.Libc == policy.GLIBC && o.ELF().Dynamic() && !isProgram(o) && o.ELF().DefaultStack() == elf.StackExecutable
}

// claimPacked tells of relocations that the first versions of what a musllinux tag
// promises do not know.
func (p *Proof) claimPacked(promised []*policy.Policy) {
	var packed []Fault
	for _, o := range linkage.Images(p.Report.Graph.Members) {
		if o.ELF().PackedRelocations() {
			packed = append(packed, Fault{File: o.Path, Reason: "its relocations are packed (DT_RELR)"})
		}
	}
	for _, q := range promised {
		if q.Libc == policy.MUSL && len(packed) > 0 {
			p.unchecked(TopicPlatform, "musl before 1.2.4 loads the files", "it passes over packed relocations, and "+q.Tag()+" does not tell which 1.2 a system has", packed)
			return
		}
	}
}
