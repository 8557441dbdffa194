package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// A Family is the kind of system that a platform tag names.
type Family string

// The families of platform tags.
const (
	Linux     Family = "linux"     // this machine's kind of Linux, with no promise
	Manylinux Family = "manylinux" // Linux with at least this glibc
	Musllinux Family = "musllinux" // Linux with at least this musl
	MacOS     Family = "macosx"    // at least this macOS
	Windows   Family = "win"
	Android   Family = "android" // at least this API level
	IOS       Family = "ios"     // at least this iOS
	Any       Family = "any"     // every system
)

// A Platform is a platform tag taken apart.
type Platform struct {
	Tag    string // as it was given
	Family Family
	// Major and Minor are the version of the libc or the system that the tag asks
	// for; Minor is 0 for Android, both are 0 for Linux, Windows and Any.
	Major, Minor int
	// Arch is the architecture as this family spells it, "arm64" on macOS and
	// "aarch64" on Linux, with its SDK on iOS: "arm64_iphoneos". It is "" for Any.
	Arch string
}

// Libc returns the C library that the platform promises, or "".
func (p Platform) Libc() Libc {
	switch p.Family {
	case Manylinux:
		return GLIBC
	case Musllinux:
		return MUSL
	case Android:
		return BIONIC
	}
	return ""
}

// AtLeast reports whether the platform asks for version major.minor or a newer one.
func (p Platform) AtLeast(major, minor int) bool {
	return p.Major > major || p.Major == major && p.Minor >= minor
}

// legacy lists the names of PEP 513, 571 and 599 with the glibc they stand for
// (PEP 600, "Legacy manylinux tags").
var legacy = map[string][2]int{
	"manylinux1":    {2, 5},
	"manylinux2010": {2, 12},
	"manylinux2014": {2, 17},
}

// ParsePlatform takes one platform tag apart, as in the last part of a wheel's
// name: "manylinux2014_x86_64", "macosx_11_0_arm64", "win_amd64", "any". It does
// not ask whether there is such a policy or architecture: that is for [Lookup].
// The error for a tag of no known form names the tag.
func ParsePlatform(tag string) (Platform, error) {
	head, rest, _ := strings.Cut(tag, "_")
	p := Platform{Tag: tag, Family: Family(head), Arch: rest}
	var ok bool
	switch p.Family {
	case Any:
		ok = tag == string(Any)
		return p.orError(ok)
	case Linux, Windows:
		ok = true
	case Manylinux, Musllinux, MacOS, IOS:
		p.Major, rest, ok = cutNumber(rest)
		if ok {
			p.Minor, p.Arch, ok = cutNumber(rest)
		}
	case Android:
		p.Major, p.Arch, ok = cutNumber(rest)
	case "win32": // the one tag in which the architecture has no word of its own
		p.Family, p.Arch, ok = Windows, "x86", rest == "" && tag == "win32"
	default:
		var version [2]int
		version, ok = legacy[head]
		p.Family, p.Major, p.Minor = Manylinux, version[0], version[1]
	}
	return p.orError(ok && isArch(p.Arch))
}

// orError returns the platform if it is well formed, else the error.
func (p Platform) orError(ok bool) (Platform, error) {
	if !ok {
		return Platform{}, fmt.Errorf("platform tag %q is of no known form; expected one like manylinux_2_28_x86_64, linux_x86_64, macosx_11_0_arm64, win_amd64 or any", p.Tag)
	}
	return p, nil
}

// cutNumber splits "17_x86_64" into 17 and "x86_64". A number has no sign, no
// leading zero and at most four digits, enough for every system there is.
func cutNumber(s string) (n int, rest string, ok bool) {
	digits, rest, found := strings.Cut(s, "_")
	n, err := strconv.Atoi(digits)
	ok = found && err == nil && len(digits) <= 4 && strconv.Itoa(n) == digits && n >= 0
	return n, rest, ok
}

// isArch reports whether a text has only what names of architectures consist of.
func isArch(s string) bool {
	for _, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
