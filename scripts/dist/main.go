// Command dist makes what a release publishes: static binaries for all systems that
// the program runs on, their checksums, and what goes with them. `make dist` calls it.
//
//	go run ./scripts/dist
//
// The same commit and the same version of Go give the same bytes, on any host and in
// any directory, from a checkout or from an archive of the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

// options are the command line.
type options struct {
	root    string // the repository
	out     string
	version string // "" asks git, or what git wrote into the archive
	targets []target
	pin     bool // write pinsFile
	pinned  bool // hold it to what is made

	tell func(format string, args ...any) // says what is being done
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	opts, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist: error:", err)
		os.Exit(2)
	}
	opts.tell = func(format string, args ...any) { fmt.Fprintf(os.Stderr, "dist: "+format+"\n", args...) }
	if err := run(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "dist: error:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*options, error) {
	opts := &options{}
	targets := ""
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	flags.StringVar(&opts.root, "C", ".", "`directory` of the repository")
	flags.StringVar(&opts.out, "o", "dist", "`directory` to make; one of an earlier run is replaced")
	flags.StringVar(&opts.version, "version", "", "`version`, as in v1.2.3 (default: the tag or commit of git)")
	flags.StringVar(&targets, "targets", "", "the `systems` to build for, as in linux/amd64,darwin/arm64 (default: all)")
	flags.BoolVar(&opts.pin, "pin", false, "write "+pinsFile+", for the commit to release as -version")
	flags.BoolVar(&opts.pinned, "pinned", false, "fail unless "+pinsFile+" is that of the version")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if opts.version != "" && !versionTag.MatchString(opts.version) && !develVersion.MatchString(opts.version) {
		return nil, fmt.Errorf("-version %q: want a version as in v1.2.3 or v1.2.3-rc.1", opts.version)
	}
	if opts.pin && !isRelease(opts.version) {
		return nil, fmt.Errorf("-pin wants the version to come: -version v1.2.3, and no pre-release")
	}
	if (opts.pin || opts.pinned) && targets != "" {
		return nil, errors.New("-pin and -pinned are about all systems; leave -targets out")
	}
	if targets == "" {
		opts.targets = allTargets
		return opts, nil
	}
	for name := range strings.SplitSeq(targets, ",") {
		t, err := parseTarget(name)
		if err != nil {
			return nil, fmt.Errorf("-targets: %w", err)
		}
		opts.targets = append(opts.targets, t)
	}
	return opts, nil
}
