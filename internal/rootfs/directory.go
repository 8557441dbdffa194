package rootfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A directory is one that a walk has come through: an open one, which holds to what
// it is whatever becomes of its name, or a path of this machine, where there is
// nothing that could be left.
type directory struct {
	root *os.Root
	path string
}

func openRoot(dir string) (directory, error) {
	if dir == "" {
		return directory{path: "/"}, nil
	}
	root, err := os.OpenRoot(filepath.FromSlash(dir))
	return directory{root: root}, err
}

// at returns the path of an element. Below the root of this machine, one that is a volume
// of Windows stands for the directory at its top.
func (d directory) at(element string) string {
	if d.path == "/" && filepath.VolumeName(element) == element && element != "" {
		return element + string(filepath.Separator)
	}
	return filepath.Join(d.path, element)
}

func (d directory) lstat(element string) (fs.FileInfo, error) {
	if d.root == nil {
		return os.Lstat(d.at(element))
	}
	return d.root.Lstat(element)
}

func (d directory) stat() (fs.FileInfo, error) {
	if d.root == nil {
		return os.Stat(d.path)
	}
	return d.root.Stat(".")
}

func (d directory) readlink(element string) (string, error) {
	if d.root == nil {
		return os.Readlink(d.at(element))
	}
	return d.root.Readlink(element)
}

// enter returns a directory of this one. What has become a link meanwhile leads
// nowhere but to places below.
func (d directory) enter(element string) (directory, error) {
	if d.root == nil {
		return directory{path: d.at(element)}, nil
	}
	root, err := d.root.OpenRoot(element)
	return directory{root: root}, err
}

// openLast opens a file, without waiting for the other end of a FIFO.
func (d directory) openLast(element string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	if d.root == nil {
		return os.OpenFile(d.at(element), flags, 0)
	}
	return d.root.OpenFile(element, flags, 0)
}

func (d directory) list() ([]fs.DirEntry, error) {
	f, err := d.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (d directory) open() (*os.File, error) {
	if d.root == nil {
		return os.Open(d.path)
	}
	return d.root.Open(".")
}

func (d directory) close() {
	if d.root != nil {
		d.root.Close() // read only: nothing to lose
	}
}
