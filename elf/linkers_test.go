//go:build integration

package elf

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kinds are what gcc is asked for, and the sources of each.
var kinds = map[string][]string{
	"library":     {"-shared", "-fPIC", "testdata/src/library.c"},
	"pie":         {"-pie", "-fPIE", "testdata/src/library.c", "testdata/src/program.c"},
	"non-PIE":     {"-no-pie", "testdata/src/library.c", "testdata/src/program.c"},
	"old program": {"-no-pie", "-Wl,-z,noseparate-code", "testdata/src/library.c", "testdata/src/program.c"},
}

// TestLinkersAndTheirBss edits what each installed linker makes, with .bss that
// is small, too large to be written out, and larger than any file. The result
// runs, and still does after strip and another edit.
func TestLinkersAndTheirBss(t *testing.T) {
	for _, tool := range []string{"gcc", "strip", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	dep := filepath.Join(dir, "dep.c")
	if err := os.WriteFile(dep, []byte("int dep(void) { return 1000; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"libdep.so", "libdep-01234567.so"} {
		must(t, "gcc", "-shared", "-fPIC", "-o", filepath.Join(dir, name), dep, "-Wl,-soname,"+name)
	}
	for _, linker := range []string{"bfd", "gold", "lld", "mold"} {
		if exec.Command("gcc", "-fuse-ld="+linker, "-shared", "-o", filepath.Join(dir, "try.so"), dep).Run() != nil {
			t.Logf("%s is not installed", linker)
			continue
		}
		for kind, options := range kinds {
			for _, bss := range []string{"5000", "4000000", "1000000000"} {
				t.Run(linker+"/"+kind+"/"+bss, func(t *testing.T) {
					if linker == "gold" && kind == "old program" {
						t.Skip("gold never separates code, and does not know the option")
					}
					out := filepath.Join(t.TempDir(), "image")
					must(t, "gcc", append([]string{"-g", "-DBSS=" + bss, "-fuse-ld=" + linker, "-o", out}, append(options, "-L"+dir, "-ldep", "-Wl,-rpath,"+dir)...)...)
					editAndRun(t, out, dir, kind == "library")
				})
			}
		}
	}
}

func editAndRun(t *testing.T, path, dir string, library bool) {
	want := run(t, path, library)
	first := write(t, path, path+".1", SetRPath("$ORIGIN/a/very/long/way/to/some/other/folder:"+dir),
		ReplaceNeeded("libdep.so", "libdep-01234567.so"), AddNeeded("libm.so.6"), AddNeeded("libdl.so.2"), AddNeeded("libpthread.so.0"))
	stripped := path + ".2"
	must(t, "cp", first, stripped)
	if said := must(t, "strip", stripped); said != "" {
		t.Errorf("strip says %q", said)
	}
	for _, image := range []string{
		first, stripped,
		write(t, first, path+".3", Strip()),
		write(t, first, path+".4", SetRPath("$ORIGIN/another/way/that/is/even/longer/than/the/first:"+dir), AddNeeded("librt.so.1")),
		write(t, stripped, path+".5", SetRPath("$ORIGIN/another/way/that/is/even/longer/than/the/first:"+dir), AddNeeded("librt.so.1")),
	} {
		if got := run(t, image, library); got != want {
			t.Errorf("%s: says %q, want %q", filepath.Base(image), got, want)
		}
	}
	askJudges(t, path, first)
}

// write edits the image at from into a new file and returns its name.
func write(t *testing.T, from, to string, edits ...Edit) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, data)
	o, err := f.Edit(edits...)
	if err != nil {
		t.Fatal(err)
	}
	after := contents(t, o)
	checkTables(t, f, parse(t, after))
	if err := os.WriteFile(to, after, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

func run(t *testing.T, path string, library bool) string {
	t.Helper()
	if !library {
		return must(t, path)
	}
	return must(t, "python3", "-c", "import ctypes, sys; print('ran', ctypes.CDLL(sys.argv[1]).run(1))", path)
}

// must runs a program that has to succeed, and returns what it says.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
