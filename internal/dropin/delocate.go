package dropin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// The version of delocate whose flags these are.
const delocateVersion = "0.13.0"

// delocateTool is what all commands of delocate have in common.
func (a *app) delocateTool(use, long string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Long: "This is wheelmend in the place of " + strings.Fields(use)[0] + ".\n\n" + long, Version: a.standsFor(delocateVersion)}
	cmd.Flags().CountVarP(&a.Verbose, "verbose", "v", "tell more (repeatable)")
	return cmd
}

// registerDelocate adds the flags of delocate-wheel and delocate-path.
func registerDelocate(f *command.RepairFlags, flags *pflag.FlagSet) {
	flags.BoolVarP(&f.Search.DylibsOnly, "dylibs-only", "d", false, "leave files that are not called .so or .dylib as they are")
	flags.StringArrayVarP(&f.Search.Exclude, "exclude", "e", nil, "leave out libraries with this `text` in their path (repeatable)")
	f.Search.RegisterMacOS(flags)
	flags.BoolVar(&f.IgnoreMissing, "ignore-missing-dependencies", false, "go on when a library was not found")
	flags.BoolFunc("sanitize-rpaths", "remove search paths of the build machine (the default)", func(string) error {
		f.KeepRPaths = false
		return nil
	})
	flags.BoolVar(&f.KeepRPaths, "no-sanitize-rpaths", false, "keep search paths of the build machine")
	f.Search.UseLDPaths, f.UseLevel = &pflag.Flag{}, &pflag.Flag{}
	f.Level = -1
}

// parts returns the patterns for texts that are a part of a path, as delocate takes them.
// A text with a wildcard is a pattern.
func parts(texts []string) []string {
	var patterns []string
	for _, text := range texts {
		if text != "" && !strings.ContainsAny(text, "*?[") {
			text = linkage.PartPattern(text)
		}
		patterns = append(patterns, text)
	}
	return patterns
}

func (a *app) delocateWheelTool() *cobra.Command {
	var f command.RepairFlags
	var sameArchs bool
	cmd := a.delocateTool("delocate-wheel WHEEL...", `It copies the libraries that macOS wheels need into them, and writes each wheel in
the place of the old one unless -w names a directory. With MACOSX_DEPLOYMENT_TARGET
the tag is at least that of the target.`)
	cmd.Args = wantArgs("WHEEL")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wheels, err := globbed(args)
		if err != nil {
			return err
		}
		f.Search.Exclude = parts(f.Search.Exclude)
		for _, wheel := range wheels {
			if len(wheels) > 1 || a.Verbose > 0 {
				if err := a.Tell("Fixing: %s\n", report.Clean(wheel)); err != nil {
					return err
				}
			}
			if err := a.delocateWheel(cmd.Context(), wheel, f); err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(wheel), err)
			}
		}
		return nil
	}
	flags := cmd.Flags()
	registerDelocate(&f, flags)
	flags.StringVarP(&f.LibSuffix, "lib-sdir", "L", repair.DefaultDylibsDir, "`folder` for copied libraries in the package; for modules without one, a suffix")
	f.UseLibSuffix = flags.Lookup("lib-sdir")
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "", "`directory` for the wheels (default: each in the place of the old one)")
	flags.BoolVarP(&sameArchs, "check-archs", "k", false, "libraries have the architectures of what loads them (always checked)")
	flags.StringVar(&f.RequireArchs, "require-archs", "", "`architectures` that all files have: intel, universal2, x86_64,arm64...")
	flags.StringVar(&f.MacTarget, "require-target-macos-version", "", "oldest `version` of macOS that the wheel shall run on; MACOSX_DEPLOYMENT_TARGET is the same")
	return cmd
}

