package policy

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/windows.txt
var windowsText string

// The architectures of Windows as package pe and Microsoft name them. Tags of wheels say
// win32, win_amd64 and win_arm64 (sysconfig.get_platform).
const (
	WindowsX86   = "x86"
	WindowsX64   = "x64"
	WindowsARM64 = "arm64"
)

// WindowsArchs returns the architectures that wheels for Windows are made for.
func WindowsArchs() []string { return []string{WindowsX86, WindowsX64, WindowsARM64} }

// SystemDLL reports whether every supported Windows has a DLL for an architecture, in
// the system's folder or in the place that libraries of its kind are loaded from. Names
// are without regard to case. For the names that Windows turns into those of DLLs itself
// there is [APISet].
//
// The list is that of delvewheel: x86 and x64 since Windows 7 SP1, arm64 since Windows
// 10; and what came with Windows 8 to 10, which came into every edition. Those
// for media (mf.dll and its like) are left out of the N editions, and of Windows Server until
// somebody installs them; no wheel may bring them along.
func SystemDLL(arch, name string) bool {
	return systemDLLs()[arch][strings.ToLower(name)]
}

// APISet reports whether a name is that of an API set, which stands for whatever DLL of
// the system has the functions (Microsoft, "Windows API sets"). No file has it. The name of
// an extension, which begins with ext-ms-, may stand for nothing on some devices.
func APISet(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "api-ms-") || strings.HasPrefix(name, "ext-ms-")
}

// systemDLLs reads the embedded table when it is first asked for: names in lower case,
// by architecture.
var systemDLLs = sync.OnceValue(func() map[string]map[string]bool {
	dlls, err := parseWindows(windowsText)
	if err != nil {
		panic("policy: embedded table of Windows: " + err.Error())
	}
	return dlls
})

// parseWindows reads a table whose form scripts/windows-table explains.
func parseWindows(text string) (map[string]map[string]bool, error) {
	dlls := map[string]map[string]bool{}
	for _, arch := range WindowsArchs() {
		dlls[arch] = map[string]bool{}
	}
	var archs []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || line[0] == '#':
			continue
		case line[0] != ' ':
			archs = fields
		}
		for _, arch := range archs {
			if dlls[arch] == nil {
				return nil, fmt.Errorf("architecture %q is unknown", arch)
			}
			for _, name := range fields {
				if line[0] == ' ' {
					dlls[arch][withExtension(name)] = true
				}
			}
		}
	}
	return dlls, nil
}

// withExtension is the file's name: what has no other extension is a .dll.
func withExtension(name string) string {
	if strings.HasSuffix(name, ".drv") {
		return name
	}
	return name + ".dll"
}

// A PythonLibrary is the DLL of an interpreter, which every process that imports an
// extension module has loaded already.
type PythonLibrary struct {
	// Implementation is as tags of wheels spell it: "cp", "pp" or "graalpy".
	Implementation string
	// Major and Minor are the version of the language, 0 for one that the name does not
	// tell: python3.dll has no Minor.
	Major, Minor int
	Stable       bool // the stable ABI: python3.dll, and python3t.dll of PEP 803
	FreeThreaded bool // no global lock (PEP 703)
	Debug        bool // a debug build, which release builds cannot load modules of
	// Foreign is whether the interpreter is one built with MinGW, whose modules have
	// other tags than win32, win_amd64 and win_arm64 (MSYS2's libpython3.12.dll).
	Foreign bool
}

// pythonLibrary matches the DLLs of CPython (PC/python3dll.c, PCbuild/pyproject.props),
// PyPy and MSYS2.
var (
	pythonLibrary = regexp.MustCompile(`^python([23])([1-9]?[0-9])?(t?)(_d)?\.dll$`)
	pypyLibrary   = regexp.MustCompile(`^libpypy(?:([23])(?:\.([1-9]?[0-9]))?)?-c\.dll$`)
	mingwLibrary  = regexp.MustCompile(`^libpython([23])(?:\.([1-9]?[0-9])(t?))?(?:_d)?\.dll$`)
)

// PythonDLL tells which interpreter a DLL is the library of, and whether it is one. Names
// are without regard to case.
func PythonDLL(name string) (lib PythonLibrary, ok bool) {
	name = strings.ToLower(name)
	if m := pythonLibrary.FindStringSubmatch(name); m != nil && (m[2] != "" || m[1] == "3") {
		lib = PythonLibrary{Implementation: "cp", Stable: m[2] == "", FreeThreaded: m[3] != "", Debug: m[4] != ""}
		lib.Major, lib.Minor = number(m[1]), number(m[2])
		return lib, true
	}
	if m := pypyLibrary.FindStringSubmatch(name); m != nil {
		return PythonLibrary{Implementation: "pp", Major: number(m[1]), Minor: number(m[2])}, true
	}
	if m := mingwLibrary.FindStringSubmatch(name); m != nil {
		return PythonLibrary{Implementation: "cp", Major: number(m[1]), Minor: number(m[2]), Stable: m[2] == "", FreeThreaded: m[3] != "", Debug: strings.Contains(name, "_d."), Foreign: true}, true
	}
	if name == "python-native.dll" {
		return PythonLibrary{Implementation: "graalpy", Major: 3}, true
	}
	return PythonLibrary{}, false
}

// number reads digits that a pattern has matched; "" is 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
