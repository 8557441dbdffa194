//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// thief is Python that looks for a text as the code of a build could, and tells the file
// LOOT: in the environment of each process that it can read, in what they were called with,
// in open files and memory of the processes above it, and in the settings of git.
const thief = `
import glob, os
def look(secret):
    found = []
    def search(path, limit=1 << 24):
        try:
            with open(path, "rb") as f:
                if secret in f.read(limit):
                    found.append(path)
        except OSError:
            pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) != os.getpid():
            search("/proc/%%s/environ" %% pid)
            search("/proc/%%s/cmdline" %% pid)
    for top, _, names in os.walk("."):
        for name in names:
            if os.path.isfile(os.path.join(top, name)):
                search(os.path.join(top, name))
    if any(secret in value for value in os.environb.values()):
        found.append("its own environment")
    return found
def tell(text):
    with open(%q, "a") as f:
        f.write(text + "\n")
`

// hostileProject returns a project in a repository whose setup.py and whose module run code
// of the given text, and what they left in the file of loot.
func hostileProject(t *testing.T, setup string) (repository, loot string) {
	t.Helper()
	loot = filepath.Join(t.TempDir(), "loot")
	files := t.TempDir()
	for name, text := range map[string]string{
		"pyproject.toml": "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n",
		"setup.py": fmt.Sprintf(thief, loot) + setup +
			"\nfrom setuptools import setup\nsetup(name=\"hostile\", version=\"1.0\", py_modules=[\"hostile\"], long_description=\"x\", long_description_content_type=\"text/plain\")\n",
		"hostile.py": fmt.Sprintf(thief, loot),
	} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	repository, _ = newRepository(t, files)
	return repository, loot
}

// hint returns Python that stands for a text without being found in its place.
func hint(secret string) string {
	reversed := []byte(secret)
	slices.Reverse(reversed)
	return fmt.Sprintf("b%q[::-1]", reversed)
}

// daemon is Python that leaves a process behind, in a session of its own, without a parent
// and with standard output open; it looks for the token for as long as it lives, and does
// not end by a signal that can be caught.
const daemon = `
import signal, time
def leave(secret):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    tell("daemon %d" % os.getpid())
    while True:
        for place in look(secret):
            tell("stolen from " + place)
        time.sleep(0.02)
`

// checkLoot fails the test if the thief has found anything, and returns what it wrote.
func checkLoot(t *testing.T, loot string) string {
	t.Helper()
	text := string(readFile(t, loot))
	if strings.Contains(text, "stolen") {
		t.Errorf("the secret is stolen:\n%s", text)
	}
	return text
}

// checkEnded fails the test if a daemon of which the loot tells is still there.
func checkEnded(t *testing.T, loot string, want int) {
	t.Helper()
	pids := 0
	for line := range strings.Lines(string(readFile(t, loot))) {
		var pid int
		if _, err := fmt.Sscanf(line, "daemon %d", &pid); err == nil {
			pids++
			if err := syscall.Kill(pid, 0); err == nil {
				t.Errorf("process %d has outlived the build", pid)
			}
		}
	}
	if pids < want {
		t.Errorf("%d processes were left behind, want at least %d", pids, want)
	}
}

