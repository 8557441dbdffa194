//go:build integration

package integration

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A builder is a folder in which scripts/build-wheels runs.
type builder struct {
	dir string
	env []string
}

func newBuilder(t *testing.T, env ...string) builder {
	t.Helper()
	pip := filepath.Join(filepath.Dir(filepath.Dir(peer(t, "python"))), "..", "pip") // downloads are kept from one test to the next
	return builder{t.TempDir(), append([]string{
		"WHEELMEND=" + wheelmendPath, "PYTHONS=" + peer(t, "python"), "RETRIES=3", "PIP_CACHE_DIR=" + filepath.Clean(pip),
	}, env...)}
}

// run runs the script with additions to the environment; options come first.
func (b builder) run(t *testing.T, options []string, env ...string) result {
	t.Helper()
	script, err := filepath.Abs("../../scripts/build-wheels")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-C", b.dir, peer(t, "python"), script}, options...)
	return run(t, append(append([]string{}, b.env...), env...), "env", args...)
}

func (b builder) wheels(t *testing.T) []string {
	t.Helper()
	var wheels []string
	for _, name := range filesIn(t, filepath.Join(b.dir, "wheelhouse")) {
		if strings.HasSuffix(name, ".whl") {
			wheels = append(wheels, name)
		}
	}
	return wheels
}

// checkHidden fails the test if a secret is in any file of the builder or in
// what a run has printed.
func (b builder) checkHidden(t *testing.T, secret string, printed ...result) {
	t.Helper()
	for _, r := range printed {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("%s printed the secret", strings.Join(r.args, " "))
		}
	}
	files := 0
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		if bytes.Contains(readFile(t, path), []byte(secret)) {
			t.Errorf("%s has the secret", path)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files looked at: %v", files, err)
	}
}

