//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A workflowStep is a step of a GitHub Actions workflow, as far as it matters here.
type workflowStep struct {
	Run  string
	Uses string
	Env  map[string]string
}

// exampleSteps returns the steps of a job of a workflow of examples/randomgen-wheels.
func exampleSteps(t *testing.T, workflow, job string) []workflowStep {
	t.Helper()
	r := run(t, nil, peer(t, "python"), "-c", `import json, sys, yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1]))["jobs"][sys.argv[2]]["steps"]))`,
		filepath.Join("..", "..", "examples", "randomgen-wheels", ".github", "workflows", workflow), job).must(t)
	var steps []workflowStep
	dec := json.NewDecoder(strings.NewReader(r.stdout))
	if err := dec.Decode(&steps); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestRandomgenWheels copies the example, and builds and uploads randomgen with the
// steps of its Linux job: at a tag, at a branch and at a short hash, then with those of the job that uploads. What the job
// leaves to the machine (the container, the interpreters, the address of randomgen)
// comes from here, and without optimisation the compiler takes half the time.
func TestRandomgenWheels(t *testing.T) {
	sources := t.TempDir()
	run(t, nil, "tar", "-xf", cached(t, "sdists", "randomgen-*.tar.gz"), "-C", sources, "--strip-components=1").must(t)
	repository, commits := newRepository(t, sources)
	run(t, nil, "git", "-C", repository, "tag", "v2.5.1", commits[0]).must(t)
	run(t, nil, "git", "-C", repository, "tag", "-d", "v1.0").must(t)

	bin := t.TempDir() // what the action puts on PATH
	script, err := filepath.Abs("../../scripts/build-wheels")
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"build-wheels": script, "wheelmend": wheelmendPath} {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "randomgen-wheels"))); err != nil {
		t.Fatal(err)
	}
	index := newIndex(t)
	env := []string{
		"PATH=" + bin + ":" + filepath.Dir(peer(t, "python")) + ":" + os.Getenv("PATH"), "GITHUB_PATH=" + filepath.Join(t.TempDir(), "path"),
		"SOURCE=" + repository, "PYTHONS=python", "PLAT=manylinux_2_31_x86_64", "CFLAGS=-O0",
		"TEST_REQUIRES=pytest numpy==2.4.6",
		"TEST_COMMAND=python -m pytest -q -p no:cacheprovider --pyargs randomgen.tests.test_imports randomgen.tests.test_common " +
			"randomgen.tests.test_generator_mt19937 randomgen.tests.test_sfc randomgen.tests.test_bit_generators_against_numpy",
	}
	upload := []string{"TESTPYPI_UPLOAD=true", "TESTPYPI_TOKEN=" + index.pass, "REPOSITORY_URL=" + index.url}
	b := builder{dir: dir}
	for i, ref := range []struct{ name, commit, version string }{
		{"", "v2.5.1", "2.5.1"}, // as wheels.env says
		{"a branch", "next", "2.5.2.dev1+g"},
		{"a short hash", commits[2][:8], "2.5.2.dev2+g"},
	} {
		commit := ref.commit
		if ref.name == "" {
			commit = "" // the file has it
		}
		var printed string
		for _, job := range []struct {
			name string
			env  []string
		}{{"linux", env}, {"upload", slices.Concat(env, upload)}} {
			for _, step := range exampleSteps(t, "wheels.yml", job.name) {
				if step.Run != "" {
					args := []string{"-C", dir, "bash", "-e", "-o", "pipefail", "-c", step.Run}
					r := run(t, append(job.env, "BUILD_COMMIT="+commit), "env", args...).must(t)
					b.checkHidden(t, index.pass, r)
					printed += r.stdout
				}
			}
		}
		for _, want := range []string{ref.commit + " is commit " + commits[i], "manylinux_2_31_x86_64", "TESTPYPI uploaded", "passed"} {
			if !strings.Contains(printed, want) {
				t.Errorf("%s: no %q in\n%s", ref.commit, want, printed)
			}
		}
		checkInstalls(t, index, ref.version)
	}
	if wheels := b.wheels(t); len(wheels) != 3 {
		t.Errorf("wheels %q, want one for each commit", wheels)
	}
}

