package linkage

import (
	"path"
	"regexp"
	"strings"
)

// A wheel's members are compared by where they lie once installed, because
// $ORIGIN means that. The scheme is that of a virtual environment on Linux; the
// number of directories between prefix and site-packages is the same everywhere.
const (
	sitePackages = "lib/python3/site-packages"
	scriptsDir   = "bin"
	headersDir   = "include/site/python3"
)

// installPath returns the path, relative to the prefix, where a member is
// installed. See PEP 427, "Installing a wheel", spread.
func installPath(member string) string {
	switch scheme, rest := Scheme(member); scheme {
	case "purelib", "platlib":
		return path.Join(sitePackages, rest)
	case "scripts":
		return path.Join(scriptsDir, rest)
	case "headers":
		return path.Join(headersDir, rest)
	case "data":
		return path.Join(rest)
	}
	return path.Join(sitePackages, member)
}

// Scheme returns the folder of the .data directory that a member lies in, such as
// "scripts" or "purelib", and its path there; "" if it lies in none (PEP 427).
func Scheme(member string) (scheme, rest string) {
	top, rest, _ := strings.Cut(member, "/")
	if !strings.HasSuffix(top, ".data") {
		return "", member
	}
	scheme, rest, _ = strings.Cut(rest, "/")
	return scheme, rest
}

// IsScript reports whether a member is installed as a program.
func IsScript(member string) bool {
	scheme, _ := Scheme(member)
	return scheme == "scripts"
}

// InstallDir returns the directory, relative to the prefix, that $ORIGIN stands
// for in a member.
func InstallDir(member string) string { return path.Dir(installPath(member)) }

// packagesDir matches site-packages of any Python 3 below its prefix.
var packagesDir = regexp.MustCompile(`^lib(64)?/(python|pypy)3(\.\d+t?)?/(site|dist)-packages(/|$)`)

// SearchDir returns the directory, relative to the prefix, that the entry
// "$ORIGIN"+rest of a member's search path stands for once it is installed.
func SearchDir(member, rest string) string {
	dir := strings.TrimPrefix(path.Join("/", InstallDir(member), rest), "/")
	return packagesDir.ReplaceAllString(dir, sitePackages+"$5")
}

// InPackages reports whether a member is installed below site-packages. No
// search path leads there from elsewhere in the prefix: the name of the folder
// depends on Python's version.
func InPackages(member string) bool {
	return strings.HasPrefix(installPath(member), sitePackages+"/")
}

// RelativeDir returns the path from the directory of member from to that of
// member to, once both are installed, as it follows "$ORIGIN/". See [InPackages]
// for what it cannot express. Between site-packages and the rest it goes by way of the
// prefix: on some systems the one lies in lib64, where the other says lib.
func RelativeDir(from, to string) string {
	a, b := splitDir(InstallDir(from)), splitDir(InstallDir(to))
	n := 0
	for InPackages(from) == InPackages(to) && n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	var parts []string
	for range a[n:] {
		parts = append(parts, "..")
	}
	return strings.Join(append(parts, b[n:]...), "/")
}

// placeName returns the folder of an installed path as its members call it, where
// that is in site-packages.
func placeName(dir string) string {
	if dir == sitePackages {
		return "."
	}
	return strings.TrimPrefix(dir, sitePackages+"/")
}

// splitDir returns the elements of a cleaned directory, none for ".".
func splitDir(dir string) []string {
	if dir == "." {
		return nil
	}
	return strings.Split(dir, "/")
}
