package wheel

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on names in bytes: NAME_MAX of every file system in use, and half of
// PATH_MAX of Linux, for the name alone. The longest on PyPI have some 300.
const (
	maxPart = 255
	maxName = 2048
)

// notPrintable reports characters that uv refuses in names: controls, formats,
// private and unassigned ones. U+2028 and U+2029 end a line of RECORD in Python.
func notPrintable(r rune) bool { return !unicode.IsGraphic(r) }

// oddName returns why a name that leads nowhere else cannot be installed by
// everybody, "" if it can.
func oddName(name string) string {
	switch {
	case strings.ContainsFunc(name, notPrintable):
		return "name has a character that cannot be seen, which uv refuses and Python may take for a line end"
	case len(name) > maxName:
		return "name has " + itoa(int64(len(name))) + " bytes, more than the " + itoa(maxName) + " for which a path has room once it is installed"
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart {
			return "name has a part of " + itoa(int64(len(part))) + " bytes, file systems take " + itoa(maxPart)
		}
	}
	return ""
}

// nameRule returns the rule that a member name breaks, "" if it is a plain
// relative path that every system and installer understands in the same way.
func nameRule(name string) string {
	switch {
	case name == "":
		return "empty name"
	case len(name) > 0xffff:
		return "name is longer than the 65535 bytes that zip allows"
	case !utf8.ValidString(name):
		return "name is not UTF-8 (PEP 427, The archive)"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "name has a control character"
	case strings.Contains(name, `\`):
		return "name has a backslash; zip separates with '/' (APPNOTE.TXT 4.4.17)"
	case name[0] == '/':
		return "name is absolute"
	case len(name) > 1 && name[1] == ':' && isAlnum(rune(name[0])):
		return "name begins with a drive letter"
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		switch part {
		case "":
			return "name has an empty part (\"//\")"
		case ".", "..":
			return "name has the part \"" + part + "\", which could lead out of the archive"
		}
	}
	return ""
}

// comparePaths orders names so that what lies below a directory follows it
// directly: as bytes, but with '/' before everything else.
func comparePaths(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			switch {
			case a[i] == '/':
				return -1
			case b[i] == '/':
				return 1
			}
			return cmp.Compare(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b))
}

// checkClashes refuses two members of one name, and a file that is also a
// directory: which of the two is installed depends on the installer.
func checkClashes(names []string) error {
	sorted := slices.Clone(names)
	slices.SortFunc(sorted, func(a, b string) int {
		return comparePaths(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
	})
	for i := 1; i < len(sorted); i++ {
		a, b := sorted[i-1], sorted[i]
		file := strings.TrimSuffix(a, "/")
		switch {
		case a == b:
			return formatErr(a, -1, "two members have this name")
		case file == strings.TrimSuffix(b, "/"),
			file == a && strings.HasPrefix(b, file+"/"):
			return formatErr(b, -1, "%q is both a file and a directory", file)
		}
	}
	return nil
}
