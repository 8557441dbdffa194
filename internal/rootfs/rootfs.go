// Package rootfs looks at the files of a system: this machine's own, or those
// below a directory, a sysroot, as a process sees them whose root directory that
// is (chroot(2)). Whatever symbolic links a sysroot holds, and whoever changes it
// meanwhile, nothing outside of it is opened, listed or looked at: each element of
// a path is opened from the directory before it. Hard links and mounts are not
// told from other files. Start with [FS].
package rootfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wheelmend/wheelmend/internal/steady"
)

// An FS is the file system below a directory of this machine. Names are absolute
// and separated by slashes. The zero value is the machine's own.
type FS struct {
	Dir string // absolute, with slashes; "" for the machine's own root
}

// maxLinks is how many symbolic links a path may go through, as in Linux.
const maxLinks = 40

// Host returns the path on this machine of a name: for people, and for nothing
// that is to be opened.
func (f FS) Host(name string) string {
	if f.Dir == "" {
		return filepath.FromSlash(withoutSlash(name))
	}
	return filepath.FromSlash(f.Dir + name)
}

// withoutSlash drops the slash that names of the machine's own root have in front of a
// volume of Windows: /C:/dir is C:/dir.
func withoutSlash(name string) string {
	if rest := strings.TrimPrefix(name, "/"); filepath.VolumeName(filepath.FromSlash(rest)) != "" {
		return rest
	}
	return name
}

// Resolve returns the path, free of symbolic links, of what a name stands for. A
// link to an absolute path begins at the root again, and ".." of the root is the
// root.
func (f FS) Resolve(name string) (string, error) {
	w, err := f.walk(name)
	if err != nil {
		return "", err
	}
	defer w.close()
	return w.name(), nil
}

// Open opens the regular file that a name stands for, and returns its path free of
// symbolic links. Anything else is [steady.ErrIrregular], and not waited for.
func (f FS) Open(name string) (*os.File, string, error) {
	w, err := f.walk(name)
	if err != nil {
		return nil, "", err
	}
	defer w.close()
	if w.last != nil && !w.last.Mode().IsRegular() || w.last == nil {
		return nil, "", &fs.PathError{Op: "open", Path: f.Host(w.name()), Err: steady.ErrIrregular}
	}
	file, err := w.dir().openLast(w.base)
	if err != nil {
		return nil, "", inPath(err, f.Host(w.name()))
	}
	file, err = steady.Regular(file)
	return file, w.name(), err
}

// Stat tells what a name stands for.
func (f FS) Stat(name string) (fs.FileInfo, error) {
	w, err := f.walk(name)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if w.last != nil {
		return w.last, nil
	}
	return w.dir().stat()
}

// ReadDir lists the directory that a name stands for, sorted.
func (f FS) ReadDir(name string) ([]fs.DirEntry, error) {
	w, err := f.walk(name)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if w.last != nil {
		return nil, &fs.PathError{Op: "readdir", Path: f.Host(w.name()), Err: syscall.ENOTDIR}
	}
	entries, err := w.dir().list()
	return entries, inPath(err, f.Host(w.name()))
}

// ErrTooLarge reports a file above the bound of [FS.ReadFile].
var ErrTooLarge = errors.New("larger than any real one")

// ReadFile reads a regular file of at most limit bytes.
func (f FS) ReadFile(name string, limit int64) ([]byte, error) {
	file, _, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: f.Host(name), Err: fmt.Errorf("%w, more than %d bytes", ErrTooLarge, limit)}
	}
	return data, nil
}

// Files returns the file system for [fs.FS.Open]: names are relative to the root.
// Directories and regular files can be opened.
func (f FS) Files() fs.FS { return files{f} }

type files struct{ FS }

// Open implements [fs.FS].
func (f files) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	w, err := f.walk("/" + name)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if w.last == nil {
		dir, err := w.dir().open()
		return dir, inPath(err, f.Host(w.name()))
	}
	file, _, err := f.FS.Open("/" + name)
	return file, err
}

// IsMissing reports an error that says that there is no such file.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// inPath names a file in the place of the element that was opened last.
func inPath(err error, name string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	return err
}

// A walker goes along a path. It stands in a directory, and before a file of that if
// the path leads to one.
type walker struct {
	fs    FS
	dirs  []directory // from the root to where it stands
	names []string    // of the directories below the root
	base  string      // of the file, "" for none
	last  fs.FileInfo // the file, nil for none
	links int
}

// walk follows a name to its end.
func (f FS) walk(name string) (*walker, error) {
	if err := f.missing(name); err != nil {
		return nil, err
	}
	w := &walker{fs: f}
	root, err := openRoot(f.Dir)
	if err != nil {
		return nil, err
	}
	w.dirs = []directory{root}
	todo := strings.Split(name, "/")
	for len(todo) > 0 {
		element := todo[0]
		todo, err = w.step(element, todo[1:])
		if err != nil {
			w.close()
			if errors.Is(err, syscall.ELOOP) {
				return nil, &fs.PathError{Op: "open", Path: f.Host(name), Err: err}
			}
			return nil, inPath(err, f.Host(path.Join(w.name(), element)))
		}
	}
	return w, nil
}

// step goes one element further, and returns what is then left of the path.
func (w *walker) step(element string, todo []string) ([]string, error) {
	if w.last != nil && element != "" {
		return nil, &fs.PathError{Op: "open", Path: element, Err: syscall.ENOTDIR}
	}
	switch element {
	case "", ".":
		return todo, nil
	case "..":
		w.up()
		return todo, nil
	}
	info, err := w.dir().lstat(element)
	if err != nil {
		return nil, err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if w.links++; w.links > maxLinks {
			return nil, fmt.Errorf("more than %d symbolic links: %w", maxLinks, syscall.ELOOP)
		}
		target, err := w.dir().readlink(element)
		if err != nil {
			return nil, err
		}
		target = filepath.ToSlash(target)
		if path.IsAbs(target) {
			for len(w.names) > 0 {
				w.up()
			}
		}
		return append(strings.Split(target, "/"), todo...), nil
	case info.IsDir():
		dir, err := w.dir().enter(element)
		if err != nil {
			return nil, err
		}
		w.dirs, w.names = append(w.dirs, dir), append(w.names, element)
	default:
		w.last, w.base = info, element
	}
	return todo, nil
}

func (w *walker) dir() directory { return w.dirs[len(w.dirs)-1] }

// up goes to the directory above, which of the root is the root.
func (w *walker) up() {
	if len(w.names) == 0 {
		return
	}
	w.dir().close()
	w.dirs, w.names = w.dirs[:len(w.dirs)-1], w.names[:len(w.names)-1]
}

// name returns where it stands.
func (w *walker) name() string {
	return path.Join("/", strings.Join(w.names, "/"), w.base)
}

func (w *walker) close() {
	for _, d := range w.dirs {
		d.close()
	}
}
