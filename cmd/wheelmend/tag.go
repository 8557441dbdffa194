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

func (a *app) tagCommand() *cobra.Command {
	var f command.TagFlags
	cmd := &cobra.Command{
		Use:     "tag WHEEL...",
		Aliases: []string{"addplat"},
		Short:   "Add or replace platform tags, as far as they are true",
		Long: `tag gives a wheel more platform tags, or others, and changes nothing else. Each tag
has to be true of the wheel as it stands: what keeps it from one is told, and
nothing is written. Without --plat it gets the tag of the oldest system that it
serves. Tags of the file name that are not true are removed.`,
		Example: `  wheelmend tag demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend tag --plat manylinux_2_28_x86_64 -w wheelhouse dist/*.whl
  wheelmend tag --replace --plat macosx_12_0_arm64 demo-1.0-cp312-cp312-macosx_11_0_arm64.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := f.Options(a.Console)
			if err != nil {
				return err
			}
			return a.tagAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.Plat, "plat", nil, "platform `tag` to add, such as manylinux_2_28_x86_64 (repeatable; default: the best that the wheel meets)")
	flags.BoolVar(&f.Replace, "replace", false, "remove the other platform tags")
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the tagged wheels")
	flags.StringArrayVar(&f.Exclude, "exclude", nil, "accept that libraries whose soname or install name matches this `pattern` are left to the user's system (repeatable)")
	flags.BoolVar(&f.IgnoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of members read at once (default: one for each processor)")
	flags.BoolVar(&f.JSON, "json", false, "print one JSON object for each wheel, as repair does")
	return cmd
}

func tagOne(ctx context.Context, t *repair.Tagger, path, dir string) (*repair.Result, error) {
	if err := command.CheckWheel(path); err != nil {
		return nil, err
	}
	return t.Tag(ctx, path, dir)
}

func (a *app) tagAll(ctx context.Context, wheels []string, f *command.TagFlags, opts repair.TagOptions) (err error) {
	bar := a.NewProgress()
	opts.Progress, opts.Load.Progress = bar.Phase(console.Compressing), bar.Phase(console.Reading)
	a.Sweep(f.WheelDir)
	tagger := repair.NewTagger(opts)
	defer func() { err = errors.Join(err, tagger.Close()) }()
	return a.EachWheel(ctx, wheels, func(path string) error {
		bar.Begin(filepath.Base(path))
		result, err := tagOne(ctx, tagger, path, f.WheelDir)
		bar.End()
		if err != nil {
			if f.JSON {
				err = errors.Join(err, a.PrintJSON(report.NewFailure(filepath.Base(path), err)))
			}
			return err
		}
		return a.printRepair(result, path, f.JSON, false)
	})
}
