package command

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// AuditFlags are the flags of the audit command.
type AuditFlags struct {
	Search    SearchFlags
	JSON      bool
	Plat      string
	IgnoreISA bool
	AllowPure bool
	Lower     bool
	Jobs      int
}

// WithReport audits a wheel and hands the report to use.
func WithReport(ctx context.Context, c *console.Console, path string, f *AuditFlags, use func(*audit.Report) error) error {
	return OpenReport(ctx, c, path, f, console.Turn{Jobs: f.Jobs}).Use(use)
}

// An OpenedReport is the audit of a wheel, or why there is none.
type OpenedReport struct {
	report   *audit.Report
	contents *audit.Contents
	err      error
}

// Unopened is a wheel that there is no report of.
func Unopened(err error) *OpenedReport { return &OpenedReport{err: err} }

// OpenReport audits a wheel. It tells nothing: several wheels may be audited at once.
func OpenReport(ctx context.Context, c *console.Console, path string, f *AuditFlags, turn console.Turn) *OpenedReport {
	o := &OpenedReport{}
	if o.contents, o.err = audit.Open(ctx, path, audit.LoadOptions{Jobs: turn.Jobs, Progress: turn.Progress}); o.err != nil {
		return o
	}
	o.report, o.err = audit.Assess(ctx, o.contents, audit.Options{
		Options: f.Search.Options(c.Getenv), IgnoreISA: f.IgnoreISA, Lower: f.Lower,
	})
	return o
}

// Use hands the report to a function, and closes it.
func (o *OpenedReport) Use(use func(*audit.Report) error) error {
	if o.err != nil {
		return errors.Join(o.err, o.Close())
	}
	return errors.Join(use(o.report), o.Close())
}

// Close releases the wheel and what was read of it.
func (o *OpenedReport) Close() error {
	var err error
	if o.report != nil {
		err = o.report.Close()
	}
	if o.contents != nil {
		err = errors.Join(err, o.contents.Close())
	}
	return err
}

// ParsePlat rejects a platform tag that no policy has, with or without its
// architecture. "" and "auto" are no tag.
func ParsePlat(tag string) (string, error) {
	if tag == "" || tag == "auto" {
		return tag, nil
	}
	return tag, checkPlat("--plat", tag)
}

// checkPlat is ParsePlat for a tag of any origin, which the error names.
func checkPlat(origin, tag string) error {
	if _, err := policy.LookupFor(tag, policy.X86_64); err == nil {
		return nil
	}
	for _, p := range policy.All() {
		if p.Name == tag {
			return nil
		}
	}
	return UnknownTag(origin, tag)
}

// DefaultPlats checks the tags of a project's settings, which the file at origin has. Of
// two for one C library and architecture, one would do nothing.
func DefaultPlats(origin string, tags []string) ([]string, error) {
	seen := map[string]string{}
	for _, tag := range tags {
		if tag == "auto" && len(tags) == 1 {
			return nil, nil
		}
		if err := checkPlat(origin+": plat", tag); err != nil {
			return nil, err
		}
		kind := tagKind(tag)
		if other := seen[kind]; other != "" {
			return nil, console.Usagef("%s: plat: %s and %s are for the same wheels; keep one of them", origin, other, tag)
		}
		seen[kind] = tag
	}
	return tags, nil
}

// tagKind tells which wheels a tag is for: the family of the tag, with the architecture if
// it names one.
func tagKind(tag string) string {
	if p, err := policy.Lookup(tag); err == nil {
		return string(p.Libc) + " " + string(p.Arch)
	}
	for _, p := range policy.All() {
		if p.Name == tag || slices.Contains(p.Aliases, tag) {
			return string(p.Libc)
		}
	}
	return tag
}

// HWCaps returns the glibc-hwcaps levels of this machine's processor, none where
// Linux does not tell it.
func HWCaps() []string {
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	return linkage.HWCaps(string(cpuinfo))
}
