//go:build integration

package integration

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// venv is a virtual environment of the test's own, with nothing in it but
// what the test installs.
type venv struct {
	python string
	dir    string
}

// newVenv makes an environment without pip, which takes a tenth of the time;
// the peers' pip installs into it.
func newVenv(t *testing.T) venv {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "venv")
	run(t, nil, peer(t, "python"), "-m", "venv", "--without-pip", dir).must(t)
	return venv{filepath.Join(dir, "bin", "python"), dir}
}

// pip runs pip on the environment.
func (v venv) pip(t *testing.T, args ...string) result {
	t.Helper()
	pip := []string{"-m", "pip", "--disable-pip-version-check", "--python", v.python}
	return run(t, nil, peer(t, "python"), append(pip, args...)...)
}

// install installs wheels as they are, with no package index to ask.
func (v venv) install(t *testing.T, wheels ...string) {
	t.Helper()
	args := []string{"install", "--quiet", "--no-deps", "--no-index", "--no-compile"}
	v.pip(t, append(args, wheels...)...).must(t)
}

// python runs a line of Python and returns what it prints.
func (v venv) exec(t *testing.T, code string, env ...string) string {
	t.Helper()
	return strings.TrimSpace(run(t, env, v.python, "-c", code).must(t).stdout)
}

// sitePackages is where the environment keeps what was installed.
func (v venv) sitePackages(t *testing.T) string {
	t.Helper()
	return v.exec(t, "import sysconfig; print(sysconfig.get_path('platlib'))")
}

// mapping is what testdata/mapped.py prints about a process.
type mapping struct {
	Mapped []string `json:"mapped"` // files that the process had mapped, resolved
	Stdlib []string `json:"stdlib"` // extension modules of Python itself that it had imported
}

// mapped runs a script of testdata, which uses a package, loads every library
// that was installed, and reports what the process mapped.
func (v venv) mapped(t *testing.T, script string, env ...string) mapping {
	t.Helper()
	r := run(t, env, v.python, filepath.Join("testdata", "mapped.py"), filepath.Join("testdata", script)).must(t)
	var m mapping
	if err := json.Unmarshal([]byte(r.stdout), &m); err != nil {
		t.Fatalf("%s: %v\nstdout: %s", script, err, r.stdout)
	}
	return m
}

// fromPython returns the files that Python maps by itself when it imports the
// given extension modules of its own: its _hashlib needs the system's libcrypto,
// whatever a wheel brings along.
func (v venv) fromPython(t *testing.T, modules []string) map[string]bool {
	t.Helper()
	r := run(t, nil, v.python, append([]string{filepath.Join("testdata", "mapped.py"), "--import"}, modules...)...).must(t)
	var m mapping
	if err := json.Unmarshal([]byte(r.stdout), &m); err != nil {
		t.Fatalf("mapped.py --import: %v\nstdout: %s", err, r.stdout)
	}
	files := map[string]bool{}
	for _, f := range m.Mapped {
		files[f] = true
	}
	return files
}