// checkInstalls installs the newest version of randomgen that the index has and
// draws numbers.
func checkInstalls(t *testing.T, index *packageIndex, version string) {
	t.Helper()
	v := newVenv(t)
	v.install(t, cached(t, "deps", "numpy-*.whl"))
	v.pip(t, "install", "--quiet", "--no-cache-dir", "--pre", "--no-deps", "--index-url", index.url+"/simple/", "randomgen").must(t)
	// randomgen.__version__ comes from a file of the sdist.
	if got := v.exec(t, "import importlib.metadata; print(importlib.metadata.version('randomgen'))"); !strings.HasPrefix(got, version) {
		t.Errorf("pip installs randomgen %s, want %s", got, version)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "use_randomgen.py"))
	if err != nil {
		t.Fatal(err)
	}
	run(t, nil, v.python, script).must(t)
}

// TestCibuildwheelCommands repairs a wheel for Linux and one for macOS with the
// commands of the example, filled in and run as cibuildwheel does it.
func TestCibuildwheelCommands(t *testing.T) {
	var env map[string]string
	for _, step := range exampleSteps(t, "cibuildwheel.yml", "wheels") {
		if strings.HasPrefix(step.Uses, "pypa/cibuildwheel@") {
			env = step.Env
		}
	}
	for _, test := range []struct{ setting, wheel, archs, want string }{
		{"CIBW_REPAIR_WHEEL_COMMAND_LINUX", rawWheel(t, "randomgen"), "", "manylinux"},
		{"CIBW_REPAIR_WHEEL_COMMAND_MACOS", cached(t, "macos", "numpy-*arm64.whl"), "arm64", "macosx"},
	} {
		t.Run(test.setting, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "repaired_wheel") // cibuildwheel makes the folder
			if err := os.Mkdir(out, 0o755); err != nil {
				t.Fatal(err)
			}
			command := run(t, nil, peer(t, "python"), "-c", `import pathlib, sys
from cibuildwheel.util.helpers import prepare_command
command, wheel, out, archs = sys.argv[1:]
extra = {"delocate_archs": archs} if archs else {}
print(prepare_command(command, wheel=pathlib.Path(wheel), dest_dir=pathlib.Path(out), project=".", package=".", **extra))`,
				env[test.setting], test.wheel, out, test.archs).must(t).stdout
			path := "PATH=" + filepath.Dir(wheelmendPath) + ":" + os.Getenv("PATH")
			run(t, []string{path}, "sh", "-c", command).must(t)
			if files := filesIn(t, out); len(files) != 1 || !strings.Contains(files[0], test.want) {
				t.Errorf("%s left %q, want one wheel for %s", command, files, test.want)
			}
		})
	}
}

// TestPreCommitHook runs the hook as pre-commit would, on a wheel that holds and on
// one that does not.
func TestPreCommitHook(t *testing.T) {
	hook := strings.TrimSpace(run(t, nil, peer(t, "python"), "-c", `import re, sys, yaml
hook, = yaml.safe_load(open(sys.argv[1]))
assert hook["language"] == "python" and re.search(hook["files"], "dist/demo-1.0-py3-none-any.whl"), hook
print(hook["entry"])`, filepath.Join("..", "..", ".pre-commit-hooks.yaml")).must(t).stdout)
	entry := strings.Fields(hook)
	if entry[0] != "wheelmend" {
		t.Fatalf("the entry of the hook is %q, and the wheel brings wheelmend", hook)
	}
	wheelmend(t, append(entry[1:], cached(t, "deps", "numpy-*.whl"))...).must(t)
	if r := wheelmend(t, append(entry[1:], filepath.Join("..", "..", "action.yml"))...); r.code != 1 {
		t.Errorf("exit %d for a file that is no wheel, want 1: %s", r.code, r.stderr)
	}
}
