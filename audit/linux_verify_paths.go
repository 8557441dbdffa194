package audit

import (
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// libraryRules are those of ld.so. What no tag promises is nobody's.
func (l *linux) libraryRules(promised []*policy.Policy) libraryRules {
	rules := libraryRules{
		text: "needed libraries that lie in the wheel are found", paths: "a search path", alone: "ld.so finds no library by its name alone",
		fate: func(load) fate { return fate{} },
	}
	if len(promised) == 0 {
		return rules
	}
	rules.text, rules.system = "each needed library is found in the wheel or promised by the tag", "promised by "+tagNames(promised)
	rules.fate = func(d load) fate {
		for _, q := range promised {
			if !d.inWheel() && !l.promised(q, d.need) {
				return fate{fault: notPromised(q, d.need)}
			}
		}
		return fate{outside: true, told: rules.system}
	}
	return rules
}

// notPromised tells why a policy does not let a library lie outside the wheel.
func notPromised(q *policy.Policy, e *linkage.Need) string {
	libc := policy.Libc(linkage.LoaderLibc(e.Name))
	switch {
	case e.Status == linkage.LibPython:
		return "extension modules must not load libpython (PEP 513)"
	case libc != "" && libc != q.Libc:
		return fmt.Sprintf("it belongs to %s, %s is for %s", libc, q.Tag(), q.Libc)
	}
	reason := "it is not in the wheel, and " + q.Tag() + " does not promise it"
	if places := linkage.Searched(e.Tried); places != "" {
		reason += "; searched " + places
	}
	return reason
}

// pathRules are those of ld.so, and of the kernel for the interpreter of a program.
func (r *Report) pathRules() pathRules {
	return pathRules{
		unit: "search path entry", needed: "DT_NEEDED", entries: pathEntries,
		held:   func(*linkage.Image) bool { return true },
		sought: func(*linkage.Need) bool { return true },
		portable: func(entry string) bool {
			return strings.HasPrefix(entry, "$ORIGIN") || strings.HasPrefix(entry, "${ORIGIN}")
		},
		others: func(o *linkage.Image) []Fault {
			if b, wrong := r.wrongInterpreter(o); wrong && b.Kind == KindInterpreter {
				return []Fault{b.fault()}
			}
			return nil
		},
	}
}

func pathEntries(o *linkage.Image) []pathEntry {
	var entries []pathEntry
	for _, tag := range []struct{ name, value string }{{"DT_RPATH", o.ELF().RPath()}, {"DT_RUNPATH", o.ELF().RunPath()}} {
		if tag.value == "" {
			continue
		}
		for entry := range strings.SplitSeq(tag.value, ":") {
			entries = append(entries, pathEntry{tag.name + " entry", entry})
		}
	}
	return entries
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
