package audit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// A judgement is one verdict in the making.
type judgement struct {
	linux    *linux
	report   *Report
	policy   *policy.Policy
	verdict  Verdict
	grafted  map[*linkage.Image]bool
	external map[string]bool // sonames that the policy does not promise
}

func (l *linux) newJudgement(v Verdict) *judgement {
	return &judgement{linux: l, report: l.report, policy: v.Policy, verdict: v, grafted: map[*linkage.Image]bool{}, external: map[string]bool{}}
}

// graft notes what a repair would copy in.
func (j *judgement) graft(files []*linkage.File) {
	j.verdict.Grafts = files
	for _, o := range linkage.Images(files) {
		j.grafted[o] = true
	}
}

func (j *judgement) block(b Blocker) {
	b.Policy, b.Tag = j.policy, j.policy.Tag()
	j.verdict.Blockers = append(j.verdict.Blockers, b)
}

// wrongTarget reports whether the policy is for another system than the wheel.
// That alone can be said then: what such a policy would have grafted has not
// been read.
func (j *judgement) wrongTarget() bool {
	switch r := j.report; {
	case j.policy.Arch != r.Arch:
		j.block(Blocker{Kind: KindArchitecture, File: r.Wheel, Reason: fmt.Sprintf("the wheel is for %s, not for %s", r.Arch, j.policy.Arch)})
	case r.Libc != "" && j.policy.Libc != r.Libc:
		j.block(Blocker{Kind: KindLibc, File: r.Wheel, Reason: fmt.Sprintf("the wheel is for %s, not for %s", r.Libc, j.policy.Libc)})
	default:
		return false
	}
	return true
}

// checkMembers looks at where binaries lie and what machine they are for.
func (j *judgement) checkMembers() {
	for _, b := range j.report.Contents.of(ELF) {
		if name := b.Member.Name; inPurelib(name) {
			j.block(Blocker{Kind: KindPurelib, File: name, Reason: "a binary may not lie in the purelib folder: build the wheel as a platform wheel (Root-Is-Purelib: false)"})
		}
	}
	for _, b := range j.report.Refused() {
		j.block(b)
	}
}

// checkLibraries looks for libraries that the policy does not promise.
func (j *judgement) checkLibraries(f *facts) {
	for _, e := range f.object.Needs {
		if e.Status == linkage.Excluded || e.To != nil && e.To.InWheel || j.linux.promised(j.policy, e) {
			continue
		}
		j.external[e.Name] = true
		b := Blocker{Kind: KindLibrary, File: f.object.Path, Library: e.Name, Reason: fmt.Sprintf("%s does not promise %s", j.policy.Name, e.Name)}
		libc := policy.Libc(linkage.LoaderLibc(e.Name))
		switch {
		case libc != "" && libc != j.policy.Libc:
			b.Kind, b.Reason = KindLibc, fmt.Sprintf("%s belongs to %s, the wheel is for %s", e.Name, libc, j.policy.Libc)
		case e.Status == linkage.Missing:
			b.Kind, b.Reason, b.Tried = KindMissing, missing(e.Name, e.Tried), e.Tried
		case e.Status == linkage.LibPython:
			if interp, err := f.object.ELF().Interpreter(); err != nil || interp != "" {
				b.Kind, b.Reason = KindPython, "a program that needs libpython cannot be made portable (PEP 513)"
			}
		}
		j.block(b)
	}
}

// missing tells where a library was sought.
func missing(needed string, tried []linkage.Place) string {
	places := linkage.Searched(tried)
	name := cmp.Or(needed, `""`) // a DT_NEEDED that says nothing
	if places == "" {
		return name + " was not found, and there is no directory to search"
	}
	return fmt.Sprintf("%s was not found; searched %s", name, places)
}

// inside reports whether the library that o needs under that name is, after a
// repair, a file of the wheel that no other can stand in for. A file under a
// name that the policy promises is none: Python may have loaded the system's
// library of that name before.
func (j *judgement) inside(o *linkage.Image, library string) bool {
	e := o.Need(library)
	if e == nil || e.Status != linkage.Found {
		return false
	}
	if j.grafted[e.To] {
		return true
	}
	return e.To.InWheel && (j.policy == nil || !j.policy.AllowsLibrary(library))
}

// checkVersions compares the wanted versions with those that the policy promises.
func (j *judgement) checkVersions(f *facts) {
	for _, n := range f.needs {
		if j.inside(f.object, n.Library) {
			continue
		}
		for _, v := range n.Versions {
			if j.policy.AllowsVersion(v.Name) {
				continue
			}
			symbols := slices.Sorted(slices.Values(f.symbols[versionKey{n.Library, v.Name}]))
			j.block(Blocker{
				Kind: KindVersion, File: f.object.Path, Library: n.Library, Version: v.Name, Symbols: slices.Compact(symbols),
				Reason: fmt.Sprintf("%s is newer than %s promises", v.Name, j.policy.Name),
			})
		}
	}
}

