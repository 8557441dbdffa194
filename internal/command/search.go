package command

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/linkage"
)

// SearchFlags tell where libraries come from; all commands that look for some share them.
type SearchFlags struct {
	SearchPath []string
	LDPaths    string
	UseLDPaths *pflag.Flag
	Sysroot    string
	Exclude    []string
	AddPath    string
	UsePath    bool
	Executable string
	DylibsOnly bool

	dirs bool // the directories have to be there
}

// Register adds the flags that every command with a search has.
func (f *SearchFlags) Register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.SearchPath, "search-path", nil, "look for libraries in this `directory` first (repeatable)")
	flags.StringVar(&f.LDPaths, "ldpaths", "", "`directories` (A:B) to search instead of the loader's default ones")
	flags.StringVar(&f.Sysroot, "sysroot", "", "`directory` with the file system of the target: its libraries, ld.so.conf and links are used, not those of this machine")
	flags.StringArrayVar(&f.Exclude, "exclude", nil, "do not bundle libraries whose soname, install name or path matches this `pattern`: users have to have them; on macOS the last element of a name counts as well (repeatable)")
	f.UseLDPaths = flags.Lookup("ldpaths")
	f.dirs = true
}

// RegisterMacOS adds what macOS wheels alone ask for.
func (f *SearchFlags) RegisterMacOS(flags *pflag.FlagSet) {
	flags.StringVar(&f.Executable, "executable-path", "", "`directory` that @executable_path stands for")
}

// RegisterWindows adds what Windows wheels alone ask for.
func (f *SearchFlags) RegisterWindows(flags *pflag.FlagSet) {
	flags.StringVar(&f.AddPath, "add-path", "", "`directories` to look for DLLs in after those of --search-path, separated as in PATH")
	flags.BoolVar(&f.UsePath, "use-path", false, "look for DLLs in the directories of PATH as well, last")
}

// RegisterDylibsOnly adds the flag of the commands that say what a repair does.
func (f *SearchFlags) RegisterDylibsOnly(flags *pflag.FlagSet) {
	flags.BoolVar(&f.DylibsOnly, "dylibs-only", false, "look only at files called .so or .dylib; leave programs and what they load as they are")
}

// Check rejects values that no wheel could be read with.
func (f *SearchFlags) Check() error {
	if info, err := os.Stat(f.Sysroot); f.Sysroot != "" && errors.Is(err, fs.ErrNotExist) {
		return console.Usagef("--sysroot %s: there is no such directory", f.Sysroot)
	} else if err == nil && !info.IsDir() {
		return console.Usagef("--sysroot %s: not a directory; name the folder that holds the lib and etc of the system", f.Sysroot)
	}
	if _, err := linkage.NewRoot(f.Sysroot); err != nil {
		return console.Usagef("--sysroot: %w", err)
	}
	if !f.dirs {
		return nil // other tools pass over what is not there
	}
	for _, dir := range f.SearchPath {
		if err := checkDirectory("--search-path", dir); err != nil {
			return err
		}
	}
	for _, dir := range filepath.SplitList(f.AddPath) {
		if err := checkDirectory("--add-path", dir); err != nil {
			return err
		}
	}
	if f.Executable != "" {
		return checkDirectory("--executable-path", f.Executable)
	}
	return nil
}

// checkDirectory rejects what is no directory: a misspelt one would be searched in vain.
func checkDirectory(flag, dir string) error {
	info, err := os.Stat(dir)
	switch {
	case dir == "":
		return console.Usagef("%s is empty, want a directory", flag)
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsRune(dir, filepath.ListSeparator):
		return console.Usagef("%s %s: there is no such directory; the flag takes one, and is repeated for more", flag, dir)
	case errors.Is(err, fs.ErrNotExist):
		return console.Usagef("%s %s: there is no such directory", flag, dir)
	case err != nil:
		return console.Usagef("%s %s: %w", flag, dir, reason(err))
	case !info.IsDir():
		return console.Usagef("%s %s: not a directory; name the folder that the library lies in", flag, dir)
	}
	return nil
}

// Options combines the flags with the environment. LD_LIBRARY_PATH speaks of
// this machine, so it does not count for a sysroot or beside --ldpaths.
func (f *SearchFlags) Options(getenv func(string) string) linkage.Options {
	opts := linkage.Options{
		Sysroot:     f.Sysroot,
		SearchPath:  f.SearchPath,
		UseLDPaths:  f.UseLDPaths != nil && f.UseLDPaths.Changed,
		LDPaths:     filepath.SplitList(f.LDPaths),
		LibraryPath: split(getenv("AUDITWHEEL_LD_LIBRARY_PATH")),
		Exclude:     f.Exclude,
		Dyld:        f.dyldOptions(getenv),
	}
	opts.Windows.AddPath = append(filepath.SplitList(f.AddPath), systemFolders(runtime.GOOS, getenv)...)
	if f.UsePath {
		opts.Windows.Path = filepath.SplitList(getenv("PATH"))
	}
	if f.Sysroot == "" && !opts.UseLDPaths {
		opts.LibraryPath = append(opts.LibraryPath, split(getenv("LD_LIBRARY_PATH"))...)
	}
	return opts
}

// systemFolders returns the folders in which a Windows machine has libraries of Visual
// C++, which are not its own: for its processor, and for programs of 32 bits.
func systemFolders(goos string, getenv func(string) string) []string {
	root := getenv("SystemRoot")
	if goos != "windows" || root == "" {
		return nil
	}
	return []string{filepath.Join(root, "System32"), filepath.Join(root, "SysWOW64")}
}

// dyldOptions does the same for what dyld alone knows of.
func (f *SearchFlags) dyldOptions(getenv func(string) string) linkage.DyldOptions {
	opts := linkage.DyldOptions{
		LibraryPath:    filepath.SplitList(getenv("DYLD_LIBRARY_PATH")),
		ExecutablePath: f.Executable,
		DylibsOnly:     f.DylibsOnly,
	}
	if fallback := getenv("DYLD_FALLBACK_LIBRARY_PATH"); fallback != "" {
		opts.Fallback = filepath.SplitList(fallback)
	}
	if f.UseLDPaths != nil && f.UseLDPaths.Changed {
		opts.Fallback = append([]string{}, filepath.SplitList(f.LDPaths)...)
	}
	return opts
}

// split takes a path list of ld.so apart; it may use semicolons too (ld.so(8)).
func split(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ';' })
}

// CheckJobs rejects a number of jobs below 0, which stands for the default.
func CheckJobs(n int) error {
	if n < 0 {
		return console.Usagef("--jobs %d: want 1 or more", n)
	}
	return nil
}
