package main

import (
	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

func (a *app) mergeCommand() *cobra.Command {
	var f command.MergeFlags
	cmd := &cobra.Command{
		Use:     "merge WHEEL WHEEL",
		Aliases: []string{"fuse"},
		Short:   "Merge two macOS wheels into a universal2 wheel",
		Long: `merge makes one universal2 wheel of two macOS wheels, one for each architecture,
before or after a repair. Libraries and modules become universal files, equal files
are kept once, and files that only one wheel has are kept. The tag is that of the
oldest macOS that the result runs on.

Other files that differ are listed and nothing is written, unless --prefer says
which wheel they come from. The two wheels stay as they are.`,
		Example: `  wheelmend merge dist/*-macosx_10_13_x86_64.whl dist/*-macosx_11_0_arm64.whl
  wheelmend merge --prefer first -w wheelhouse dist/*-macosx_*.whl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return console.Usagef("%s given, want two: one for each architecture", phrase.Count(len(args), "wheel"))
			}
			return command.CheckNames("wheel", args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return command.Merge(cmd.Context(), a.Console, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.WheelDir, "wheel-dir", "w", "wheelhouse", "`directory` for the merged wheel")
	flags.StringVar(&f.Prefer, "prefer", "", "`wheel` to take files from that differ and cannot be merged: first or second")
	flags.BoolVar(&f.DryRun, "dry-run", false, "show what would be done, and write nothing")
	flags.BoolVar(&f.JSON, "json", false, "print one JSON object")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of files handled at once (default: one for each processor)")
	return cmd
}
