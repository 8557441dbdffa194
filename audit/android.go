package audit

import (
	stdelf "debug/elf"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// An android holds wheels to API levels of Android: a tag is a promise that is kept, and
// raised only when something needs a newer level.
type android struct{}

// policies are those of the level that the file name promises and of later ones. A level
// that is newer than all of them is held to the newest.
func (android) policies(r *Report) []*policy.Policy {
	all := policy.For(policy.BIONIC, r.Arch)
	promised := 0
	for _, p := range r.Contents.platforms(policy.Android) {
		if promised == 0 || p.Major < promised {
			promised = p.Major
		}
	}
	at := slices.IndexFunc(all, func(p *policy.Policy) bool { return p.Major >= promised })
	if at < 0 && len(all) > 0 {
		at = len(all) - 1
	}
	return all[max(at, 0):]
}

// plainTag: every tag of Android promises an API level.
func (android) plainTag(*Report) string { return "" }

// runPathLevel is the API level from which on Android's loader reads DT_RUNPATH
// (bionic, android-changes-for-ndk-developers.md).
const runPathLevel = 24

// check holds a file to the API level of a policy: that of the NDK that it was built
// for, as far as a note tells it, and that of the search path by which it finds what
// lies in the wheel.
func (android) check(j *judgement, f *facts) {
	name, level := f.object.Path, j.policy.Major
	if built := builtFor(f.object.ELF()); built > level {
		j.block(Blocker{Kind: KindVersion, File: name, Version: fmt.Sprint(built), Reason: fmt.Sprintf("it is built for API level %d (.note.android.ident), the tag promises %d", built, level)})
	}
	if level >= runPathLevel {
		return
	}
	byPath := func(n *linkage.Need) bool {
		return n.IsFound() && (j.grafted[n.To] || n.To.InWheel && n.Rule.Kind == linkage.ByRunPath)
	}
	if i := slices.IndexFunc(f.object.Needs, byPath); i >= 0 {
		j.block(Blocker{Kind: KindVersion, File: name, Version: fmt.Sprint(runPathLevel), Reason: fmt.Sprintf("%s is found by DT_RUNPATH, which Android reads from API level %d on; the tag promises %d", f.object.Needs[i].Name, runPathLevel, level)})
	}
}

// builtFor returns the API level that a note of the NDK names, 0 if there is none
// (bionic/libc/arch-common/bionic/crtbrand.S: owner "Android", type 1).
func builtFor(f *elf.File) int {
	notes, err := f.Notes()
	if err != nil {
		return 0
	}
	for _, n := range notes {
		if n.Name == "Android" && n.Type == 1 && len(n.Desc) >= 4 {
			return int(f.Order.Uint32(n.Desc))
		}
	}
	return 0
}

// pageSize is the largest page of a device with Android 15, in bytes.
const pageSize = 16 << 10

// claims adds the claim that devices with pages of 16 KiB load the files, which there
// are from Android 15 on (https://developer.android.com/guide/practices/page-sizes).
func (android) claims(p *Proof) {
	var faults []Fault
	files := 0
	for _, i := range linkage.Images(p.Report.Graph.Members) {
		f := i.ELF()
		if f.Class != stdelf.ELFCLASS64 {
			continue
		}
		files++
		for _, segment := range f.Progs {
			if segment.Type == stdelf.PT_LOAD && segment.Align < pageSize {
				faults = append(faults, Fault{File: i.Path, Reason: fmt.Sprintf("its segments are aligned to %#x; link with -z max-page-size=%d", segment.Align, pageSize)})
				break
			}
		}
	}
	p.claim(TopicAlignment, "devices with pages of 16 KiB, as of Android 15, load the files", phrase.Count(files, "64-bit ELF file"), faults)
}

// leaveToAndroid tells which libraries the newest Android has: none of this machine is
// looked at.
func (p *Process) leaveToAndroid() {
	levels := policy.For(policy.BIONIC, policy.Arch(p.Arch))
	if len(levels) == 0 {
		return
	}
	newest := levels[len(levels)-1]
	for _, node := range p.Nodes {
		for i := range node.Needs {
			if n := &node.Needs[i]; n.Missing() && newest.AllowsLibrary(n.Name) {
				n.Status, n.System, n.Tried = linkage.System.String(), "Android", nil
			}
		}
	}
}
