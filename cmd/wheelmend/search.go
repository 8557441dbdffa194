package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/linkage"
)

// searchFlags tell where libraries come from; all commands that look for some share them.
type searchFlags struct {
	searchPath []string
	ldPaths    string
	useLDPaths *pflag.Flag
	sysroot    string
	exclude    []string
	executable string
	dylibsOnly bool
}

func (f *searchFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.searchPath, "search-path", nil, "look for libraries in this `directory` first (repeatable)")
	flags.StringVar(&f.ldPaths, "ldpaths", "", "`directories` (A:B) that replace the loader's default ones")
	flags.StringVar(&f.sysroot, "sysroot", "", "`directory` that stands for / of the target: default directories, ld.so.conf, absolute paths and links")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave libraries whose soname or path matches this `pattern` to the user's system; on macOS, a text without wildcards is also a part of the install name or path (repeatable)")
	f.useLDPaths = flags.Lookup("ldpaths")
}

// registerMacOS adds what macOS wheels alone ask for.
func (f *searchFlags) registerMacOS(flags *pflag.FlagSet) {
	flags.StringVar(&f.executable, "executable-path", "", "macOS: `directory` that @executable_path stands for")
}

// registerDylibsOnly adds the flag of the commands that say what a repair does.
func (f *searchFlags) registerDylibsOnly(flags *pflag.FlagSet) {
	flags.BoolVar(&f.dylibsOnly, "dylibs-only", false, "macOS: leave Mach-O files that are not called .so or .dylib as they are, with what they load")
}

// check rejects values that no wheel could be read with.
func (f *searchFlags) check() error {
	if _, err := linkage.NewRoot(f.sysroot); err != nil {
		return usagef("--sysroot: %w", err)
	}
	return nil
}

// options combines the flags with the environment. LD_LIBRARY_PATH speaks of
// this machine, so it does not count for a sysroot or beside --ldpaths.
func (f *searchFlags) options(getenv func(string) string) linkage.Options {
	opts := linkage.Options{
		Sysroot:     f.sysroot,
		SearchPath:  f.searchPath,
		UseLDPaths:  f.useLDPaths.Changed,
		LDPaths:     filepath.SplitList(f.ldPaths),
		LibraryPath: split(getenv("AUDITWHEEL_LD_LIBRARY_PATH")),
		Exclude:     f.exclude,
	}
	if f.sysroot == "" && !opts.UseLDPaths {
		opts.LibraryPath = append(opts.LibraryPath, split(getenv("LD_LIBRARY_PATH"))...)
	}
	return opts
}

// dyldOptions does the same for macOS wheels.
func (f *searchFlags) dyldOptions(getenv func(string) string) linkage.DyldOptions {
	opts := linkage.DyldOptions{
		Sysroot:        f.sysroot,
		SearchPath:     f.searchPath,
		LibraryPath:    filepath.SplitList(getenv("DYLD_LIBRARY_PATH")),
		ExecutablePath: f.executable,
		DylibsOnly:     f.dylibsOnly,
		Exclude:        f.exclude,
	}
	if fallback := getenv("DYLD_FALLBACK_LIBRARY_PATH"); fallback != "" {
		opts.Fallback = filepath.SplitList(fallback)
	}
	if f.useLDPaths != nil && f.useLDPaths.Changed {
		opts.Fallback = append([]string{}, filepath.SplitList(f.ldPaths)...)
	}
	return opts
}

// split takes a path list of ld.so apart; it may use semicolons too (ld.so(8)).
func split(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ';' })
}

// checkJobs rejects a number of jobs below 0, which stands for the default.
func checkJobs(n int) error {
	if n < 0 {
		return usagef("--jobs %d: want 1 or more", n)
	}
	return nil
}

// wheelArgs wants at least one wheel.
func wheelArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("no wheel given")
	}
	return nil
}

// eachWheel runs do for each wheel. A failure is reported and does not keep the
// others from their turn.
func (a *app) eachWheel(ctx context.Context, wheels []string, do func(path string) error) error {
	return a.eachArgument(ctx, wheels, filepath.Base, do)
}

// eachArgument does the same for arguments that messages call as shown tells.
func (a *app) eachArgument(ctx context.Context, args []string, shown func(string) string, do func(path string) error) error {
	failed := false
	for _, path := range args {
		if err := do(path); err != nil {
			a.failed(shown(path), err)
			failed = true
		}
		if ctx.Err() != nil {
			break // interrupted: the others have no turn
		}
	}
	if failed {
		return errFailed
	}
	return nil
}