// TestHostileBuild has the setup.py and the test of a project, and a process that each of
// them leaves behind, look for the token while the wheel is built and uploaded in one call.
// Root may read the memory of any process; that is why this needs --trust-build.
func TestHostileBuild(t *testing.T) {
	index := newIndex(t)
	secret := hint(index.pass)
	repository, loot := hostileProject(t, daemon+
		"for place in look("+secret+"): tell('stolen from ' + place)\nleave("+secret+")\ntell('setup ran')\n")
	b := newBuilder(t, "SOURCE="+repository, "REPOSITORY_URL="+index.url, "TESTPYPI_UPLOAD=true", "TESTPYPI_TOKEN="+index.pass,
		"TEST_COMMAND=python -c '"+strings.ReplaceAll("from hostile import *"+daemon+"leave("+secret+"); tell(\"test ran\")", "'", `'"'"'`)+"'")
	refused := b.run(t, nil)
	if refused.code != 2 || len(filesIn(t, b.dir)) != 0 {
		t.Errorf("exit %d, want 2 and no file: %s", refused.code, refused.stderr)
	}
	start := time.Now()
	built := b.run(t, []string{"--trust-build"}).must(t)
	if wait := time.Since(start); wait > 5*time.Minute {
		t.Errorf("what was left behind holds it up for %s", wait)
	}
	if !strings.Contains(built.stdout, "warning: TESTPYPI_TOKEN is in the environment") || !strings.Contains(built.stdout, "TESTPYPI uploaded") {
		t.Errorf("no warning, or no upload:\n%s", built.stdout)
	}
	text := checkLoot(t, loot)
	for _, want := range []string{"setup ran", "test ran"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	checkEnded(t, loot, 2)
	b.checkHidden(t, index.pass, refused, built)
}

// TestProcessOfABuildDuringTheUpload leaves a process that no build-wheels knows of, as an
// earlier step of a job could, and uploads beside it.
func TestProcessOfABuildDuringTheUpload(t *testing.T) {
	index := newIndex(t)
	secret := hint(index.pass)
	repository, loot := hostileProject(t, "")
	b := newBuilder(t, "SOURCE="+repository)
	b.run(t, nil).must(t)
	script := filepath.Join(t.TempDir(), "spy.py")
	// It also looks at its own parent, which is this test and has no token in its environment.
	if err := os.WriteFile(script, []byte(fmt.Sprintf(thief, loot)+"import time\ntell('spy ran')\nos.chdir('/proc/self')\nwhile True:\n  for place in look("+secret+"): tell('stolen from ' + place)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	spy := exec.Command(peer(t, "python"), script)
	if err := spy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spy.Process.Kill(); _ = spy.Wait() }()
	// The token reaches build-wheels through a pipe, so that no other program begins with it.
	b.env = append(b.env, "REPOSITORY_URL="+index.url, "TESTPYPI_UPLOAD=true")
	build, err := filepath.Abs("../../scripts/build-wheels")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peer(t, "python"), "-I", "-c", `import os, runpy, sys
outlet, inlet = os.pipe()
os.write(inlet, b"\0".join(k + b"=" + v for k, v in os.environb.items()) + b"\0TESTPYPI_TOKEN=" + sys.stdin.buffer.readline().strip())
os.close(inlet)
if os.fork() == 0:
    os._exit(0)
os.set_inheritable(outlet, True)
os.execve(sys.executable, [sys.executable, "-I", sys.argv[1], "--upload-only"], {**os.environ, "_BUILD_WHEELS_ENVIRON": str(outlet)})`, build)
	cmd.Dir, cmd.Env, cmd.Stdin = b.dir, append(os.Environ(), b.env...), strings.NewReader(index.pass+"\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("TESTPYPI uploaded")) {
		t.Errorf("%v\n%s", err, out)
	}
	if text := checkLoot(t, loot); !strings.Contains(text, "spy ran") {
		t.Errorf("nobody looked: %s", text)
	}
}

// TestBuildEnvironment holds what a build and a test see to the documented list, where a job
// of CI has keys, files that steer it, and agents.
func TestBuildEnvironment(t *testing.T) {
	repository, loot := hostileProject(t, "tell('setup ' + ' '.join(sorted(os.environ)))\ntell('home ' + repr(os.listdir(os.environ['HOME'])))\n")
	out := t.TempDir()
	hidden := []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS", "SSH_AUTH_SOCK", "GITHUB_ENV", "GITHUB_PATH",
		"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_CACHE_URL", "DATABASE_PASSWORD", "NPM_TOKEN", "CMAKE_DEPLOY_TOKEN",
		"PYTHONSTARTUP", "LD_PRELOAD", "BASH_ENV", "UNKNOWN", "DBUS_SESSION_BUS_ADDRESS", "KUBECONFIG", "GIT_ASKPASS",
	}
	env := []string{"SOURCE=" + repository, "TEST_COMMAND=python -c 'from hostile import *; tell(\"test \" + \" \".join(sorted(os.environ)))'",
		"CFLAGS=-O1", "WANTED=1", "ALSO=2", "PASS_ENV=WANTED"}
	for _, name := range hidden {
		value := filepath.Join(out, name)
		if name == "LD_PRELOAD" {
			value = ""
		}
		env = append(env, name+"="+value)
	}
	b := newBuilder(t, env...)
	b.run(t, []string{"--pass-env", "ALSO"}).must(t)
	text := string(readFile(t, loot))
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		seen := map[string]bool{}
		for _, word := range words {
			seen[word] = true
		}
		if words[0] == "home" {
			continue
		}
		for _, name := range append(hidden, "SOURCE", "TEST_COMMAND", "PASS_ENV") {
			if seen[name] {
				t.Errorf("the %s sees %s", words[0], name)
			}
		}
		for _, name := range []string{"PATH", "HOME", "CFLAGS", "WANTED", "ALSO"} {
			if !seen[name] {
				t.Errorf("the %s does not see %s: %s", words[0], name, line)
			}
		}
	}
	if !strings.Contains(text, "setup ") || !strings.Contains(text, "test ") || !strings.Contains(text, "home []") {
		t.Errorf("not everything ran, or the home is not empty:\n%s", text)
	}
	if summary := filepath.Join(out, "GITHUB_STEP_SUMMARY"); len(readFile(t, summary)) == 0 {
		t.Error("the summary of the step is empty")
	}
}

