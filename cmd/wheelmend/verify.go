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
	format    formatFlag
	ignoreISA bool
	keepPaths []string
	jobs      int

	unmatched command.Unmatched
	out       *sink
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify WHEEL...",
		Short: "Check a wheel against its tags, RECORD and metadata",
		Long: `verify checks everything that a wheel claims: RECORD against the files, WHEEL and
METADATA against the file name, each tag against the contents. A simulated loader
looks for each library and symbol in the wheel; what is not there must be promised
by the tag. It prints one line for a wheel and, in full, what fails; with -v each check
and what it rests on, also what nobody can check from the wheel alone. In a macOS wheel
it checks each architecture, and each page of signed code.

The libraries of this machine do not count. With --sysroot, --search-path or
--ldpaths, symbols that are left to the system are looked up in that system.`,
		Example: `  wheelmend verify wheelhouse/*.whl
  wheelmend verify --json wheelhouse/*.whl
  wheelmend verify --sysroot / demo-1.0-cp312-cp312-linux_x86_64.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := errors.Join(f.format.check(), command.CheckJobs(f.jobs), f.search.Check()); err != nil {
				return err
			}
			opts := f.options(a.Getenv, cmd.Flags())
			f.unmatched.Add("--exclude", f.search.Exclude)
			defer f.unmatched.End(a.Console)
			f.out = a.newSink(f.format.format)
			defer f.out.close(&err)
			return a.verifyAll(cmd.Context(), args, &f, opts)
		},
	}
	flags := cmd.Flags()
	f.search.Register(flags)
	f.format.register("verify", flags)
	flags.BoolVar(&f.ignoreISA, "disable-isa-ext-check", false, "accept files that need a newer processor than the tag promises (x86-64-v2 and later)")
	flags.StringArrayVar(&f.keepPaths, "keep-rpath", nil, "accept search paths that match this `pattern`, wherever they lead (repeatable)")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of files read at once (default: one for each processor)")
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
	begin := func(ctx context.Context, path string, turn console.Turn) *verified {
		opts := opts
		opts.Load.Jobs, opts.Load.Progress = turn.Jobs, turn.Progress
		return newVerified(ctx, path, opts)
	}
	err := console.EachAhead(ctx, a.Console, wheels, f.jobs, begin, func(path string, v *verified) error {
		all++
		err := a.verify(path, v, f)
		if err != nil {
			failed++
		}
		return err
	})
	if all > 1 && f.format.format == "text" && !a.Quiet && ctx.Err() == nil {
		err = errors.Join(err, report.WriteVerifySum(a.Stdout, all-failed, failed, a.Style()))
	}
	return err
}

// A verified is the proof of a wheel that is open, or why there is none.
type verified struct {
	wheel *wheel.File
	proof *audit.Proof
	err   error
}

// newVerified verifies a wheel. It tells nothing: several may be verified at once.
func newVerified(ctx context.Context, path string, opts audit.VerifyOptions) *verified {
	v := &verified{err: command.CheckWheel(path)}
	if v.err == nil {
		v.wheel, v.err = wheel.Open(path)
	}
	if v.err == nil {
		v.proof, v.err = audit.Verify(ctx, filepath.Base(path), v.wheel.Reader, opts)
	}
	return v
}

// Close releases the wheel.
func (v *verified) Close() error {
	var err error
	if v.proof != nil {
		err = v.proof.Close()
	}
	if v.wheel != nil {
		v.wheel.Close() // read only: nothing to lose
	}
	return err
}

// verify tells what became of one wheel. With --json, one that cannot be read has its
// document too.
func (a *app) verify(path string, v *verified, f *verifyFlags) error {
	err := a.tellVerified(path, v, f)
	if err != nil && !errors.As(err, new(errUntrue)) && !errors.As(err, new(errUnserved)) {
		return errors.Join(err, f.out.failed(path, err))
	}
	return err
}

func (a *app) tellVerified(path string, v *verified, f *verifyFlags) (err error) {
	defer func() { err = errors.Join(err, v.Close()) }()
	if v.err != nil {
		return v.err
	}
	proof := v.proof
	if proof.Report != nil && proof.Report.Graph != nil {
		f.unmatched.See(a.Console, path, proof.Report.Graph)
	}
	switch {
	case f.format.format != "text":
		err = f.out.verified(path, proof)
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