// newRepository makes a git repository of a folder: the first commit has a tag,
// the second is on a branch, the third on main.
func newRepository(t *testing.T, files string) (dir string, commits []string) {
	t.Helper()
	dir = t.TempDir()
	git := func(args ...string) string {
		return strings.TrimSpace(run(t, nil, "git", append([]string{"-C", dir, "-c", "user.name=Test",
			"-c", "user.email=test@example.org", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...).must(t).stdout)
	}
	if err := os.CopyFS(dir, os.DirFS(files)); err != nil {
		t.Fatal(err)
	}
	git("init", "--quiet", "--initial-branch=main")
	for i, name := range []string{"first", "second", "third"} {
		if err := os.WriteFile(filepath.Join(dir, "CHANGES"), []byte(name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", "--all", "--force") // what an sdist has, its .gitignore may name
		git("commit", "--quiet", "-m", name)
		commits = append(commits, git("rev-parse", "HEAD"))
		switch i {
		case 0:
			git("tag", "-a", "-m", "release", "v1.0")
		case 1:
			git("branch", "next")
		}
	}
	return dir, commits
}

// TestBuildWheels goes through what happens to somebody who builds and uploads a
// small project: mistakes first, then a wheel in an index, then the same again.
func TestBuildWheels(t *testing.T) {
	repository, commits := newRepository(t, filepath.Join("testdata", "buildproject"))
	b := newBuilder(t, "SOURCE="+repository,
		"TEST_COMMAND=python -c 'import digests; assert digests.xxh64(b\"\") == 0xef46db3751d8e999'")
	index := newIndex(t)
	upload := []string{"TESTPYPI_UPLOAD=true", "TESTPYPI_TOKEN=" + index.pass}
	var printed []result
	fails := func(t *testing.T, r result, code int, want string) {
		t.Helper()
		printed = append(printed, r)
		if out := r.stdout + r.stderr; r.code != code || !strings.Contains(out, want) {
			t.Errorf("exit %d, want %d and %q in\n%s", r.code, code, want, out)
		}
		if n := len(b.wheels(t)) + len(filesIn(t, index.dir)); n != 0 {
			t.Errorf("%d wheels are left", n)
		}
	}
	with := func(env ...string) []string {
		return append(append([]string{"REPOSITORY_URL=" + index.url}, upload...), env...)
	}

	t.Run("a commit that is not there", func(t *testing.T) {
		fails(t, b.run(t, []string{"--trust-build"}, with("BUILD_COMMIT=v2.0")...), 1, "BUILD_COMMIT 'v2.0' is no branch, tag or hash of "+repository)
	})
	t.Run("interpreters that are not here", func(t *testing.T) {
		fails(t, b.run(t, []string{"--trust-build"}, with("PYTHONS=python3 9.8 no/python")...), 2, "interpreters that are not here: 9.8, no/python")
	})
	t.Run("a dry run", func(t *testing.T) {
		fails(t, b.run(t, []string{"--dry-run", "--trust-build"}, with("BUILD_COMMIT=next")...), 0, "commit "+commits[1])
		if files := filesIn(t, b.dir); len(files) != 0 {
			t.Errorf("it left %q", files)
		}
	})
	t.Run("a test that fails", func(t *testing.T) {
		r := b.run(t, []string{"--trust-build"}, with("TEST_COMMAND=python -c 'import digests; assert digests.xxh64(b\"\") == 1'")...)
		fails(t, r, 1, "AssertionError")
		if !strings.Contains(r.stdout, "nothing was uploaded") {
			t.Errorf("it does not say that nothing was uploaded:\n%s", r.stdout)
		}
	})
	t.Run("one of two interpreters fails", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "python-other")
		text := "#!/bin/sh\n[ \"$2\" = -c ] || exit 7\necho \"$0\"\necho cp399\n"
		if err := os.WriteFile(other, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		pythons := "PYTHONS=" + other + " " + peer(t, "python")
		r := b.run(t, []string{"--trust-build"}, with(pythons)...)
		fails(t, r, 1, "cp399: making a virtual environment failed with exit code 7")
		r = b.run(t, []string{"--keep-going", "--trust-build"}, with(pythons)...)
		if files := filesIn(t, index.dir); r.code != 1 || len(b.wheels(t)) != 1 || len(files) != 0 {
			t.Errorf("exit %d, wheels %q, uploaded %q; want 1, one, none\n%s", r.code, b.wheels(t), files, r.stdout)
		}
	})
	t.Run("a server that hangs up", func(t *testing.T) {
		address, dropped := index.dropping(t, 2)
		r := b.run(t, []string{"--trust-build"}, with("BUILD_COMMIT=v1.0", "REPOSITORY_URL="+address, "BEFORE_BUILD=test -z \"$TESTPYPI_TOKEN\"")...).must(t)
		printed = append(printed, r)
		if dropped.Load() != 2 || strings.Count(r.stdout, "the network failed") != 2 {
			t.Errorf("%d uploads were dropped, want 2:\n%s", dropped.Load(), r.stdout)
		}
		for _, want := range []string{"v1.0 is commit " + commits[0], "TESTPYPI uploaded", "passed"} {
			if !strings.Contains(r.stdout, want) {
				t.Errorf("no %q in\n%s", want, r.stdout)
			}
		}
	})
	t.Run("pip finds it there", func(t *testing.T) {
		v := newVenv(t)
		v.pip(t, "install", "--quiet", "--no-cache-dir", "--index-url", index.url+"/simple/", "digests").must(t)
		code := "import digests; print(digests.xxh64(b'wheel'), [l.split()[-1] for l in open('/proc/self/maps') if 'xxhash' in l][0])"
		if got := v.exec(t, code); !strings.Contains(got, "digests.libs") {
			t.Errorf("it prints %q, want a library of digests.libs", got)
		}
	})
	t.Run("again", func(t *testing.T) {
		logs := len(filesIn(t, filepath.Join(b.dir, "logs")))
		r := b.run(t, []string{"--trust-build"}, with("BUILD_COMMIT="+commits[0][:9], "BEFORE_BUILD=test -z \"$TESTPYPI_TOKEN\"")...).must(t)
		printed = append(printed, r)
		for _, want := range []string{"is there for this commit", "TESTPYPI there already"} {
			if !strings.Contains(r.stdout, want) {
				t.Errorf("no %q in\n%s", want, r.stdout)
			}
		}
		if now := len(filesIn(t, filepath.Join(b.dir, "logs"))); now != logs+1 {
			t.Errorf("%d logs became %d, want one more, of the upload", logs, now)
		}
	})
	t.Run("a wrong password", func(t *testing.T) {
		wrong := "pypi-wrong-horse"
		r := b.run(t, []string{"--upload-only"}, with("BUILD_COMMIT=v1.0", "TESTPYPI_TOKEN="+wrong)...)
		if !strings.Contains(r.stdout, "does not accept the credentials") || !strings.Contains(r.stdout, "check TESTPYPI_TOKEN") || r.code != 1 {
			t.Errorf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
		}
		b.checkHidden(t, wrong, r)
	})
	t.Run("a changed wheel is not uploaded", func(t *testing.T) {
		stray := filepath.Join(b.dir, "wheelhouse", "stray-1.0-py3-none-any.whl")
		if err := os.WriteFile(stray, []byte("no wheel"), 0o644); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(stray)
		r := b.run(t, []string{"--upload-only"}, with()...)
		if r.code != 1 || !strings.Contains(r.stderr, "stray-1.0-py3-none-any.whl: not built and tested") {
			t.Errorf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
		}
	})
	t.Run("only the upload", func(t *testing.T) {
		r := b.run(t, []string{"--upload-only"}, with("BUILD_COMMIT=v1.0")...).must(t)
		printed = append(printed, r)
		if !strings.Contains(r.stdout, "TESTPYPI there already") || strings.Contains(r.stdout, "building") {
			t.Errorf("it does more, or less:\n%s", r.stdout)
		}
		other := b.run(t, []string{"--upload-only"}, with("BUILD_COMMIT=v9")...)
		if other.code != 1 || !strings.Contains(other.stderr, "has no wheels of BUILD_COMMIT 'v9'") {
			t.Errorf("exit %d for a commit without wheels: %s", other.code, other.stderr)
		}
	})
	t.Run("by force", func(t *testing.T) {
		r := b.run(t, []string{"--force"}, "BUILD_COMMIT=v1.0", "BEFORE_BUILD=test -z \"$TESTPYPI_TOKEN\"").must(t)
		if !strings.Contains(r.stdout, "cp311: building") || len(b.wheels(t)) != 1 {
			t.Errorf("it is not built again: wheels %q\n%s", b.wheels(t), r.stdout)
		}
	})
	b.checkHidden(t, index.pass, printed...)
}

// TestBuildWheelsWithSubmodule builds a project whose sources are a submodule.
func TestBuildWheelsWithSubmodule(t *testing.T) {
	// git takes no submodules from local folders unless it is told to.
	allow := []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.file.allow", "GIT_CONFIG_VALUE_0=always"}
	project := filepath.Join("testdata", "buildproject")
	sources, _ := newRepository(t, filepath.Join(project, "src"))
	top := t.TempDir()
	for _, name := range []string{"pyproject.toml", "setup.py", "README.md"} {
		if err := os.WriteFile(filepath.Join(top, name), readFile(t, filepath.Join(project, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	repository, _ := newRepository(t, top)
	for _, args := range [][]string{
		{"submodule", "--quiet", "add", sources, "src"},
		{"-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "the sources"},
	} {
		run(t, allow, "git", append([]string{"-C", repository}, args...)...).must(t)
	}
	b := newBuilder(t, append(allow, "SOURCE="+repository)...)
	b.run(t, nil).must(t)
	if wheels := b.wheels(t); len(wheels) != 1 || !strings.Contains(wheels[0], "manylinux") {
		t.Errorf("wheels %q, want one for manylinux", wheels)
	}
}

// TestBuildWheelsFromDirectory builds a project that is not under version control,
// with settings from a file, and notices when it changes.
func TestBuildWheelsFromDirectory(t *testing.T) {
	b := newBuilder(t)
	project := filepath.Join(b.dir, "project")
	if err := os.CopyFS(project, os.DirFS(filepath.Join("testdata", "buildproject"))); err != nil {
		t.Fatal(err)
	}
	config := "# A comment\nSOURCE=project\nexport REPAIR_ARGS=\"--strip --no-sbom\"\nWHEELHOUSE=out\n"
	if err := os.WriteFile(filepath.Join(b.dir, "wheels.env"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	commit := regexp.MustCompile(`commit tree-[0-9a-f]{40}`)
	first := b.run(t, nil).must(t)
	second := b.run(t, nil).must(t)
	if !strings.Contains(second.stdout, "is there for this commit") || commit.FindString(first.stdout) == "" || commit.FindString(first.stdout) != commit.FindString(second.stdout) {
		t.Errorf("the second run does not find the wheel of the first:\n%s\n%s", first.stdout, second.stdout)
	}
	if err := os.WriteFile(filepath.Join(project, "src", "digests", "more.py"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	third := b.run(t, []string{"-v"}).must(t)
	if strings.Contains(third.stdout, "is there for this commit") || !strings.Contains(third.stdout, "--strip --no-sbom") {
		t.Errorf("the change makes no new wheel:\n%s", third.stdout)
	}
	if r := b.run(t, nil, "BUILD_COMMIT=main"); r.code != 2 || !strings.Contains(r.stderr, "is a directory without git") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}
