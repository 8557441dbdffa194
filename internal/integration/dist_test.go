//go:build integration

package integration

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// distVersion is what the tests below release.
const distVersion = "v9.8.7-rc.1"

// programs are the binaries of a release.
var programs = []string{
	"wheelmend-darwin-amd64", "wheelmend-darwin-arm64", "wheelmend-linux-amd64", "wheelmend-linux-arm64",
	"wheelmend-windows-amd64.exe", "wheelmend-windows-arm64.exe",
}

// A checkout of the source under test, as it is in the working tree, with a commit and
// the tag distVersion.
type checkout struct{ dir string }

func newCheckout(t *testing.T) checkout {
	t.Helper()
	c := checkout{filepath.Join(t.TempDir(), "checkout")}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	list := run(t, nil, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").must(t).stdout
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		from, to := filepath.Join(root, name), filepath.Join(c.dir, name)
		content, err := os.ReadFile(from)
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	c.git(t, "init", "--quiet")
	c.git(t, "add", "--all")
	c.git(t, "commit", "--quiet", "--message", "release")
	c.git(t, "tag", distVersion)
	return c
}

func (c checkout) git(t *testing.T, args ...string) {
	t.Helper()
	settings := []string{"-C", c.dir, "-c", "user.name=demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false"}
	run(t, nil, "git", append(settings, args...)...).must(t)
}

// archive returns what `git archive` makes of the tag, unpacked, without .git.
func (c checkout) archive(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c.git(t, "archive", "--prefix=wheelmend-of-an-archive/", "--output="+filepath.Join(dir, "source.tar"), distVersion)
	run(t, nil, "tar", "-C", dir, "-xf", filepath.Join(dir, "source.tar")).must(t)
	return filepath.Join(dir, "wheelmend-of-an-archive")
}

// TestDist makes a release of the source for all systems, from a checkout. The same
// for one system, from an archive of the commit in another directory, has the same
// bytes, and all programs know their version.
func TestDist(t *testing.T) {
	dist := filepath.Join(t.TempDir(), "dist")
	run(t, nil, "go", "build", "-o", dist, "../../scripts/dist").must(t)
	source := newCheckout(t)
	made, again := filepath.Join(source.dir, "dist"), filepath.Join(t.TempDir(), "again")
	run(t, nil, dist, "-C", source.dir, "-o", made).must(t)
	archive := source.archive(t)
	native := "wheelmend-" + runtime.GOOS + "-" + runtime.GOARCH
	run(t, nil, dist, "-C", archive, "-o", again, "-targets", runtime.GOOS+"/"+runtime.GOARCH).must(t)

	checkSums(t, made)
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(made, name)); err != nil {
			t.Error(err)
		}
	}
	nativeWheel := filepath.Base(one(t, made, "wheelmend-*-manylinux*_x86_64.whl"))
	for _, name := range []string{native, nativeWheel, "wheelmend-docs.tar.gz"} {
		if first, second := readFile(t, filepath.Join(made, name)), readFile(t, filepath.Join(again, name)); !bytes.Equal(first, second) {
			t.Errorf("%s: a checkout and an archive of one commit give different bytes", name)
		}
	}
	t.Run("wheels", func(t *testing.T) { checkOwnWheels(t, made) })
	t.Run("action", func(t *testing.T) { checkAction(t, made) })
	t.Run("manual and completions", func(t *testing.T) { checkDocs(t, filepath.Join(made, "wheelmend-docs.tar.gz")) })
	said := run(t, nil, filepath.Join(again, native), "version").must(t).stdout
	if want := "wheelmend " + distVersion + " "; !strings.HasPrefix(said, want) {
		t.Errorf("%s version: %q, want %q in front", native, said, want)
	}
	t.Run("go build in an archive", func(t *testing.T) {
		program := filepath.Join(t.TempDir(), "wheelmend")
		run(t, nil, "go", "build", "-C", archive, "-o", program, "./cmd/wheelmend").must(t)
		if said := run(t, nil, program, "version").must(t).stdout; !strings.HasPrefix(said, "wheelmend "+distVersion+" ") {
			t.Errorf("version: %q, want that of the tag, %s", said, distVersion)
		}
	})
}

// one returns the path of the one file in a folder that a pattern matches.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s has %q for %s, want one (%v)", dir, found, pattern, err)
	}
	return found[0]
}

