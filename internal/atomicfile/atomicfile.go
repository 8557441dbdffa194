// Package atomicfile writes a file that appears under its name only when it is
// complete, checked and on disk. Start with [Write], or with [Replace] for a file
// that keeps its owner, permissions and extended attributes; [WriteIn] and
// [ReplaceIn] write nothing outside of a directory, whatever links that holds. On
// Linux a file has no name at all until then, where the file system can do that
// (open(2), O_TMPFILE), so that not even a kill leaves something behind; elsewhere
// it has a hidden name beside the final one, which is removed on error. What a kill
// leaves there [Sweep] removes.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the file at path. fill gets an empty file, open for reading and
// writing, with the permissions perm less the umask; check, which may be nil,
// gets it once it is filled and synced. The file then takes its name in one
// step, in the place of what had it. On any error, path is as it was and no
// other file stays. path must not be a directory; a symbolic link is replaced.
//
// The directory is synced too, but whether that worked is not reported: the
// file is complete by then, and several file systems cannot do it.
func Write(path string, perm fs.FileMode, fill, check func(*os.File) error) error {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return named(err, path)
	}
	defer dir.Close()
	return named(write(dir, filepath.Base(path), perm, fill, check), path)
}

// WriteIn is [Write] for a file below a directory. A name that leads out of it, by a
// symbolic link or otherwise, is an error.
func WriteIn(root *os.Root, name string, perm fs.FileMode, fill, check func(*os.File) error) error {
	path := filepath.Join(root.Name(), name)
	dir, err := root.OpenRoot(filepath.Dir(name))
	if err != nil {
		return named(err, path)
	}
	defer dir.Close()
	return named(write(dir, filepath.Base(name), perm, fill, check), path)
}

// named gives an error of the file system the name that the user knows.
func named(err error, path string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe == err {
		return &fs.PathError{Op: pe.Op, Path: path, Err: pe.Err}
	}
	var le *os.LinkError
	if errors.As(err, &le) && le == err {
		return &fs.PathError{Op: "create", Path: path, Err: le.Err}
	}
	return err
}

// write makes a file of a directory.
func write(dir *os.Root, base string, perm fs.FileMode, fill, check func(*os.File) error) error {
	if info, err := dir.Lstat(base); err == nil && info.IsDir() {
		return &fs.PathError{Op: "write", Path: base, Err: errors.New("is a directory")}
	}
	t, err := create(dir, perm)
	if err != nil {
		return err
	}
	if err := t.complete(fill, check); err != nil {
		return errors.Join(err, t.discard())
	}
	if err := t.publish(base); err != nil {
		if left := t.discard(); left != nil {
			return errors.Join(err, left)
		}
		return err
	}
	syncDir(dir)
	return t.f.Close()
}

// A temp is a file on its way to its final name.
type temp struct {
	dir  *os.Root
	f    *os.File
	name string // "" while it has none
}

// create opens a file in a directory, without a name where possible.
func create(dir *os.Root, perm fs.FileMode) (*temp, error) {
	if f, ok := openUnnamed(dir, perm); ok {
		lock(f)
		return &temp{dir: dir, f: f}, nil
	}
	return createNamed(dir, perm)
}

// createNamed opens a file with a hidden name that nobody else has.
func createNamed(dir *os.Root, perm fs.FileMode) (*temp, error) {
	for {
		name := staleName()
		f, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if err != nil {
			return nil, err
		}
		if lock(f) && isThere(dir, name) {
			return &temp{dir: dir, f: f, name: name}, nil
		}
		f.Close() // swept away in the moment before it was locked
	}
}

func isThere(dir *os.Root, name string) bool {
	_, err := dir.Lstat(name)
	return err == nil
}

// complete fills, syncs and checks the file.
func (t *temp) complete(fill, check func(*os.File) error) error {
	if err := fill(t.f); err != nil {
		return err
	}
	if err := t.f.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if check == nil {
		return nil
	}
	return check(t.f)
}

// publish gives the file its final name.
func (t *temp) publish(base string) error {
	if t.name == "" {
		done, err := linkUnnamed(t.f, t.dir, base)
		if done || err != nil {
			return err
		}
		// A name that is taken cannot be linked over, only renamed over.
		name := staleName()
		if _, err := linkUnnamed(t.f, t.dir, name); err != nil {
			return err
		}
		t.name = name
	}
	if err := t.dir.Rename(t.name, base); err != nil {
		return err
	}
	t.name = ""
	return nil
}

// discard closes the file and removes its hidden name.
func (t *temp) discard() error {
	err := t.f.Close()
	if t.name != "" {
		err = errors.Join(err, t.dir.Remove(t.name))
	}
	return err
}

// syncDir makes the new name durable.
func syncDir(dir *os.Root) {
	if d, err := dir.Open("."); err == nil {
		d.Sync()
		d.Close()
	}
}
