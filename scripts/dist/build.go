package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A target is a system to build for, in the words of Go.
type target struct{ os, arch string }

var allTargets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

func parseTarget(name string) (target, error) {
	var names []string
	for _, t := range allTargets {
		if t.String() == name {
			return t, nil
		}
		names = append(names, t.String())
	}
	return target{}, fmt.Errorf("unknown system %q, want one of %s", name, strings.Join(names, ", "))
}

func (t target) String() string { return t.os + "/" + t.arch }

// exe is the name of the program on the target.
func (t target) exe() string {
	if t.os == "windows" {
		return "wheelmend.exe"
	}
	return "wheelmend"
}

// file is the name of the program for the target beside those of the others.
func (t target) file() string {
	return "wheelmend-" + t.os + "-" + t.arch + strings.TrimPrefix(t.exe(), "wheelmend")
}

// sumsFile lists the SHA-256 of every other file, as sha256sum reads it. Its presence
// tells that a directory is the work of an earlier run.
const sumsFile = "SHA256SUMS"

// run makes the directory under another name, so that it is there complete or not.
func run(ctx context.Context, opts *options) (err error) {
	if err := replaceable(opts.out); err != nil {
		return err
	}
	own := &builder{root: opts.root, version: opts.version, tell: opts.tell}
	if own.tell == nil {
		own.tell = func(string, ...any) {}
	}
	if own.version == "" {
		// Before there is a new directory that git would see.
		if own.version, err = gitVersion(ctx, opts.root); err != nil {
			return err
		}
	}
	parent := filepath.Dir(filepath.Clean(opts.out))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(parent, ".dist-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	made := filepath.Join(dir, "dist")
	if err := os.Mkdir(made, 0o755); err != nil {
		return err
	}
	if err := own.fill(ctx, opts.targets, dir, made); err != nil {
		return err
	}
	if opts.pinned {
		if err := checkPinned(opts.root, own.version, made); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(opts.out); err != nil {
		return err
	}
	if err := os.Rename(made, opts.out); err != nil {
		return err
	}
	own.tell("%s is complete, see %s", opts.out, filepath.Join(opts.out, sumsFile))
	if !opts.pin {
		return nil
	}
	return pin(opts.root, own.version, opts.out)
}

// replaceable refuses a directory with files that are not ours to remove.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, sumsFile)); err != nil {
		return fmt.Errorf("%s: has files, but no %s of an earlier run; remove it, or name another directory with -o", dir, sumsFile)
	}
	return nil
}

// A builder makes the files of one version.
type builder struct {
	root, version string
	tell          func(format string, args ...any)
}

// fill makes everything in made; scratch is for what nobody gets.
func (b *builder) fill(ctx context.Context, targets []target, scratch, made string) error {
	b.tell("build for this machine")
	host := filepath.Join(scratch, "host.exe") // the suffix harms no other system
	if err := b.goTool(ctx, nil, "build", "-o", host, "./cmd/wheelmend"); err != nil {
		return err
	}
	if b.version == "" {
		var err error
		if b.version, err = ownVersion(ctx, host); err != nil {
			return err
		}
	}
	for i, t := range targets {
		b.tell("%s %s and its wheel (%d of %d)", b.version, t, i+1, len(targets))
		if err := b.build(ctx, t, "release", filepath.Join(made, t.file())); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		if err := b.wheel(ctx, t, filepath.Join(made, t.file()), made); err != nil {
			return fmt.Errorf("%s: wheel: %w", t, err)
		}
	}
	b.tell("man pages and completions")
	if err := b.docs(ctx, scratch, made); err != nil {
		return fmt.Errorf("%s: %w", docsFile, err)
	}
	return writeSums(made)
}

// build makes the program for one system, with build tags. What the build depends on
// beside the source and Go itself is set here: no C, no settings of the user, the least
// processor.
func (b *builder) build(ctx context.Context, t target, tags, out string) error {
	env := []string{
		"GOOS=" + t.os, "GOARCH=" + t.arch, "GOAMD64=v1", "GOARM64=v8.0",
		"CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off",
	}
	return b.goTool(ctx, env, "build", "-trimpath", "-buildvcs=false", "-tags="+tags,
		"-ldflags=-s -w -X main.release="+b.version, "-o", out, "./cmd/wheelmend")
}

// goTool runs the go command in the repository. Paths among the arguments become
// absolute by -o.
func (b *builder) goTool(ctx context.Context, env []string, args ...string) error {
	for i := range args {
		if i > 0 && args[i-1] == "-o" {
			abs, err := filepath.Abs(args[i])
			if err != nil {
				return err
			}
			args[i] = abs
		}
	}
	_, err := output(ctx, b.root, env, "go", args...)
	return err
}

// output runs a program and returns what it prints. The error has its messages.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// writeSums writes the checksums of the files in dir, in the order of their names.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, entry := range entries {
		sum, err := fileSum(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, entry.Name())
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), []byte(sums.String()), 0o644)
}

func fileSum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}
