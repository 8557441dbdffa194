package audit

import (
	stdelf "debug/elf"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// A role is what a member of the wheel is to the loader of its architecture.
type role int

const (
	asData   role = iota // nobody asks a loader for it
	asLoaded             // the loader takes it
	asFault              // a loader is asked for it, and refuses it
)

// A refusal tells why no loader takes a member.
type refusal struct {
	kind   Kind // KindArchitecture, KindSystem or KindImage
	reason string
}

// roleOf decides what an ELF file of a wheel for an architecture and C library is.
// A loader is asked for modules that Python imports, for shared libraries, and for
// programs that are installed as commands. Object files and core dumps, separate
// debug information, and the code of processors that have no loader on Linux
// (eBPF, GPU) are data, unless Python would import them by their name. It is the
// one answer of audit, verify, repair and tag.
func roleOf(b *Binary, os OS, arch policy.Arch, libc policy.Libc) (role, refusal) {
	f, name := b.ELF(), b.Member.Name
	if !f.Processor() {
		return asData, refusal{}
	}
	module, shared := isModuleName(name), isSharedName(name)
	if system := OS(linkage.SystemOf(f)); system != "" && system != os {
		return faultIf(module, KindSystem, fmt.Sprintf("it is for %v, the wheel for %v", system, os))
	}
	unloadable := f.Unloadable()
	if f.Type != stdelf.ET_DYN && f.Type != stdelf.ET_EXEC || f.SeparateDebug() {
		return faultIf(module, KindImage, unloadable)
	}
	if why := f.Refused(string(arch)); why != "" {
		_, unknown := f.Arch()
		asked := module || linkage.IsScript(name) || f.Dynamic() && (shared || unknown == "")
		return faultIf(asked, KindArchitecture, why)
	}
	if !elf.KnownArch(string(arch)) {
		return asData, refusal{}
	}
	if why := f.ForeignABI(); why != "" && libc != policy.MUSL && f.Dynamic() {
		return faultIf(module || shared, KindArchitecture, why)
	}
	if unloadable != "" && (module || shared || linkage.IsScript(name) && f.Type == stdelf.ET_DYN) {
		return asFault, refusal{KindImage, unloadable}
	}
	if libc != "" && os != OSAndroid && f.AndroidRelocations() {
		return faultIf(true, KindImage, "its relocations are in a format that only Android's loader reads (DT_ANDROID_RELA and the like)")
	}
	if module && f.Type == stdelf.ET_EXEC {
		return asFault, refusal{KindImage, "it is a program (ET_EXEC), which no loader takes for a module"}
	}
	return asLoaded, refusal{}
}

// faultIf returns the fault of a member that a loader is asked for; others are data.
func faultIf(asked bool, kind Kind, reason string) (role, refusal) {
	if asked {
		return asFault, refusal{kind, reason}
	}
	return asData, refusal{}
}

// roleOf decides about a binary of the wheel of the report.
func (r *Report) roleOf(b *Binary) (role, refusal) { return roleOf(b, r.OS, r.Arch, r.Libc) }

// Refused lists what a loader would be asked for and refuses: ELF files, and files
// that are none though Python would import them. No tag of the wheel is true then.
func (r *Report) Refused() []Blocker {
	if r.Format != ELF || r.Unserved != nil {
		return nil
	}
	var list []Blocker
	for _, b := range r.Contents.of(ELF) {
		if role, why := r.roleOf(b); role == asFault {
			list = append(list, Blocker{Kind: why.kind, File: b.Member.Name, Reason: why.reason})
		}
	}
	for _, f := range r.Contents.notImages() {
		list = append(list, Blocker{Kind: KindImage, File: f.Path, Reason: "it is not ELF, and Python would import it: build it again, or give it another name"})
	}
	return list
}

// notImages returns the members that Python on Linux would import by their name,
// and that are of no format that any system loads.
func (c *Contents) notImages() []Foreign {
	var list []Foreign
	for _, f := range c.Foreign {
		if f.Kind == notELF && isModuleName(f.Path) {
			list = append(list, f)
		}
	}
	return list
}

// importSuffix matches what the name of an extension module on Linux ends with:
// importlib.machinery.EXTENSION_SUFFIXES of CPython, PyPy and GraalPy.
var importSuffix = regexp.MustCompile(`^([^.]+)(\.(cpython|pypy|graalpy|abi)[^.]*(-[^.]*)?)?\.so$`)

// isModuleName reports whether Python would find an extension module by the name of
// a member: it lies in site-packages, in folders that can be packages.
func isModuleName(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	scheme, below := linkage.Scheme(name)
	if strings.HasSuffix(top, ".dist-info") || scheme != "" && scheme != "purelib" && scheme != "platlib" {
		return false
	}
	dir, base := path.Split(below)
	for folder := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if folder != "" && !isIdentifier(folder) {
			return false
		}
	}
	m := importSuffix.FindStringSubmatch(base)
	return m != nil && isIdentifier(m[1])
}

// isIdentifier reports whether Python takes a text for a name.
func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r)) {
			return false
		}
	}
	return s != ""
}

// sharedName matches the names of shared libraries, with versions behind .so or
// without.
var sharedName = regexp.MustCompile(`\.so(\.\d+[a-z]?)*$`)

func isSharedName(name string) bool { return sharedName.MatchString(path.Base(name)) }
