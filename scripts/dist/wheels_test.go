package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestPythonVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":                     "1.2.3",
		"v1.2.3-alpha.1":             "1.2.3a1",
		"v1.2.3-beta.12":             "1.2.3b12",
		"v10.0.0-rc.2":               "10.0.0rc2",
		"devel":                      "0.0.0.dev0",
		"devel-0123456789ab":         "0.0.0.dev0+g0123456789ab",
		"devel-0123456789ab+changes": "0.0.0.dev0+g0123456789ab.changes",
	} {
		if got := pythonVersion(version); got != want {
			t.Errorf("pythonVersion(%q): got %q, want %q", version, got, want)
		}
	}
}

// The page on the index speaks of what a user of the package has: no checkout.
func TestPageOfTheIndex(t *testing.T) {
	b := &builder{root: filepath.Join("..", "..")}
	page, err := b.metadata("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"testdata", "go run", "](guide.md"} {
		if strings.Contains(string(page), word) {
			t.Errorf("the page speaks of %q", word)
		}
	}
	for _, word := range []string{"uvx wheelmend audit", home + "/blob/main/docs/guide.md", "audit-command"} {
		if !strings.Contains(string(page), word) {
			t.Errorf("the page lacks %q", word)
		}
	}
}

// What the wheel installs runs the program with python -m, with its exit code, from
// wherever the scripts lie.
func TestPythonModule(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("no python3")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, modules); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "python")
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "bin", "wheelmend")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$0 $*\"\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "wheelmend", "audit", "a b.whl")
	cmd.Env = []string{"PYTHONPATH=" + folder, "HOME=" + dir}
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 7 || string(out) != program+" audit a b.whl\n" {
		t.Errorf("exit %d (%v), output %q", code, err, out)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(python, "-m", "wheelmend")
	cmd.Env = []string{"PYTHONPATH=" + folder, "HOME=" + dir}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "install wheelmend again") {
		t.Errorf("without the program: %v, %s", err, out)
	}
}

func TestRelativeLinks(t *testing.T) {
	for text, want := range map[string]string{
		"[guide](guide.md#tags)":         "[guide](" + home + "/blob/main/docs/guide.md#tags)",
		"[PyPI](https://pypi.org/)":      "[PyPI](https://pypi.org/)",
		"[above](#start-in-a-minute)":    "[above](#start-in-a-minute)",
		"f(x) and [more](guide.md), too": "f(x) and [more](" + home + "/blob/main/docs/guide.md), too",
	} {
		if got := relativeLink.ReplaceAllString(text, "]("+home+"/blob/main/docs/$1)"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestPinHook(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "..", hookFile))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, hookFile)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1.2.3", "v1.3.0-rc.1"} {
		if err := pinHook(dir, version); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if want := `dependencies = ["wheelmend == ` + pythonVersion(version) + `"]`; err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: got %s (%v)", version, got, err)
		}
	}
}
