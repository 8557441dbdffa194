package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// actionStep returns the script of the step of action.yml with a name.
func actionStep(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, step, found := strings.Cut(string(text), "- name: "+name+"\n")
	if !found {
		t.Fatalf("action.yml has no step %q", name)
	}
	_, block, found := strings.Cut(step, "      run: |\n")
	if !found {
		t.Fatalf("the step %q runs nothing", name)
	}
	var script strings.Builder
	for line := range strings.Lines(block) {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "        ") {
			break
		}
		script.WriteString(strings.TrimPrefix(line, "        "))
	}
	return script.String()
}

// The action writes the summary of a run, and annotates what fails: the step itself runs
// here, as the runner of GitHub runs it.
func TestActionAuditsAndVerifies(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	top := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(top, "wheelmend", "bin", "wheelmend"), "../cmd/wheelmend")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, spec := range map[string]string{
		"fine-1.0-cp312-cp312-manylinux_2_17_x86_64.whl": "fine/_core.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.2.5:libc.so.6 export=PyInit__core",
		"bad-1.0-cp312-cp312-manylinux_2_17_x86_64.whl":  "bad/_core.so  elf x86_64 needed=libdep.so.1,libc.so.6 export=PyInit__core",
	} {
		image, err := wheeltest.Build(name, spec)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(top, "wheelhouse", name), string(image))
	}
	script := actionStep(t, "Audit and verify wheels")
	for _, tt := range []struct {
		wheels, out string // the input, what is printed
		fails       bool
		summary     []string
	}{
		{"wheelhouse/fine*.whl", "", false, []string{"### <code>fine-1.0-cp312-cp312-manylinux"}},
		{"wheelhouse/*.whl", "::error file=wheelhouse/bad-1.0-cp312-cp312-manylinux_2_17_x86_64.whl,title=", true, []string{"### <code>bad-1.0-", "### <code>fine-1.0-", "```mermaid", "libdep.so.1"}},
		{"nowhere/*.whl", "::error::no wheel matches the input wheels", true, nil},
	} {
		t.Run(tt.wheels, func(t *testing.T) {
			summary := filepath.Join(t.TempDir(), "summary.md")
			// As "shell: bash" of a step is called.
			run := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			run.Dir = top
			run.Env = append(os.Environ(), "WHEELS="+tt.wheels, "RUNNER_TEMP="+top, "GITHUB_STEP_SUMMARY="+summary)
			out, err := run.CombinedOutput()
			if (err != nil) != tt.fails {
				t.Errorf("error %v, want one: %v\n%s", err, tt.fails, out)
			}
			if !strings.Contains(string(out), tt.out) || strings.Contains(string(out), "::error") != tt.fails {
				t.Errorf("want %q in what is printed:\n%s", tt.out, out)
			}
			page, _ := os.ReadFile(summary)
			for _, text := range tt.summary {
				if !strings.Contains(string(page), text) {
					t.Errorf("want %q in the summary:\n%s", text, page)
				}
			}
			if tt.summary == nil && len(page) > 0 {
				t.Errorf("the summary tells of no wheel: %s", page)
			}
		})
	}
}
