//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// sarifModule is the library whose source has the schema of OASIS for SARIF 2.1.0.
const sarifModule = "github.com/owenrumney/go-sarif/v3@v3.3.0"

// sarifSchema returns the schema of OASIS.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	r := run(t, []string{"GOFLAGS=-mod=mod"}, "go", "mod", "download", "-json", sarifModule)
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(r.stdout), &module); err != nil || module.Dir == "" {
		t.Skipf("the schema of SARIF is not at hand: %s%s", r.stdout, r.stderr)
	}
	source, err := os.ReadFile(filepath.Join(module.Dir, "pkg", "report", "v210", "sarif", "schema.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(source), "`")
	text, _, _ = strings.Cut(text, "`")
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const name = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// The logs for code scanning follow the schema, whatever they tell of.
func TestSARIFFollowsTheSchema(t *testing.T) {
	schema := sarifSchema(t)
	dir := t.TempDir()
	var wheels []string
	for name, spec := range map[string]string{
		"fine-1.0-cp312-cp312-linux_x86_64.whl":           "fine/_core.so  elf x86_64 needed=libc.so.6 export=PyInit__core",
		"lost-1.0-cp312-cp312-manylinux_2_17_x86_64.whl":  "lost/_core.so  elf x86_64 needed=libdep.so.1,libc.so.6 export=PyInit__core",
		"newer-1.0-cp312-cp312-manylinux_2_17_x86_64.whl": "newer/[x]{0}.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.28:libc.so.6 export=PyInit_x",
	} {
		image, err := wheeltest.Build(name, spec)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, image, 0o644); err != nil {
			t.Fatal(err)
		}
		wheels = append(wheels, path)
	}
	wheels = append(wheels, filepath.Join(dir, "none here.whl"))
	for _, command := range []string{"audit", "verify"} {
		for n := 1; n <= len(wheels); n++ {
			r := wheelmend(t, append([]string{command, "--format", "sarif"}, wheels[:n]...)...)
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(r.stdout))
			if err != nil {
				t.Fatalf("%s %s: %v", command, wheels[:n], err)
			}
			if err := schema.Validate(document); err != nil {
				t.Errorf("%s %s: %v", command, wheels[:n], err)
			}
		}
	}
	if err := schema.Validate(map[string]any{"version": "2.1.0"}); err == nil {
		t.Error("the schema takes a log without runs")
	}
}
