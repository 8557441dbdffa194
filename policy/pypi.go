package policy

import (
	"slices"
	"strings"
)

// PyPITakes reports whether PyPI takes a wheel with this platform tag, by the rules of
// warehouse (warehouse/forklift/legacy.py at 6b6215712, 2026-08-21). Of a tag that it
// refuses, why tells what it asks for instead.
func PyPITakes(tag string) (ok bool, why string) {
	p, err := ParsePlatform(tag)
	if err != nil {
		// What Pyodide calls its own ABI (PEP 783), whose tags are not taken apart here.
		if rest, found := strings.CutPrefix(tag, "pyemscripten_"); found && strings.HasSuffix(rest, "_wasm32") {
			return true, ""
		}
		return false, "PyPI does not know this platform"
	}
	is := func(archs ...string) bool { return slices.Contains(archs, p.Arch) }
	switch p.Family {
	case Any:
		return true, ""
	case Windows:
		if is("x86", "arm64", "amd64", "ia64") {
			return true, ""
		}
	case Linux:
		if is("armv6l", "armv7l") { // what piwheels.org builds
			return true, ""
		}
		return false, "PyPI takes manylinux and musllinux wheels: repair it first"
	case Manylinux, Musllinux:
		if is(pypiLinux...) || p.Family == Manylinux && is("ppc64") {
			return legacyTaken(tag), "PyPI does not take this architecture under that name"
		}
	case MacOS:
		switch {
		case !is("ppc", "ppc64", "i386", "x86_64", "arm64", "intel", "fat", "fat3", "fat64", "universal", "universal2"):
		case p.Major != 10 && p.Minor != 0:
			return false, "PyPI takes versions of macOS from 11 on with _0 alone"
		case p.Major != 10 && !slices.Contains([]int{11, 12, 13, 14, 15, 26}, p.Major):
			return false, "PyPI knows macOS 10 to 15 and 26"
		default:
			return true, ""
		}
	case IOS:
		if is("arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphoneos", "x86_64_iphonesimulator") {
			return true, ""
		}
	case Android:
		if is("armeabi_v7a", "arm64_v8a", "x86", "x86_64") {
			return true, ""
		}
	}
	return false, "PyPI does not take this architecture"
}

// pypiLinux are the architectures of manylinux and musllinux wheels that PyPI takes.
var pypiLinux = []string{"x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64"}

// legacyTaken holds the names of PEP 513, 571 and 599 to the architectures that they have.
func legacyTaken(tag string) bool {
	name, arch, _ := strings.Cut(tag, "_")
	switch name {
	case "manylinux1", "manylinux2010":
		return arch == "x86_64" || arch == "i686"
	case "manylinux2014":
		return arch != "riscv64"
	}
	return true
}

// PyPITags returns the families of Linux tags that PyPI takes for the architecture of a
// platform, for another system the platform's own family: none if it takes no wheel for it.
func PyPITags(p Platform) []Family {
	var families []Family
	switch p.Family {
	case Linux, Manylinux, Musllinux:
		for _, f := range []Family{Manylinux, Musllinux} {
			if ok, _ := PyPITakes(string(f) + "_2_99_" + p.Arch); ok {
				families = append(families, f)
			}
		}
		if ok, _ := PyPITakes("linux_" + p.Arch); ok {
			families = append(families, Linux)
		}
	default:
		families = append(families, p.Family)
	}
	return families
}
