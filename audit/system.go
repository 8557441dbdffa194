package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// An OS is what a platform tag, or a binary, is for: the word by which its
// platform tags begin, such as "freebsd", where it is none of the constants.
type OS string

// The systems that have a name of their own here.
const (
	OSLinux   OS = "linux"
	OSMacOS   OS = "macos"
	OSWindows OS = "windows"
	OSAndroid OS = "android"
	OSIOS     OS = "ios"
	OSPyodide OS = "pyodide" // WebAssembly
	OSSeveral OS = "several" // a wheel with binaries for more than one
)

// served reports whether wheels for the system are read, repaired and verified.
func (s OS) served() bool { return s == OSLinux || s == OSAndroid || s == OSMacOS || s == OSWindows }

// systems tells what people call a system, what its binaries are called, and the
// tool that takes its wheels.
var systems = map[OS]struct {
	name, binary, tool string
	format             Format
}{
	OSLinux:   {"Linux", "ELF file", "", ELF},
	OSMacOS:   {"macOS", "Mach-O file", "", MachO},
	OSWindows: {"Windows", "PE file", "", PE},
	OSAndroid: {"Android", "ELF file", "give it a platform tag of Android, which names the API level that it is built for", ELF},
	OSIOS:     {"iOS", "Mach-O file", "nothing is copied into those after the build", MachO},
	OSPyodide: {"Pyodide", "WebAssembly file", "use pyodide auditwheel for it", Wasm},
	"freebsd": {"FreeBSD", "ELF file", "", ELF},
	"netbsd":  {"NetBSD", "ELF file", "", ELF},
	"openbsd": {"OpenBSD", "ELF file", "", ELF},
	"solaris": {"Solaris", "ELF file", "", ELF},
}

// String returns what people call the system.
func (s OS) String() string { return cmp.Or(systems[s].name, string(s)) }

// Binary returns what a binary of the system is called, such as "ELF file".
func (s OS) Binary() string { return cmp.Or(systems[s].binary, "binary") }

// systemOf returns the one system that is served and has binaries of a format, "" if there
// are several.
func systemOf(f Format) OS {
	var only OS
	for s, known := range systems {
		switch {
		case known.format != f || !s.served():
		case only != "":
			return ""
		default:
			only = s
		}
	}
	return only
}

// tagSystem returns the system of a platform tag, "" for one that is for all.
func tagSystem(tag string) OS {
	head, _, _ := strings.Cut(tag, "_")
	word := strings.TrimRight(head, "0123456789")
	switch policy.Family(word) {
	case policy.Any:
		return ""
	case policy.Linux, policy.Manylinux, policy.Musllinux:
		return OSLinux
	case policy.MacOS:
		return OSMacOS
	case policy.Windows:
		return OSWindows
	}
	switch word {
	case "pyodide", "emscripten", "pyemscripten", "wasi", "wasm":
		return OSPyodide
	}
	return OS(cmp.Or(word, head)) // android, ios, freebsd and the like
}

// tagSystems returns the systems that the file name speaks of, in its order.
func (c *Contents) tagSystems() []OS {
	var named []OS
	for _, tag := range c.Filename.Platform {
		if s := tagSystem(tag); s != "" && !slices.Contains(named, s) {
			named = append(named, s)
		}
	}
	return named
}

// An Unserved describes a wheel for a system whose binaries are named and not read,
// or for several systems at once. As an error it says so, and which tool to keep.
type Unserved struct {
	OS       OS
	Binaries []OSCount // by system, those of the file name first
}

// A OSCount tells how many binaries of a wheel are for a system.
type OSCount struct {
	OS    OS
	Files int
	First string // member
}

// has reports whether the wheel has a binary for a system.
func (u *Unserved) has(s OS) bool {
	return slices.ContainsFunc(u.Binaries, func(c OSCount) bool { return c.OS == s })
}

func (c OSCount) String() string {
	return phrase.Count(c.Files, c.OS.Binary())
}

// Error implements error.
func (u *Unserved) Error() string {
	const ours = "wheelmend repairs Linux, Android, macOS and Windows wheels"
	var texts []string
	if u.OS == OSSeveral {
		for _, c := range u.Binaries {
			texts = append(texts, fmt.Sprintf("%v for %v", c, c.OS))
		}
		return fmt.Sprintf("it holds binaries for several systems: %s; no one platform tag is true of it, build a wheel for each system", strings.Join(texts, ", "))
	}
	for _, c := range u.Binaries {
		text := c.String()
		if c.OS != u.OS {
			text += fmt.Sprintf(" for %v", c.OS)
		}
		texts = append(texts, text)
	}
	text := fmt.Sprintf("this is a wheel for %v, %s; %s", u.OS, strings.Join(texts, ", "), ours)
	if named, ok := systems[u.OS]; ok && u.OS != OSLinux {
		text = strings.Replace(text, "a wheel for "+named.name, article(named.name)+" "+named.name+" wheel", 1)
		if named.tool != "" {
			text += "; " + named.tool
		}
	}
	return text
}

