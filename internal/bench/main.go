// Command bench measures wheelmend against other tools that repair wheels or edit
// libraries, on the same files, in the same run, and prints a Markdown table. The tools and
// the wheels are those that scripts/setup-integration has put into the cache. It is run
// in the root of the repository.
//
//	go run ./internal/bench -o docs/benchmarks.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// options are the command line.
type options struct {
	cache   string
	out     string
	command string   // path of wheelmend; "" builds it
	runs    int      // measured runs of each command, after one that is not
	bigMiB  int64    // size of the generated wheel; 0 leaves it out
	wheels  []string // names of packages in the cache, or paths of wheels
	hash    string   // file to hash, and do no more
	copied  string   // where its copy goes; "" makes none

	libraryMiB int64 // size of the generated library; 0 leaves it out
	dylibMiB   int64 // that of the library for macOS
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	opts, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(2)
	}
	if err := run(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*options, error) {
	opts := &options{cache: os.Getenv("WHEELMEND_CACHE")}
	if opts.cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		opts.cache = filepath.Join(home, ".cache", "wheelmend")
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&opts.out, "o", "", "write the table to this `file` (default: standard output)")
	flags.StringVar(&opts.command, "wheelmend", "", "measure this `file` (default: build ./cmd/wheelmend)")
	flags.IntVar(&opts.runs, "runs", 5, "measured runs of each command")
	flags.Int64Var(&opts.bigMiB, "big", 1024, "size in `MiB` of a wheel to generate; 0 for none")
	flags.Int64Var(&opts.libraryMiB, "library", 1024, "size in `MiB` of a library to generate; 0 for none")
	flags.Int64Var(&opts.dylibMiB, "dylib", 500, "size in `MiB` of a library for macOS to generate; 0 for none")
	quick := flags.Bool("quick", false, "measure three wheels, three times each, and nothing that is generated: some two minutes")
	flags.StringVar(&opts.hash, "sha256", "", "print the SHA-256 of this `file`, which signing is compared with, and end")
	flags.StringVar(&opts.copied, "copy", "", "with -sha256: write what is read to this `file`, too")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: bench [flags] [PACKAGE|macos:PACKAGE|WHEEL...]\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	opts.wheels = flags.Args()
	if *quick {
		opts.runs, opts.bigMiB, opts.libraryMiB, opts.dylibMiB = 3, 0, 0, 0
		if len(opts.wheels) == 0 {
			opts.wheels = []string{"psycopg2", "randomgen", macPrefix + "psycopg2_binary"}
		}
	}
	if opts.runs < 1 {
		return nil, fmt.Errorf("-runs: got %d, want at least 1", opts.runs)
	}
	if len(opts.wheels) == 0 {
		opts.wheels = []string{
			"psycopg2", "lxml", "h5py", "randomgen",
			macPrefix + "psycopg2_binary", macPrefix + "h5py", macPrefix + "pillow", macPrefix + "opencv_python_headless",
		}
	}
	return opts, nil
}

// run measures everything and writes the table when all of it is known.
func run(ctx context.Context, opts *options) error {
	if opts.hash != "" {
		return hashFile(os.Stdout, opts.hash, opts.copied)
	}
	work, err := os.MkdirTemp("", "wheelmend-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)

	if opts.command == "" {
		opts.command = filepath.Join(work, "wheelmend")
		if err := build(ctx, opts.command); err != nil {
			return err
		}
	}
	tools, err := findTools(ctx, opts, work)
	if err != nil {
		return err
	}
	jobs, err := findJobs(ctx, opts, work)
	if err != nil {
		return err
	}
	var results []*measured
	for _, job := range jobs {
		found, err := measureAll(ctx, tools, job, work)
		if err != nil {
			return err
		}
		results = append(results, found...)
	}
	err = write(opts.out, func(w io.Writer) error { return writeTable(w, tools, results) })
	return errors.Join(err, failures(results))
}

// failures is an error when wheelmend itself could not be measured.
func failures(results []*measured) error {
	var all error
	for _, m := range results {
		if m.tool == ours && m.failed != "" {
			all = errors.Join(all, fmt.Errorf("%s %s of %s: %s", m.tool, m.step, m.title, m.failed))
		}
	}
	return all
}

// build compiles the command as it is released.
func build(ctx context.Context, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, "./cmd/wheelmend")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./cmd/wheelmend: %w: %s", err, strings.TrimSpace(string(text)))
	}
	return nil
}

// write calls f with the named file, or with standard output for "".
func write(name string, f func(io.Writer) error) error {
	if name == "" {
		return f(os.Stdout)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(f(file), file.Close())
}
