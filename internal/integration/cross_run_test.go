//go:build integration

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// crossRun is what the host program printed about one module.
type crossRun struct {
	facts   []string // what the functions of the module returned
	stack   []string // files whose frames were on the stack, innermost first
	dladdr  []string // symbol and file of a function of each library
	objects []string // what dl_iterate_phdr names
}

// facts are what the host prints of a module that works, whatever the
// architecture: see testdata/cross for each number.
var facts = []string{
	"constructors extra-1 extra-2 extra-3 dep module ",
	"picked 2 221",
	"bss 49152",
	"caught 41 51 7",
	"threads 41 43 7, 41 43 7, 1 ended, 45",
}

// ofEveryProcess matches the loader and what the kernel maps.
var ofEveryProcess = regexp.MustCompile(`^(ld-|ld(64)?\.so|linux-(vdso|gate))`)

// unpack writes the members of a wheel into a folder, as installing it would.
func unpack(t *testing.T, wheel string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range members(t, wheel) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load runs the host program on dir/made/cross.so, with the target's own loader
// and nothing to be found but what lies in the named folders.
func (c crossTarget) load(t *testing.T, host, dir string, libraryPath ...string) crossRun {
	t.Helper()
	return c.execute(t, host, dir, c.lib(t, c.loader), "--library-path", strings.Join(libraryPath, ":"))
}

// execute runs the host program on dir/made/cross.so; loader is what stands
// before it on the command line.
func (c crossTarget) execute(t *testing.T, host, dir string, loader ...string) crossRun {
	t.Helper()
	args := append(slices.Clone(loader), host, filepath.Join(dir, "made", "cross.so"), dir)
	switch {
	case strings.Contains(c.qemu, "/"):
		args = append([]string{cached(t, c.qemu)}, args...)
	case c.qemu != "":
		args = append([]string{c.qemu}, args...)
	}
	got := parseCrossRun(run(t, []string{"LD_BIND_NOW=1"}, args[0], args[1:]...).must(t).stdout)
	got.objects = slices.DeleteFunc(got.objects, func(name string) bool { return name == host })
	return got
}

// parseCrossRun takes what the host printed apart.
func parseCrossRun(stdout string) crossRun {
	var got crossRun
	for line := range strings.Lines(stdout) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "stack":
		case strings.HasPrefix(line, "/"):
			got.stack = append(got.stack, line)
		case word == "dladdr":
			got.dladdr = append(got.dladdr, rest)
		case word == "object":
			got.objects = append(got.objects, rest)
		default:
			got.facts = append(got.facts, line)
		}
	}
	return got
}

// symbols are the names that dladdr gave. musl for s390x finds few in files of
// zig: the two disagree about the size of the entries of DT_HASH.
func (got crossRun) symbols() []string {
	var names []string
	for _, line := range got.dladdr {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return names
}

// check asserts that a module works as it did before the repair, with the host
// program and all the ELF files of its unpacked wheel in the process, and of the
// system only the named libraries.
func (got crossRun) check(t *testing.T, original crossRun, dir string, mapped int, system []string) {
	t.Helper()
	want := append(slices.Clone(facts), fmt.Sprintf("true %d", mapped+1),
		"end of dep", "end of module", "end of extra")
	if !slices.Equal(got.facts, want) {
		t.Errorf("the module says\n%s\nwant\n%s", strings.Join(got.facts, "\n"), strings.Join(want, "\n"))
	}
	checkFiles(t, "stack", got.stack, dir, "cross.so", "libdep", "cross.so")
	checkFiles(t, "dladdr", got.dladdr, dir, "cross.so", "libdep", "libextra")
	if want := original.symbols(); !slices.Equal(got.symbols(), want) || !slices.Contains(want, "_Z8dep_callPFiiEi") {
		t.Errorf("dladdr: got the symbols %q, before the repair %q", got.symbols(), want)
	}
	for _, object := range got.objects {
		base := filepath.Base(object)
		if !within(object, dir) && !slices.Contains(system, base) && !ofEveryProcess.MatchString(base) {
			t.Errorf("%s is loaded, and no part of the wheel or of every system", object)
		}
	}
}

// checkFiles asserts that the first lines name files of an unpacked wheel, whose
// base names begin with the given ones.
func checkFiles(t *testing.T, what string, lines []string, dir string, names ...string) {
	t.Helper()
	for i, name := range names {
		if i >= len(lines) {
			t.Errorf("%s: got %q, want %s in place %d", what, lines, name, i)
			return
		}
		file := lines[i][strings.LastIndexByte(lines[i], ' ')+1:]
		if !within(file, dir) || !strings.HasPrefix(filepath.Base(file), name) {
			t.Errorf("%s: got %s in place %d, want %s… in %s", what, file, i, name, dir)
		}
	}
}

// within reports whether a file lies below dir.
func within(file, dir string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}
