package graftcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DirVariable is the environment variable that names the folder of the cache.
const DirVariable = "WHEELMEND_CACHE_DIR"

// format is the folder of the entries of this format, below that of the cache.
const format = "grafts-1"

// Dir returns the folder of the entries on a system (GOOS), "" if the environment names
// none: below WHEELMEND_CACHE_DIR, or where programs of the system keep such files (XDG
// Base Directory Specification, ~/Library/Caches, %LocalAppData%).
func Dir(getenv func(string) string, goos string) string {
	if dir := getenv(DirVariable); dir != "" {
		return filepath.Join(dir, format)
	}
	below := func(base string, names ...string) string {
		if !filepath.IsAbs(base) {
			return ""
		}
		return filepath.Join(append(append([]string{base}, names...), "wheelmend", format)...)
	}
	switch goos {
	case "windows":
		return below(getenv("LocalAppData"))
	case "darwin", "ios":
		return below(getenv("HOME"), "Library", "Caches")
	}
	if dir := below(getenv("XDG_CACHE_HOME")); dir != "" {
		return dir
	}
	return below(getenv("HOME"), ".cache")
}

// Modes of what is made, whatever the umask adds: what root makes in a container, another
// user saves after the job.
const (
	dirMode  = 0o755
	fileMode = 0o644
)

// errOpen reports a folder that others can write to.
var errOpen = errors.New("everybody can write to it")

// prepare makes the folder, and refuses one in which somebody else could put entries.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	for _, name := range []string{dir, filepath.Dir(dir)} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if err := trusted(info); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// writable reports whether everybody can put files into a folder. The sticky bit does
// not help: who makes the file first owns it.
func writable(info fs.FileInfo) bool { return info.Mode().Perm()&0o002 != 0 }
