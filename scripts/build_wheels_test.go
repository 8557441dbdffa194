package scripts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// buildWheels runs build-wheels in a folder and returns what it prints and its
// exit code.
func buildWheels(t *testing.T, dir string, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("build-wheels is for Linux and macOS, and needs python3")
	}
	script, err := filepath.Abs("build-wheels")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{script}, args...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), log.String(), cmd.ProcessState.ExitCode()
}

// TestBuildWheelsUsage holds wrong settings to an error that names the setting,
// before anything is fetched or written. Builds are in internal/integration.
func TestBuildWheelsUsage(t *testing.T) {
	for _, test := range []struct {
		name   string
		config string
		env    []string
		args   []string
		want   string
	}{
		{"no source", "", nil, nil, "SOURCE is not set: the git URL, repository or directory of the project"},
		{"no such file", "", nil, []string{"--config", "other.env"}, "other.env: not found"},
		{"unknown setting", "SOURCE=.\nBUILDCOMMIT=main\n", nil, nil, "wheels.env:2: unknown setting BUILDCOMMIT"},
		{"no quotes", "BUILD_DEPENDS=numpy Cython\n", nil, nil, "wheels.env:1: want one NAME=value"},
		{"open quote", "SOURCE='x\n", nil, nil, "wheels.env:1: No closing quotation"},
		{"a secret in the file", "PYPI_TOKEN=pypi-secret\n", nil, nil, "wheels.env:1: PYPI_TOKEN is read from the environment only"},
		{"upload without a token", "SOURCE=.\nPYPI_UPLOAD=true\n", nil, []string{"--upload-only"}, "PYPI_UPLOAD is true and PYPI_TOKEN is not set in the environment"},
		{"neither true nor false", "SOURCE=.\nPYPI_UPLOAD=yes\n", nil, nil, "PYPI_UPLOAD is 'yes'; want true or false"},
		{"two uploads to one index", "SOURCE=.\n",
			[]string{"PYPI_UPLOAD=true", "TESTPYPI_UPLOAD=true", "PYPI_TOKEN=pypi-secret", "TESTPYPI_TOKEN=pypi-secret", "REPOSITORY_URL=https://example.org"},
			[]string{"--upload-only"}, "REPOSITORY_URL is one index"},
		{"a password in the address", "SOURCE=.\n",
			[]string{"PYPI_UPLOAD=true", "PYPI_TOKEN=pypi-secret", "REPOSITORY_URL=https://me:pypi-secret@example.org"},
			[]string{"--trust-build"}, "REPOSITORY_URL has a user name in it"},
		{"upload and build in one call", "SOURCE=.\nPYPI_UPLOAD=true\n", nil, nil,
			"PYPI_UPLOAD is true, and a build must not run beside an upload token; build without it, then upload in another call with --upload-only (or --trust-build"},
		{"nothing to trust", "SOURCE=.\n", nil, []string{"--upload-only", "--trust-build"}, "--upload-only builds nothing; leave --trust-build out"},
		{"an option for a commit", "SOURCE=.\nBUILD_COMMIT=--output=x\n", nil, nil, "BUILD_COMMIT is '--output=x'; it cannot begin with a dash"},
		{"the environment wins", "SOURCE=.\nRETRIES=3\n", []string{"RETRIES=many"}, nil, "RETRIES is 'many'; want a number"},
		{"no program", "SOURCE=.\nWHEELMEND=no/wheelmend\n", nil, nil, "WHEELMEND is 'no/wheelmend', which is not on PATH"},
		{"upload only, and no index", "SOURCE=.\n", nil, []string{"--upload-only"}, "uploads nothing unless TESTPYPI_UPLOAD or PYPI_UPLOAD is true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.config != "" {
				if err := os.WriteFile(filepath.Join(dir, "wheels.env"), []byte(test.config), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			stdout, stderr, code := buildWheels(t, dir, test.env, test.args...)
			if code != 2 || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d, want 2 and one line with %q:\n%s", code, test.want, stderr)
			}
			if strings.Contains(stdout+stderr, "pypi-secret") {
				t.Errorf("the secret is shown:\n%s%s", stdout, stderr)
			}
			if left, _ := os.ReadDir(dir); len(left) > 1 {
				t.Errorf("files are left: %v", left)
			}
		})
	}
}

