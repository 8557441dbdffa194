package audit

import (
	stdelf "debug/elf"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// claimPaths adds the claim that no search path is left that only means
// something on the machine that built the wheel.
func (p *Proof) claimPaths() {
	var faults []Fault
	entries := 0
	for _, o := range p.Report.Graph.Members {
		for _, tag := range []struct{ name, value string }{{"DT_RPATH", o.File.RPath()}, {"DT_RUNPATH", o.File.RunPath()}} {
			if tag.value == "" {
				continue
			}
			for _, entry := range strings.Split(tag.value, ":") {
				entries++
				if why := notPortable(entry); why != "" {
					faults = append(faults, Fault{File: o.Path, Reason: tag.name + " entry \"" + entry + "\" " + why})
				}
			}
		}
		for _, e := range o.Edges {
			if path.IsAbs(e.Needed) && e.Status != linkage.Excluded {
				faults = append(faults, Fault{File: o.Path, Library: e.Needed, Reason: "DT_NEEDED is a path of the machine that built it"})
			}
		}
	}
	p.claim(TopicPaths, "no search path of the build machine is left", phrase.Count(entries, "search path entry"), faults)
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

// executableByDefault lists the architectures on which glibc makes stacks
// executable for a library without PT_GNU_STACK (DEFAULT_STACK_PERMS in
// sysdeps/*/stackinfo.h). musl never does.
var executableByDefault = []policy.Arch{policy.X86_64, policy.I686, policy.ARMV7L, policy.S390X}

// claimStack adds the claim that no file wants an executable stack.
func (p *Proof) claimStack() {
	var faults []Fault
	const advice = ", which glibc from 2.41 on and hardened systems refuse; link with -z noexecstack"
	byDefault := p.Report.Libc == policy.GLIBC && slices.Contains(executableByDefault, p.Report.Arch)
	for _, o := range p.Report.Graph.Members {
		switch {
		case o.File.ExecutableStack():
			faults = append(faults, Fault{File: o.Path, Reason: "its PT_GNU_STACK asks for an executable stack" + advice})
		case byDefault && o.File.Dynamic() && !isProgram(o) && !hasStackHeader(o.File):
			faults = append(faults, Fault{File: o.Path, Reason: "it has no PT_GNU_STACK, for which glibc makes the stack executable" + advice})
		}
	}
	p.claim(TopicStack, "no file asks for an executable stack", "PT_GNU_STACK of "+phrase.Count(len(p.Report.Graph.Members), "ELF file"), faults)
}

func hasStackHeader(f *elf.File) bool {
	return slices.ContainsFunc(f.Progs, func(p elf.Prog) bool { return p.Type == stdelf.PT_GNU_STACK })
}
