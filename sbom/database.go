package sbom

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/internal/rootfs"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// A RootFS is the root of the system whose packages are asked for: [os.DirFS] of
// "/", or one that no link leads out of, as linkage.Root has it. Names are those of [fs.FS],
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

	room atomic.Int64 // bytes of paths that may still be kept
	left atomic.Int64 // bytes of files that may still be read

	mu     sync.Mutex
	err    error
	damage []string
}

// A source is the database of one package manager.
type source interface {
	// owner returns the package that lists a cleaned, absolute path.
	owner(name string) (*Package, bool)
}

// Sizes, in bytes, above which a file is not what it claims to be.
const (
	maxDatabase  = 256 << 20
	maxText      = 64 << 20  // of dpkg's status and apk's installed
	maxTotal     = 512 << 20 // of all files that are read into memory, one after the other
	maxFileList  = 32 << 20
	maxCopyright = 4 << 20
	maxOSRelease = 64 << 10
)

const (
	maxPaths    = 64 << 20 // bytes of the paths of all libraries, with entryCost for each
	entryCost   = 64
	maxPackages = 200_000
	maxDamage   = 8 // what is told of it
)

// tooManyLibraries is what is wrong with a database of more paths than maxPaths.
const tooManyLibraries = "it names more libraries than any real one"

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
			return nil, fmt.Errorf("package database: %w", err)
		}
	}
	d := &Database{root: root}
	d.room.Store(maxPaths)
	d.left.Store(maxTotal)
	return d, nil
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

// Damage returns what of the databases could not be understood while answering: an
// owner may be unknown for that, and there may be more damage than is told.
func (d *Database) Damage() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.damage)
}

// Expects reports whether a package should own a library: there is a database, and
// its absolute path lies where nothing but packages puts files.
func (d *Database) Expects(name string) bool {
	d.load.Do(d.readAll)
	name = path.Clean("/" + name)
	rest, _ := strings.CutPrefix(name, "/usr")
	return (len(d.sources) > 0 || len(d.Damage()) > 0) && isLibraryName(name) && inMergedFolder(rest)
}

// take makes room for one more path of a library.
func (d *Database) take(path string) bool { return d.room.Add(-int64(len(path))-entryCost) >= 0 }

// file notes a package as the owner of libraries that have none. It reports false when
// there are too many.
func (d *Database) file(owners map[string]*Package, pkg *Package, libraries []string) bool {
	for _, l := range libraries {
		if _, taken := owners[l]; taken {
			continue
		}
		if !d.take(l) {
			return false
		}
		owners[l] = pkg
	}
	return true
}

// note keeps what is wrong with a file.
func (d *Database) note(name, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text := name + ": " + what; len(d.damage) < maxDamage && !slices.Contains(d.damage, text) {
		d.damage = append(d.damage, text)
	}
}

// readAll reads the databases that exist. One that is damaged is left out, and noted.
func (d *Database) readAll() {
	distro := readDistro(d)
	d.sources = newDpkg(d, distro)
	for _, read := range []func(*Database, string) source{newApk, newRPM} {
		if s := read(d, distro); s != nil {
			d.sources = append(d.sources, s)
		}
	}
}

// read returns a file of the system, and nil if it is missing, too large or not a
// file, which is noted; that it cannot be read is kept for Err.
func (d *Database) read(name string, limit int64) []byte {
	data, err := readBounded(d.root, name, limit)
	if err == nil && d.left.Add(-int64(len(data))) < 0 {
		data, err = nil, errTooLarge
	}
	d.keep(name, err)
	return data
}

// keep notes what is wrong with a file, or remembers an error that the user should
// know of.
func (d *Database) keep(name string, err error) {
	switch {
	case err == nil || rootfs.IsMissing(err):
		return
	case errors.Is(err, errTooLarge), errors.Is(err, steady.ErrIrregular):
		d.note(name, unwrapped(err))
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil { // one is enough to act on; a whole folder may be unreadable
		d.err = fmt.Errorf("package database: %w", err)
	}
}

// unwrapped words an error without the name of the file.
func unwrapped(err error) string {
	if errors.Is(err, errTooLarge) {
		return errTooLarge.Error()
	}
	return steady.ErrIrregular.Error()
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, info, err := openRegular(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > limit {
		return nil, errTooLarge
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // shorter than it said: take what is there
		return nil, err
	}
	return data[:n], nil
}

// openRegular opens a regular file. It is asked for first where the file system can
// be: opening a FIFO would wait for someone who writes to it.
func openRegular(fsys fs.FS, name string) (fs.File, fs.FileInfo, error) {
	if s, ok := fsys.(fs.StatFS); ok {
		if info, err := s.Stat(name); err == nil && !info.Mode().IsRegular() {
			return nil, nil, steady.ErrIrregular
		}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = steady.ErrIrregular
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
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
