package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

func (a *app) repairCommand() *cobra.Command {
	var f command.RepairFlags
	var format formatFlag
	cmd := &cobra.Command{
		Use:   "repair WHEEL...",
		Short: "Bundle libraries and give the wheel the right tag",
		Long: `repair makes a wheel self-contained: it bundles the libraries that users may not
have, has the wheel load its own copies, and gives it the tag of the oldest system
that it runs on. The input stays as it is. The output file appears only when it is
complete and verified, and the same input gives the same bytes.

Wheels for macOS and Windows are repaired on any system. Edited files of macOS are
signed ad hoc.`,
		Example: `  wheelmend repair demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend repair --plat manylinux_2_28_x86_64 -w wheelhouse dist/*.whl
  wheelmend repair --dry-run --json dist/*.whl
  wheelmend repair --sysroot /opt/aarch64 demo-1.0-cp312-cp312-linux_aarch64.whl
  wheelmend repair --sysroot /opt/macos dist/*-macosx_11_0_arm64.whl
  wheelmend repair --search-path build/bin dist/*-win_amd64.whl
  wheelmend repair --ldpaths ndk/lib dist/*-android_24_arm64_v8a.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := format.check(); err != nil {
				return err
			}
			f.Defaults = a.defaults
			opts, err := f.Options(a.Console, args)
			if err != nil {
				return err
			}
			return a.repairAll(cmd.Context(), args, &f, format.format, opts)
		},
	}
	registerRepair(&f, cmd.Flags())
	format.register("repair", cmd.Flags())
	return cmd
}

func registerRepair(f *command.RepairFlags, flags *pflag.FlagSet) {
	f.Search.Register(flags)
	f.Search.RegisterMacOS(flags)
	f.Search.RegisterDylibsOnly(flags)
	f.RegisterMacOS(flags)
	f.Search.RegisterWindows(flags)
	f.RegisterWindows(flags)
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the repaired wheels")
	flags.StringVar(&f.Plat, "plat", "auto", "platform `tag` that the wheel has to meet, such as manylinux_2_28_x86_64; auto takes the oldest system it can")
	flags.BoolVar(&f.OnlyPlat, "only-plat", false, "give it the tag of --plat only, not also that of an older system that it meets")
	flags.BoolVar(&f.KeepTags, "no-update-tags", false, "leave the file name and the tags as they are")
	flags.StringVarP(&f.LibSuffix, "lib-sdir", "L", repair.DefaultLibSuffix, "`suffix` of the folder for bundled libraries, NAME"+repair.DefaultLibSuffix+" by default; on macOS the folder in the package, "+repair.DefaultDylibsDir+" by default")
	f.UseLibSuffix = flags.Lookup("lib-sdir")
	f.All = flags
	flags.StringArrayVar(&f.Graft, "graft", nil, "bundle libraries that match this `pattern` even if the tag promises them; on macOS, also Python's own and those that the wheel has a copy of (repeatable)")
	flags.StringArrayVar(&f.KeepPaths, "keep-rpath", nil, "keep search paths that match this `pattern` though they lead outside the wheel, such as '$ORIGIN/../../..' or /opt/lib (repeatable)")
	flags.StringArrayVar(&f.Add, "add-lib", nil, "bundle the library at this `path` and what it needs, under its own name: for libraries that code opens at run time (Linux, repeatable)")
	flags.BoolVar(&f.Fold, "fold-copies", false, "where a wheel has several copies of a library under its names (libfoo.so, libfoo.so.1), keep one (Linux)")
	flags.BoolVar(&f.Strip, "strip", false, "remove symbol tables and debug information")
	flags.BoolVar(&f.Stack, "clear-execstack", false, "make no file ask for an executable stack: glibc 2.41 and later do not load such a file (Linux)")
	flags.IntVarP(&f.Level, "zip-level", "z", -1, "compression `level`, 0 (none) to 9 (best; default: about zlib's 6)")
	f.UseLevel = flags.Lookup("zip-level")
	f.UseLevel.DefValue = "0" // so that the help does not show the -1
	flags.BoolVar(&f.DryRun, "dry-run", false, "show what would be done, and write nothing")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of files handled at once (default: one for each processor)")
	flags.BoolVar(&f.IgnoreISA, "disable-isa-ext-check", false, "accept files that need a newer processor than the tag promises (x86-64-v2 and later)")
	flags.BoolVar(&f.AllowPure, "allow-pure-python-wheel", false, "copy a wheel without binaries instead of failing")
	flags.BoolVar(&f.Lower, "lower", false, "have the files ask for older symbols, so that they run on the system of --plat, else of manylinux_2_28 (experimental: test the result there)")
	flags.BoolVar(&f.NoSBOM, "no-sbom", false, "write no list of the bundled libraries (SBOM) into .dist-info/sboms")
	flags.BoolVar(&f.NewRecord, "rewrite-record", false, "go on when RECORD is wrong, and write a new one")
	flags.BoolVar(&f.NoCache, "no-cache", false, "compress bundled libraries again instead of taking them from the cache, see wheelmend cache")
	flags.StringArrayVar(&f.Allow, "allow", nil, "write the wheel even if verify fails this `topic`: stack, symbols, paths... (repeatable)")
}

func (a *app) repairAll(ctx context.Context, wheels []string, f *command.RepairFlags, format string, opts repair.Options) (err error) {
	out := a.newSink(format)
	defer out.close(&err)
	f.JSON = format == "json"
	bar := a.NewProgress()
	opts.Progress, opts.Load.Progress = bar.Phase(console.Compressing), bar.Phase(console.Reading)
	if !f.DryRun {
		a.Sweep(f.WheelDir)
	}
	r := repair.NewRepairer(opts)
	defer func() { err = errors.Join(err, r.Close()) }()
	var done []report.Repaired
	f.WarnOfSystems(a.Console, wheels)
	err = a.EachWheel(ctx, wheels, func(path string) error {
		bar.Begin(filepath.Base(path))
		result, err := repairOne(ctx, r, path, f)
		bar.End()
		done = append(done, report.Repaired{Wheel: filepath.Base(path), Result: result})
		if err = command.Advised(err); err != nil {
			return errors.Join(err, out.failed(path, err))
		}
		if done, err := out.repaired(path, result); done || err != nil {
			command.WarnOf(a.Console, result, path)
			return err
		}
		return a.printRepair(result, path, f.JSON, f.DryRun)
	})
	if len(done) > 1 && format == "text" && !f.DryRun && !a.Quiet {
		err = errors.Join(err, report.WriteRepairTable(a.Stdout, done, a.Style()))
	}
	return err
}

func repairOne(ctx context.Context, r *repair.Repairer, path string, f *command.RepairFlags) (*repair.Result, error) {
	if err := command.CheckWheel(path); err != nil {
		return nil, err
	}
	if f.DryRun {
		return r.Plan(ctx, path)
	}
	return r.Repair(ctx, path, f.WheelDir)
}

// printRepair prints the result of one wheel.
func (a *app) printRepair(result *repair.Result, path string, json, dryRun bool) error {
	command.WarnOf(a.Console, result, path)
	if json && result.Plan == nil {
		document := report.NewCopy(filepath.Base(path), result, dryRun)
		document.Input = path
		return a.PrintJSON(document)
	}
	if json {
		document := report.NewRepair(result, dryRun)
		document.Input = path
		return a.PrintJSON(document)
	}
	if a.Quiet {
		return nil
	}
	if err := a.Gap(); err != nil {
		return err
	}
	if result.Plan != nil && (dryRun || a.Verbose > 0) {
		if err := report.WritePlan(a.Stdout, result.Plan, a.Style()); err != nil || dryRun {
			return err
		}
	}
	return report.WriteRepaired(a.Stdout, filepath.Base(path), result, a.Style())
}
