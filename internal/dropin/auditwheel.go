package dropin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/nearest"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// The version of auditwheel whose flags these are.
const auditwheelVersion = "6.8.2"

// auditwheelTool takes the place of auditwheel.
func (a *app) auditwheelTool() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auditwheel",
		Short: "Audit and repair Linux and Android wheels, with the flags of auditwheel",
		Long:  "This is wheelmend in the place of auditwheel, for wheels of Linux and Android.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return notACommand(args[0])
			}
			return cmd.Help()
		},
	}
	cmd.Flags().BoolP("version", "V", false, "show the version and exit")
	cmd.Flags().CountVarP(&a.Verbose, "verbose", "v", "tell more (repeatable)")
	a.PrintsVersion(cmd, "auditwheel "+a.standsFor(auditwheelVersion))
	cmd.AddCommand(a.auditwheelShow(), a.auditwheelRepair(), a.auditwheelLddtree())
	return cmd
}

// inform writes a line as auditwheel's log has it.
func (a *app) inform(module, format string, args ...any) {
	fmt.Fprintf(a.Stderr, "INFO:auditwheel."+module+":"+format+"\n", args...)
}

// auditwheelLDPaths registers the flag that all its commands have.
func auditwheelLDPaths(f *command.SearchFlags, flags *pflag.FlagSet) {
	flags.StringVar(&f.LDPaths, "ldpaths", "", "`directories` (A:B) that replace the default ones; AUDITWHEEL_LD_LIBRARY_PATH adds to them")
	f.UseLDPaths = flags.Lookup("ldpaths")
}

// auditwheelChecks registers the flags that show and repair have.
func auditwheelChecks(ignoreISA, allowPure *bool, flags *pflag.FlagSet) {
	flags.BoolVar(ignoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.BoolVar(allowPure, "allow-pure-python-wheel", false, "let a wheel without binaries pass")
}

// notACommand answers a word that is no command of auditwheel: with its own sentence, and
// what was probably meant.
func notACommand(word string) error {
	const text = "invalid choice: %q (choose from show, repair, lddtree)"
	if strings.HasSuffix(word, ".whl") {
		return console.Usagef(text+"; write auditwheel show %s", word, word)
	}
	return console.Usagef(text+"%s", word, nearest.Ask(word, []string{"show", "repair", "lddtree"}))
}

// existing rejects names that are none of a file, as a wrong call.
func existing(names []string) error {
	if err := command.CheckNames("wheel", names); err != nil {
		return err
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			return console.Usagef("cannot access %s. No such file", name)
		}
	}
	return nil
}

// errNotELF is what auditwheel says of a wheel without ELF files.
//
//lint:ignore ST1005 its very words, which scripts look for
var errNotELF = errors.New("This does not look like a platform wheel, no ELF executable or shared library file (including compiled Python C extension) found in the wheel archive")

func (a *app) auditwheelShow() *cobra.Command {
	f := command.AuditFlags{}
	cmd := &cobra.Command{
		Use:   "show WHEEL_FILE",
		Short: "Tell which platform tag a wheel meets, and what it needs from the system",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return console.Usagef("%d wheels given, want one WHEEL_FILE", len(args))
			}
			return existing(args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditwheelAnswer(cmd.Context(), args[0], &f) },
	}
	cmd.Flags().BoolVar(&f.JSON, "json", false, "print JSON")
	auditwheelChecks(&f.IgnoreISA, &f.AllowPure, cmd.Flags())
	auditwheelLDPaths(&f.Search, cmd.Flags())
	return cmd
}

// auditwheelAnswer prints what auditwheel show does.
func (a *app) auditwheelAnswer(ctx context.Context, path string, f *command.AuditFlags) error {
	name := filepath.Base(path)
	if err := command.CheckWheel(path); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	pure := false
	err := command.WithReport(ctx, a.Console, path, f, func(rep *audit.Report) error {
		pure = rep.Format == audit.Pure
		switch {
		case rep.Unserved != nil && rep.Format == audit.ELF:
			return rep.Unserved // auditwheel serves Android; what it would say of it is not known here
		case rep.Format != audit.ELF:
			return errNotELF
		case f.JSON:
			return report.WriteAuditwheelJSON(a.Stdout, report.NewAuditwheel(rep))
		}
		return report.WriteAuditwheel(a.Stdout, rep, a.Verbose > 0)
	})
	switch {
	case !errors.Is(err, errNotELF):
		return err
	case pure && f.AllowPure && command.ForAnyPlatform(path):
		if f.JSON {
			return report.WriteAuditwheelJSON(a.Stdout, report.AuditwheelPure{Version: 1, Wheel: name, Pure: true})
		}
		return nil
	}
	a.inform("main_show", "%s", errNotELF)
	if f.JSON {
		return errors.Join(console.ErrFailed, report.WriteAuditwheelJSON(a.Stdout, report.AuditwheelFailure{Version: 1, Wheel: name, Error: errNotELF.Error()}))
	}
	return console.ErrFailed
}

