package sbom

import (
	"bytes"
	"cmp"
	"strings"
)

// Where apk keeps what it knows; the second is for systems with a merged /usr.
const (
	apkInstalled       = "lib/apk/db/installed"
	apkInstalledMerged = "usr/lib/apk/db/installed"
)

// apk is the database of apk-tools.
type apk struct {
	owners map[string]*Package // by absolute path of a library
}

// newApk reads the database, or returns nil if there is none.
func newApk(d *Database, distro string) source {
	name := apkInstalled
	data := d.read(name, maxText)
	if data == nil {
		name = apkInstalledMerged
		data = d.read(name, maxText)
	}
	owners := map[string]*Package{}
	for p := range paragraphs(data) {
		pkg, libraries := parseApk(p)
		pkg.Distro = cmp.Or(distro, "alpine")
		if pkg.Name == "" || pkg.Version == "" || bytes.IndexByte(p, 0) >= 0 {
			d.note(name, "a package of it is damaged")
			continue
		}
		if !d.file(owners, pkg, libraries) {
			d.note(name, tooManyLibraries)
			break
		}
	}
	if len(owners) == 0 {
		return nil
	}
	return &apk{owners}
}

// parseApk reads one package: a letter, a colon and a value a line, where F names
// a folder and R a file in the last folder named.
func parseApk(paragraph []byte) (*Package, []string) {
	pkg := &Package{Type: "apk"}
	var folder string
	var libraries []string
	room := maxPathGrowth * len(paragraph)
	for line := range bytes.Lines(paragraph) {
		key, value, found := strings.Cut(strings.TrimRight(string(line), "\n"), ":")
		if !found {
			continue
		}
		switch key {
		case "P":
			pkg.Name = value
		case "V":
			pkg.Version = value
		case "A":
			pkg.Arch = value
		case "L":
			if value != "" && len(value) <= maxLicenseName {
				pkg.Licenses = []License{{Name: value}}
			}
		case "F":
			folder = "/" + value
		case "R":
			if room -= len(folder) + len(value); room >= 0 && isLibraryName(value) {
				libraries = append(libraries, strings.TrimRight(folder, "/")+"/"+value)
			}
		}
	}
	return pkg, libraries
}

// owner returns a copy, which the caller may change.
func (s *apk) owner(name string) (*Package, bool) {
	return cloneOf(s.owners[name])
}

// cloneOf returns a package that shares nothing with p, and whether there is one.
func cloneOf(p *Package) (*Package, bool) {
	if p == nil {
		return nil, false
	}
	c := *p
	c.Licenses = append([]License(nil), p.Licenses...)
	return &c, true
}
