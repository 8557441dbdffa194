//go:build integration

package integration

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bigWheel makes a wheel of 120 MB whose one extension has to be edited, and so
// compressed anew.
func bigWheel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	blob := filepath.Join(dir, "blob")
	if err := os.WriteFile(blob, noise(120<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "blob.s")
	if err := os.WriteFile(source, []byte(".section .note.GNU-stack,\"\"\n.data\n.incbin \""+blob+"\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	lib := constant(t, filepath.Join(dir, "libanswer.so.4"), "answer", "42")
	ext := extension(t, "asking", "answer", source, lib, runpath(dir))
	return mkwheel(t, map[string]string{"asking.so": ext})
}

// noise returns n bytes that do not compress, the same ones each time.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// checkErrorLine asserts that a failure is told in a line or two, without a
// stack trace.
func checkErrorLine(t *testing.T, r result) {
	t.Helper()
	if lines := strings.Count(r.stderr, "\n"); lines < 1 || lines > 2 {
		t.Errorf("stderr has %d lines, want one or two:\n%s", lines, r.stderr)
	}
	if strings.Contains(r.stderr, "goroutine ") || strings.Contains(r.stderr, "panic:") {
		t.Errorf("stderr has a stack trace:\n%s", r.stderr)
	}
}

// Whenever a repair is killed, there is no wheel under a final name.
func TestKilled(t *testing.T) {
	wheel := bigWheel(t)
	start := time.Now()
	repair(t, wheel)
	whole := time.Since(start)
	for _, part := range []int{10, 30, 50, 70, 90} {
		out := t.TempDir()
		cmd := exec.Command(wheelmendPath, "repair", "-w", out, wheel)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(part) / 100)
		cmd.Process.Kill() // It may be done already; then Wait has no error.
		if err := cmd.Wait(); err == nil {
			continue
		}
		for _, name := range filesIn(t, out) {
			if strings.HasSuffix(name, ".whl") {
				t.Errorf("killed after %d %%: left %s", part, name)
			}
		}
	}
}

// mounted mounts a tmpfs of the test's own with the given options.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a tmpfs on %s: %v; this test needs the right to mount", dir, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	wheel := bigWheel(t)
	out := mounted(t, "size=16m")
	r := wheelmend(t, "repair", "-w", out, wheel)
	if r.code != 1 {
		t.Errorf("exit %d, want 1", r.code)
	}
	checkErrorLine(t, r)
	if left := filesIn(t, out); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	wheel := answering(t, t.TempDir())
	out := mounted(t, "size=16m")
	if err := syscall.Mount("tmpfs", out, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=16m"); err != nil {
		t.Fatal(err)
	}
	r := wheelmend(t, "repair", "-w", out, wheel)
	if r.code != 1 {
		t.Errorf("exit %d, want 1", r.code)
	}
	checkErrorLine(t, r)
	if !strings.Contains(r.stderr, out) {
		t.Errorf("stderr does not name the folder %s:\n%s", out, r.stderr)
	}
}

// A repair whose output would be its own input does nothing where there is nothing to do,
// and is refused otherwise: inputs are never modified.
func TestOutputIsInput(t *testing.T) {
	repaired := repair(t, answering(t, t.TempDir()))
	before := readFile(t, repaired)
	if r := wheelmend(t, "repair", "-w", filepath.Dir(repaired), repaired); r.code != 0 || !strings.Contains(r.stdout, "nothing to do") {
		t.Errorf("exit %d, want 0 and nothing to do\n%s%s", r.code, r.stdout, r.stderr)
	}
	r := wheelmend(t, "repair", "--strip", "-w", filepath.Dir(repaired), repaired)
	if r.code != 1 {
		t.Errorf("with something to do: exit %d, want 1", r.code)
	}
	checkErrorLine(t, r)
	if !bytes.Equal(readFile(t, repaired), before) {
		t.Errorf("%s: the input was modified", repaired)
	}
}

// Beside its input, under its new name, a repaired wheel is welcome.
func TestOutputBesideInput(t *testing.T) {
	wheel := answering(t, t.TempDir())
	before := readFile(t, wheel)
	wheelmend(t, "repair", "-w", filepath.Dir(wheel), wheel).must(t)
	if !bytes.Equal(readFile(t, wheel), before) {
		t.Errorf("%s: the input was modified", wheel)
	}
	if left := filesIn(t, filepath.Dir(wheel)); len(left) != 2 {
		t.Errorf("left %q, want the input and the repaired wheel", left)
	}
}

// Files that are no wheel are refused by name, and nothing is left.
func TestNoWheel(t *testing.T) {
	good := readFile(t, answering(t, t.TempDir()))
	for _, tt := range []struct {
		name    string
		content []byte
	}{
		{"empty", nil},
		{"no archive", []byte("#!/bin/sh\necho hello\n")},
		{"the second half", good[len(good)/2:]},
		{"the first half", good[:len(good)/2]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wheel := writeFile(t, "made-1.0-cp311-cp311-linux_x86_64.whl", tt.content)
			out := filepath.Join(t.TempDir(), "out")
			for _, args := range [][]string{{"audit", wheel}, {"repair", "-w", out, wheel}} {
				r := wheelmend(t, args...)
				if r.code != 1 {
					t.Errorf("%s: exit %d, want 1", args[0], r.code)
				}
				checkErrorLine(t, r)
				if !strings.Contains(r.stderr, filepath.Base(wheel)) {
					t.Errorf("%s: stderr does not name the wheel:\n%s", args[0], r.stderr)
				}
			}
			if left := filesIn(t, out); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}