// TestBuildWheelsBesideTokens refuses to build where a build could read what uploads: in the
// environment under many names, in that of a shell which has unset it, in files of the home,
// and in the settings of a repository. None is shown.
func TestBuildWheelsBesideTokens(t *testing.T) {
	const secret = "pypi-secret-of-20-letters"
	write := func(path ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			file := filepath.Join(dir, path[0])
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(path[1]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	git := func(args ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			for _, args := range [][]string{{"init", "--quiet"}, args} {
				if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
					t.Fatalf("git: %v\n%s", err, out)
				}
			}
		}
	}
	tests := []tokenTest{
		{"PYPI_TOKEN", []string{"PYPI_TOKEN=" + secret}, nil, "PYPI_TOKEN is in the environment: "},
		{"ANYTHING", []string{"ANYTHING=" + secret}, nil, "ANYTHING is in the environment: "},
		{"a token of PyPI inside a value", []string{"OPTIONS=--password pypi-AgEIcHlwaS5vcmcCJDAwMDAw"}, nil, "OPTIONS is in the environment"},
		{".pypirc", nil, write(".pypirc", "[pypi]\nusername = __token__\npassword = "+secret+"\n"), ".pypirc has a password"},
		{".netrc", nil, write(".netrc", "machine upload.pypi.org login __token__ password "+secret+"\n"), ".netrc has a password"},
		{"uv", nil, write(".local/share/uv/credentials/credentials.toml", "token = '"+secret+"'\n"), "credentials.toml has a password"},
		{"a keyring in a file", nil, write(".local/share/python_keyring/keyring_pass.cfg", "[https_3a_2f_2fupload_2epypi_2eorg]\n__token__="+secret+"\n"), "keyring_pass.cfg has a password"},
		{".env of the project", nil, write("project/.env", "DEBUG=1\nexport PYPI_TOKEN='"+secret+"'\n"), "project/.env has a password"},
		{".pypirc of the project", nil, write("project/.pypirc", "[pypi]\npassword: "+secret+"\n"), "project/.pypirc has a password"},
		{"what actions/checkout leaves", nil, git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic "+secret), "http.https://github.com/.extraheader in the git settings of"},
		{"an address with a password", nil, git("remote", "add", "origin", "https://me:"+secret+"@example.org/x.git"), "remote.origin.url in the git settings of"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if test.prepare != nil {
				test.prepare(t, dir)
			}
			stdout, stderr, code := buildWheels(t, dir, append([]string{"SOURCE=project"}, test.env...))
			if code != 2 || !strings.Contains(stderr, test.want) || !strings.Contains(stderr, "--upload-only") || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d, want 2 and one line with %q:\n%s", code, test.want, stderr)
			}
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("the secret is shown:\n%s%s", stdout, stderr)
			}
		})
	}
	t.Run("unset by the shell above", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("other systems do not show the environment of a process")
		}
		script, err := filepath.Abs("build-wheels")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", "unset PYPI_TOKEN; python3 "+script+"; exit $?")
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "SOURCE=project", "PYPI_TOKEN=" + secret}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "PYPI_TOKEN is in the environment of process ") || strings.Contains(string(out), secret) {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("a .pypirc without a password", func(t *testing.T) {
		dir := t.TempDir()
		write(".pypirc", "[distutils]\nindex-servers = pypi\n")(t, dir)
		if _, stderr, _ := buildWheels(t, dir, []string{"SOURCE=project", "WHEELMEND=no/wheelmend"}); !strings.Contains(stderr, "is not on PATH") {
			t.Errorf("it is refused: %s", stderr)
		}
	})
}

type tokenTest struct {
	name    string
	env     []string
	prepare func(*testing.T, string)
	want    string
}

// loadBuildWheels is Python that loads build-wheels as a module, b.
const loadBuildWheels = `import importlib.machinery, importlib.util, os, pathlib, sys
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("build_wheels", "build-wheels")
b = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_wheels", loader))
sys.modules["build_wheels"] = b
loader.exec_module(b)`

// ask loads build-wheels as a module and returns for which of the words an expression of
// Python about each word holds.
func ask(t *testing.T, expression string, words []string) map[string]bool {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("build-wheels is for Linux and macOS, and needs python3")
	}
	code := loadBuildWheels + `
print("".join("1" if eval(sys.argv[1]) else "0" for word in sys.argv[2:]))`
	out, err := exec.CommandContext(t.Context(), python, append([]string{"-c", code, expression}, words...)...).CombinedOutput()
	answers := strings.TrimSpace(string(out))
	if err != nil || len(answers) != len(words) {
		t.Fatalf("%v\n%s", err, out)
	}
	holds := map[string]bool{}
	for i, word := range words {
		holds[word] = answers[i] == '1'
	}
	return holds
}

