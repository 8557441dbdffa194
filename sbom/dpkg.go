package sbom

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Where dpkg keeps what it knows. Images without dpkg itself ("distroless") have
// one control file for each package in status.d, and its files in a .md5sums.
const (
	dpkgInfo      = "var/lib/dpkg/info"
	dpkgStatus    = "var/lib/dpkg/status"
	dpkgStatusDir = "var/lib/dpkg/status.d"
)

// dpkg is a part of the database of dpkg: some of its file lists.
type dpkg struct {
	db     *Database
	distro string
	owners func() map[string]string // absolute path of a library: file list that has it
	status func() map[string][]byte
}

// newDpkg returns the database in two parts, or nothing if there are no file
// lists. Libraries live in packages named for them, whose lists are a tenth of
// all: the other lists are read when a library is in none of those.
func newDpkg(d *Database, distro string) []source {
	lists := append(d.lists(dpkgInfo, ".list", parseList), d.lists(dpkgStatusDir, ".md5sums", parseMD5Sums)...)
	if len(lists) == 0 {
		return nil
	}
	distro = cmp.Or(distro, "debian")
	status := sync.OnceValue(d.readStatus)
	var named, others []fileList
	for _, l := range lists {
		if strings.HasPrefix(l.name, "lib") {
			named = append(named, l)
		} else {
			others = append(others, l)
		}
	}
	var parts []source
	for _, part := range [][]fileList{named, others} {
		parts = append(parts, &dpkg{d, distro, sync.OnceValue(func() map[string]string { return d.collect(part) }), status})
	}
	return parts
}

// A fileList is a file that names what a package installed.
type fileList struct {
	name  string // of the package, in a .list perhaps with its architecture
	path  string
	parse func([]byte) []string
}

// lists returns the file lists of a folder by name.
func (d *Database) lists(dir, suffix string, parse func([]byte) []string) []fileList {
	entries, err := fs.ReadDir(d.root, dir)
	d.keep(dir, err)
	var lists []fileList
	for _, e := range entries {
		if name, found := strings.CutSuffix(e.Name(), suffix); found {
			lists = append(lists, fileList{name, dir + "/" + e.Name(), parse})
		}
	}
	return lists
}

// collect reads lists, several at once, and files each library under the list
// that has it: the first when there are more.
func (d *Database) collect(lists []fileList) map[string]string {
	found := make([][]string, len(lists))
	var group errgroup.Group
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // some wait for the disk while others parse
	for i, l := range lists {
		group.Go(func() error {
			data := d.read(l.path, maxFileList)
			if bytes.IndexByte(data, 0) >= 0 {
				d.note(l.path, "it holds bytes that no list has")
			}
			found[i] = l.parse(data)
			return nil
		})
	}
	_ = group.Wait() // no function fails
	owners := map[string]string{}
	for i, libraries := range found {
		for _, l := range libraries {
			if _, taken := owners[l]; !taken {
				if !d.take(l) {
					d.note(lists[i].path, tooManyLibraries)
					return owners
				}
				owners[l] = lists[i].name
			}
		}
	}
	return owners
}

// parseList returns the libraries of a .list: one absolute path a line.
func parseList(data []byte) []string {
	var libraries []string
	for line := range bytes.Lines(data) {
		if line = bytes.TrimRight(line, "\n"); bytes.Contains(line, []byte(".so")) && isLibraryName(string(line)) {
			libraries = append(libraries, string(line))
		}
	}
	return libraries
}

// parseMD5Sums returns the libraries of a .md5sums: a digest, two spaces and a
// path without its leading slash.
func parseMD5Sums(data []byte) []string {
	var libraries []string
	for line := range bytes.Lines(data) {
		_, name, found := strings.Cut(strings.TrimRight(string(line), "\n"), "  ")
		if found && isLibraryName(name) {
			libraries = append(libraries, "/"+name)
		}
	}
	return libraries
}

// readStatus returns the paragraph of each installed package, by its name and by
// name:architecture.
func (d *Database) readStatus() map[string][]byte {
	packages := map[string][]byte{}
	for p := range paragraphs(d.read(dpkgStatus, maxText)) {
		name := field(p, "Package")
		if name == "" || bytes.IndexByte(p, 0) >= 0 {
			d.note(dpkgStatus, "a package of it is damaged")
			continue
		}
		if len(packages) > maxPackages {
			d.note(dpkgStatus, errTooLarge.Error())
			break
		}
		packages[name+":"+field(p, "Architecture")] = p
		if _, taken := packages[name]; !taken {
			packages[name] = p
		}
	}
	return packages
}

// owner looks up the file list, and in status what it says of the package.
func (s *dpkg) owner(name string) (*Package, bool) {
	list, ok := s.owners()[name]
	if !ok {
		return nil, false
	}
	p, ok := s.status()[list]
	if !ok {
		p = s.db.read(dpkgStatusDir+"/"+list, maxFileList)
	}
	pkg := &Package{
		Type: "deb", Distro: s.distro,
		Name: field(p, "Package"), Version: field(p, "Version"), Arch: field(p, "Architecture"),
	}
	if pkg.Name == "" || pkg.Version == "" { // a list that nothing vouches for
		s.db.note(dpkgStatus, fmt.Sprintf("it has no whole entry of package %q, which has a list of files", list))
		return nil, false
	}
	pkg.Licenses = s.db.readCopyright(pkg.Name)
	return pkg, true
}
