package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/wheelmend/wheelmend/internal/rootfs"
)

// triplets are the directories that Debian's multiarch puts libraries in.
var triplets = map[string]string{
	"x86_64":      "x86_64-linux-gnu",
	"i686":        "i386-linux-gnu",
	"aarch64":     "aarch64-linux-gnu",
	"armv7l":      "arm-linux-gnueabihf",
	"ppc64le":     "powerpc64le-linux-gnu",
	"ppc64":       "powerpc64-linux-gnu",
	"s390x":       "s390x-linux-gnu",
	"riscv64":     "riscv64-linux-gnu",
	"loongarch64": "loongarch64-linux-gnu",
}

// libTokens returns what $LIB may stand for on a system of the architecture
// (ld.so(8), Dynamic string tokens); distributions differ.
func libTokens(arch string) []string {
	switch arch {
	case "i686", "armv7l":
		return []string{"lib", "lib/" + triplets[arch]}
	case "":
		return []string{"lib64", "lib"}
	}
	return []string{"lib64", "lib/" + triplets[arch], "lib"}
}

// platformToken returns what $PLATFORM stands for: AT_PLATFORM of the kernel.
func platformToken(arch string) string {
	if arch == "armv7l" {
		return "v7l"
	}
	return arch
}

// A systemDir is a directory where the loader looks when no search path leads
// to a library.
type systemDir struct {
	dir  string
	conf string // the configuration file that lists it; "" for a built-in one
}

// builtinDirs returns the directories that are compiled into ld.so.
func builtinDirs(arch string) []systemDir {
	var dirs []systemDir
	for _, lib := range append(libTokens(arch), "lib") {
		dirs = append(dirs, systemDir{dir: "/" + lib}, systemDir{dir: "/usr/" + lib})
	}
	return unique(dirs)
}

// Bounds on what ld.so.conf and its includes may name: each directory is looked
// into for each library, and real systems have some dozens.
const (
	maxConfigDirs  = 4096
	maxConfigFiles = 4096
)

func tooManyDirs(root Root, conf string) error {
	return fmt.Errorf("%s: more than %d directories are listed", root.host(conf), maxConfigDirs)
}

// An ldConfig reads a ldconfig(8) configuration file and what it includes.
type ldConfig struct {
	root    Root
	read    map[string]bool // paths without links, so that includes cannot go in a circle
	seen    map[string]bool
	dirs    []systemDir
	globbed int // how many paths patterns have matched
}

// file reads the directories of one file, one on a line. One that is not there
// names none: minimal systems have no configuration. What may not be read, or
// cannot be, is an error: nobody knows what it names.
func (c *ldConfig) file(name string) error {
	real, err := c.root.resolve(name)
	if err != nil && !rootfs.IsMissing(err) && !errors.Is(err, syscall.ELOOP) {
		return err
	}
	if err != nil || c.read[real] {
		return nil
	}
	if c.read[real] = true; len(c.read) > maxConfigFiles {
		return fmt.Errorf("%s: more than %d files are included", c.root.host(name), maxConfigFiles)
	}
	text, err := c.root.readConfig(real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if err := c.line(name, line); err != nil {
			return err
		}
	}
	return nil
}

// line reads one line of the file called name.
func (c *ldConfig) line(name, line string) error {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	switch {
	case len(fields) == 0 || fields[0] == "hwcap":
	case fields[0] == "include":
		for _, pattern := range fields[1:] {
			if err := c.include(name, pattern); err != nil {
				return err
			}
		}
	case path.IsAbs(fields[0]):
		dir, _, _ := strings.Cut(line, "=") // "=TYPE" tells ldconfig the libc
		dir = path.Clean(strings.TrimSpace(dir))
		if c.seen[dir] {
			return nil
		}
		c.seen[dir] = true
		if c.dirs = append(c.dirs, systemDir{dir, name}); len(c.dirs) > maxConfigDirs {
			return tooManyDirs(c.root, name)
		}
	}
	return nil
}

// include reads the files that a pattern matches.
func (c *ldConfig) include(name, pattern string) error {
	if !path.IsAbs(pattern) {
		pattern = path.Join(path.Dir(name), pattern)
	}
	files, err := c.root.glob(pattern)
	if err != nil {
		return err
	}
	if c.globbed += len(files); c.globbed > maxGlob {
		return fmt.Errorf("%s: its includes match more than %d paths", c.root.host(name), maxGlob)
	}
	for _, file := range files {
		if err := c.file(file); err != nil {
			return err
		}
	}
	return nil
}

// unique keeps the first of several entries for a directory.
func unique(in []systemDir) []systemDir {
	var out []systemDir
	seen := map[string]bool{}
	for _, d := range in {
		if d.dir != "" && !seen[d.dir] {
			seen[d.dir] = true
			out = append(out, d)
		}
	}
	return out
}