// TestBuildWheelsNames tells variables that can publish a package, other secrets, and what
// a build may see from one another.
func TestBuildWheelsNames(t *testing.T) {
	publish := []string{
		"PYPI_TOKEN", "TESTPYPI_TOKEN", "TWINE_PASSWORD", "UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD", "FLIT_PASSWORD", "HATCH_INDEX_AUTH",
		"POETRY_PYPI_TOKEN_PYPI", "POETRY_HTTP_BASIC_PYPI_PASSWORD", "PDM_PUBLISH_PASSWORD", "MATURIN_PYPI_TOKEN", "MATURIN_PASSWORD",
		"MY_PYPI_API_TOKEN", "pypi_password", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_TOKEN", "GH_TOKEN",
		"ANACONDA_API_TOKEN", "CODEARTIFACT_AUTH_TOKEN",
	}
	secret := []string{
		"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS", "NPM_TOKEN",
		"DATABASE_PASSWORD", "API_KEY", "OPENAI_API_KEY", "SSH_AUTH_SOCK", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE",
		"GITHUB_STEP_SUMMARY", "ACTIONS_RUNTIME_TOKEN", "KUBECONFIG", "DBUS_SESSION_BUS_ADDRESS", "CI_JOB_TOKEN", "GPG_PASSPHRASE", "DB_PWD", "NETRC",
	}
	open := []string{"PATH", "PWD", "OLDPWD", "CFLAGS", "SOURCE_DATE_EPOCH", "PYPI_UPLOAD", "MATURIN_PEP517_ARGS", "TOKENIZERS_PARALLELISM", "KEYBOARD", "AWS_REGION"}
	all := append(append(append([]string{}, publish...), secret...), open...)
	uploads, secrets := ask(t, "b.is_upload_secret(word, 'x')", all), ask(t, "b.is_secret(word, 'x')", all)
	for kind, names := range [][]string{publish, secret, open} {
		for _, name := range names {
			if uploads[name] != (kind == 0) || secrets[name] != (kind < 2) {
				t.Errorf("%s: publishes %v, is a secret %v", name, uploads[name], secrets[name])
			}
		}
	}
	values := []string{"pypi-AgEIcHlwaS5vcmcCJDAwMDAw", "--token=pypi-AgENdGVzdC5weXBpLm9yZw", "ghp_0123456789abcdefghijABCDEFGHIJ", "/opt/pypi-server-with-a-long-name/bin"}
	if holds := ask(t, "b.is_upload_secret('OPTIONS', word)", values); !holds[values[0]] || !holds[values[1]] || !holds[values[2]] || holds[values[3]] {
		t.Errorf("tokens by their value: %v", holds)
	}
}

// TestBuildWheelsCommits takes names and hashes for a commit, and no expression of git.
func TestBuildWheelsCommits(t *testing.T) {
	expressions := []string{
		"main@{u}", "HEAD~3", "HEAD^", "v1.0^{commit}", ":/fix", ":file", "a..b", "a...b", "main:setup.py", "@", "@{-1}", "--option", "^main",
		"main~", "a b", "a\tb", "x.lock", "/main", "main/", "a//b", ".hidden", "FETCH_HEAD", "refs/heads/*", "a?", "a[b", "a\\b", "main@{yesterday}", "main\n",
	}
	names := []string{"main", "v1.0", "release/1.x", "refs/tags/v1.0", "feature@2", "v1.0+local", "0123456789abcdef", "Ünïcode"}
	holds := ask(t, "b.is_ref_name(word)", append(append([]string{}, expressions...), names...))
	for _, ref := range expressions {
		if holds[ref] {
			t.Errorf("%q is taken for a name", ref)
		}
	}
	for _, ref := range names {
		if !holds[ref] {
			t.Errorf("%q is not taken for a name", ref)
		}
	}
	_, stderr, code := buildWheels(t, t.TempDir(), []string{"SOURCE=.", "BUILD_COMMIT=HEAD~3"})
	if code != 2 || !strings.Contains(stderr, "BUILD_COMMIT is 'HEAD~3'; want the name of a branch or a tag, or a hash") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestBuildWheelsSources refuses addresses that would send or show a password, and variables
// that a build cannot have.
func TestBuildWheelsSources(t *testing.T) {
	const secret = "hidden-horse-battery"
	for _, test := range []struct {
		name string
		env  []string
		want string
	}{
		{"over http", []string{"SOURCE=http://me:" + secret + "@example.org/x.git"}, "SOURCE sends a password over http to example.org; use https"},
		{"in the query", []string{"SOURCE=https://example.org/x.git?token=" + secret}, "SOURCE has a ? or # in it"},
		{"for ssh", []string{"SOURCE=ssh://me:" + secret + "@example.org/x.git"}, "which ssh does not take"},
		{"no port", []string{"SOURCE=https://me:" + secret + "@example.org:port/x.git"}, "SOURCE is no address that can be read"},
		{"a token to pass", []string{"SOURCE=.", "PASS_ENV=DEPLOY_TOKEN", "DEPLOY_TOKEN=" + secret}, "PASS_ENV or --pass-env has DEPLOY_TOKEN, which is a secret"},
		{"a file that steers CI", []string{"SOURCE=.", "PASS_ENV=GITHUB_ENV", "GITHUB_ENV=/tmp/x"}, "has GITHUB_ENV, which is a secret or steers later steps"},
		{"no name", []string{"SOURCE=.", "PASS_ENV=A*"}, "has 'A*'; want the name of a variable"},
		{"an index with a password", []string{"SOURCE=.", "PIP_INDEX_URL=https://me:" + secret + "@example.org/simple"}, "PIP_INDEX_URL has a user name or a password in it"},
		{"a proxy with a password", []string{"SOURCE=.", "https_proxy=http://me:" + secret + "@example.org"}, "https_proxy has a user name or a password in it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, code := buildWheels(t, t.TempDir(), test.env)
			if code != 2 || !strings.Contains(stderr, test.want) || strings.Contains(stdout+stderr, secret) {
				t.Errorf("exit %d, want 2 and %q:\n%s", code, test.want, stderr)
			}
		})
	}
}

