//go:build integration

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// distVersion is what the tests below release.
const distVersion = "v9.8.7"

// saidVersion is how the program and PyPI spell it.
const saidVersion = "9.8.7"

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
	t.Run("action", func(t *testing.T) { checkAction(t, source, made) })
	t.Run("manual and completions", func(t *testing.T) { checkDocs(t, filepath.Join(made, "wheelmend-docs.tar.gz")) })
	said := run(t, nil, filepath.Join(again, native), "version").must(t).stdout
	if want := "wheelmend " + saidVersion + " "; !strings.HasPrefix(said, want) {
		t.Errorf("%s version: %q, want %q in front", native, said, want)
	}
	t.Run("go build in an archive", func(t *testing.T) {
		program := filepath.Join(t.TempDir(), "wheelmend")
		run(t, nil, "go", "build", "-C", archive, "-o", program, "./cmd/wheelmend").must(t)
		if said := run(t, nil, program, "version").must(t).stdout; !strings.HasPrefix(said, "wheelmend "+saidVersion+" ") {
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
		wheel := one(t, dir, "wheelmend-9.8.7-py3-none-"+tag+".whl")
		run(t, nil, wheelmendPath, "verify", wheel).must(t)
	}
	v := newVenv(t)
	v.install(t, one(t, dir, "wheelmend-*-manylinux*_x86_64.whl"))
	bin := filepath.Dir(v.python)
	if said := run(t, nil, filepath.Join(bin, "wheelmend"), "version").must(t).stdout; !strings.HasPrefix(said, "wheelmend "+saidVersion+" ") {
		t.Errorf("wheelmend version: %q, want %s", said, distVersion)
	}
	if said := run(t, nil, v.python, "-m", "wheelmend", "version").must(t).stdout; !strings.HasPrefix(said, "wheelmend "+saidVersion+" ") {
		t.Errorf("python -m wheelmend version: %q, want %s", said, saidVersion)
	}
	if said := run(t, nil, filepath.Join(bin, "build-wheels"), "--help").must(t).stdout; !strings.Contains(said, "BUILD_COMMIT") {
		t.Errorf("build-wheels --help: %q", said)
	}
	meta := v.exec(t, "import importlib.metadata as m; d = m.metadata('wheelmend'); print(d['Version'], d['License-Expression'])")
	if meta != "9.8.7 MIT" {
		t.Errorf("metadata %q, want 9.8.7 MIT", meta)
	}
}

// checkAction carries out the step of action.yml with a release on a server: the version of
// the file of digests beside it, others as gh attests them, a program that is not the one of
// the digests, and versions that lead elsewhere.
func checkAction(t *testing.T, source checkout, made string) {
	t.Helper()
	served := t.TempDir()
	release := filepath.Join(t.TempDir(), "release")
	if err := os.CopyFS(release, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	// The last three are what bad versions ask for, if an address is made of them.
	for _, name := range []string{"download/" + distVersion, "download/v9.8.6", "attacker/fork/releases/download/v9", "latest/download", "download/v1"} {
		link := filepath.Join(served, name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(release, link); err != nil {
			t.Fatal(err)
		}
	}
	a := newActor(t, source.dir, served)
	done, bin := a.act(t, "")
	if done.code == 0 || !strings.Contains(done.stderr, "this copy belongs to no release") {
		t.Errorf("no version and no digests: exit %d, %s", done.code, done.stderr)
	}
	if done, _ := a.act(t, distVersion); done.code == 0 || !strings.Contains(done.stderr, "there is no gh") {
		t.Errorf("neither digests nor gh: exit %d, %s", done.code, done.stderr)
	}
	run(t, nil, "go", "run", "../../scripts/dist", "-C", source.dir, "-o", made, "-version", distVersion, "-pin").must(t)
	for _, version := range []string{"", distVersion} {
		done, bin = a.act(t, version)
		done.must(t)
		for _, program := range []string{"wheelmend", "build-wheels"} {
			run(t, nil, filepath.Join(bin, program), "--help").must(t)
		}
	}
	for _, version := range []string{
		"../../attacker/fork/releases/download/v9", "../latest/download", "latest", "v1", "9.8.7", "v9.8.7-rc.1", "v9.8.7/../v9.8.6", "v9.8.7?x=1",
		"v9.8.7 ", "v9.8.7\n", "https://example.org/v9.8.7", "v9.8.7#",
	} {
		if done, bin := a.act(t, version); done.code == 0 || !strings.Contains(done.stderr, "is not the version of a release") || len(filesIn(t, bin)) != 0 {
			t.Errorf("version %q: exit %d, %s", version, done.code, done.stderr)
		}
	}
	t.Run("gh", func(t *testing.T) { a.checkAttestation(t) })
	t.Run("http", func(t *testing.T) {
		for _, address := range []string{"http" + strings.TrimPrefix(a.url, "https"), "file://" + served, a.url + "/plain"} {
			done, bin := a.act(t, distVersion, "WHEELMEND_RELEASES="+address)
			if done.code == 0 || len(filesIn(t, bin)) != 0 {
				t.Errorf("%s: exit %d, %s", address, done.code, done.stderr)
			}
		}
	})
	program := filepath.Join(release, "wheelmend-linux-amd64")
	if err := os.WriteFile(program, append(readFile(t, program), 0), 0o755); err != nil {
		t.Fatal(err)
	}
	done, bin = a.act(t, distVersion)
	if files := filesIn(t, bin); done.code == 0 || !strings.Contains(done.stderr, "nothing was installed") || len(files) != 0 {
		t.Errorf("a changed program: exit %d, left %q, %s", done.code, files, done.stderr)
	}
}

// An actor carries out the step of an action in a directory, against releases on a server.
type actor struct{ root, step, url, ca string }

func newActor(t *testing.T, root, served string) *actor {
	t.Helper()
	plain := httptest.NewServer(http.FileServer(http.Dir(served)))
	t.Cleanup(plain.Close)
	files := http.FileServer(http.Dir(served))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := strings.CutPrefix(r.URL.Path, "/plain"); ok { // a server that leads from https to http
			http.Redirect(w, r, plain.URL+path, http.StatusFound)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o644); err != nil {
		t.Fatal(err)
	}
	step := run(t, nil, peer(t, "python"), "-c", `import sys, yaml
print(yaml.safe_load(open(sys.argv[1]))["runs"]["steps"][0]["run"])`, filepath.Join(root, "action.yml")).must(t).stdout
	return &actor{root, strings.TrimSpace(step), server.URL, ca}
}

// act returns what the step says, and the folder that it installs to.
func (a *actor) act(t *testing.T, version string, more ...string) (result, string) {
	t.Helper()
	temp := t.TempDir()
	env := append([]string{
		"ACTION=" + a.root, "VERSION=" + version, "RUNNER_TEMP=" + temp, "GITHUB_PATH=" + filepath.Join(temp, "path"),
		"WHEELMEND_RELEASES=" + a.url, "CURL_CA_BUNDLE=" + a.ca, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}, more...)
	bin := filepath.Join(temp, "wheelmend", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	return run(t, env, "bash", "-e", "-o", "pipefail", "-c", a.step), bin
}

// checkAttestation has a program in the place of gh, which attests the programs or does not.
func (a *actor) checkAttestation(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	gh := "#!/bin/sh\nif [ \"$1\" = attestation ]; then echo \"$@\" >>" + asked + "; [ -z \"$UNKNOWN\" ]; else [ -z \"$LOGGED_OUT\" ]; fi\n"
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte(gh), 0o755); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + dir + ":" + os.Getenv("PATH")
	for _, test := range []struct {
		version, env string
		ok           bool
	}{
		{"v9.8.6", "", true}, {"v9.8.6", "UNKNOWN=1", false}, {distVersion, "", true}, {distVersion, "UNKNOWN=1", false}, {distVersion, "LOGGED_OUT=1", true},
	} {
		done, bin := a.act(t, test.version, path, test.env)
		if (done.code == 0) != test.ok || (len(filesIn(t, bin)) > 0) != test.ok {
			t.Errorf("%s with %q: exit %d, %s", test.version, test.env, done.code, done.stderr)
		}
	}
	want := "--repo wheelmend/wheelmend --signer-workflow wheelmend/wheelmend/.github/workflows/release.yml --source-ref refs/tags/v9.8.6"
	if text := string(readFile(t, asked)); !strings.Contains(text, want) {
		t.Errorf("gh was not asked with %s:\n%s", want, text)
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
	if want := `.TH "WHEELMEND-REPAIR" "1" "" "wheelmend ` + saidVersion + `"`; !strings.Contains(page, want) {
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
