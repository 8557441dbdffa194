package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/report"
	"github.com/wheelmend/wheelmend/wheel"
)

// verifyFlags are the flags of the verify command.
type verifyFlags struct {
	search    command.SearchFlags
	json      bool
	ignoreISA bool
	keepPaths []string
	jobs      int
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify WHEEL...",
		Short: "Prove that a wheel is what it claims to be, and loads",
		Long: `verify holds a wheel to everything that it claims: RECORD to the members, WHEEL
and METADATA to the file name, each tag to the contents. A simulated loader looks
for each needed library and symbol in the wheel; what is not there must be
promised by the tags. It prints one line for a wheel and, in full, what fails; with -v
each claim and what it rests on, also those that nobody can check from the wheel
alone. In a macOS wheel it looks at each slice, and at each page of signed code.

The libraries of this machine do not count. With --sysroot, --search-path or
--ldpaths, symbols that are left to the system are looked up in that system.`,
		Example: `  wheelmend verify wheelhouse/*.whl
  wheelmend verify --json demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl
  wheelmend verify --sysroot / demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(command.CheckJobs(f.jobs), f.search.Check()); err != nil {
				return err
			}
			opts := f.options(a.Getenv, cmd.Flags())
			return a.verifyAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	f.search.Register(flags)
	flags.BoolVar(&f.json, "json", false, "print one JSON object for each wheel")
	flags.BoolVar(&f.ignoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.StringArrayVar(&f.keepPaths, "keep-rpath", nil, "accept search path entries that match this `pattern`, wherever they lead (repeatable)")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of members read at once (default: one for each processor)")
	return cmd
}

// options reads a system only where one was named.
func (f *verifyFlags) options(getenv func(string) string, flags *pflag.FlagSet) audit.VerifyOptions {
	return audit.VerifyOptions{
		Options: audit.Options{
			Options: f.search.Options(getenv), KeepRPath: f.keepPaths, IgnoreISA: f.ignoreISA,
		},
		System: slices.ContainsFunc([]string{"sysroot", "search-path", "ldpaths"}, flags.Changed),
		Load:   audit.LoadOptions{Jobs: f.jobs},
	}
}

// errUntrue ends the verification of a wheel with claims that fail. They have
// been printed.
type errUntrue struct{ topics []string }

func (e errUntrue) Error() string {
	return fmt.Sprintf("does not hold what it claims about %s", strings.Join(e.topics, ", "))
}

// verifyAll verifies each wheel, and counts them at the end.
func (a *app) verifyAll(ctx context.Context, wheels []string, f *verifyFlags, opts audit.VerifyOptions) error {
	all, failed := 0, 0
	bar := a.NewProgress()
	opts.Load.Progress = bar.Phase(console.Reading)
	err := a.EachWheel(ctx, wheels, func(path string) error {
		all++
		bar.Begin(filepath.Base(path))
		err := a.verify(ctx, path, f, opts, bar)
		if err != nil {
			failed++
		}
		return err
	})
	if all > 1 && !f.json && !a.Quiet && ctx.Err() == nil {
		err = errors.Join(err, report.WriteVerifySum(a.Stdout, all-failed, failed, a.Style()))
	}
	return err
}

// verify verifies one wheel. With --json, one that cannot be read has its
// document too.
func (a *app) verify(ctx context.Context, path string, f *verifyFlags, opts audit.VerifyOptions, bar *console.Progress) error {
	err := a.verifyWheel(ctx, path, f, opts, bar)
	if err != nil && f.json && !errors.As(err, new(errUntrue)) && !errors.As(err, new(errUnserved)) {
		return errors.Join(err, a.PrintJSON(report.NewFailure(filepath.Base(path), err)))
	}
	return err
}

func (a *app) verifyWheel(ctx context.Context, path string, f *verifyFlags, opts audit.VerifyOptions, bar *console.Progress) (err error) {
	if err := command.CheckWheel(path); err != nil {
		return err
	}
	w, err := wheel.Open(path)
	if err != nil {
		return err
	}
	defer w.Close()
	proof, err := audit.Verify(ctx, filepath.Base(path), w.Reader, opts)
	bar.End()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proof.Close()) }()
	switch {
	case f.json:
		err = a.PrintJSON(report.NewVerify(proof))
	case !a.Quiet:
		err = report.WriteVerify(a.Stdout, proof, a.Style(), a.Verbose > 0)
	}
	if err != nil {
		return err
	}
	var topics []string
	for _, c := range proof.Failed() {
		if topic := string(c.Topic); !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	switch {
	case len(topics) > 0:
		return errUntrue{topics}
	case proof.Report != nil && proof.Report.Unserved != nil:
		return errUnserved{proof.Report.Unserved}
	}
	return nil
}
