//go:build integration

package elf

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// An asker is a process that answers each line with one line.
type asker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startAsker(t *testing.T, env []string, name string, args ...string) *asker {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	return &asker{cmd, in, lines}
}

// ask sends a line and returns the answer.
func (a *asker) ask(t *testing.T, line string) string {
	t.Helper()
	if _, err := io.WriteString(a.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
	if !a.out.Scan() {
		t.Fatalf("%s gives no answer to %q: %v", a.cmd.Path, line, a.out.Err())
	}
	return a.out.Text()
}

func (a *asker) stop() {
	a.in.Close()
	_ = a.cmd.Wait()
}

// must runs a program that has to succeed, and returns what it says.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
