package dropin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// The version of repairwheel whose flags these are.
const repairwheelVersion = "0.8.0"

// repairwheelTool takes the place of repairwheel.
func (a *app) repairwheelTool() *cobra.Command {
	f := command.RepairFlags{Plat: "auto", Level: -1}
	var wheelAlone bool
	cmd := &cobra.Command{
		Use:  "repairwheel -o OUTPUT_DIR WHEEL...",
		Long: "This is wheelmend in the place of repairwheel, for wheels of Linux, Android, macOS and Windows.",
		Args: wantArgs("wheels"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.WheelDir == "" {
				return console.Usagef("the following arguments are required: -o/--output-dir")
			}
			wheels, err := globbed(args)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(wheels, func(wheel string) bool { return !command.ForMacOSAlone(wheel) }) {
				f.Search.Exclude = parts(f.Search.Exclude) // it hands them to delocate
			}
			getenv := a.Getenv
			if wheelAlone {
				f.Search.UseLDPaths.Changed = true // with no directory
				a.Getenv = withoutLibraryPaths(getenv)
			}
			opts, err := f.Options(a.Console, wheels)
			if err != nil {
				return err
			}
			return a.repairwheelAll(cmd.Context(), wheels, &f, opts)
		},
	}
	flags := cmd.Flags()
	flags.BoolP("version", "V", false, "show the version and exit")
	a.PrintsVersion(cmd, a.standsFor(repairwheelVersion))
	flags.StringVarP(&f.WheelDir, "output-dir", "o", "", "`directory` for the repaired wheels")
	flags.StringArrayVarP(&f.Search.SearchPath, "lib-dir", "l", nil, "look for libraries in this `directory` first (repeatable)")
	flags.StringArrayVarP(&f.Search.Exclude, "exclude", "e", nil, "leave out libraries of this `name` or pattern (repeatable)")
	flags.BoolVar(&wheelAlone, "no-sys-paths", false, "do not look for libraries in directories of the system")
	f.Search.UseLDPaths, f.UseLevel, f.UseLibSuffix = &pflag.Flag{}, &pflag.Flag{}, &pflag.Flag{}
	return cmd
}

// withoutLibraryPaths hides the variables that name directories of libraries.
func withoutLibraryPaths(getenv func(string) string) func(string) string {
	return func(name string) string {
		switch name {
		case "LD_LIBRARY_PATH", "AUDITWHEEL_LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH":
			return ""
		}
		return getenv(name)
	}
}

func (a *app) repairwheelAll(ctx context.Context, wheels []string, f *command.RepairFlags, opts repair.Options) (err error) {
	opts.AllowPure = true
	opts.Allow = append(opts.Allow, audit.TopicStable) // which repairwheel does not look at; it is told
	r := repair.NewRepairer(opts)
	defer func() { err = errors.Join(err, r.Close()) }()
	out, err := filepath.Abs(f.WheelDir)
	if err != nil {
		return err
	}
	a.Sweep(out)
	for _, path := range wheels {
		if err := command.CheckWheel(path); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		result, err := r.Repair(ctx, path, out)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), command.AdvisedFor(a.Name, err))
		}
		command.WarnOf(a.Console, result, path)
		if err := a.Tell("Wrote %s\n", report.Clean(result.Path)); err != nil {
			return err
		}
	}
	return a.Tell("All wheels repaired. Output directory: %s\n", report.Clean(out))
}
