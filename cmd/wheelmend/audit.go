package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/policy"
)

func (a *app) auditCommand() *cobra.Command {
	var f command.AuditFlags
	var format formatFlag
	cmd := &cobra.Command{
		Use:     "audit WHEEL...",
		Aliases: []string{"show"},
		Short:   "Show what a wheel needs and which tag it meets",
		Long: `audit shows which platform tag a wheel meets now, and which one it would have after
a repair; which libraries it needs from outside; and what stops every older system:
the file, the library, the version and the symbols. For a macOS wheel it shows which
file needs which macOS, and which file lacks an architecture.`,
		Example: `  wheelmend audit demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend audit --json dist/*.whl
  wheelmend audit --plat manylinux_2_28_x86_64 wheelhouse/*.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if f.Plat == "auto" {
				return console.Usagef("--plat auto: want a platform tag, such as manylinux_2_28_x86_64")
			}
			if _, err := command.ParsePlat(f.Plat); err != nil && !isMacTag(f.Plat) {
				return err
			}
			if err := errors.Join(format.check(), command.CheckJobs(f.Jobs), f.Search.Check()); err != nil {
				return err
			}
			var unmatched command.Unmatched
			unmatched.Add("--exclude", f.Search.Exclude)
			defer unmatched.End(a.Console)
			out := a.newSink(format.format)
			defer out.close(&err)
			return console.EachAhead(cmd.Context(), a.Console, args, f.Jobs,
				func(ctx context.Context, path string, turn console.Turn) *command.OpenedReport {
					if err := command.CheckWheel(path); err != nil {
						return command.Unopened(err)
					}
					return command.OpenReport(ctx, a.Console, path, &f, turn)
				},
				func(path string, opened *command.OpenedReport) error {
					return a.audit(path, opened, &f, out, &unmatched)
				})
		},
	}
	flags := cmd.Flags()
	f.Search.Register(flags)
	f.Search.RegisterMacOS(flags)
	f.Search.RegisterDylibsOnly(flags)
	f.Search.RegisterWindows(flags)
	format.register("audit", flags)
	flags.StringVar(&f.Plat, "plat", "", "exit with 1 unless the wheel meets this platform `tag` now, without a repair")
	flags.BoolVar(&f.Lower, "lower", false, "show which older tags repair --lower could reach, and what stops the next one (experimental)")
	flags.BoolVar(&f.IgnoreISA, "disable-isa-ext-check", false, "accept files that need a newer processor than the tag promises (x86-64-v2 and later)")
	flags.BoolVar(&f.AllowPure, "allow-pure-python-wheel", false, "accept a wheel without binaries, whatever --plat says")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of files read at once (default: one for each processor)")
	return cmd
}

// errUnmet ends the audit of a wheel that does not meet --plat. The report has
// been printed.
type errUnmet struct{ tag, best string }

func (e errUnmet) Error() string {
	return fmt.Sprintf("does not meet %s; as it stands it meets %s", e.tag, e.best)
}

// errUnserved ends the audit of a wheel that is named and not looked into. The
// report has been printed.
type errUnserved struct{ *audit.Unserved }

// audit audits one wheel. With --json, one that cannot be audited has its
// document too.
func (a *app) audit(path string, opened *command.OpenedReport, f *command.AuditFlags, out *sink, unmatched *command.Unmatched) error {
	err := a.auditWheel(path, opened, f, out, unmatched)
	told := errors.As(err, new(errUnmet)) || errors.As(err, new(errRefused)) || errors.As(err, new(errUnserved))
	if err != nil && !told {
		return errors.Join(err, out.failed(path, err))
	}
	return err
}

func (a *app) auditWheel(path string, opened *command.OpenedReport, f *command.AuditFlags, out *sink, unmatched *command.Unmatched) error {
	return opened.Use(func(rep *audit.Report) (err error) {
		if rep.Graph != nil {
			unmatched.See(a.Console, path, rep.Graph)
		}
		if err := rep.Lowers(); f.Lower && err != nil {
			a.Log.WithField("wheel", filepath.Base(path)).Warnf("--lower does nothing here: %v", err)
		}
		err = out.audited(path, rep)
		refused := rep.Refused()
		switch {
		case err != nil:
			return err
		case rep.Unserved != nil:
			return errUnserved{rep.Unserved}
		case len(refused) > 0:
			return errRefused(refused)
		case f.Plat == "":
			return nil
		}
		return meets(rep, f)
	})
}

// An errRefused ends the audit of a wheel with files that no loader takes. The
// report has been printed.
type errRefused []audit.Blocker

func (e errRefused) Error() string {
	text := fmt.Sprintf("%s: %s", e[0].File, e[0].Reason)
	if len(e) > 1 {
		text += fmt.Sprintf("; and %d more", len(e)-1)
	}
	return text + "; no platform tag is true of the wheel"
}

// meets holds the wheel to --plat.
func meets(rep *audit.Report, f *command.AuditFlags) error {
	if rep.Format == audit.Pure && f.AllowPure {
		return nil
	}
	tag := f.Plat
	if q, err := policy.LookupFor(tag, rep.Arch); err == nil {
		tag = q.Tag() // it may have been given without its architecture
	}
	unmet := errUnmet{f.Plat, rep.Tag()}
	if best := rep.Best(); best == nil && rep.OS == audit.OSMacOS && !rep.SelfContained() {
		unmet.best = "no tag, since it needs libraries from outside the wheel"
	}
	p, err := policy.ParsePlatform(tag)
	if err != nil || rep.Format == audit.Pure {
		return unmet
	}
	if v := rep.Judge(p); !v.Meets() {
		return unmet
	}
	return nil
}

// isMacTag reports whether a text is a platform tag of macOS.
func isMacTag(tag string) bool {
	p, err := policy.ParsePlatform(tag)
	return err == nil && p.Family == policy.MacOS
}
