package linkage

import (
	"path"
	"slices"
	"strings"
)

// Where the two volumes of a Mac meet: the volume of the user shows up below the
// one, newer parts of the system below the other (since macOS 10.15 and 13).
const (
	dataVolume    = "/System/Volumes/Data"
	cryptexVolume = "/System/Volumes/Preboot/Cryptexes/OS"
)

// IsMacSystem reports whether a path is macOS's own, whatever a search path holds:
// recent systems have no such files, but know them. What lies on another volume is
// the user's, though its path may begin with /System, too.
func IsMacSystem(name string) bool {
	if !path.IsAbs(name) {
		return false
	}
	name = path.Clean(name)
	if rest, ok := cutDir(name, cryptexVolume); ok {
		name = rest
	}
	return name == "/usr/lib" || strings.HasPrefix(name, "/usr/lib/") ||
		strings.HasPrefix(name, "/System/") && name != "/System/Volumes" && !strings.HasPrefix(name, "/System/Volumes/")
}

// PortableRPath reports whether a search path (LC_RPATH) means the same on every Mac
// once the wheel is installed: it begins with a variable of dyld, or is macOS's own.
func PortableRPath(rpath string) bool {
	for _, variable := range []string{loaderVariable, executableVariable, rpathVariable} {
		if _, ok := cutVariable(rpath, variable); ok {
			return true
		}
	}
	return IsMacSystem(rpath)
}

// Leads reports whether the name of a load command, or an rpath, leads to the file
// that was found, in whatever process; the other rules take what lies in the wheel.
func (e *Need) Leads() bool {
	return e.Status == Found && e.Rule.Leads()
}

// cutDir cuts a directory off a path.
func cutDir(name, dir string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, dir)
	return rest, ok && strings.HasPrefix(rest, "/")
}

// firmPaths returns the paths by which a file is reached: one of the user's volume
// also without the folder that the volume is mounted at (firmlinks of APFS).
func firmPaths(name string) []string {
	if rest, ok := cutDir(name, dataVolume); ok {
		return []string{name, rest}
	}
	return []string{name}
}

// systemPath returns the path in the system of a library to which a search path of
// macOS leads, and whether macOS has it. A search path may have any library of
// others behind it, so only names that are known count, apart from those of
// frameworks and Swift, which has its folder for itself.
func systemPath(full string) (string, bool) {
	full = path.Clean(full)
	if rest, ok := cutDir(full, cryptexVolume); ok {
		full = rest
	}
	if !IsMacSystem(full) {
		return "", false
	}
	dir, base := path.Split(full)
	switch {
	case strings.HasPrefix(base, "libswift") && strings.HasSuffix(base, ".dylib"):
		return full, true
	case frameworkPart(full) != "":
		return full, strings.HasPrefix(full, "/System/") && !IsPythonName(full)
	case dir == "/usr/lib/":
		return full, isSystemDylib(base)
	}
	return full, strings.HasPrefix(full, "/usr/lib/system/") || strings.HasPrefix(full, "/System/iOSSupport/")
}

// frameworkPart returns the part of a name by which dyld looks for a framework:
// from the innermost X.framework on, if the file is called X. It is "" for other
// libraries (dyld, PathOverrides::getFrameworkPartialPath).
func frameworkPart(name string) string {
	parts := strings.Split(name, "/")
	last := len(parts) - 1
	want := parts[last] + ".framework"
	for i := last - 1; i >= 0; i-- {
		if parts[i] == want {
			inner := parts[i+1 : last]
			if len(inner) == 0 || len(inner) == 2 && inner[0] == "Versions" {
				return strings.Join(parts[i:], "/")
			}
			return ""
		}
	}
	return ""
}

// IsPythonName reports whether an install name or path is that of Python itself, a
// framework or libpython. What it has, an extension module finds in the program
// that loads it.
func IsPythonName(name string) bool {
	if part := frameworkPart(name); part != "" {
		switch path.Base(part) {
		case "Python", "Python3", "PythonT", "Python3T":
			return true
		}
		return false
	}
	rest, ok := strings.CutPrefix(path.Base(name), "libpython")
	rest, isDylib := strings.CutSuffix(rest, ".dylib")
	version := strings.TrimRight(rest, "dmtu") // of the ABI: debug, pymalloc, free-threaded, wide characters
	return ok && isDylib && version != "" && strings.Trim(version, "0123456789.") == ""
}

// isSystemDylib reports whether macOS has a library of that name in /usr/lib.
func isSystemDylib(base string) bool {
	stem, isLib := strings.CutPrefix(base, "lib")
	stem, isDylib := strings.CutSuffix(stem, ".dylib")
	return isLib && isDylib && slices.Contains(strings.Fields(systemDylibs), stem)
}

// systemDylibs are the libraries of /usr/lib that programs of others link to: what
// every macOS from 10.13 on has, under the install names and the names of links
// that come with the SDKs (usr/lib/*.tbd). libcrypto and libssl are not among
// them: macOS ends a process that loads those by their plain names.
const systemDylibs = `System System.B c c++ c++.1 c++abi objc objc.A m dl pthread info proc util util1.0 dbm poll rpcsvc
z z.1 bz2 bz2.1.0 lzma lzma.5 compression archive archive.2 xar xar.1
iconv iconv.2 iconv.2.4.0 charset charset.1 charset.1.0.0 icucore icucore.A
xml2 xml2.2 xslt xslt.1 exslt exslt.0 expat expat.1 tidy tidy.A
sqlite3 sqlite3.0 iodbc iodbc.2 iodbcinst iodbcinst.2 odbc dtrace
curl curl.4 resolv resolv.9 ldap lber dns_sd pcap pcap.A ipsec ipsec.A cups cups.2 cupsimage cupsimage.2 sasl2 sasl2.2
gssapi_krb5 krb5 krb5support k5crypto com_err network coretls
edit edit.3 edit.3.0 readline ncurses ncurses.5 ncurses.5.4 curses form form.5.4 menu menu.5.4 panel panel.5.4 termcap
ffi pam pam.1 pam.2 sandbox sandbox.1 bsm bsm.0 auditd auditd.0 pcre pcre.0 pcreposix pcreposix.0
apr-1 apr-1.0 aprutil-1 aprutil-1.0 stdc++.6 stdc++.6.0.9 Match.1 xcselect
DHCPServer DHCPServer.A BSDPClient.A Xplugin.1 mx mx.A`
