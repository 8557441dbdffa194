//go:build integration

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// wheelmendPath is the command under test: the one that WHEELMEND_COMMAND names,
// else the one that TestMain builds.
var wheelmendPath = os.Getenv("WHEELMEND_COMMAND")

func TestMain(m *testing.M) {
	if wheelmendPath != "" {
		os.Exit(m.Run())
	}
	os.Exit(buildAndRun(m))
}

// buildAndRun builds the command as it is released, static, and runs the tests.
func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "wheelmend-integration-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)

	wheelmendPath = filepath.Join(dir, "wheelmend")
	build := exec.Command("go", "build", "-o", wheelmendPath, "../../cmd/wheelmend")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ./cmd/wheelmend: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
