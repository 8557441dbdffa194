package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// mergeFlags are the flags of the merge command.
type mergeFlags struct {
	wheelDir string
	prefer   string
	dryRun   bool
	json     bool
	jobs     int
}

func (a *app) mergeCommand() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:     "merge WHEEL WHEEL",
		Aliases: []string{"fuse"},
		Short:   "Join two macOS wheels, each for one architecture, into a universal2 one",
		Long: `merge makes one macOS wheel of two that were built for one architecture each, also
of repaired ones. Libraries and modules become universal files, equal files are
there once, and what one wheel alone has is taken over. The tag is that of the
oldest macOS that the result runs on.

Other files that differ are listed, and nothing is written, unless --prefer says
from which wheel all of them come. No wheel that is read changes.`,
		Example: `  wheelmend merge demo-1.0-cp312-cp312-macosx_10_13_x86_64.whl demo-1.0-cp312-cp312-macosx_11_0_arm64.whl
  wheelmend merge --prefer first -w wheelhouse dist/demo-1.0-cp312-cp312-macosx_*.whl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%d wheels given, want two", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.merge(cmd.Context(), args, &f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.wheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the merged wheel")
	flags.StringVar(&f.prefer, "prefer", "", "take files that differ and cannot be joined from this `wheel`: first or second")
	flags.BoolVar(&f.dryRun, "dry-run", false, "tell what becomes of the files, and write nothing")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of members handled at once (default: one for each processor)")
	return cmd
}

// options checks the flags and turns them into options.
func (f *mergeFlags) options() (repair.MergeOptions, error) {
	opts := repair.MergeOptions{DryRun: f.dryRun, Load: audit.LoadOptions{Jobs: f.jobs}}
	switch f.prefer {
	case "":
	case "first":
		opts.Prefer = repair.First
	case "second":
		opts.Prefer = repair.Second
	default:
		return opts, usagef("--prefer %q: want first or second", f.prefer)
	}
	if f.wheelDir == "" {
		return opts, usagef("--wheel-dir is empty, want a directory")
	}
	return opts, checkJobs(f.jobs)
}

func (a *app) merge(ctx context.Context, wheels []string, f *mergeFlags) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	a.sweep(f.wheelDir)
	bar := a.newProgress()
	opts.Progress = bar.update
	bar.begin(filepath.Base(wheels[0]))
	merged, err := repair.Merge(ctx, wheels[0], wheels[1], f.wheelDir, opts)
	bar.end()
	if err != nil {
		if f.json {
			err = errors.Join(err, a.printJSON(report.NewFailure(filepath.Base(wheels[0]), err)))
		}
		return err
	}
	log := a.log.WithField("wheel", merged.Output)
	for _, warning := range append(merged.Warnings, merged.Findings...) {
		log.Warn(warning)
	}
	if f.json {
		return a.printJSON(report.NewMerge([]string{filepath.Base(wheels[0]), filepath.Base(wheels[1])}, merged))
	}
	if a.quiet {
		return nil
	}
	return report.WriteMerged(a.stdout, merged, a.verbose > 0 || f.dryRun)
}
