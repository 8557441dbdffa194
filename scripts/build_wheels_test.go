package scripts

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
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
		{"upload without a token", "SOURCE=.\nPYPI_UPLOAD=true\n", nil, nil, "PYPI_UPLOAD is true and PYPI_TOKEN is not set in the environment"},
		{"neither true nor false", "SOURCE=.\nPYPI_UPLOAD=yes\n", nil, nil, "PYPI_UPLOAD is 'yes'; want true or false"},
		{"two uploads to one index", "SOURCE=.\n",
			[]string{"PYPI_UPLOAD=true", "TESTPYPI_UPLOAD=true", "PYPI_TOKEN=pypi-secret", "TESTPYPI_TOKEN=pypi-secret", "REPOSITORY_URL=https://example.org"},
			nil, "REPOSITORY_URL is one index"},
		{"a password in the address", "SOURCE=.\n",
			[]string{"PYPI_UPLOAD=true", "PYPI_TOKEN=pypi-secret", "REPOSITORY_URL=https://me:pypi-secret@example.org"},
			nil, "REPOSITORY_URL has a user name in it"},
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
