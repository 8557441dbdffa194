package repair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// check reads the finished wheel back: every new member against RECORD, every
// copied one against its source, the tags, and by the simulated loader, without
// the libraries of this machine, that each needed library is in the wheel or
// promised by the policy.
func (a *application) check(ctx context.Context, out io.ReaderAt, size int64) error {
	r, err := wheel.NewReader(out, size)
	if err != nil {
		return err
	}
	same, err := a.sameMembers(r)
	if err != nil {
		return err
	}
	opts := a.plan.options
	contents, err := a.plan.contents.Derive(ctx, a.plan.Output, r, opts.Load, func(m *wheel.Member) bool { return same[m.Name] })
	if err != nil {
		return err
	}
	return errors.Join(a.checkContents(ctx, contents), contents.Close())
}

// sameMembers compares the copied members with their sources.
func (a *application) sameMembers(r *wheel.Reader) (map[string]bool, error) {
	record, err := r.Record()
	if err != nil {
		return nil, err
	}
	same := map[string]bool{}
	for name, source := range a.copied {
		m, ok := r.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("%s: missing from the result", name)
		}
		equal, err := wheel.SameMember(source, m)
		if err != nil {
			return nil, err
		}
		before, _ := a.record.Row(name)
		after, _ := record.Row(name)
		if !equal || before != after {
			return nil, fmt.Errorf("%s: the copy in the result differs", name)
		}
		same[name] = true
	}
	return same, nil
}

func (a *application) checkContents(ctx context.Context, c *audit.Contents) error {
	if err := a.checkTags(c); err != nil {
		return err
	}
	opts := a.plan.options.Audit
	opts.Graft = nil
	opts.SearchPath, opts.LibraryPath, opts.Sysroot = nil, nil, ""
	opts.LDPaths, opts.UseLDPaths = nil, true
	// A library that was excluded by its path has none here.
	opts.Exclude = nil
	for _, soname := range a.plan.excluded {
		opts.Exclude = append(opts.Exclude, linkage.QuotePattern(soname))
	}
	rep, err := audit.Assess(ctx, c, opts)
	if err != nil {
		return err
	}
	return errors.Join(a.checkReport(rep), rep.Close())
}

func (a *application) checkTags(c *audit.Contents) error {
	info, err := c.Reader.Info()
	if err != nil {
		return err
	}
	if got := info.Tags(); !slices.Equal(got, a.plan.Tags) {
		return fmt.Errorf("the tags of the result read back as %q, want %q", got, a.plan.Tags)
	}
	if a.plan.options.KeepTags {
		return nil
	}
	inName := slices.Compact(slices.Sorted(slices.Values(c.Filename.Platform)))
	if inside := platformsOf(a.plan.Tags); !slices.Equal(inName, inside) {
		return fmt.Errorf("the file name stands for the platforms %q, its tags for %q; this is a defect of wheelmend, please report it", inName, inside)
	}
	return nil
}

// platformsOf returns the platforms of Tag lines, sorted.
func platformsOf(lines []string) []string {
	var platforms []string
	for _, line := range lines {
		platforms = append(platforms, line[strings.LastIndexByte(line, '-')+1:])
	}
	slices.Sort(platforms)
	return slices.Compact(platforms)
}

// checkReport holds the result to the policy of the plan and to each tag that
// it bears, and makes sure that grafts are found by search path and not only
// because something loaded them.
func (a *application) checkReport(rep *audit.Report) error {
	promised := []*policy.Policy{a.plan.policy}
	for _, tag := range platformsOf(a.plan.Tags) {
		if p, err := policy.Lookup(tag); err == nil && !a.plan.options.KeepTags && !slices.Contains(promised, p) {
			promised = append(promised, p)
		}
	}
	for _, p := range promised {
		if v := rep.Judge(p); !v.Meets() {
			b := v.Blockers[0]
			return fmt.Errorf("the result does not meet %s: %s: %s; this is a defect of wheelmend, please report it", p.Tag(), b.File, describe(b))
		}
	}
	grafts := map[string]bool{}
	for i := range a.plan.Grafts {
		grafts[path.Base(a.plan.Grafts[i].Member)] = true
	}
	for _, o := range rep.Graph.Members {
		for _, e := range o.Edges {
			if grafts[e.Needed] && (e.Status != linkage.Found || e.Rule == linkage.ByName) {
				return fmt.Errorf("the result is not self-contained: %s does not find %s; this is a defect of wheelmend, please report it", o.Path, e.Needed)
			}
		}
	}
	return nil
}