// checkSymbols looks for symbols that the policy forbids, and for those that an
// older musl lacks.
func (j *judgement) checkSymbols(f *facts) {
	asked := map[string]bool{}
	for _, library := range f.object.ELF().Needed() {
		if asked[library] {
			continue
		}
		asked[library] = true
		if j.inside(f.object, library) || !j.policy.AllowsLibrary(library) {
			continue
		}
		var forbidden, lacking []string
		for _, s := range j.policy.Forbidden(library) {
			if f.wants(s) {
				forbidden = append(forbidden, s)
			}
		}
		if j.policy.Libc != policy.GLIBC {
			for _, s := range f.undefined {
				if !j.policy.AllowsSymbol(library, s) {
					lacking = append(lacking, s)
				}
			}
		}
		if len(forbidden) > 0 {
			j.block(Blocker{Kind: KindSymbol, File: f.object.Path, Library: library, Symbols: forbidden, Reason: fmt.Sprintf("%s rules out symbols that are internal to %s", j.policy.Name, library)})
		}
		if len(lacking) > 0 {
			j.block(Blocker{Kind: KindSymbol, File: f.object.Path, Library: library, Symbols: lacking, Reason: j.lacksSymbols()})
		}
	}
}

// checkBuild looks at how a file was built: for which processor, and for which
// Python.
func (j *judgement) checkBuild(f *facts) {
	if f.isa > j.baseline() && !j.report.options.IgnoreISA {
		j.block(Blocker{Kind: KindISA, File: f.object.Path, Reason: fmt.Sprintf("it needs an %s processor, %s promises the baseline; build without -march", f.isa, j.policy.Tag())})
	}
	if len(f.fpectl) > 0 {
		j.block(Blocker{Kind: KindPython, File: f.object.Path, Symbols: f.fpectl, Reason: "it is built for a Python with fpectl, which manylinux rules out (PEP 513)"})
	}
	if len(f.narrow) > 0 {
		j.block(Blocker{Kind: KindPython, File: f.object.Path, Symbols: f.narrow, Reason: "it is built for a Python with narrow Unicode (UCS-2), which manylinux rules out (PEP 513)"})
	}
}

// baseline is the oldest processor of a system: that of Android has SSE4.2
// (https://developer.android.com/ndk/guides/abis).
func (j *judgement) baseline() elf.ISA {
	if j.policy.Libc == policy.BIONIC {
		return elf.ISAv2
	}
	return elf.ISABaseline
}

// lacksSymbols tells whose C library is too old for some symbols.
func (j *judgement) lacksSymbols() string {
	if j.policy.Libc == policy.BIONIC {
		return fmt.Sprintf("Android of API level %d does not have these symbols", j.policy.Major)
	}
	return fmt.Sprintf("the musl of %s does not have these symbols", j.policy.Name)
}

// relrMark is the version that a linker has a file with DT_RELR want of glibc, so
// that an older one refuses it instead of passing over the relocations.
const relrMark = "GLIBC_ABI_DT_RELR"

// checkJumps looks for marks of the PLT that make older C libraries jump astray, musl of
// all ages.
func (j *judgement) checkJumps(f *facts) {
	if j.policy.Libc == policy.GLIBC && j.policy.AllowsVersion(relrMark) || !f.object.ELF().MarkedPLT() {
		return
	}
	who := "glibc before 2.36"
	if j.policy.Libc != policy.GLIBC {
		who = string(j.policy.Libc)
	}
	j.block(Blocker{
		Kind: KindVersion, File: f.object.Path,
		Reason: fmt.Sprintf("its PLT is marked (-z mark-plt), with which %s jumps astray; link with -z nomark-plt", who),
	})
}

// checkRelocations looks for packed relocations that the C library of the policy
// does not know. A file that wants nothing of libc has no mark to tell so. musl
// knows them from 1.2.4 on, which musllinux_1_2 does not tell from 1.2.0: what is
// built on current Alpine has them, so that one is only told.
func (j *judgement) checkRelocations(f *facts) {
	if !f.object.ELF().PackedRelocations() {
		return
	}
	b := Blocker{Kind: KindVersion, File: f.object.Path}
	switch {
	case j.policy.Libc == policy.GLIBC && !j.policy.AllowsVersion(relrMark) && !f.wantsVersion(relrMark):
		b.Reason = fmt.Sprintf("its relocations are packed (DT_RELR), which glibc before 2.36 does not know, and %s promises %d.%d; link without -z pack-relative-relocs", j.policy.Name, j.policy.Major, j.policy.Minor)
	case j.policy.Libc == policy.MUSL && j.policy.Major == 1 && j.policy.Minor < 2:
		b.Reason = fmt.Sprintf("its relocations are packed (DT_RELR), which musl before 1.2.4 does not know, and %s promises %d.%d", j.policy.Name, j.policy.Major, j.policy.Minor)
	default:
		return
	}
	j.block(b)
}
