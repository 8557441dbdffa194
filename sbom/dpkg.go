package sbom

import (
	"bytes"
	"cmp"
	"io/fs"
	"runtime"
	"slices"
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

// dpkg is the database of dpkg.
type dpkg struct {
	db     *Database
	distro string
	owners map[string]string // absolute path of a library: file list that has it
	status func() map[string][]byte
}

// newDpkg reads the file lists, or returns nil if there are none.
func newDpkg(d *Database, distro string) source {
	owners := map[string]string{}
	d.collect(owners, dpkgInfo, ".list", parseList)
	d.collect(owners, dpkgStatusDir, ".md5sums", parseMD5Sums)
	if len(owners) == 0 {
		return nil
	}
	return &dpkg{d, cmp.Or(distro, "debian"), owners, sync.OnceValue(d.readStatus)}
}

// collect reads all lists of a folder, several at once, and files each library
// under the list that has it: the first by name when there are more.
func (d *Database) collect(owners map[string]string, dir, suffix string, parse func([]byte) []string) {
	entries, err := fs.ReadDir(d.root, dir)
	d.keep(err)
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasSuffix(e.Name(), suffix) })
	found := make([][]string, len(entries))
	var group errgroup.Group
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // some wait for the disk while others parse
	for i, e := range entries {
		group.Go(func() error {
			found[i] = parse(d.read(dir+"/"+e.Name(), maxFileList))
			return nil
		})
	}
	_ = group.Wait() // no function fails
	for i, libraries := range found {
		list := strings.TrimSuffix(entries[i].Name(), suffix)
		for _, l := range libraries {
			if _, taken := owners[l]; !taken {
				owners[l] = list
			}
		}
	}
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
	for p := range paragraphs(d.read(dpkgStatus, maxDatabase)) {
		name := field(p, "Package")
		packages[name+":"+field(p, "Architecture")] = p
		if _, taken := packages[name]; !taken {
			packages[name] = p
		}
	}
	return packages
}

// owner looks up the file list, and in status what it says of the package.
func (s *dpkg) owner(name string) (*Package, bool) {
	list, ok := s.owners[name]
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
		return nil, false
	}
	pkg.Licenses = s.db.readCopyright(pkg.Name)
	return pkg, true
}
