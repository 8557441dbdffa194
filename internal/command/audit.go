package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// AuditFlags are the flags of the audit command.
type AuditFlags struct {
	Search    SearchFlags
	JSON      bool
	Progress  *console.Progress // nil for none
	Plat      string
	IgnoreISA bool
	AllowPure bool
	Lower     bool
	Jobs      int
}

// WithReport audits a wheel and hands the report to use.
func WithReport(ctx context.Context, c *console.Console, path string, f *AuditFlags, use func(*audit.Report) error) (err error) {
	load := audit.LoadOptions{Jobs: f.Jobs}
	if f.Progress != nil {
		f.Progress.Begin(filepath.Base(path))
		load.Progress = f.Progress.Phase(console.Reading)
	}
	contents, err := audit.Open(ctx, path, load)
	if f.Progress != nil {
		f.Progress.End()
	}
	if err != nil {
		return err
	}
	defer contents.Close()
	rep, err := audit.Assess(ctx, contents, audit.Options{
		Options: f.Search.Options(c.Getenv), IgnoreISA: f.IgnoreISA, Lower: f.Lower,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rep.Close()) }()
	return use(rep)
}

// ParsePlat rejects a platform tag that no policy has, with or without its
// architecture. "" and "auto" are no tag.
func ParsePlat(tag string) (string, error) {
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
	return "", UnknownTag("--plat", tag)
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
