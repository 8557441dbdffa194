//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wheelmend/wheelmend/policy"
)

// glibcVersions are those of scripts/setup-glibc, the oldest first.
var glibcVersions = []string{"2.17", "2.31", "2.36", "2.41", newestGlibc}

// newestGlibc is the root of the release that Debian is working on.
const newestGlibc = "newest"

// A glibcRoot is a root directory with one version of glibc and a CPython 3.11 in
// /opt/python. Nothing of this machine's own libraries is in it.
type glibcRoot struct {
	version, dir string
}

func glibcRootOf(t *testing.T, version string) glibcRoot {
	t.Helper()
	cached(t, "glibc", "installed")
	return glibcRoot{version, cached(t, "glibc", version)}
}

// unpack lays the members of a wheel below the root, as a site-packages folder, and
// returns where a process in the root sees it. The test takes it away.
func (r glibcRoot) unpack(t *testing.T, wheel string) string {
	t.Helper()
	site, err := os.MkdirTemp(filepath.Join(r.dir, "w"), "site")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, site) })
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if err := os.CopyFS(site, z); err != nil {
		t.Fatal(err)
	}
	return "/w/" + filepath.Base(site)
}

// python runs a program text in the root's Python, with a folder on its path and every
// symbol bound at once. The code of the result is -1 when a signal ended it.
func (r glibcRoot) python(t *testing.T, site, program string) result {
	t.Helper()
	return r.execute(t, site, "/opt/python/bin/python3.11", "-c", program)
}

// execute runs a program of the root so.
func (r glibcRoot) execute(t *testing.T, site, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{
		"LD_BIND_NOW=1", "LD_LIBRARY_PATH=/opt/python/lib:/opt/python:/lib",
		"LD_ORIGIN_PATH=" + path.Dir(name), // there is no /proc to tell a program's $ORIGIN
		"PYTHONHOME=/opt/python", "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH=" + site,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.dir}
	if os.Geteuid() != 0 { // in a user namespace everyone is root
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("glibc %s: %v", r.version, err)
	}
	return result{cmd.Args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// The rig itself: each root has the C library of its name, and no other one.
func TestGlibcRoots(t *testing.T) {
	for _, version := range glibcVersions {
		root := glibcRootOf(t, version)
		r := root.python(t, "/w", "import os, ssl, ctypes; print(os.confstr('CS_GNU_LIBC_VERSION'))").must(t)
		got, want := strings.TrimSpace(r.stdout), "glibc "+version
		if version == newestGlibc { // it moves on, and never falls behind
			if !strings.HasPrefix(got, "glibc 2.") || policy.CompareVersions(strings.ReplaceAll(got, "glibc ", "GLIBC_"), "GLIBC_2.42") < 0 {
				t.Errorf("the newest root: got %q, want glibc 2.42 or newer", got)
			}
			continue
		}
		if got != want {
			t.Errorf("root %s: got %q, want %q", version, got, want)
		}
	}
}