// checkOwnWheels verifies the wheel of each system, and installs and runs that of this one.
func checkOwnWheels(t *testing.T, dir string) {
	t.Helper()
	for _, tag := range []string{
		"macosx_*_arm64", "macosx_*_x86_64", "win_amd64", "win_arm64",
		"manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
		"manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
	} {
		wheel := one(t, dir, "wheelmend-9.8.7rc1-py3-none-"+tag+".whl")
		run(t, nil, wheelmendPath, "verify", wheel).must(t)
	}
	v := newVenv(t)
	v.install(t, one(t, dir, "wheelmend-*-manylinux*_x86_64.whl"))
	bin := filepath.Dir(v.python)
	if said := run(t, nil, filepath.Join(bin, "wheelmend"), "version").must(t).stdout; !strings.HasPrefix(said, "wheelmend "+distVersion+" ") {
		t.Errorf("wheelmend version: %q, want %s", said, distVersion)
	}
	if said := run(t, nil, filepath.Join(bin, "build-wheels"), "--help").must(t).stdout; !strings.Contains(said, "BUILD_COMMIT") {
		t.Errorf("build-wheels --help: %q", said)
	}
	meta := v.exec(t, "import importlib.metadata as m; d = m.metadata('wheelmend'); print(d['Version'], d['License-Expression'])")
	if meta != "9.8.7rc1 MIT" {
		t.Errorf("metadata %q, want 9.8.7rc1 MIT", meta)
	}
}

// checkAction carries out the step of action.yml with a release in a folder, and again
// with a program that is not the one of SHA256SUMS.
func checkAction(t *testing.T, made string) {
	t.Helper()
	releases := t.TempDir()
	release := filepath.Join(releases, "download", distVersion)
	if err := os.CopyFS(release, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	step := strings.TrimSpace(run(t, nil, peer(t, "python"), "-c", `import sys, yaml
print(yaml.safe_load(open(sys.argv[1]))["runs"]["steps"][0]["run"])`, filepath.Join(root, "action.yml")).must(t).stdout)
	act := func(ref string) (result, string) {
		temp := t.TempDir()
		env := []string{
			"ACTION=" + root, "REF=" + ref, "VERSION=", "RUNNER_TEMP=" + temp, "GITHUB_PATH=" + filepath.Join(temp, "path"),
			"WHEELMEND_RELEASES=file://" + releases,
		}
		return run(t, env, "bash", "-e", "-o", "pipefail", "-c", step), temp
	}
	done, temp := act(distVersion)
	done.must(t)
	bin := strings.TrimSpace(string(readFile(t, filepath.Join(temp, "path"))))
	for _, program := range []string{"wheelmend", "build-wheels"} {
		run(t, nil, filepath.Join(bin, program), "--help").must(t)
	}
	if done, _ := act("v1"); done.code == 0 || !strings.Contains(done.stderr, "latest/download/SHA256SUMS: cannot be downloaded") {
		t.Errorf("v1 stands for the latest release: exit %d, %s", done.code, done.stderr)
	}
	program := filepath.Join(release, "wheelmend-linux-amd64")
	if err := os.WriteFile(program, append(readFile(t, program), 0), 0o755); err != nil {
		t.Fatal(err)
	}
	done, temp = act(distVersion)
	if files := filesIn(t, filepath.Join(temp, "wheelmend", "bin")); done.code == 0 || !strings.Contains(done.stderr, "nothing was installed") || len(files) != 0 {
		t.Errorf("a changed program: exit %d, left %q, %s", done.code, files, done.stderr)
	}
}

// checkDocs unpacks the manual and the completions, and holds a page to its version and has
// bash read the completions.
func checkDocs(t *testing.T, archive string) {
	t.Helper()
	share := t.TempDir()
	run(t, nil, "tar", "-C", share, "-xf", archive).must(t)
	for _, name := range []string{"man/man1/wheelmend.1", "fish/vendor_completions.d/wheelmend.fish", "zsh/site-functions/_wheelmend"} {
		if len(readFile(t, filepath.Join(share, name))) < 1000 {
			t.Errorf("%s: too short", name)
		}
	}
	page := string(readFile(t, filepath.Join(share, "man", "man1", "wheelmend-repair.1")))
	if want := `.TH "WHEELMEND-REPAIR" "1" "" "wheelmend ` + distVersion + `"`; !strings.Contains(page, want) {
		t.Errorf("wheelmend-repair.1: no %s", want)
	}
	completions := filepath.Join(share, "bash-completion", "completions", "wheelmend")
	said := run(t, nil, "bash", "-c", `. "$1"; complete -p wheelmend`, "bash", completions).must(t).stdout
	if !strings.Contains(said, "__start_wheelmend") {
		t.Errorf("bash completes wheelmend by %q", said)
	}
}

// checkSums holds every file of a release to SHA256SUMS, and that to the files.
func checkSums(t *testing.T, dir string) {
	t.Helper()
	listed := map[string]string{}
	for line := range strings.Lines(string(readFile(t, filepath.Join(dir, "SHA256SUMS")))) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		listed[name] = sum
	}
	files := filesIn(t, dir)
	if len(files) != len(listed)+1 {
		t.Errorf("SHA256SUMS has %d files, the directory %q", len(listed), files)
	}
	for _, name := range files {
		if name == "SHA256SUMS" {
			continue
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(readFile(t, filepath.Join(dir, name)))); listed[name] != sum {
			t.Errorf("SHA256SUMS: %s has %q, want %s", name, listed[name], sum)
		}
	}
}
