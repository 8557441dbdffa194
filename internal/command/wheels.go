package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/nearest"
)

// url matches what begins like an address of the web.
var url = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]+://`)

// CheckNames rejects arguments that no file can have been meant by. What they are
// called, such as "wheel", is what messages say.
func CheckNames(what string, names []string) error {
	for _, name := range names {
		switch {
		case name == "":
			return console.Usagef("the name of a %s is empty; is a variable of the script unset?", what)
		case name == "-":
			return console.Usagef("a %s is not read from standard input (-); write it to a file first", what)
		case url.MatchString(name):
			return console.Usagef("%s is an address; download the %s first, such as with pip download --no-deps", name, what)
		}
	}
	return nil
}

// CheckWheel tells why a path leads to no wheel, in a sentence that does not repeat the
// path. Whether the file is one is seen when it is read.
func CheckWheel(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return NotThere(path)
	case err != nil:
		return reason(err)
	case info.IsDir():
		return notDirectory(path)
	}
	lower := strings.ToLower(path)
	switch {
	case strings.HasSuffix(path, ".whl"):
		return nil
	case strings.HasSuffix(lower, ".whl"):
		return errors.New("its name has to end in .whl in small letters, as pip wants it; rename the file")
	case strings.HasSuffix(lower, ".tar.gz") || strings.HasSuffix(lower, ".tgz") || strings.HasSuffix(lower, ".tar.bz2"):
		return errors.New("that is a source distribution (sdist), which has no binaries; build a wheel of it first: pip wheel --no-deps " + filepath.Base(path))
	case strings.HasSuffix(lower, ".egg") || strings.HasSuffix(lower, ".conda"):
		return errors.New("that is a package of another kind (" + filepath.Ext(lower) + "), not a wheel")
	case strings.HasSuffix(lower, ".so") || strings.HasSuffix(lower, ".dylib") || strings.Contains(filepath.Base(lower), ".so."):
		return errors.New("that is a library, not a wheel; wheelmend tree shows what it needs, wheelmend patch edits it")
	}
	return nil
}

// notDirectory tells what to write in the place of a directory.
func notDirectory(path string) error {
	wheels, err := filepath.Glob(filepath.Join(escapeGlob(path), "*.whl"))
	if err == nil && len(wheels) == 0 {
		return errors.New("the directory has no wheels (*.whl)")
	}
	return errors.New("that is a directory; name the wheels in it: " + filepath.Join(path, "*.whl"))
}

// NotThere tells that there is no such file, and which one is called nearly the same.
func NotThere(path string) error {
	if strings.ContainsAny(path, "*?[") {
		return errors.New("no file matches this pattern")
	}
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file, nor the directory " + dir)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(strings.ToLower(e.Name()), ".whl") {
			names = append(names, e.Name())
		}
	}
	return errors.New("there is no such file" + nearest.Ask(filepath.Base(path), names))
}

// escapeGlob keeps a path from being read as a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// reason leaves the path and the system call out of an error.
func reason(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
