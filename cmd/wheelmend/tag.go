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
		Short:   "Change the platform tags of a wheel",
		Long: `tag gives a wheel more platform tags, or other ones, and changes nothing else. The
wheel has to meet each tag; if it does not, the reason is shown and nothing is
written. Without --plat it gets the tag of the oldest system that it runs on. Tags
that it does not meet are removed.`,
		Example: `  wheelmend tag demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend tag --plat manylinux_2_28_x86_64 -w wheelhouse dist/*.whl
  wheelmend tag --replace --plat macosx_12_0_arm64 dist/*-macosx_11_0_arm64.whl`,
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
	flags.StringArrayVar(&f.Plat, "plat", nil, "platform `tag` to add, such as manylinux_2_28_x86_64 (repeatable; default: that of the oldest system that the wheel runs on)")
	flags.BoolVar(&f.Replace, "replace", false, "remove the other platform tags")
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the tagged wheels")
	flags.StringArrayVar(&f.Exclude, "exclude", nil, "accept that users have libraries whose soname or install name matches this `pattern` (repeatable)")
	flags.BoolVar(&f.IgnoreISA, "disable-isa-ext-check", false, "accept files that need a newer processor than the tag promises (x86-64-v2 and later)")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of files read at once (default: one for each processor)")
	flags.BoolVar(&f.JSON, "json", false, "print one JSON object for each wheel, as repair does")
	return cmd
}

func tagOne(ctx context.Context, t *repair.Tagger, path, dir string) (*repair.Result, error) {
	if err := command.CheckWheel(path); err != nil {
		return nil, err
	}
	result, err := t.Tag(ctx, path, dir)
	var option *repair.OptionError
	directory := errors.As(err, &option) && option.Option == repair.OptionDirectory // tag has no flag for the others
	if directory || errors.As(err, new(*repair.TagError)) {
		err = command.Advised(err)
	}
	return result, err
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
				err = errors.Join(err, a.PrintJSON(report.NewFailure(path, err)))
			}
			return err
		}
		return a.printRepair(result, path, f.JSON, false)
	})
}
