package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/report"
)

// treeFlags are the flags of the tree command.
type treeFlags struct {
	search command.SearchFlags
	format formatFlag
	jobs   int
}

func (a *app) treeCommand() *cobra.Command {
	var f treeFlags
	cmd := &cobra.Command{
		Use:     "tree WHEEL|BINARY|DIR...",
		Aliases: []string{"lddtree", "listdeps"},
		Short:   "Show the dependency tree of a wheel, program or directory",
		Long: `tree shows which libraries the files of a wheel, of a directory, or a single program
or library need, where the loader finds them and by which rule. Files outside a wheel
are looked at in their place, as the loader of this machine (or of --sysroot) would
load them; Mach-O files as dyld would, for each architecture. No code is run.

A library that is not found is shown with every place that was searched, and the
exit code is 1.`,
		Example: `  wheelmend tree demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend tree --json build/lib.linux-x86_64-cpython-312
  wheelmend tree --sysroot /opt/aarch64 /opt/aarch64/usr/bin/python3
  wheelmend tree --sysroot /opt/macos dist/*-macosx_11_0_arm64.whl
  wheelmend tree --format dot dist/*.whl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return console.Usagef("no wheel, file or directory given; write wheelmend tree FILE")
			}
			return command.CheckNames("file", args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.trees(cmd.Context(), args, &f)
		},
	}
	flags := cmd.Flags()
	f.search.Register(flags)
	f.search.RegisterMacOS(flags)
	f.format.register("tree", flags)
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of files read at once (default: one for each processor)")
	return cmd
}

func (f *treeFlags) check() error {
	return errors.Join(f.format.check(), command.CheckJobs(f.jobs), f.search.Check())
}

// trees reads each argument. A graph is written at the end, of those that
// could be read.
func (a *app) trees(ctx context.Context, args []string, f *treeFlags) error {
	opts := audit.TreeOptions{Options: f.search.Options(a.Getenv), Load: audit.LoadOptions{Jobs: f.jobs}}
	opts.HWCaps = command.HWCaps()
	var trees []*audit.Tree
	complete := true
	var unmatched command.Unmatched
	unmatched.Add("--exclude", f.search.Exclude)
	defer unmatched.End(a.Console)
	err := a.EachArgument(ctx, args, func(name string) string { return name }, func(name string) error {
		s, err := audit.ReadTree(ctx, name, opts)
		if err != nil {
			if f.format.format == "json" {
				return errors.Join(err, a.PrintJSON(report.NewTreeFailure(name, err)))
			}
			return err
		}
		complete = complete && s.Complete()
		unmatched.See(a.Console, name, command.TreeLibraries{Tree: s})
		switch f.format.format {
		case "json":
			return a.PrintJSON(report.NewTree(s))
		case "dot":
			trees = append(trees, s)
			return nil
		}
		if a.Quiet {
			return nil
		}
		return errors.Join(a.Gap(), report.WriteTree(a.Stdout, s, a.Style()))
	})
	if f.format.format == "dot" && len(trees) > 0 {
		err = errors.Join(err, report.WriteTreeDOT(a.Stdout, trees))
	}
	if err == nil && !complete {
		return console.ErrFailed // the report names what is missing
	}
	return err
}
