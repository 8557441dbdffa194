package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A Root is the file system that libraries come from: that of the host, or a
// sysroot, within which absolute paths and symbolic links stay.
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
	if r.dir == "" {
		return filepath.FromSlash(name)
	}
	return filepath.FromSlash(r.dir + name)
}

// maxLinks is how many symbolic links a path may go through, as in Linux.
const maxLinks = 40

// resolve returns the path within the root, free of symbolic links, of the file
// that name stands for. A link to an absolute path begins at the root again.
func (r Root) resolve(name string) (string, error) {
	todo := strings.Split(name, "/")
	done, links := "/", 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		info, err := os.Lstat(r.host(next))
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: more than %d symbolic links", name, maxLinks)
		}
		target, err := os.Readlink(r.host(next))
		if err != nil {
			return "", err
		}
		target = filepath.ToSlash(target)
		if path.IsAbs(target) {
			done = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return done, nil
}

// glob returns the paths within the root that a pattern with an absolute path
// matches, in order. As in glob(3), each element of the path may be a pattern,
// and only one that begins with a dot matches a name that does.
func (r Root) glob(pattern string) []string {
	found := []string{"/"}
	for element := range strings.SplitSeq(pattern, "/") {
		if element == "" {
			continue
		}
		var next []string
		for _, dir := range found {
			next = append(next, r.globIn(dir, element)...)
		}
		found = next
	}
	return found
}

// globIn returns the paths of the directory that match one element.
func (r Root) globIn(dir, element string) []string {
	if !strings.ContainsAny(element, `*?[\`) {
		return []string{strings.TrimSuffix(dir, "/") + "/" + element}
	}
	real, err := r.resolve(dir)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(r.host(real))
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(element, ".")
		if ok, _ := path.Match(element, e.Name()); ok && !hidden {
			found = append(found, strings.TrimSuffix(dir, "/")+"/"+e.Name())
		}
	}
	return found
}

// inside returns the path within the root of a path on this machine, and
// whether it lies there.
func (r Root) inside(hostPath string) (string, bool) {
	abs, err := filepath.Abs(hostPath)
	if err != nil {
		return "", false
	}
	abs = filepath.ToSlash(abs)
	if r.dir == "" {
		return abs, true
	}
	rest, ok := strings.CutPrefix(abs, r.dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// maxConfig bounds a loader configuration file, in bytes.
const maxConfig = 1 << 20

// readConfig reads a small text file of the root.
func (r Root) readConfig(name string) (string, error) {
	real, err := r.resolve(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(r.host(real))
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return "", fmt.Errorf("%s: not a regular file of at most %d bytes", r.host(real), maxConfig)
	}
	data, err := os.ReadFile(r.host(real))
	return string(data), err
}