// TestUploadOnlyRunsNothingOfItsFolder uploads in a folder with modules of the names that
// Python, venv, pip and twine import, with records that name files elsewhere, and with PYTHONPATH.
func TestUploadOnlyRunsNothingOfItsFolder(t *testing.T) {
	index := newIndex(t)
	repository, _ := hostileProject(t, "")
	b := newBuilder(t, "SOURCE="+repository)
	b.run(t, nil).must(t)
	ran := filepath.Join(t.TempDir(), "ran")
	for _, name := range []string{
		"venv", "twine", "pip", "ensurepip", "sitecustomize", "usercustomize", "argparse", "json", "hashlib", "tempfile", "requests", "ctypes",
		"subprocess", "_distutils_hack", "setuptools", "keyring", "pathlib",
	} {
		text := fmt.Sprintf("import os\nopen(%q, 'a').write('%s ran\\n')\n", ran, name)
		if err := os.WriteFile(filepath.Join(b.dir, name+".py"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".pypirc", "pip.conf", "setup.cfg", "pyvenv.cfg"} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte("[pypi]\nrepository = http://127.0.0.1:1/\n[global]\nindex-url = http://127.0.0.1:1/\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	done := b.run(t, []string{"--upload-only"}, "REPOSITORY_URL="+index.url, "TESTPYPI_UPLOAD=true", "TESTPYPI_TOKEN="+index.pass).must(t)
	if !strings.Contains(done.stdout, "TESTPYPI uploaded") {
		t.Errorf("not uploaded:\n%s", done.stdout)
	}
	if text, err := os.ReadFile(ran); err == nil {
		t.Errorf("modules of the folder ran:\n%s", text)
	}
	b.checkHidden(t, index.pass, done)

	record := one(t, filepath.Join(b.dir, "wheelhouse", "records"), "*.json")
	good := string(readFile(t, record))
	wheel := filepath.Base(one(t, filepath.Join(b.dir, "wheelhouse"), "*.whl"))
	for _, change := range [][2]string{
		{wheel, "../" + wheel}, {wheel, "/etc/passwd"}, {wheel, "records/" + wheel}, {"py3", "py3\\n::add-mask::"}, {`"grafted": [`, `"grafted": [1`},
		{`"tag_after": "any"`, `"tag_after": "[x](http://example.org)"`},
	} {
		bad := strings.ReplaceAll(good, change[0], change[1])
		if bad == good {
			t.Errorf("%q is not in the record:\n%s", change[0], good)
			continue
		}
		if err := os.WriteFile(record, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		r := b.run(t, []string{"--upload-only"}, "REPOSITORY_URL="+index.url, "TESTPYPI_UPLOAD=true", "TESTPYPI_TOKEN="+index.pass)
		if r.code != 1 || !strings.Contains(r.stderr, "not a record of build-wheels") {
			t.Errorf("%q: exit %d, %s", change[1], r.code, r.stderr)
		}
	}
}

// TestSourceCredentials clones a repository, and a submodule beside it, from a server that
// wants a password. The build finds it nowhere, and another server is not told it.
func TestSourceCredentials(t *testing.T) {
	const user, secret = "reader", "correct horse/battery+staple"
	quoted := "correct%20horse%2Fbattery%2Bstaple"
	served := t.TempDir()
	submodule, _ := newRepository(t, filepath.Join("testdata", "buildproject", "src"))
	check := "for secret in (" + hint(secret) + ", " + hint(quoted) + ", " + hint("Basic cmVhZGVy") + "):\n  for place in look(secret): tell('stolen from ' + place)\n"
	repository, loot := hostileProject(t, check+"tell('setup ran ' + repr(os.path.exists('part/digests')))\n")
	run(t, nil, "git", "clone", "--quiet", "--bare", submodule, filepath.Join(served, "part.git")).must(t)
	git := []string{"-C", repository, "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "protocol.file.allow=always"}
	run(t, nil, "git", append(git, "submodule", "--quiet", "add", filepath.Join(served, "part.git"), "part")...).must(t)
	run(t, nil, "git", append(git, "config", "--file", ".gitmodules", "submodule.part.url", "../part.git")...).must(t)
	run(t, nil, "git", append(git, "commit", "--quiet", "--all", "-m", "a part")...).must(t)
	run(t, nil, "git", "clone", "--quiet", "--bare", repository, filepath.Join(served, "project.git")).must(t)
	for _, name := range []string{"part.git", "project.git"} {
		run(t, nil, "git", "-C", filepath.Join(served, name), "update-server-info").must(t)
	}
	files := http.FileServer(http.Dir(served))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, pass, ok := r.BasicAuth(); !ok || name != user || pass != secret {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	told := ""
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told += r.Header.Get("Authorization")
		w.Header().Set("WWW-Authenticate", `Basic realm="other"`)
		http.Error(w, "no", http.StatusUnauthorized)
	}))
	defer other.Close()
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.String(), http.StatusFound)
	}))
	defer moved.Close()

	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[credential]\nhelper = store\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	with := func(address string) string {
		return strings.Replace(address, "http://", "http://"+user+":"+quoted+"@", 1)
	}
	b := newBuilder(t, "SOURCE="+with(server.URL)+"/project.git", "HOME="+home)
	done := b.run(t, []string{"-v"}).must(t)
	if text := checkLoot(t, loot); !strings.Contains(text, "setup ran True") {
		t.Errorf("the build has no submodule: %s", text)
	}
	refused := b.run(t, nil, "SOURCE="+with(moved.URL)+"/project.git")
	if refused.code != 1 || told != "" {
		t.Errorf("exit %d for another server, which was told %q: %s", refused.code, told, refused.stderr)
	}
	wrong := b.run(t, nil, "SOURCE="+strings.Replace(server.URL, "http://", "http://"+user+":wrong-"+quoted+"@", 1)+"/project.git")
	if wrong.code != 1 || !strings.Contains(wrong.stderr, "Authentication failed") {
		t.Errorf("exit %d for a wrong password: %s", wrong.code, wrong.stderr)
	}
	b.checkHidden(t, secret, done, refused, wrong)
	b.checkHidden(t, quoted, done, refused, wrong)
	if files := filesIn(t, home); len(files) != 1 {
		t.Errorf("git has kept the password: %q", files)
	}
}

