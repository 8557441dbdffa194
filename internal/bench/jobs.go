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
// libraries. The big wheel takes the other tools minutes: it is measured once.
func findJobs(ctx context.Context, opts *options, work string) ([]job, error) {
	var jobs []job
	for _, name := range opts.wheels {
		j, err := wheelJob(opts, name)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	if opts.bigMiB > 0 {
		path, err := bigWheel(ctx, work, opts.bigMiB)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{path, fmt.Sprintf("generated, %d MiB", opts.bigMiB), wheelSteps, 1, false})
	}
	if opts.libraryMiB > 0 {
		path, err := bigLibrary(ctx, work, opts.libraryMiB)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{path, fmt.Sprintf("library, %d MiB", opts.libraryMiB), []string{stepPatch}, opts.runs, true})
	}
	if opts.dylibMiB > 0 {
		path, err := bigDylib(ctx, work, opts.dylibMiB)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{path, fmt.Sprintf("dylib, %d MiB", opts.dylibMiB), []string{stepSign}, opts.runs, true})
	}
	return jobs, nil
}

// wheelSteps is what is done to a wheel for Linux.
var wheelSteps = []string{stepRepair, stepAudit}

// wheelJob is the job of the package or wheel that somebody asked for.
func wheelJob(opts *options, name string) (job, error) {
	if strings.HasPrefix(name, macPrefix) {
		return macWheel(opts, name)
	}
	path := name
	if !strings.HasSuffix(name, ".whl") {
		var err error
		if path, err = oneFile(name, filepath.Join(opts.cache, "raw", name+"-*.whl")); err != nil {
			return job{}, err
		}
	}
	title, _, _ := strings.Cut(filepath.Base(path), "-")
	return job{path, title, wheelSteps, opts.runs, true}, nil
}

// oneFile returns the one file of a pattern.
func oneFile(name, pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s: %d files match %s, want 1; run scripts/setup-integration", name, len(found), pattern)
	}
	return found[0], nil
}
