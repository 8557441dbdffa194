package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// job is a file, what is done to it and how often.
type job struct {
	file  string // path
	title string
	steps []string
	runs  int
	warm  bool // whether an unmeasured run goes first
}

// findJobs lists the wheels asked for, and generates the big wheel and the big
// library. The big wheel takes the other tools minutes: it is measured once.
func findJobs(ctx context.Context, opts *options, work string) ([]job, error) {
	var jobs []job
	ofWheel := []string{stepRepair, stepAudit}
	for _, name := range opts.wheels {
		path := name
		if !strings.HasSuffix(name, ".whl") {
			found, err := filepath.Glob(filepath.Join(opts.cache, "raw", name+"-*.whl"))
			if err != nil {
				return nil, err
			}
			if len(found) != 1 {
				return nil, fmt.Errorf("%s: %d wheels in %s, want 1; run scripts/setup-integration", name, len(found), filepath.Join(opts.cache, "raw"))
			}
			path = found[0]
		}
		title, _, _ := strings.Cut(filepath.Base(path), "-")
		jobs = append(jobs, job{path, title, ofWheel, opts.runs, true})
	}
	if opts.bigMiB > 0 {
		path, err := bigWheel(ctx, work, opts.bigMiB)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{path, fmt.Sprintf("generated, %d MiB", opts.bigMiB), ofWheel, 1, false})
	}
	if opts.libraryMiB > 0 {
		path, err := bigLibrary(ctx, work, opts.libraryMiB)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{path, fmt.Sprintf("library, %d MiB", opts.libraryMiB), []string{stepPatch}, opts.runs, true})
	}
	return jobs, nil
}