// TestUnusualSources refuses what is neither a file nor a folder, and links that lead out of
// a folder, and leaves a virtual environment in it alone.
func TestUnusualSources(t *testing.T) {
	make := func(t *testing.T, change func(dir string) error) builder {
		t.Helper()
		b := newBuilder(t, "SOURCE=project")
		project := filepath.Join(b.dir, "project")
		if err := os.CopyFS(project, os.DirFS(filepath.Join("testdata", "buildproject"))); err != nil {
			t.Fatal(err)
		}
		if err := change(project); err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, test := range []struct {
		name, want string
		change     func(dir string) error
	}{
		{"a named pipe", "project/src/pipe is a named pipe, and neither a file nor a folder", func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "src", "pipe"), 0o644) }},
		{"a device", "is a device", func(dir string) error {
			return syscall.Mknod(filepath.Join(dir, "null"), syscall.S_IFCHR|0o644, 1<<8|3)
		}},
		{"a socket", "is a socket", func(dir string) error { return syscall.Mknod(filepath.Join(dir, "socket"), syscall.S_IFSOCK|0o644, 0) }},
		{"a link to a file of the machine", "is a link that leads out of SOURCE, to '/etc/passwd'", func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "data")) }},
		{"a link to above", "is a link that leads out of SOURCE, to '../../x'", func(dir string) error { return os.Symlink("../../x", filepath.Join(dir, "src", "data")) }},
		{"a link to a folder outside", "is a link that leads out of SOURCE", func(dir string) error { return os.Symlink("..", filepath.Join(dir, "up")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := make(t, test.change)
			if r := b.run(t, nil); r.code != 1 || !strings.Contains(r.stderr, test.want) || strings.Contains(r.stderr, "Traceback") {
				t.Errorf("exit %d, want 1 and %q: %s%s", r.code, test.want, r.stdout, r.stderr)
			}
		})
	}
	t.Run("links inside, and a virtual environment", func(t *testing.T) {
		b := make(t, func(dir string) error {
			if err := os.Symlink("../README.md", filepath.Join(dir, "src", "README")); err != nil {
				return err
			}
			return exec.Command(peer(t, "python"), "-m", "venv", "--without-pip", filepath.Join(dir, ".venv")).Run()
		})
		b.run(t, nil).must(t)
	})
}

