package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// MergeFlags are the flags of the merge command.
type MergeFlags struct {
	WheelDir string
	Prefer   string
	DryRun   bool
	JSON     bool
	Jobs     int
}

// options checks the flags and turns them into options.
func (f *MergeFlags) options() (repair.MergeOptions, error) {
	opts := repair.MergeOptions{DryRun: f.DryRun, Load: audit.LoadOptions{Jobs: f.Jobs}}
	switch f.Prefer {
	case "":
	case "first":
		opts.Prefer = repair.First
	case "second":
		opts.Prefer = repair.Second
	default:
		return opts, console.Usagef("--prefer %q: want first or second", f.Prefer)
	}
	if f.WheelDir == "" {
		return opts, console.Usagef("--wheel-dir is empty, want a directory")
	}
	return opts, CheckJobs(f.Jobs)
}

func merge(ctx context.Context, wheels []string, dir string, opts repair.MergeOptions) (*repair.Merged, error) {
	for _, path := range wheels {
		if err := CheckWheel(path); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	merged, err := repair.Merge(ctx, wheels[0], wheels[1], dir, opts)
	return merged, Advised(err)
}

// Merge joins two wheels and tells what became of their files.
func Merge(ctx context.Context, c *console.Console, wheels []string, f *MergeFlags) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	c.Sweep(f.WheelDir)
	bar := c.NewProgress()
	opts.Progress = bar.Phase(console.Compressing)
	bar.Begin(filepath.Base(wheels[0]))
	merged, err := merge(ctx, wheels, f.WheelDir, opts)
	bar.End()
	if err != nil {
		if f.JSON {
			err = errors.Join(err, c.PrintJSON(report.NewFailure(wheels[0], err)))
		}
		return err
	}
	log := c.Log.WithField("wheel", merged.Output)
	for _, warning := range append(merged.Warnings, merged.Findings...) {
		log.Warn(warning)
	}
	if f.JSON {
		return c.PrintJSON(report.NewMerge(wheels, merged))
	}
	if c.Quiet {
		return nil
	}
	return report.WriteMerged(c.Stdout, merged, c.Style(), c.Verbose > 0 || f.DryRun)
}
