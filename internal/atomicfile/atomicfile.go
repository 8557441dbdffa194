// Package atomicfile writes a file that appears under its name only when it is
// complete, checked and on disk. Start with [Write], or with [Replace] for a file
// that keeps its owner, permissions and extended attributes. On Linux it has no
// name at all until then, where the file system can do that (open(2),
// O_TMPFILE), so that not even a kill leaves something behind; elsewhere it has
// a hidden name beside the final one, which is removed on error.
package atomicfile

import (
	"crypto/rand"
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
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	}
	t, err := create(path, perm)
	if err != nil {
		return err
	}
	if err := t.complete(fill, check); err != nil {
		return errors.Join(err, t.discard())
	}
	if err := t.publish(path); err != nil {
		return errors.Join(err, t.discard())
	}
	syncDir(filepath.Dir(path))
	return t.f.Close()
}

// A temp is a file on its way to its final name.
type temp struct {
	f    *os.File
	name string // "" while it has none
}

// create opens a file in the directory of path, without a name where possible.
func create(path string, perm fs.FileMode) (*temp, error) {
	if f, ok := openUnnamed(filepath.Dir(path), perm); ok {
		return &temp{f: f}, nil
	}
	name := tempName(path)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		// The hidden name means nothing to the user.
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = &fs.PathError{Op: "create", Path: path, Err: pe.Err}
		}
		return nil, err
	}
	return &temp{f: f, name: name}, nil
}

// tempName returns a hidden name beside path that nobody else has: 26 random
// characters. It stays within NAME_MAX for every name that does itself.
func tempName(path string) string {
	base := filepath.Base(path)
	const room = 255 - len("..tmp") - 27
	if len(base) > room {
		base = base[:room]
	}
	return filepath.Join(filepath.Dir(path), "."+base+"."+rand.Text()+".tmp")
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
func (t *temp) publish(path string) error {
	if t.name == "" {
		done, err := linkUnnamed(t.f, path)
		if done || err != nil {
			return err
		}
		// A name that is taken cannot be linked over, only renamed over.
		name := tempName(path)
		if _, err := linkUnnamed(t.f, name); err != nil {
			return err
		}
		t.name = name
	}
	if err := os.Rename(t.name, path); err != nil {
		var le *os.LinkError
		if errors.As(err, &le) {
			err = &fs.PathError{Op: "create", Path: path, Err: le.Err}
		}
		return err
	}
	t.name = ""
	return nil
}

// discard closes the file and removes its hidden name.
func (t *temp) discard() error {
	err := t.f.Close()
	if t.name != "" {
		err = errors.Join(err, os.Remove(t.name))
	}
	return err
}

// syncDir makes the new name durable.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
