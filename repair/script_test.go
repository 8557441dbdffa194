package repair_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/repair"
)

// TestShimRunsTheProgram runs the script that takes the place of a program of macOS,
// with a shell script in the place of the program.
func TestShimRunsTheProgram(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to run the script with")
	}
	const program = `pro"g é.1`
	w := newWorld(t, macWheel, `"demo-1.0.data/scripts/`+strings.ReplaceAll(program, `"`, `\"`)+`" macho arch=arm64 type=execute loads=/opt/libb.dylib`, "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib")
	members := contents(t, w.repair(t, repair.Options{}))
	shim, moved := members["demo-1.0.data/scripts/"+program], members["demo.scripts/"+program]
	if !strings.HasPrefix(shim, "#!python\n") || !strings.HasPrefix(moved, "\xcf\xfa\xed\xfe") {
		t.Fatalf("the script is %q, and the program has %d bytes", shim, len(moved))
	}
	platlib := t.TempDir()
	target := filepath.Join(platlib, "demo.scripts", program)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("#!/bin/sh\necho \"$2, $1\"\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "shim")
	// Where packages are installed is asked of sysconfig, which is told here.
	fake := "import sysconfig\nsysconfig.get_path = lambda name: {'platlib': " + pythonQuote(platlib) + "}[name]\n"
	if err := os.WriteFile(script, []byte(strings.Replace(shim, "import sysconfig\n", fake, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, script, "first word", "second").CombinedOutput()
	if got, want := string(out), "second, first word\n"; got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 7 {
		t.Errorf("it ends with %v, want exit status 7", err)
	}
}

func pythonQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }
