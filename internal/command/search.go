package command

import (
	"path/filepath"
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
	Executable string
	DylibsOnly bool
}

// Register adds the flags that every command with a search has.
func (f *SearchFlags) Register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.SearchPath, "search-path", nil, "look for libraries in this `directory` first (repeatable)")
	flags.StringVar(&f.LDPaths, "ldpaths", "", "`directories` (A:B) that replace the loader's default ones")
	flags.StringVar(&f.Sysroot, "sysroot", "", "`directory` that stands for / of the target: default directories, ld.so.conf, absolute paths and links")
	flags.StringArrayVar(&f.Exclude, "exclude", nil, "leave libraries whose soname, install name or path matches this `pattern` to the user's system; on macOS, the last element of a name counts as well (repeatable)")
	f.UseLDPaths = flags.Lookup("ldpaths")
}

// RegisterMacOS adds what macOS wheels alone ask for.
func (f *SearchFlags) RegisterMacOS(flags *pflag.FlagSet) {
	flags.StringVar(&f.Executable, "executable-path", "", "macOS: `directory` that @executable_path stands for")
}

// RegisterDylibsOnly adds the flag of the commands that say what a repair does.
func (f *SearchFlags) RegisterDylibsOnly(flags *pflag.FlagSet) {
	flags.BoolVar(&f.DylibsOnly, "dylibs-only", false, "macOS: leave Mach-O files that are not called .so or .dylib as they are, with what they load")
}

// Check rejects values that no wheel could be read with.
func (f *SearchFlags) Check() error {
	if _, err := linkage.NewRoot(f.Sysroot); err != nil {
		return console.Usagef("--sysroot: %w", err)
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
	if f.Sysroot == "" && !opts.UseLDPaths {
		opts.LibraryPath = append(opts.LibraryPath, split(getenv("LD_LIBRARY_PATH"))...)
	}
	return opts
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
