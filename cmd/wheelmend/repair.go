package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

func (a *app) repairCommand() *cobra.Command {
	var f command.RepairFlags
	cmd := &cobra.Command{
		Use:   "repair WHEEL...",
		Short: "Copy libraries in, rewrite load paths, and give the tag that is earned",
		Long: `repair makes a wheel self-contained: it copies in the libraries that the platform
tag does not promise, rewrites the load paths, and writes the wheel under the
name of the oldest system that it serves. The input stays as it is. The result
is read back before it gets its name, and the same input gives the same bytes.

Wheels for macOS are repaired on any host. Edited files are signed ad hoc.`,
		Example: `  wheelmend repair demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend repair --plat manylinux_2_28_x86_64 -w wheelhouse dist/*.whl
  wheelmend repair --dry-run --json dist/*.whl
  wheelmend repair --sysroot /opt/aarch64 demo-1.0-cp312-cp312-linux_aarch64.whl
  wheelmend repair --sysroot /opt/macos demo-1.0-cp312-cp312-macosx_11_0_arm64.whl
  wheelmend repair --ldpaths ndk/lib demo-1.0-cp313-cp313-android_24_arm64_v8a.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := f.Options(a.Console, args)
			if err != nil {
				return err
			}
			return a.repairAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	f.Search.Register(flags)
	f.Search.RegisterMacOS(flags)
	f.Search.RegisterDylibsOnly(flags)
	f.RegisterMacOS(flags)
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the repaired wheels")
	flags.StringVar(&f.Plat, "plat", "auto", "platform `tag` to aim for, such as manylinux_2_28_x86_64")
	flags.BoolVar(&f.OnlyPlat, "only-plat", false, "do not add the tag of an older system that the wheel meets as well")
	flags.BoolVar(&f.KeepTags, "no-update-tags", false, "leave the file name and the tags as they are")
	flags.StringVarP(&f.LibSuffix, "lib-sdir", "L", repair.DefaultLibSuffix, "`suffix` of the folder for copied libraries, NAME"+repair.DefaultLibSuffix+"; on macOS the folder in the package, by default "+repair.DefaultDylibsDir)
	f.UseLibSuffix = flags.Lookup("lib-sdir")
	flags.StringArrayVar(&f.Graft, "graft", nil, "copy in libraries that match this `pattern` even if the policy promises them; on macOS, Python's own and those that the wheel has a copy of (repeatable)")
	flags.StringArrayVar(&f.KeepPaths, "keep-rpath", nil, "keep search path entries that match this `pattern` though they lead outside the wheel, such as '$ORIGIN/../../..' or /opt/lib (repeatable)")
	flags.StringArrayVar(&f.Add, "add-lib", nil, "copy in the library at this `path`, which code opens at run time, under its own name, with what it needs (Linux, repeatable)")
	flags.BoolVar(&f.Fold, "fold-copies", false, "leave one of a library's names in a folder (libfoo.so, libfoo.so.1), where a wheel has a copy for each (Linux)")
	flags.BoolVar(&f.Strip, "strip", false, "remove symbol tables and debug information")
	flags.BoolVar(&f.Stack, "clear-execstack", false, "have no ELF file ask for an executable stack, which glibc 2.41 and later refuse")
	flags.IntVarP(&f.Level, "zip-level", "z", -1, "compression `level` of new members, 0 (none) to 9 (default: close to zlib's 6)")
	f.UseLevel = flags.Lookup("zip-level")
	f.UseLevel.DefValue = "0" // so that the help does not show the -1
	flags.BoolVar(&f.DryRun, "dry-run", false, "print the plan and write nothing")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of members handled at once (default: one for each processor)")
	flags.BoolVar(&f.IgnoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.BoolVar(&f.AllowPure, "allow-pure-python-wheel", false, "copy a wheel without binaries instead of failing")
	flags.BoolVar(&f.NoSBOM, "no-sbom", false, "do not describe the copied libraries in .dist-info/sboms")
	flags.BoolVar(&f.NewRecord, "rewrite-record", false, "go on when RECORD contradicts the members, and write it anew")
	flags.StringArrayVar(&f.Allow, "allow", nil, "write the wheel even if verify fails what it claims about this `topic`: stack, symbols, paths... (repeatable)")
	flags.BoolVar(&f.JSON, "json", false, "print one JSON object for each wheel")
	return cmd
}

func (a *app) repairAll(ctx context.Context, wheels []string, f *command.RepairFlags, opts repair.Options) (err error) {
	bar := a.NewProgress()
	opts.Progress, opts.Load.Progress = bar.Phase(console.Compressing), bar.Phase(console.Reading)
	if !f.DryRun {
		a.Sweep(f.WheelDir)
	}
	r := repair.NewRepairer(opts)
	defer func() { err = errors.Join(err, r.Close()) }()
	var done []report.Repaired
	err = a.EachWheel(ctx, wheels, func(path string) error {
		bar.Begin(filepath.Base(path))
		result, err := repairOne(ctx, r, path, f)
		bar.End()
		done = append(done, report.Repaired{Wheel: filepath.Base(path), Result: result})
		if err = command.Advised(err); err != nil {
			if f.JSON {
				err = errors.Join(err, a.PrintJSON(report.NewFailure(filepath.Base(path), err)))
			}
			return err
		}
		return a.printRepair(result, path, f.JSON, f.DryRun)
	})
	if len(done) > 1 && !f.JSON && !f.DryRun && !a.Quiet {
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
		return a.PrintJSON(report.NewCopy(filepath.Base(path), result, dryRun))
	}
	if json {
		return a.PrintJSON(report.NewRepair(result, dryRun))
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
