package repair

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/wheelmend/wheelmend/internal/jobs"
	"github.com/wheelmend/wheelmend/overlay"
)

// parts are what a plan makes out of binaries and of the package database.
type parts struct {
	edits  []*overlay.Overlay // one for each of Plan.Edits
	grafts []*overlay.Overlay // one for each of Plan.Grafts
	bill   []byte             // of materials, nil without one
}

// newParts makes the parts of a plan, n of them at a time (GOMAXPROCS if n is
// less than 1). The error is that of the first in the order of the plan.
func newParts(ctx context.Context, p *Plan, packages packages, n int) (*parts, error) {
	made := &parts{edits: make([]*overlay.Overlay, len(p.Edits)), grafts: make([]*overlay.Overlay, len(p.Grafts))}
	var tasks []func() error
	if p.SBOM != "" {
		tasks = append(tasks, func() (err error) {
			made.bill, err = billOfMaterials(p, packages)
			return named(p.SBOM, err)
		})
	}
	for i := range p.Edits {
		tasks = append(tasks, func() (err error) {
			e := &p.Edits[i]
			made.edits[i], err = p.system.edit(ctx, e.file, &e.Change, e.Member)
			return named(e.Member, err)
		})
	}
	for i := range p.Grafts {
		tasks = append(tasks, func() (err error) {
			g := &p.Grafts[i]
			made.grafts[i], err = p.system.edit(ctx, g.file, &g.Change, g.Member)
			return named(g.Source, err)
		})
	}
	return made, runAll(ctx, tasks, n)
}

// runAll runs the tasks, n at a time, and returns the error of the first that has one.
func runAll(ctx context.Context, tasks []func() error, n int) error {
	errs := make([]error, len(tasks))
	var group errgroup.Group
	group.SetLimit(jobs.Count(n))
	for i, task := range tasks {
		group.Go(func() error {
			if errs[i] = context.Cause(ctx); errs[i] == nil {
				errs[i] = task()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// named puts the name of what failed in front of an error.
func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
