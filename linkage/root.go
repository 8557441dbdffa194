package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wheelmend/wheelmend/internal/rootfs"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// A Root is the file system that libraries come from: that of the host, or a
// sysroot, within which absolute paths and symbolic links stay: see
// [rootfs.FS].
type Root struct {
	dir string // "" for the host itself
}

// NewRoot returns the file system below dir; "" and "/" are the host's own.
func NewRoot(dir string) (Root, error) {
	if dir == "" || dir == "/" {
		return Root{}, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Root{}, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return Root{}, fmt.Errorf("sysroot %q: %w", dir, errors.Unwrap(err))
	}
	if !info.IsDir() {
		return Root{}, fmt.Errorf("sysroot %q: not a directory", dir)
	}
	return Root{filepath.ToSlash(abs)}, nil
}

// host returns the path on this machine of a path within the root.
func (r Root) host(name string) string {
	return r.fs().Host(name)
}

// fs looks at the files of the root, none of which leads out of it.
func (r Root) fs() rootfs.FS { return rootfs.FS{Dir: r.dir} }

// Files returns the file system for reading: symbolic links stay within it, and
// names have no slash in front.
func (r Root) Files() fs.FS { return r.fs().Files() }

// resolve returns the path within the root, free of symbolic links, of the file
// that name stands for. A link to an absolute path begins at the root again.
func (r Root) resolve(name string) (string, error) { return r.fs().Resolve(name) }

// maxGlob bounds what the patterns of one configuration may match: a directory
// with some links to itself has more paths than anyone can count.
const maxGlob = 10_000

// glob returns the paths within the root that a pattern with an absolute path
// matches, in order. As in glob(3), each element of the path may be a pattern,
// and only one that begins with a dot matches a name that does.
func (r Root) glob(pattern string) ([]string, error) {
	found := []string{"/"}
	for element := range strings.SplitSeq(pattern, "/") {
		if element == "" {
			continue
		}
		var next []string
		for _, dir := range found {
			more, err := r.globIn(dir, element)
			if err != nil {
				return nil, err
			}
			if next = append(next, more...); len(next) > maxGlob {
				return nil, fmt.Errorf("pattern %q matches more than %d paths", pattern, maxGlob)
			}
		}
		found = next
	}
	return found, nil
}

// globIn returns the paths of the directory that match one element. One that is
// not there, or may not be read, has none, as in glob(3).
func (r Root) globIn(dir, element string) ([]string, error) {
	if !strings.ContainsAny(element, `*?[\`) {
		return []string{strings.TrimSuffix(dir, "/") + "/" + element}, nil
	}
	entries, err := r.fs().ReadDir(dir)
	if err != nil {
		return nil, unlessPassedOver(err)
	}
	var found []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(element, ".")
		if ok, _ := path.Match(element, e.Name()); ok && !hidden {
			found = append(found, strings.TrimSuffix(dir, "/")+"/"+e.Name())
		}
	}
	return found, nil
}

// inside returns the path within the root of a path on this machine, and
// whether it lies there.
func (r Root) inside(hostPath string) (string, bool) {
	abs, err := filepath.Abs(hostPath)
	if err != nil {
		return "", false
	}
	abs = filepath.ToSlash(abs)
	if r.dir == "" && filepath.VolumeName(abs) != "" {
		return "/" + abs, true
	}
	if r.dir == "" {
		return abs, true
	}
	rest, ok := strings.CutPrefix(abs, r.dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// maxConfig bounds a loader configuration file, in bytes.
const maxConfig = 1 << 20

// readConfig reads a small text file of the root. One that is not there, or is not
// a regular file, is [fs.ErrNotExist].
func (r Root) readConfig(name string) (string, error) {
	data, err := r.fs().ReadFile(name, maxConfig)
	if err != nil && (rootfs.IsMissing(err) || errors.Is(err, steady.ErrIrregular)) {
		return "", fs.ErrNotExist
	}
	return string(data), err
}

// passesOver reports an error for which a loader goes on to the next directory: the
// file is not there, or may not be read, or no file can have that name. At any
// other one the search ends (glibc elf/dl-load.c, open_path): what a full table of
// descriptors or a broken disk hides is not missing.
func passesOver(err error) bool {
	return rootfs.IsMissing(err) || errors.Is(err, fs.ErrPermission) || errors.Is(err, steady.ErrIrregular) ||
		errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL)
}

// unlessPassedOver returns the errors that end a search.
func unlessPassedOver(err error) error {
	if passesOver(err) {
		return nil
	}
	return err
}