func (a *app) auditwheelRepair() *cobra.Command {
	f := command.RepairFlags{}
	var patcher string
	cmd := &cobra.Command{
		Use:   "repair WHEEL_FILE...",
		Short: "Copy libraries into wheels and give them the tag that they then meet",
		Long: `Copy libraries into wheels and give them the tag that they then meet. The first
wheel that fails is the last that is looked at.`,
		Args: wantArgs("WHEEL_FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			variables := map[string]string{"zip-compression-level": "AUDITWHEEL_ZIP_COMPRESSION_LEVEL", "plat": "AUDITWHEEL_PLAT", "patcher": "AUDITWHEEL_PATCHER"}
			if err := environmentDefaults(cmd.Flags(), a.Getenv, variables); err != nil {
				return err
			}
			if patcher != "patchelf" {
				return console.Usagef("--patcher %s: wheelmend edits ELF files on its own; leave the flag and AUDITWHEEL_PATCHER out", patcher)
			}
			if err := existing(args); err != nil {
				return err
			}
			opts, err := f.Options(a.Console, args)
			if err != nil {
				return err
			}
			// auditwheel does not look at it; here it is told.
			opts.Allow = append(opts.Allow, audit.TopicAlignment, audit.TopicStable)
			return a.auditwheelRepairAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&f.Level, "zip-compression-level", "z", -1, "compression `level` of new members, 0 to 9")
	f.UseLevel = flags.Lookup("zip-compression-level")
	f.UseLevel.DefValue = "0"
	flags.StringVar(&f.Plat, "plat", "auto", "platform `tag` to aim for, such as manylinux_2_28_x86_64")
	flags.StringVarP(&f.LibSuffix, "lib-sdir", "L", repair.DefaultLibSuffix, "`suffix` of the folder for copied libraries")
	f.UseLibSuffix = flags.Lookup("lib-sdir")
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "wheelhouse/", "`directory` for the repaired wheels")
	flags.BoolVar(&f.KeepTags, "no-update-tags", false, "leave the file name and the tags as they are")
	flags.BoolVar(&f.Strip, "strip", false, "remove symbol tables and debug information")
	flags.StringArrayVar(&f.Search.Exclude, "exclude", nil, "leave libraries whose `soname` matches to the user's system (repeatable)")
	flags.BoolVar(&f.OnlyPlat, "only-plat", false, "do not add the tag of an older system that the wheel meets as well")
	auditwheelChecks(&f.IgnoreISA, &f.AllowPure, flags)
	auditwheelLDPaths(&f.Search, flags)
	flags.StringVar(&patcher, "patcher", "patchelf", "`program` that edits ELF files: patchelf, whose place wheelmend takes")
	return cmd
}

func (a *app) auditwheelRepairAll(ctx context.Context, wheels []string, f *command.RepairFlags, opts repair.Options) (err error) {
	a.Sweep(f.WheelDir)
	r := repair.NewRepairer(opts)
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, path := range wheels {
		if err := command.CheckWheel(path); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		a.inform("main_repair", "Repairing %s", report.Clean(filepath.Base(path)))
		if command.ForMacOSAlone(path) {
			a.inform("main_repair", "%s", errNotELF)
			return console.ErrFailed
		}
		result, err := r.Repair(ctx, path, f.WheelDir)
		if err != nil {
			return auditwheelFailure(path, command.AdvisedFor(a.Name, err))
		}
		command.WarnOf(a.Console, result, path)
		out, err := filepath.Abs(result.Path)
		if err != nil {
			return err
		}
		if result.Plan != nil {
			a.inform("main_repair", "\nFixed-up wheel written to %s", report.Clean(out))
		}
	}
	return nil
}

// auditwheelFailure gives an error the exit code of auditwheel: a policy that cannot
// be met is a wrong call to it.
func auditwheelFailure(path string, err error) error {
	named := fmt.Errorf("%s: %w", filepath.Base(path), err)
	var unmet *repair.UnmetError
	if !errors.As(err, &unmet) {
		return named
	}
	for _, b := range unmet.Blockers {
		if b.Kind == audit.KindMissing {
			return named
		}
	}
	return console.WithCode(named, console.ExitUsage)
}

func (a *app) auditwheelLddtree() *cobra.Command {
	f := command.SearchFlags{}
	cmd := &cobra.Command{
		Use:   "lddtree FILE",
		Short: "Tell what an ELF file loads",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return console.Usagef("%d files given, want one", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := audit.TreeOptions{Options: f.Options(a.Getenv)}
			opts.HWCaps = command.HWCaps()
			s, err := audit.ReadTree(cmd.Context(), args[0], opts)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if s.Kind == audit.TreeOfWheel {
				return fmt.Errorf("%s: that is a wheel; lddtree takes one ELF file, wheelmend tree a wheel", args[0])
			}
			if len(s.Processes) != 1 || s.Processes[0].Format != audit.ELF || s.Kind != audit.TreeOfFile {
				return fmt.Errorf("%s: not an ELF file that a loader takes", args[0])
			}
			var text strings.Builder
			if err := report.WriteAuditwheelJSON(&text, report.NewLddtree(args[0], &s.Processes[0])); err != nil {
				return err
			}
			a.inform("main_lddtree", "%s", strings.TrimSuffix(text.String(), "\n"))
			return nil
		},
	}
	auditwheelLDPaths(&f, cmd.Flags())
	return cmd
}
