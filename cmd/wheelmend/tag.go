package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// tagFlags are the flags of the tag command.
type tagFlags struct {
	json      bool
	wheelDir  string
	plat      []string
	replace   bool
	exclude   []string
	ignoreISA bool
	jobs      int
}

func (a *app) tagCommand() *cobra.Command {
	var f tagFlags
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
			opts, err := a.tagOptions(&f)
			if err != nil {
				return err
			}
			return a.tagAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.plat, "plat", nil, "platform `tag` to add, such as manylinux_2_28_x86_64 (repeatable; default: the best that the wheel meets)")
	flags.BoolVar(&f.replace, "replace", false, "remove the other platform tags")
	flags.StringVarP(&f.wheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the tagged wheels")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "accept that libraries whose soname matches this `pattern` are left to the user's system; on macOS, those with this text in their install name (repeatable)")
	flags.BoolVar(&f.ignoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of members read at once (default: one for each processor)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object for each wheel, as repair does")
	return cmd
}

// tagOptions checks the flags and turns them into options.
func (a *app) tagOptions(f *tagFlags) (repair.TagOptions, error) {
	opts := repair.TagOptions{
		Platforms: f.plat, Replace: f.replace, Exclude: f.exclude, IgnoreISA: f.ignoreISA,
		Load: audit.LoadOptions{Jobs: f.jobs},
	}
	for _, tag := range f.plat {
		if err := checkTag(tag); err != nil {
			return opts, err
		}
	}
	if f.wheelDir == "" {
		return opts, usagef("--wheel-dir is empty, want a directory")
	}
	if err := checkJobs(f.jobs); err != nil {
		return opts, err
	}
	var err error
	opts.Epoch, err = sourceDateEpoch(a.getenv("SOURCE_DATE_EPOCH"))
	return opts, err
}

// checkTag rejects what is no platform tag for binaries of Linux or macOS.
func checkTag(tag string) error {
	if tag == "" || tag == "auto" {
		return usagef("--plat %q: want a platform tag, such as manylinux_2_28_x86_64; without --plat, the best is found", tag)
	}
	if p, err := policy.ParsePlatform(tag); err == nil && (p.Family == policy.MacOS || p.Family == policy.Linux) {
		return nil
	}
	_, err := parsePlat(tag)
	return err
}

func (a *app) tagAll(ctx context.Context, wheels []string, f *tagFlags, opts repair.TagOptions) (err error) {
	bar := a.newProgress()
	opts.Progress = bar.update
	a.sweep(f.wheelDir)
	tagger := repair.NewTagger(opts)
	defer func() { err = errors.Join(err, tagger.Close()) }()
	return a.eachWheel(ctx, wheels, func(path string) error {
		bar.begin(filepath.Base(path))
		result, err := tagger.Tag(ctx, path, f.wheelDir)
		bar.end()
		if err != nil {
			if f.json {
				err = errors.Join(err, a.printJSON(report.NewFailure(filepath.Base(path), err)))
			}
			return err
		}
		return a.printRepair(result, path, f.json, false)
	})
}
