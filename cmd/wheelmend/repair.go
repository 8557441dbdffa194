package main

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
	"github.com/wheelmend/wheelmend/wheel"
)

// repairFlags are the flags of the repair command.
type repairFlags struct {
	search    searchFlags
	json      bool
	dryRun    bool
	wheelDir  string
	plat      string
	onlyPlat  bool
	keepTags  bool
	libSuffix string
	graft     []string
	keepPaths []string
	add       []string
	fold      bool
	strip     bool
	stack     bool
	level     int
	useLevel  *pflag.Flag
	jobs      int
	ignoreISA bool
	allowPure bool
	noSBOM    bool
	allow     []string
	newRecord bool

	requireArchs  string
	ignoreMissing bool
	keepRPaths    bool
	keepIDs       bool
	resign        bool
	macTarget     string
	useLibSuffix  *pflag.Flag
}

func (a *app) repairCommand() *cobra.Command {
	var f repairFlags
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
  wheelmend repair --sysroot /opt/macos demo-1.0-cp312-cp312-macosx_11_0_arm64.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := a.repairOptions(&f, args)
			if err != nil {
				return err
			}
			return a.repairAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	f.search.register(flags)
	f.search.registerMacOS(flags)
	f.search.registerDylibsOnly(flags)
	f.registerMacOS(flags)
	flags.StringVarP(&f.wheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the repaired wheels")
	flags.StringVar(&f.plat, "plat", "auto", "platform `tag` to aim for, such as manylinux_2_28_x86_64")
	flags.BoolVar(&f.onlyPlat, "only-plat", false, "do not add the tag of an older system that the wheel meets as well")
	flags.BoolVar(&f.keepTags, "no-update-tags", false, "leave the file name and the tags as they are")
	flags.StringVarP(&f.libSuffix, "lib-sdir", "L", repair.DefaultLibSuffix, "`suffix` of the folder for copied libraries, NAME"+repair.DefaultLibSuffix+"; on macOS the folder in the package, by default "+repair.DefaultDylibsDir)
	f.useLibSuffix = flags.Lookup("lib-sdir")
	flags.StringArrayVar(&f.graft, "graft", nil, "copy in libraries that match this `pattern` even if the policy promises them; on macOS, Python's own and those that the wheel has a copy of (repeatable)")
	flags.StringArrayVar(&f.keepPaths, "keep-rpath", nil, "keep search path entries that match this `pattern` though they lead outside the wheel, such as '$ORIGIN/../../..' (Linux, repeatable)")
	flags.StringArrayVar(&f.add, "add-lib", nil, "copy in the library at this `path`, which code opens at run time, under its own name, with what it needs (Linux, repeatable)")
	flags.BoolVar(&f.fold, "fold-copies", false, "leave one of a library's names in a folder (libfoo.so, libfoo.so.1), where a wheel has a copy for each (Linux)")
	flags.BoolVar(&f.strip, "strip", false, "remove symbol tables and debug information")
	flags.BoolVar(&f.stack, "clear-execstack", false, "have no ELF file ask for an executable stack, which glibc 2.41 and later refuse")
	flags.IntVarP(&f.level, "zip-level", "z", -1, "compression `level` of new members, 0 (none) to 9 (default: close to zlib's 6)")
	f.useLevel = flags.Lookup("zip-level")
	f.useLevel.DefValue = "0" // so that the help does not show the -1
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan and write nothing")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of members handled at once (default: one for each processor)")
	flags.BoolVar(&f.ignoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.BoolVar(&f.allowPure, "allow-pure-python-wheel", false, "copy a wheel without binaries instead of failing")
	flags.BoolVar(&f.noSBOM, "no-sbom", false, "do not describe the copied libraries in .dist-info/sboms")
	flags.BoolVar(&f.newRecord, "rewrite-record", false, "go on when RECORD contradicts the members, and write it anew")
	flags.StringArrayVar(&f.allow, "allow", nil, "write the wheel even if verify fails what it claims about this `topic`: stack, symbols, paths... (repeatable)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object for each wheel")
	return cmd
}

// registerMacOS adds what macOS wheels alone ask for.
func (f *repairFlags) registerMacOS(flags *pflag.FlagSet) {
	flags.StringVar(&f.requireArchs, "require-archs", "", "macOS: `architectures` (x86_64,arm64 or universal2, intel...) that each module, and what it loads, must have; by default those of the file name")
	flags.BoolVar(&f.ignoreMissing, "ignore-missing", false, "macOS: go on when a library was not found")
	flags.BoolVar(&f.keepRPaths, "no-sanitize-rpaths", false, "macOS: keep search paths of the build machine")
	flags.BoolVar(&f.keepIDs, "keep-ids", false, "macOS: leave copied libraries their install names instead of /DLC/...")
	flags.BoolVar(&f.resign, "resign", false, "macOS: sign every program, library and bundle anew, ad hoc, also where nothing else changes")
	flags.StringVar(&f.macTarget, "macos-target", "", "macOS: oldest `version` that the wheel shall run on (default: MACOSX_DEPLOYMENT_TARGET, else what it needs)")
}

// macOptions reads the flags for macOS wheels. The environment's target is not
// read when there are none, so that it disturbs no other.
func (f *repairFlags) macOptions(getenv func(string) string, wheels []string) (opts audit.MacOptions, err error) {
	opts.DyldOptions, opts.Graft = f.search.dyldOptions(getenv), f.graft
	if f.requireArchs != "" {
		if opts.RequireArchs, err = policy.ParseMacArchs(f.requireArchs); err != nil {
			return opts, usagef("--require-archs: %w", err)
		}
	}
	name, target := "--macos-target", f.macTarget
	if target == "" && slices.ContainsFunc(wheels, maybeMacOS) {
		name, target = "MACOSX_DEPLOYMENT_TARGET", getenv("MACOSX_DEPLOYMENT_TARGET")
	}
	if target == "" {
		return opts, nil
	}
	if opts.Target, err = policy.ParseMacVersion(target); err != nil {
		return opts, usagef("%s: %w", name, err)
	}
	return opts, nil
}

// maybeMacOS reports whether a wheel may be one for macOS. Only the name of one for
// another system tells that it is not.
func maybeMacOS(path string) bool {
	families, ok := platformFamilies(path)
	return !ok || slices.Contains(families, policy.MacOS) || slices.Contains(families, policy.Any)
}

// forMacOSAlone reports whether the name of a wheel says that it is for macOS.
func forMacOSAlone(path string) bool {
	families, ok := platformFamilies(path)
	return ok && !slices.ContainsFunc(families, func(f policy.Family) bool { return f != policy.MacOS })
}

// forAnyPlatform reports whether the name of a wheel says that it is for all systems.
func forAnyPlatform(path string) bool {
	families, ok := platformFamilies(path)
	return ok && slices.Contains(families, policy.Any)
}

// platformFamilies returns the systems in the name of a wheel, if it is one.
func platformFamilies(path string) ([]policy.Family, bool) {
	name, err := wheel.ParseFilename(filepath.Base(path))
	if err != nil {
		return nil, false
	}
	var families []policy.Family
	for _, tag := range name.Platform {
		if p, err := policy.ParsePlatform(tag); err == nil {
			families = append(families, p.Family)
		}
	}
	return families, true
}

// check rejects values that no wheel could be repaired with.
func (f *repairFlags) check() error {
	if f.useLevel.Changed && (f.level < 0 || f.level > 9) {
		return usagef("--%s %d: want 0 to 9", f.useLevel.Name, f.level)
	}
	if f.wheelDir == "" {
		return usagef("--wheel-dir is empty, want a directory")
	}
	dir := "name" + f.libSuffix
	if dir != path.Clean(dir) || strings.HasPrefix(dir, "..") || strings.HasSuffix(dir, ".dist-info") || strings.ContainsAny(dir, "\\\x00:") {
		return usagef("--lib-sdir %q: %q is no folder inside a wheel", f.libSuffix, dir)
	}
	return errors.Join(checkJobs(f.jobs), f.search.check())
}

// repairOptions checks the flags and turns them into options.
func (a *app) repairOptions(f *repairFlags, wheels []string) (repair.Options, error) {
	var opts repair.Options
	plat, err := parsePlat(f.plat)
	if err != nil {
		return opts, err
	}
	if err := f.check(); err != nil {
		return opts, err
	}
	mac, err := f.macOptions(a.getenv, wheels)
	if err != nil {
		return opts, err
	}
	if !f.useLibSuffix.Changed {
		f.libSuffix = ""
	}
	epoch, err := sourceDateEpoch(a.getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return opts, err
	}
	allow, err := allowedTopics(f.allow)
	if err != nil {
		return opts, err
	}
	opts = repair.Options{
		Allow:      allow,
		Audit:      audit.Options{Options: f.search.options(a.getenv), Graft: f.graft, KeepRPath: f.keepPaths, IgnoreISA: f.ignoreISA, Jobs: f.jobs},
		Load:       audit.LoadOptions{Jobs: f.jobs, RewriteRecord: f.newRecord},
		Platform:   plat,
		OnlyPlat:   f.onlyPlat,
		KeepTags:   f.keepTags,
		LibSuffix:  f.libSuffix,
		Strip:      f.strip,
		FoldCopies: f.fold,

		PlainStack: f.stack,
		Level:      f.level,
		NoSBOM:     f.noSBOM,
		AllowPure:  f.allowPure,
		Epoch:      epoch,
		MacOS:      repair.MacOptions{IgnoreMissing: f.ignoreMissing, KeepRPaths: f.keepRPaths, KeepIDs: f.keepIDs, Resign: f.resign},
		Tool:       repair.Tool{Name: "wheelmend", Version: version()},
	}
	opts.Audit.MacOS = mac
	opts.Audit.Add = f.add
	switch f.level {
	case -1:
		opts.Level = 0
	case 0:
		opts.Level = repair.Store
	}
	return opts, nil
}

// sourceDateEpoch reads the variable of that name: seconds since 1970
// (reproducible-builds.org, SOURCE_DATE_EPOCH).
func sourceDateEpoch(value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH %q: want seconds since 1970", value)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func (a *app) repairAll(ctx context.Context, wheels []string, f *repairFlags, opts repair.Options) (err error) {
	bar := a.newProgress()
	opts.Progress = bar.update
	if !f.dryRun {
		a.sweep(f.wheelDir)
	}
	r := repair.NewRepairer(opts)
	defer func() { err = errors.Join(err, r.Close()) }()
	return a.eachWheel(ctx, wheels, func(path string) error {
		bar.begin(filepath.Base(path))
		result, err := repairOne(ctx, r, path, f)
		bar.end()
		if err = advised(err); err != nil {
			if f.json {
				err = errors.Join(err, a.printJSON(report.NewFailure(filepath.Base(path), err)))
			}
			return err
		}
		return a.printRepair(result, path, f.json, f.dryRun)
	})
}

func repairOne(ctx context.Context, r *repair.Repairer, path string, f *repairFlags) (*repair.Result, error) {
	if f.dryRun {
		return r.Plan(ctx, path)
	}
	return r.Repair(ctx, path, f.wheelDir)
}

// printRepair prints the result of one wheel.
func (a *app) printRepair(result *repair.Result, path string, json, dryRun bool) error {
	a.warnOf(result, path)
	if json && result.Plan == nil {
		return a.printJSON(report.NewCopy(filepath.Base(path), result, dryRun))
	}
	if json {
		return a.printJSON(report.NewRepair(result, dryRun))
	}
	if a.quiet {
		return nil
	}
	if result.Plan != nil && (dryRun || a.verbose > 0) {
		if err := report.WritePlan(a.stdout, result.Plan, a.style()); err != nil || dryRun {
			return err
		}
	}
	return report.WriteRepaired(a.stdout, filepath.Base(path), result)
}

// warnOf tells what a person should know of a result.
func (a *app) warnOf(result *repair.Result, path string) {
	log := a.log.WithField("wheel", filepath.Base(path))
	if result.Plan != nil {
		for _, warning := range result.Plan.Warnings {
			log.Warn(warning)
		}
	}
	for _, finding := range result.Findings {
		log.Warn(finding)
	}
}

func (a *app) printJSON(document any) error { return report.WriteJSON(a.stdout, document) }
