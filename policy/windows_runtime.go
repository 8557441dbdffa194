package policy

import (
	"regexp"
	"strings"
)

// A RuntimeLibrary is a DLL of Microsoft's Visual C++ runtime that is not part of
// Windows: an installer of its own brings it, an interpreter, or the wheel.
type RuntimeLibrary struct {
	Version int // of the toolset in tenths: 140 since Visual Studio 2015, 100 for 2010
	// Debug is whether the library is for debug builds. Its licence lets nobody pass
	// it on, so that no wheel may have it (Microsoft, "Distributable code").
	Debug bool
}

// runtimeLibrary matches the names of the redistributable files (Microsoft, "Determining
// which DLLs to redistribute"); their second parts, such as msvcp140_atomic_wait.dll, and
// the languages of MFC, such as mfc140deu.dll.
var runtimeLibrary = regexp.MustCompile(`^(vcruntime|vccorlib|msvcp|msvcr|concrt|mfcmifc|mfcm|mfc|vcamp|vcomp|atl)(70|71|80|90|100|110|120|140)(u?d?)` +
	`(_[1-9]|_app|_threads|_atomic_wait|_codecvt_ids|chs|cht|deu|enu|esn|fra|ita|jpn|kor|rus)?(d?)(_app)?\.dll$`)

// RuntimeDLL tells of which Visual C++ runtime a DLL is a part, and whether it is of one.
// Names are without regard to case. What Windows has itself, such as msvcrt.dll and
// msvcp60.dll, is none: see [SystemDLL].
func RuntimeDLL(name string) (lib RuntimeLibrary, ok bool) {
	name = strings.ToLower(name)
	switch name {
	case "vcomp.dll": // Visual Studio 2005 gave it no number
		return RuntimeLibrary{Version: 80}, true
	case "vcompd.dll":
		return RuntimeLibrary{Version: 80, Debug: true}, true
	case "ucrtbased.dll":
		return RuntimeLibrary{Version: 140, Debug: true}, true
	}
	m := runtimeLibrary.FindStringSubmatch(name)
	if m == nil {
		return RuntimeLibrary{}, false
	}
	return RuntimeLibrary{
		Version: number(m[2]),
		Debug:   strings.HasSuffix(m[3], "d") || m[5] != "",
	}, true
}

// The tags of interpreters and of their ABIs: "cp312", "cp313t", "cp37dm", "py3";
// "pypy310_pp73"; "graalpy250_312_native"; and the two of PyPy for Python 2.
var (
	cpythonTag = regexp.MustCompile(`^(?:cp|py)([23])([0-9]{0,2})([a-z]*)$`)
	pypyABI    = regexp.MustCompile(`^pypy([23])([0-9]{0,2})_pp[0-9]+$`)
	graalpyABI = regexp.MustCompile(`^graalpy[0-9]+_3([0-9]{2})_native$`)
)

const (
	pypy2ABI    = "pypy_73"
	pypy2OldABI = "pypy_41"
)

// PythonBrings reports whether each interpreter that a wheel's tag names brings a DLL of
// Microsoft's runtime along, so that every process that imports the wheel has it. The
// tags are those of Python and its ABI, one of each, as in "cp312", "abi3"; of several, a
// wheel needs the answer for each. arch is as for [SystemDLL].
//
// The rules are those of delvewheel: CPython has had vcruntime140.dll since 3.5 and
// vcruntime140_1.dll since 3.9 on 64-bit systems; before that msvcr100.dll and msvcr90.dll;
// PyPy and GraalPy ask for the same. A tag that names no minor version, as py3 does, is
// taken for Python 3.5 and later.
func PythonBrings(python, abi, arch, name string) bool {
	name = strings.ToLower(name)
	tag := abi
	if abi == "none" || abi == "abi3" || abi == "abi3t" {
		tag = python // its version and all later ones
	}
	if m := cpythonTag.FindStringSubmatch(tag); m != nil {
		return cpythonBrings(number(m[1]), minorOf(m), strings.HasPrefix(abi, "cp") && strings.Contains(m[3], "d"), arch, name)
	}
	switch m := pypyABI.FindStringSubmatch(tag); {
	case m != nil && arch == WindowsX64:
		return m[1] == "3" && number(m[2]) >= 6 && name == "vcruntime140.dll"
	case m != nil && arch == WindowsX86:
		return m[1] == "3" && (m[2] == "6" || m[2] == "7") && name == "vcruntime140.dll"
	case tag == pypy2ABI:
		return arch != WindowsARM64 && name == "vcruntime140.dll"
	case tag == pypy2OldABI:
		return arch == WindowsX86 && name == "msvcr90.dll"
	}
	if m := graalpyABI.FindStringSubmatch(tag); m != nil && arch == WindowsX64 {
		return number(m[1]) >= 10 && (name == "vcruntime140.dll" || name == "vcruntime140_1.dll")
	}
	return false
}

// minorOf is the minor version of a match of cpythonTag; without one, the oldest that
// people still have.
func minorOf(m []string) int {
	switch {
	case m[2] != "":
		return number(m[2])
	case m[1] == "3":
		return 5
	}
	return 7
}

// cpythonBrings answers for one version of CPython. Debug builds load debug libraries.
func cpythonBrings(major, minor int, debug bool, arch, name string) bool {
	modern := major == 3 && minor >= 5
	switch name {
	case "vcruntime140.dll":
		return modern && !debug
	case "vcruntime140_1.dll":
		return major == 3 && minor >= 9 && !debug && arch != WindowsX86
	case "vcruntime140d.dll", "ucrtbased.dll":
		return modern && debug
	case "msvcr100.dll":
		return major == 3 && (minor == 3 || minor == 4) && !debug
	case "msvcr90.dll":
		return (major == 2 && (minor == 6 || minor == 7) || major == 3 && minor <= 2) && !debug
	}
	return false
}
