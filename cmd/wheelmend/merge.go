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
	flags.StringVar(&f.Prefer, "prefer", "", "take files that differ and cannot be joined from this `wheel`: first or second")
	flags.BoolVar(&f.DryRun, "dry-run", false, "tell what becomes of the files, and write nothing")
	flags.BoolVar(&f.JSON, "json", false, "print one JSON object")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of members handled at once (default: one for each processor)")
	return cmd
}
