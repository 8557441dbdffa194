package sbom

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// A RootFS is the root of the system whose packages are asked for: [os.DirFS] of
// "/", or the FS of an [os.Root] opened on a sysroot. Names are those of [fs.FS],
// without a leading slash. Only Open is needed; folders are listed through the
// files that it returns.
type RootFS = fs.FS

// A Database knows which installed package a shared library belongs to. It reads
// nothing until the first question, and then looks only at file names that
// contain ".so". It is safe for concurrent use.
type Database struct {
	root    RootFS
	load    sync.Once
	sources []source

	mu  sync.Mutex
	err error
}

// A source is the database of one package manager.
type source interface {
	// owner returns the package that lists a cleaned, absolute path.
	owner(name string) (*Package, bool)
}

// Sizes, in bytes, above which a file is not what it claims to be.
const (
	maxDatabase  = 256 << 20
	maxFileList  = 32 << 20
	maxCopyright = 4 << 20
	maxOSRelease = 64 << 10
)

// maxPathGrowth bounds how much longer paths may be than what apk and rpm store of
// them, which is each folder once for all of its files.
const maxPathGrowth = 16

// errTooLarge marks a file above its bound.
var errTooLarge = errors.New("larger than any real one")

// databasePaths are the places where a database shows itself.
var databasePaths = []string{dpkgInfo, dpkgStatusDir, apkInstalled, apkInstalledMerged, rpmSQLite, rpmSQLiteOld, rpmNDB, rpmNDBOld, rpmBerkeley}

// OpenDatabase returns the database of the system below a root. A system without
// one is no error: every owner is then unknown. One that is there but may not be
// read is.
func OpenDatabase(root RootFS) (*Database, error) {
	for _, name := range databasePaths {
		f, err := root.Open(name)
		if err == nil {
			err = f.Close()
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("sbom: package database: %w", err)
		}
	}
	return &Database{root: root}, nil
}

// Owner returns the package that the shared library with this absolute path was
// installed by, as a value of the caller's own. Systems with a merged /usr list
// files under the one path and find them under the other, so /lib/x and
// /usr/lib/x are tried for each other. Symbolic links are not followed: ask for
// the file that was read.
func (d *Database) Owner(name string) (*Package, bool) {
	if !isLibraryName(name) {
		return nil, false
	}
	d.load.Do(d.readAll)
	candidates := usrMerged(path.Clean("/" + name))
	for _, s := range d.sources {
		for _, candidate := range candidates {
			if p, ok := s.owner(candidate); ok {
				return p, true
			}
		}
	}
	return nil, false
}

// Err returns what could not be read, although it was there, while answering.
func (d *Database) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// readAll reads the databases that exist. One that is damaged is left out.
func (d *Database) readAll() {
	distro := readDistro(d)
	d.sources = newDpkg(d, distro)
	for _, read := range []func(*Database, string) source{newApk, newRPM} {
		if s := read(d, distro); s != nil {
			d.sources = append(d.sources, s)
		}
	}
}

// read returns a file of the system, and nil if it is missing, too large or
// broken; that it may not be read is also kept for Err.
func (d *Database) read(name string, limit int64) []byte {
	data, err := readBounded(d.root, name, limit)
	d.keep(err)
	return data
}

// keep remembers an error that the user should know of.
func (d *Database) keep(err error) {
	if !errors.Is(err, fs.ErrPermission) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil { // one is enough to act on; a whole folder may be unreadable
		d.err = fmt.Errorf("sbom: package database: %w", err)
	}
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is no regular file", name)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%q: %w", name, errTooLarge)
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // shorter than it said: take what is there
		return nil, err
	}
	return data[:n], nil
}

// isLibraryName reports whether the last element of a path can be that of a
// shared library: libpq.so.5, _core.abi3.so, ld-2.31.so.
func isLibraryName(name string) bool {
	return strings.Contains(name[strings.LastIndexByte(name, '/')+1:], ".so")
}

// usrMerged returns an absolute path and its other name on a system where /bin,
// /sbin and the /lib folders are links into /usr.
func usrMerged(name string) []string {
	if rest, found := strings.CutPrefix(name, "/usr"); found && inMergedFolder(rest) {
		return []string{name, rest}
	}
	if inMergedFolder(name) {
		return []string{name, "/usr" + name}
	}
	return []string{name}
}

// inMergedFolder reports whether a path lies in a folder that /usr took over.
func inMergedFolder(name string) bool {
	if len(name) == 0 || name[0] != '/' {
		return false
	}
	first, _, found := strings.Cut(name[1:], "/")
	switch first {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return found
	}
	return false
}
