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
	"github.com/wheelmend/wheelmend/report"
)

func (a *app) auditCommand() *cobra.Command {
	var f command.AuditFlags
	cmd := &cobra.Command{
		Use:     "audit WHEEL...",
		Aliases: []string{"show"},
		Short:   "Tell what a wheel needs, what it meets, and what stops it",
		Long: `audit tells which platform tag a wheel meets as it stands and which one a repair
would give, which libraries it needs from outside, and what stops every stricter
policy: the file, the library, the version and the symbols. Of a macOS wheel it
tells which file asks for which macOS, and which lacks which architecture.`,
		Example: `  wheelmend audit demo-1.0-cp312-cp312-linux_x86_64.whl
  wheelmend audit --json dist/*.whl
  wheelmend audit --plat manylinux_2_28_x86_64 dist/demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl`,
		Args: wheelArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.Plat == "auto" {
				return console.Usagef("--plat auto: want a platform tag, such as manylinux_2_28_x86_64")
			}
			if _, err := command.ParsePlat(f.Plat); err != nil && !isMacTag(f.Plat) {
				return err
			}
			if err := errors.Join(command.CheckJobs(f.Jobs), f.Search.Check()); err != nil {
				return err
			}
			f.Progress = a.NewProgress()
			return a.EachWheel(cmd.Context(), args, func(path string) error { return a.audit(cmd, path, &f) })
		},
	}
	flags := cmd.Flags()
	f.Search.Register(flags)
	f.Search.RegisterMacOS(flags)
	f.Search.RegisterDylibsOnly(flags)
	flags.BoolVar(&f.JSON, "json", false, "print one JSON object for each wheel")
	flags.StringVar(&f.Plat, "plat", "", "exit with 1 unless the wheel meets this platform `tag` as it stands")
	flags.BoolVar(&f.IgnoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.BoolVar(&f.AllowPure, "allow-pure-python-wheel", false, "let a wheel without binaries pass --plat")
	flags.IntVarP(&f.Jobs, "jobs", "j", 0, "`number` of members read at once (default: one for each processor)")
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
func (a *app) audit(cmd *cobra.Command, path string, f *command.AuditFlags) error {
	err := a.auditWheel(cmd.Context(), path, f)
	told := errors.As(err, new(errUnmet)) || errors.As(err, new(errRefused)) || errors.As(err, new(errUnserved))
	if err != nil && f.JSON && !told {
		return errors.Join(err, a.PrintJSON(report.NewFailure(filepath.Base(path), err)))
	}
	return err
}

func (a *app) auditWheel(ctx context.Context, path string, f *command.AuditFlags) error {
	if err := command.CheckWheel(path); err != nil {
		return err
	}
	return command.WithReport(ctx, a.Console, path, f, func(rep *audit.Report) (err error) {
		if f.JSON {
			err = a.PrintJSON(report.NewAudit(rep))
		} else if !a.Quiet {
			err = errors.Join(a.Gap(), report.WriteAudit(a.Stdout, rep, a.Style(), a.Verbose > 0))
		}
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
