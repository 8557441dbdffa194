package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/report"
	"github.com/wheelmend/wheelmend/wheel"
)

// auditFlags are the flags of the audit command.
type auditFlags struct {
	search    searchFlags
	json      bool
	plat      string
	ignoreISA bool
	allowPure bool
	jobs      int
}

func (a *app) auditCommand() *cobra.Command {
	var f auditFlags
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
			if f.plat == "auto" {
				return usagef("--plat auto: want a platform tag, such as manylinux_2_28_x86_64")
			}
			if _, err := parsePlat(f.plat); err != nil && !isMacTag(f.plat) {
				return err
			}
			if err := errors.Join(checkJobs(f.jobs), f.search.check()); err != nil {
				return err
			}
			return a.eachWheel(cmd.Context(), args, func(path string) error { return a.audit(cmd, path, &f) })
		},
	}
	flags := cmd.Flags()
	f.search.register(flags)
	f.search.registerMacOS(flags)
	f.search.registerDylibsOnly(flags)
	flags.BoolVar(&f.json, "json", false, "print one JSON object for each wheel")
	flags.StringVar(&f.plat, "plat", "", "exit with 1 unless the wheel meets this platform `tag` as it stands")
	flags.BoolVar(&f.ignoreISA, "disable-isa-ext-check", false, "accept binaries that need more than the baseline processor (x86-64-v2...)")
	flags.BoolVar(&f.allowPure, "allow-pure-python-wheel", false, "let a wheel without binaries pass --plat")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "`number` of members read at once (default: one for each processor)")
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
func (a *app) audit(cmd *cobra.Command, path string, f *auditFlags) error {
	err := a.auditWheel(cmd.Context(), path, f)
	told := errors.As(err, new(errUnmet)) || errors.As(err, new(errRefused)) || errors.As(err, new(errUnserved))
	if err != nil && f.json && !told {
		return errors.Join(err, a.printJSON(report.NewFailure(filepath.Base(path), err)))
	}
	return err
}

func (a *app) auditWheel(ctx context.Context, path string, f *auditFlags) error {
	return a.withReport(ctx, path, f, func(rep *audit.Report) (err error) {
		if f.json {
			err = a.printJSON(report.NewAudit(rep))
		} else {
			err = report.WriteAudit(a.stdout, rep, a.style(), a.verbose > 0)
		}
		refused := rep.Refused()
		switch {
		case err != nil:
			return err
		case rep.Unserved != nil:
			return errUnserved{rep.Unserved}
		case len(refused) > 0:
			return errRefused(refused)
		case f.plat == "":
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

// withReport audits a wheel and hands the report to use.
func (a *app) withReport(ctx context.Context, path string, f *auditFlags, use func(*audit.Report) error) (err error) {
	w, err := wheel.Open(path)
	if err != nil {
		return err
	}
	defer w.Close()
	contents, err := audit.Load(ctx, filepath.Base(path), w.Reader, audit.LoadOptions{Jobs: f.jobs})
	if err != nil {
		return err
	}
	defer contents.Close()
	rep, err := audit.Assess(ctx, contents, audit.Options{
		Options: f.search.options(a.getenv), IgnoreISA: f.ignoreISA, Jobs: f.jobs,
		MacOS: audit.MacOptions{DyldOptions: f.search.dyldOptions(a.getenv)},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rep.Close()) }()
	return use(rep)
}

// meets holds the wheel to --plat.
func meets(rep *audit.Report, f *auditFlags) error {
	if rep.Format == audit.Pure && f.allowPure {
		return nil
	}
	tag := f.plat
	if q, err := policy.LookupFor(tag, rep.Arch); err == nil {
		tag = q.Tag() // it may have been given without its architecture
	}
	unmet := errUnmet{f.plat, rep.Tag()}
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

// parsePlat rejects a platform tag that no policy has, with or without its
// architecture. "" and "auto" are no tag.
func parsePlat(tag string) (string, error) {
	if tag == "" || tag == "auto" {
		return tag, nil
	}
	if _, err := policy.LookupFor(tag, policy.X86_64); err == nil {
		return tag, nil
	}
	for _, p := range policy.All() {
		if p.Name == tag {
			return tag, nil
		}
	}
	_, err := policy.Lookup(tag)
	return "", usagef("--plat %s: %w", tag, err)
}
