//go:build integration

package elf

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program whose .dynstr ends behind its segment, as patchelf 0.17.2 left them,
// runs; so do its edits, in which the segments cover all that is used.
func TestProgramsWithTablesBehindASegmentRun(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.c"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("#include <stdio.h>\nint main(void) { return puts(\"runs\") < 0; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "gcc", "-no-pie", "-Wl,-z,separate-code", "-o", program, source)
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	runs := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(path).CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "runs" {
			t.Errorf("%s says %q, %v", name, out, err)
		}
	}
	short := shortened(t, data, 10)
	runs("short", short)
	for name, edits := range map[string][]Edit{
		"rpath": {SetRPath(longPath)}, "needed": {AddNeeded("libm.so.6")}, "strip": {Strip()},
		"all": {SetRunPath("$ORIGIN"), AddNeeded("libm.so.6"), SetInterpreter("/lib64/../lib64/ld-linux-x86-64.so.2"), Strip()},
	} {
		o, err := parse(t, short).Edit(context.Background(), edits...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		runs(name, contents(t, o))
	}
}

func TestObjcopyMakesSeparateDebugFiles(t *testing.T) {
	dir := t.TempDir()
	source, library, debug := filepath.Join(dir, "lib.c"), filepath.Join(dir, "lib.so"), filepath.Join(dir, "lib.so.debug")
	if err := os.WriteFile(source, []byte("int table[4000] = {1}; int answer(void) { return table[42]; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "gcc", "-g", "-shared", "-fPIC", "-o", library, source)
	for _, tool := range [][]string{
		{"objcopy", "--only-keep-debug", library, debug},
		{"llvm-objcopy", "--only-keep-debug", library, debug},
		{"eu-strip", "-f", debug, "-o", filepath.Join(dir, "stripped.so"), library},
	} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Logf("%s is not installed", tool[0])
			continue
		}
		must(t, tool[0], tool[1:]...)
		data, err := os.ReadFile(debug)
		if err != nil {
			t.Fatal(err)
		}
		if f := parse(t, data); !f.SeparateDebug() {
			t.Errorf("%s makes a file that is taken for a library", tool[0])
		}
	}
}
