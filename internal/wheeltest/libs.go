package wheeltest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteLibs writes the files of spec below dir, which it makes if need be: a
// search path, or the tree of a sysroot. It refuses names that lead out of dir.
// Errors name the line or the file.
func WriteLibs(dir, spec string) error {
	return writeLibs(dir, spec, os.ReadFile)
}

func writeLibs(dir, spec string, readFile func(string) ([]byte, error)) error {
	files, err := parseSpec(spec, readFile)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if !filepath.IsLocal(f.name) {
			return fmt.Errorf("%q leads out of the directory", f.name)
		}
		if err := f.write(filepath.Join(dir, filepath.FromSlash(f.name))); err != nil {
			return err
		}
	}
	return nil
}

func (f file) write(path string) error {
	if f.absent {
		return nil
	}
	if f.mode.IsDir() {
		return os.MkdirAll(path, f.mode.Perm())
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if f.mode&fs.ModeSymlink != 0 {
		return os.Symlink(string(f.data), path)
	}
	if err := os.WriteFile(path, f.data, f.mode); err != nil {
		return err
	}
	return os.Chmod(path, f.mode) // whatever the umask is
}