// delocateWheel repairs one wheel, in its place or into another directory. One that
// needs nothing stays untouched in its place.
func (a *app) delocateWheel(ctx context.Context, path string, f command.RepairFlags) error {
	if err := command.CheckWheel(path); err != nil {
		return err
	}
	if !command.MaybeMacOS(path) {
		return errors.New("it is for another system than macOS; auditwheel and wheelmend repair are for wheels of Linux and Android")
	}
	dir, libs := f.WheelDir, f.LibSuffix
	if dir == "" {
		dir = filepath.Dir(path)
	}
	f.WheelDir, f.AllowPure = dir, command.ForAnyPlatform(path)
	opts, err := f.Options(a.Console, []string{path})
	if err != nil {
		return err
	}
	opts.Allow = append(opts.Allow, audit.TopicStable) // which delocate does not look at; it is told
	inPlace := sameDir(dir, filepath.Dir(path))
	var result *repair.Result
	old := ""
	if inPlace {
		old = path
	}
	out, err := a.writeBeside(dir, old, func(folder string) (string, error) {
		r := repair.NewRepairer(opts)
		var err error
		result, err = r.Repair(ctx, path, folder)
		if err := errors.Join(command.AdvisedFor(a.Name, err), r.Close()); err != nil {
			return "", err
		}
		if inPlace && (result.Plan == nil || result.Plan.NothingToDo()) {
			return "", nil
		}
		return result.Path, nil
	})
	if err != nil {
		return err
	}
	if inPlace && out != "" && filepath.Base(out) != filepath.Base(path) {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	command.WarnOf(a.Console, result, path)
	return a.tellCopied(result.Plan, libs)
}

// tellCopied prints which libraries came in, when more is to be told.
func (a *app) tellCopied(plan *repair.Plan, folder string) error {
	if plan == nil || len(plan.Grafts) == 0 || a.Verbose == 0 {
		return nil
	}
	var lines []string
	for i := range plan.Grafts {
		lines = append(lines, "  "+report.Clean(plan.Grafts[i].Source))
	}
	slices.Sort(lines)
	return a.Tell("Copied to package %s directory:\n%s\n", folder, strings.Join(slices.Compact(lines), "\n"))
}

// delocatePathTool takes the place of delocate-path.
func (a *app) delocatePathTool() *cobra.Command {
	var f command.RepairFlags
	cmd := a.delocateTool("delocate-path PATH...", `It copies the libraries that the Mach-O files below a directory load into a folder
there, and has the files find them and each other from wherever it is moved to.`)
	cmd.Args = wantArgs("PATH")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dirs, err := globbed(args)
		if err != nil {
			return err
		}
		f.Search.Exclude = parts(f.Search.Exclude)
		opts := repair.DirectoryOptions{Link: f.Search.Options(a.Getenv), LibDir: f.LibSuffix, IgnoreMissing: f.IgnoreMissing, KeepRPaths: f.KeepRPaths}
		for _, dir := range dirs {
			if len(dirs) > 1 {
				if err := a.Tell("%s\n", report.Clean(dir)); err != nil {
					return err
				}
			}
			if err := a.delocatePath(cmd.Context(), dir, opts); err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
		}
		return nil
	}
	registerDelocate(&f, cmd.Flags())
	cmd.Flags().StringVarP(&f.LibSuffix, "lib-path", "L", repair.DefaultDylibsDir, "`folder` below each directory for copied libraries")
	return cmd
}

// delocatePath repairs one directory.
func (a *app) delocatePath(ctx context.Context, dir string, opts repair.DirectoryOptions) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return errors.New("not a directory; delocate-path takes one with the files of a package, delocate-wheel takes wheels")
	}
	result, err := repair.RepairDirectory(ctx, dir, opts)
	if err != nil {
		return err
	}
	log := a.Log.WithField("file", dir)
	for _, warning := range result.Warnings {
		log.Warn(warning)
	}
	for _, c := range result.Copied {
		log.Infof("%s is copied to %s", c.Source, c.Path)
	}
	for _, path := range result.Edited {
		log.Infof("%s is edited", path)
	}
	return nil
}

func (a *app) delocateMergeTool() *cobra.Command {
	f := command.MergeFlags{Prefer: "second"}
	cmd := a.delocateTool("delocate-merge WHEEL WHEEL", `It makes a universal2 wheel of two for one architecture each. Of files that differ
and are no code, that of the second wheel is taken, with a warning.`)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return console.Usagef("%s given, want two", phrase.Count(len(args), "wheel"))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.WheelDir == "" {
			f.WheelDir = filepath.Dir(args[0])
		}
		a.Quiet = a.Verbose == 0
		return command.Merge(cmd.Context(), a.Console, args, &f)
	}
	cmd.Flags().StringVarP(&f.WheelDir, "wheel-dir", "w", "", "`directory` for the wheel (default: that of the first)")
	return cmd
}

