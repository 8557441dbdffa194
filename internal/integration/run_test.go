//go:build integration

package integration

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// result is what a finished process left.
type result struct {
	args           []string
	stdout, stderr string
	code           int // exit code; -1 when a signal ended it
}

// run runs a program with the given additions to the environment and waits
// for it. That it exits with another code than 0 is not an error here.
func run(t *testing.T, env []string, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(cleanEnviron(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return result{cmd.Args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// cleanEnviron is the environment without what changes where libraries are
// found or which time new members get.
func cleanEnviron() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "LD_LIBRARY_PATH", "AUDITWHEEL_LD_LIBRARY_PATH", "SOURCE_DATE_EPOCH", "PYTHONPATH", "PYTHONHOME":
		default:
			env = append(env, v)
		}
	}
	return env
}

// must fails the test unless the process exited with 0.
func (r result) must(t *testing.T) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("%s: exit %d, want 0\nstdout: %s\nstderr: %s", strings.Join(r.args, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// wheelmend runs the command under test.
func wheelmend(t *testing.T, args ...string) result {
	t.Helper()
	return run(t, nil, wheelmendPath, args...)
}

// repair repairs one wheel into a new folder and returns the path of the one
// file that the folder then holds.
func repair(t *testing.T, wheel string, flags ...string) string {
	t.Helper()
	out := t.TempDir()
	args := append([]string{"repair", "--wheel-dir", out}, flags...)
	r := wheelmend(t, append(args, wheel)...).must(t)
	files := filesIn(t, out)
	if len(files) != 1 {
		t.Fatalf("%s: left %q, want one wheel\nstderr: %s", strings.Join(r.args, " "), files, r.stderr)
	}
	return filepath.Join(out, files[0])
}

// filesIn lists the names in a folder, hidden ones too; a folder that does
// not exist has none.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// sameBytes fails the test unless two files hold the same bytes.
func sameBytes(t *testing.T, got, want string) {
	t.Helper()
	if !bytes.Equal(readFile(t, got), readFile(t, want)) {
		t.Errorf("%s and %s differ, want identical bytes", got, want)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