// article returns the indefinite article of a system's name.
func article(name string) string {
	if strings.ContainsRune("AEOi", rune(name[0])) {
		return "an"
	}
	return "a"
}

// census counts the binaries by system. Files in which nothing tells one, such as
// ELF files that need no C library, are for the system of the file name that has
// such files. Programs of Windows in a wheel for any platform are data: launchers
// that are copied out, as in setuptools.
func (c *Contents) census() []OSCount {
	named := c.tagSystems()
	counts := map[OS]*OSCount{}
	var order []OS
	add := func(s OS, member string) {
		if counts[s] == nil {
			counts[s] = &OSCount{OS: s, First: member}
			order = append(order, s)
		}
		counts[s].Files++
	}
	for i := range c.Files {
		b := &c.Files[i]
		add(formatOf(b.Content).system(b, named), b.Member.Name)
	}
	if c.forLinuxAlone() {
		for _, f := range c.notImages() {
			add(OSLinux, f.Path) // meant to be modules
		}
	}
	for _, f := range c.Foreign {
		if f.os != "" && (f.library || len(named) > 0) {
			add(f.os, f.Path)
		}
	}
	slices.SortStableFunc(order, func(a, b OS) int { return rank(named, a) - rank(named, b) })
	out := make([]OSCount, len(order))
	for i, s := range order {
		out[i] = *counts[s]
	}
	return out
}

// rank orders systems as the file name has them; the others come last.
func rank(named []OS, s OS) int {
	if i := slices.Index(named, s); i >= 0 {
		return i
	}
	return len(named)
}

// system returns the system of the wheel, "" for a pure one. For one that is not
// served it tells what the wheel is. Binaries for other systems than those of the
// file name are data, as long as there are some for that.
func (c *Contents) system() (OS, *Unserved) {
	counts, named := c.census(), c.tagSystems()
	var meant, others []OSCount
	for _, n := range counts {
		if slices.Contains(named, n.OS) {
			meant = append(meant, n)
		} else {
			others = append(others, n)
		}
	}
	switch {
	case len(counts) == 0:
		return "", nil
	case len(meant) > 1:
		return OSSeveral, &Unserved{OSSeveral, meant}
	case len(meant) == 1:
		return c.known(meant[0].OS, meant)
	case len(named) > 0 && !slices.ContainsFunc(named, OS.served):
		return named[0], &Unserved{named[0], others}
	case len(others) > 1:
		return OSSeveral, &Unserved{OSSeveral, others}
	case len(c.of(systems[others[0].OS].format)) == 0: // damaged ones, which nothing can be said of
		return others[0].OS, &Unserved{others[0].OS, others}
	}
	return c.known(others[0].OS, others)
}

// known tells whether a wheel for a system is served. One for Android is only if its
// name says so: nothing else tells the API level.
func (c *Contents) known(s OS, counts []OSCount) (OS, *Unserved) {
	if s.served() && (s != OSAndroid || slices.Contains(c.tagSystems(), s)) {
		return s, nil
	}
	return s, &Unserved{s, counts}
}

// format returns the format of the binaries of a wheel for a system.
func (s OS) format(u *Unserved) Format {
	switch known, ok := systems[s]; {
	case s == "":
		return Pure
	case s == OSSeveral:
		return Several
	case ok:
		return known.format
	default: // a system of which nothing is known but what its binaries look like
		return cmp.Or(systems[u.Binaries[0].OS].format, ELF)
	}
}

// foreignSystems are the systems of files that are named by their magic number and
// that a loader takes.
var foreignSystems = map[string]OS{"PE": OSWindows, "WebAssembly": OSPyodide}

// newForeign names a file that is not read. A file of a loader's format counts as a
// binary of its system; see [Contents.census] for programs of Windows.
func newForeign(name, kind string) Foreign {
	f := Foreign{Path: name, Kind: kind, os: foreignSystems[kind]}
	f.library = f.os != OSWindows || calledWindowsLibrary(name)
	return f
}

// calledWindowsFile reports whether a file has the name of a library or program of Windows.
func calledWindowsFile(name string) bool {
	return calledWindowsLibrary(name) || strings.EqualFold(path.Ext(name), ".exe")
}

// calledWindowsLibrary reports whether a PE file is loaded, by its name, and no program.
func calledWindowsLibrary(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".dll", ".pyd":
		return true
	}
	return false
}