// TestCommitNames builds the hash that was asked for where a branch has its name.
func TestCommitNames(t *testing.T) {
	repository, commits := newRepository(t, filepath.Join("testdata", "buildproject"))
	short := commits[0][:10]
	run(t, nil, "git", "-C", repository, "branch", short, commits[2]).must(t)
	b := newBuilder(t, "SOURCE="+repository)
	if r := b.run(t, []string{"--dry-run"}, "BUILD_COMMIT="+short); r.code != 1 || !strings.Contains(r.stderr, "is more than one commit of") {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if r := b.run(t, []string{"--dry-run"}, "BUILD_COMMIT="+commits[0]).must(t); !strings.Contains(r.stdout, "commit "+commits[0]) {
		t.Errorf("a full hash: %s", r.stdout)
	}
	if r := b.run(t, []string{"--dry-run"}, "BUILD_COMMIT=refs/heads/"+short).must(t); !strings.Contains(r.stdout, "commit "+commits[2]) {
		t.Errorf("the branch: %s", r.stdout)
	}
}

// TestStoppedBuild ends a build by a signal: nothing of it is left, and nothing half-done.
func TestStoppedBuild(t *testing.T) {
	repository, loot := hostileProject(t, daemon+"leave(b'nothing-to-find')\nimport time\ntell('setup runs')\ntime.sleep(600)\n")
	b := newBuilder(t, "SOURCE="+repository)
	script, err := filepath.Abs("../../scripts/build-wheels")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	cmd := exec.Command(peer(t, "python"), script)
	cmd.Dir, cmd.Env = b.dir, append(append(os.Environ(), b.env...), "TMPDIR="+temp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if text, _ := os.ReadFile(loot); bytes.Contains(text, []byte("setup runs")) {
			break
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			t.Fatal("the build does not begin")
		}
	}
	start := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ends with %v, want exit code 1", err)
	}
	if wait := time.Since(start); wait > 5*time.Second {
		t.Errorf("it takes %s to end", wait)
	}
	checkEnded(t, loot, 1)
	if left := filesIn(t, temp); len(left) != 0 {
		t.Errorf("it leaves %q", left)
	}
}