// leftBehind is Python for what a build may leave: each line forks in another way.
const leftBehind = `
import os, signal, sys, threading, time
sign = sys.argv[1]
def live():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    while True:
        print("still here", flush=True)
        time.sleep(0.01)
def child(work):
    if os.fork() == 0:
        work()
        os._exit(0)
def daemon():
    os.setsid()
    child(live)
def racer():
    while True:  # the one that is there has just been made
        if os.fork():
            os._exit(0)
def headless():
    import ctypes
    threading.Thread(target=live).start()
    ctypes.CDLL(None).pthread_exit(None)
def nurse():
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    os.setsid()
    child(daemon)
    live()
for work in (live, daemon, racer, headless, nurse):
    child(work)
print("done", flush=True)
`

// TestBuildWheelsLeavesNothing runs a program that leaves processes behind which end by no
// signal that can be caught, move to other sessions, fork and exit all the time, outlive
// their first thread, and keep standard output open.
func TestBuildWheelsLeavesNothing(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("processes are found on Linux")
	}
	dir, sign := t.TempDir(), fmt.Sprintf("sign-of-%d", os.Getpid())
	program := filepath.Join(dir, "program.py")
	if err := os.WriteFile(program, []byte(leftBehind), 0o644); err != nil {
		t.Fatal(err)
	}
	code := loadBuildWheels + `
b.guard()
settings = b.Settings(dict(b.DEFAULTS), {"PATH": os.environ["PATH"]}, None)
runner = b.Runner(settings, False, pathlib.Path(sys.argv[1]))
printed = runner.run("the step", [sys.executable, sys.argv[2], sys.argv[3]])
assert "done" in printed, printed
try:
    os.waitpid(-1, os.WNOHANG)
    sys.exit("children are left")
except ChildProcessError:
    print("all ended")`
	start := time.Now()
	out, err := exec.CommandContext(t.Context(), python, "-c", code, dir, program, sign).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "all ended") {
		t.Fatalf("%v\n%s", err, out)
	}
	if wait := time.Since(start); wait > 30*time.Second {
		t.Errorf("it takes %s", wait)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(commands) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	for _, path := range commands {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), sign) {
			t.Errorf("%s is still there: %q", path, text)
		}
	}
}

// TestBuildWheelsHelp holds --help to every setting that the script reads.
func TestBuildWheelsHelp(t *testing.T) {
	help, _, code := buildWheels(t, t.TempDir(), nil, "--help")
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	text, err := os.ReadFile("build-wheels")
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?s)\nDEFAULTS = \{.*?\n\}`).Find(text)
	settings := regexp.MustCompile(`"([A-Z_]+)": "`).FindAllSubmatch(table, -1)
	if len(settings) < 15 {
		t.Fatalf("%d settings are found in the script", len(settings))
	}
	for _, m := range settings {
		if name := string(m[1]); !strings.Contains(help, name) {
			t.Errorf("--help does not tell of %s", name)
		}
	}
}