// delocateFuseTool says what delocate-fuse has become.
func (a *app) delocateFuseTool() *cobra.Command {
	return &cobra.Command{
		Use: "delocate-fuse", DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.Join(console.ErrFailed, a.Tell("'delocate-fuse' is no longer available, as in delocate since 0.12. To fuse two wheels use 'delocate-merge', which writes a new wheel with a name of its own and leaves the first as it is.\n"))
		},
	}
}

// addplatFlags are the flags of delocate-addplat.
type addplatFlags struct {
	plat, versions []string
	dual, wheelDir string
	clobber, skip  bool
	removeOld      bool
}

func (a *app) delocateAddplatTool() *cobra.Command {
	var f addplatFlags
	cmd := a.delocateTool("delocate-addplat WHEEL...", `It adds platform tags to the names of wheels and to their WHEEL files. Tags that are
not true of a wheel are an error.`)
	cmd.Args = wantArgs("WHEEL")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wheels, err := globbed(args)
		if err != nil {
			return err
		}
		tags := slices.Clone(f.plat)
		for _, v := range f.versions {
			tags = append(tags, "macosx_"+v+"_"+f.dual, "macosx_"+v+"_x86_64")
		}
		if len(tags) == 0 {
			return errors.New("no tag given: name one with --plat-tag or --osx-ver")
		}
		for _, wheel := range wheels {
			if len(wheels) > 1 || a.Verbose > 0 {
				if err := a.Tell("Setting platform tags %s for wheel %s\n", strings.Join(tags, ","), report.Clean(wheel)); err != nil {
					return err
				}
			}
			if err := a.addPlatforms(cmd.Context(), wheel, tags, &f); err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(wheel), err)
			}
		}
		return nil
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.plat, "plat-tag", "p", nil, "platform `tag` to add (repeatable)")
	flags.StringArrayVarP(&f.versions, "osx-ver", "x", nil, "`version` of macOS, such as 10_10: adds the tags of the dual architecture and of x86_64 (repeatable)")
	flags.StringVarP(&f.wheelDir, "wheel-dir", "w", "", "`directory` for the wheels (default: that of each wheel)")
	flags.BoolVarP(&f.clobber, "clobber", "c", false, "overwrite wheels that are there")
	flags.BoolVarP(&f.removeOld, "rm-orig", "r", false, "remove the old wheel when a new one was written")
	flags.BoolVarP(&f.skip, "skip-errors", "k", false, "go on with the next wheel when one cannot be changed")
	flags.StringVarP(&f.dual, "dual-arch-type", "d", "intel", "dual `architecture` of --osx-ver: intel or universal2")
	return cmd
}

// addPlatforms gives one wheel more tags.
func (a *app) addPlatforms(ctx context.Context, path string, tags []string, f *addplatFlags) error {
	dir := f.wheelDir
	if dir == "" {
		dir = filepath.Dir(path)
	}
	opts, err := (&command.TagFlags{Plat: tags, WheelDir: dir}).Options(a.Console)
	if err != nil {
		return err
	}
	old := ""
	if sameDir(dir, filepath.Dir(path)) {
		old = path
	}
	out, err := a.writeBeside(dir, old, func(folder string) (string, error) {
		tagger := repair.NewTagger(opts)
		result, err := tagger.Tag(ctx, path, folder)
		if err := errors.Join(err, tagger.Close()); err != nil {
			return "", err
		}
		command.WarnOf(a.Console, result, path)
		if result.Plan.Output == result.Plan.Wheel {
			return "", nil
		}
		if _, err := os.Lstat(filepath.Join(dir, result.Plan.Output)); err == nil && !f.clobber {
			return "", fmt.Errorf("%s is there already; -c overwrites it", result.Plan.Output)
		}
		return result.Path, nil
	})
	switch {
	case err != nil && f.skip:
		return a.Tell("Cannot modify %s because %s\n", report.Clean(path), report.Clean(err.Error()))
	case err != nil:
		return err
	case out == "" && a.Verbose > 0:
		return a.Tell("%s already has tags %s\n", report.Clean(path), strings.Join(tags, ", "))
	case out == "":
		return nil
	}
	if f.removeOld {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if a.Verbose > 0 {
		return a.Tell("Wrote %s\n", report.Clean(out))
	}
	return nil
}
