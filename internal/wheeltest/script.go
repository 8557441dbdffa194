package wheeltest

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// Commands returns commands for testscript.Params.Cmds:
//
//	mkwheel FILE SPEC         a wheel from a spec file, see [Build]
//	mklib DIR SPEC            a tree of libraries from a spec file, see [WriteLibs]
//	mkelf FILE ARCH WORD...   one ELF file, see [elftest.Parse]
//
// Paths count from the script's directory, also those of the kind "file".
// testscript expands $ORIGIN in mkelf's words unless they stand in single
// quotes; in a spec file it expands nothing.
func Commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"mkwheel": mkwheel,
		"mklib":   mklib,
		"mkelf":   mkelf,
	}
}

func mkwheel(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "mkwheel FILE SPEC")
	b, err := build(args[0], ts.ReadFile(args[1]), scriptFile(ts))
	if err == nil {
		err = writeNew(ts.MkAbs(args[0]), b, 0o644)
	}
	check(ts, "mkwheel "+args[0], err)
}

func mklib(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "mklib DIR SPEC")
	check(ts, "mklib "+args[0], writeLibs(ts.MkAbs(args[0]), ts.ReadFile(args[1]), scriptFile(ts)))
}

func mkelf(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "mkelf FILE ARCH WORD...")
	s, err := elftest.Parse(strings.Join(args[1:], " "))
	if err == nil {
		err = writeNew(ts.MkAbs(args[0]), elftest.Build(s), 0o755)
	}
	check(ts, "mkelf "+args[0], err)
}

func usage(ts *testscript.TestScript, neg, ok bool, text string) {
	if neg {
		ts.Fatalf("unsupported: ! %s", text)
	}
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func check(ts *testscript.TestScript, what string, err error) {
	if err != nil {
		ts.Fatalf("%s: %v", what, err)
	}
}

// scriptFile reads files as the script names them.
func scriptFile(ts *testscript.TestScript) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) { return os.ReadFile(ts.MkAbs(name)) }
}

func writeNew(path string, b []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, mode)
}
