package atomicfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// staleName returns a hidden name that nobody else has, with 26 random characters,
// by which what a kill has left can be known.
func staleName() string { return ".wheelmend-" + rand.Text() + ".tmp" }

var stale = regexp.MustCompile(`^\.wheelmend-[A-Z2-7]{26}\.tmp$`)

// IsTemporary reports whether a file name is one of those that files and folders of
// this package have while they are written.
func IsTemporary(base string) bool { return stale.MatchString(base) }

// Sweep removes from a directory the temporary files and folders whose program was
// killed, and returns their paths. Those of a program that still runs are locked
// (flock(2)), and stay; where there are no locks all do. A directory that cannot be
// opened has none: whoever writes to it hears why.
func Sweep(dir string) (removed []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil
	}
	defer root.Close()
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if IsTemporary(name) && abandoned(root, name) && root.RemoveAll(name) == nil {
			removed = append(removed, filepath.Join(dir, name))
		}
	}
	return removed, nil
}

// A Folder is a new folder for files that are written before they take their places.
// It is removed when it is closed; after a kill, by the next [Sweep].
type Folder struct {
	Path string
	f    *os.File
}

// NewFolder makes a folder in dir.
func NewFolder(dir string) (*Folder, error) {
	for {
		path := filepath.Join(dir, staleName())
		if err := os.Mkdir(path, 0o777); err != nil {
			return nil, err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, errors.Join(err, os.Remove(path))
		}
		if _, err := os.Lstat(path); lock(f) && err == nil {
			return &Folder{path, f}, nil
		}
		f.Close() // swept away in the moment before it was locked
	}
}

// Close removes the folder and what is in it.
func (f *Folder) Close() error {
	return errors.Join(os.RemoveAll(f.Path), f.f.Close())
}
