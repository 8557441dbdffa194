package audit

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// moduleSuffix takes the name of an extension module apart: its stem, the ABI
// that it is for, and the processor of the platform triplet (PEP 3149;
// PyPy and abi3 likewise).
var moduleSuffix = regexp.MustCompile(`^([^.]+)\.(?:cpython-(\d+[a-z]*)|pypy(\d+)-(pp\d+)|(abi3))(?:-([a-z0-9_]+)-linux-[a-z0-9]+|-(darwin))?\.so$`)

// tripletArch maps the processor in the triplet of a module's name to that of
// platform tags, where they differ.
var tripletArch = map[string]policy.Arch{"i386": policy.I686, "arm": policy.ARMV7L, "powerpc64le": policy.PPC64LE, "powerpc64": policy.PPC64}

// claimABI adds the claim that the Pythons that the tags name can import the
// extension modules, by their names.
func (p *Proof) claimABI() {
	modules := 0
	importable := map[string]bool{} // by path without the suffix
	suspects := map[string]Fault{}
	var order []string
	for _, f := range p.Report.Files {
		if !f.Extension {
			continue
		}
		modules++
		stem, _, _ := strings.Cut(path.Base(f.Path), ".")
		key := path.Join(path.Dir(f.Path), stem)
		reason := p.notImportable(path.Base(f.Path))
		if reason == "" {
			importable[key] = true
		} else if _, ok := suspects[key]; !ok {
			suspects[key] = Fault{File: f.Path, Reason: reason}
			order = append(order, key)
		}
	}
	var faults []Fault
	for _, key := range order {
		if !importable[key] {
			faults = append(faults, suspects[key])
		}
	}
	name := p.Report.Contents.Filename
	tags := strings.Join(name.Python, ".") + "-" + strings.Join(name.ABI, ".")
	p.claim(TopicABI, "the Pythons of "+tags+" find the extension modules by their names", phrase.Count(modules, "extension module"), faults)
	p.claimStableABI()
}

// A moduleNamer is a system with names of its own for extension modules.
type moduleNamer interface {
	notImportable(p *Proof, base string) string
}

// notImportable tells why none of the Pythons that the tags name looks for a
// module of that file name, "" if one does.
func (p *Proof) notImportable(base string) string {
	if namer, ok := p.Report.system.(moduleNamer); ok {
		return namer.notImportable(p, base)
	}
	m := moduleSuffix.FindStringSubmatch(base)
	if m == nil {
		return "" // a plain .so serves every Python
	}
	onMacOS := p.Report.Format == MachO
	switch {
	case onMacOS && m[6] != "":
		return "its name is for Linux, Python on macOS does not look for it"
	case !onMacOS && m[7] != "":
		return "its name is for macOS, Python on Linux does not look for it"
	}
	arch := policy.Arch(m[6])
	if other, ok := tripletArch[m[6]]; ok {
		arch = other
	}
	if arch != "" && arch != p.Report.Arch && len(policy.For(policy.GLIBC, arch)) > 0 {
		return fmt.Sprintf("its name is for %s, Python on %s does not look for it", arch, p.Report.Arch)
	}
	if libc := linkage.NameLibc(base); libc != "" && p.Report.Libc != "" && libc != string(p.Report.Libc) {
		return fmt.Sprintf("its name is for %s, Python on %s does not look for it", libc, p.Report.Libc)
	}
	for _, t := range p.Report.Contents.Filename.Tags() {
		if admits(t.Python, t.ABI, m) {
			return ""
		}
	}
	return "its name is for another Python than the tags"
}

// admits reports whether the Python of a tag looks for a module whose name m
// was taken apart by moduleSuffix. Debug builds (d) also take modules of
// ordinary ones.
func admits(python, abi string, m []string) bool {
	cpython := strings.HasPrefix(python, "cp")
	switch {
	case m[5] == "abi3":
		return cpython || abi == "none" && strings.HasPrefix(python, "py")
	case m[2] != "":
		want := "cp" + m[2]
		return abi == want || abi == want+"d" || cpython && abi == "none" && python == strings.TrimRight(want, "abcdefghijklmnopqrstuvwxyz")
	default:
		return abi == "pypy"+m[3]+"_"+m[4] || python == "pp"+m[3] && abi == "none"
	}
}
