package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGitVersion asks for the version of a commit without a tag, with tags, and of a
// tree that was changed since.
func TestGitVersion(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		settings := []string{"-c", "user.name=demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false"}
		answer, err := output(t.Context(), dir, nil, "git", append(settings, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	version := func() string {
		t.Helper()
		v, err := gitVersion(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := version(); got != "" {
		t.Errorf("no checkout: %s, want nothing", got)
	}
	git("init", "--quiet")
	write(t, filepath.Join(dir, "a"), "1")
	git("add", "a")
	git("commit", "--quiet", "--message", "first")
	devel := "devel-" + git("rev-parse", "HEAD")[:12]
	if got := version(); got != devel {
		t.Errorf("no tag: %s, want %s", got, devel)
	}
	git("tag", "v1.9.0")
	git("tag", "v1.10.0-rc.2")
	git("tag", "vtest")
	if got := version(); got != "v1.10.0-rc.2" {
		t.Errorf("three tags: %s, want v1.10.0-rc.2", got)
	}
	write(t, filepath.Join(dir, "b"), "2")
	if got := version(); got != devel+"+changes" {
		t.Errorf("a new file: %s, want %s+changes", got, devel)
	}
	write(t, filepath.Join(dir, ".git", "HEAD"), "broken")
	if v, err := gitVersion(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "git status") {
		t.Errorf("broken repository: %q, %v", v, err)
	}
}
