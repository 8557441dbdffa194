//go:build integration

package integration

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// answering makes a wheel whose one extension needs libanswer.so.4 in dir, and
// returns it.
func answering(t *testing.T, dir string) string {
	t.Helper()
	lib := constant(t, filepath.Join(dir, "libanswer.so.4"), "answer", "42")
	return mkwheel(t, map[string]string{"asking.so": extension(t, "asking", "answer", lib, runpath(dir))})
}

// threading makes a wheel that needs GLIBC_2.34.
func threading(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	lib := library(t, filepath.Join(dir, "libthreads.so.1"), "threads.c")
	return mkwheel(t, map[string]string{"threading_.so": extension(t, "threading_", "threads", lib, runpath(dir))})
}

// platforms returns the platform tags of a wheel's file name.
func platforms(wheel string) []string {
	name := strings.TrimSuffix(filepath.Base(wheel), ".whl")
	return strings.Split(name[strings.LastIndexByte(name, '-')+1:], ".")
}

func TestExclude(t *testing.T) {
	for _, pattern := range []string{"libanswer.so.4", "libans*"} {
		t.Run(pattern, func(t *testing.T) {
			dir := t.TempDir()
			repaired := repair(t, answering(t, dir), "--exclude", pattern)
			content := members(t, repaired)
			if libs := inFolder(content, ".libs"); len(libs) > 0 {
				t.Errorf("grafted %q, want nothing", libs)
			}
			if needed := dynamic(t, content["asking.so"], elf.DT_NEEDED); !slices.Contains(needed, "libanswer.so.4") {
				t.Errorf("asking.so needs %q, want libanswer.so.4 among them", needed)
			}
			// Who excludes a library sees to it that it is found.
			got := installed(t, repaired).exec(t, called("asking"), "LD_LIBRARY_PATH="+dir)
			if got != "42" {
				t.Errorf("call(): got %q, want 42", got)
			}
		})
	}
}

func TestPlatThatIsMet(t *testing.T) {
	repaired := repair(t, threading(t), "--plat", "manylinux_2_36_x86_64")
	// The wheel meets an older policy too, and says so.
	got := platforms(repaired)
	if want := []string{"manylinux_2_34_x86_64", "manylinux_2_36_x86_64"}; !slices.Equal(got, want) {
		t.Errorf("platforms: got %q, want %q", got, want)
	}
	checkCalls(t, installed(t, repaired), "42", "threading_")
}

func TestOnlyPlat(t *testing.T) {
	repaired := repair(t, threading(t), "--plat", "manylinux_2_36_x86_64", "--only-plat")
	if got, want := platforms(repaired), []string{"manylinux_2_36_x86_64"}; !slices.Equal(got, want) {
		t.Errorf("platforms: got %q, want %q", got, want)
	}
	checkCalls(t, installed(t, repaired), "42", "threading_")
}

// A platform that cannot be met is refused with the symbols that stop it.
func TestPlatThatIsNotMet(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	wheel := threading(t)
	r := wheelmend(t, "repair", "-w", out, "--plat", "manylinux_2_17_x86_64", wheel)
	if r.code != 1 {
		t.Errorf("exit %d, want 1", r.code)
	}
	for _, want := range []string{filepath.Base(wheel), "libthreads", "pthread_create", "GLIBC_2.34"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("stderr does not name %s:\n%s", want, r.stderr)
		}
	}
	if left := filesIn(t, out); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	if r := wheelmend(t, "audit", "--plat", "manylinux_2_17_x86_64", wheel); r.code != 1 {
		t.Errorf("audit --plat: exit %d, want 1", r.code)
	}
}

func TestBlockersNameTheSymbol(t *testing.T) {
	rep := audit(t, threading(t))
	if want := "manylinux_2_34_x86_64"; rep.RepairableTag != want {
		t.Errorf("repairable_tag: got %q, want %q", rep.RepairableTag, want)
	}
	named := func(b blocker) bool {
		return slices.Contains(b.Policies, "manylinux_2_31_x86_64") && strings.Contains(b.File, "libthreads") &&
			b.Library == "libc.so.6" && b.Version == "GLIBC_2.34" && slices.Contains(b.Symbols, "pthread_create")
	}
	if !slices.ContainsFunc(rep.Blockers, named) {
		t.Errorf("blockers: got %+v, want pthread_create of libthreads.so.1 against manylinux_2_31", rep.Blockers)
	}
}

func TestStrip(t *testing.T) {
	dir := t.TempDir()
	wheel := answering(t, dir)
	repaired := repair(t, wheel, "--strip")
	remove(t, dir)
	for name, image := range elfMembers(t, repaired) {
		f, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		if f.Section(".symtab") != nil {
			t.Errorf("%s still has .symtab", name)
		}
		if f.Section(".dynsym") == nil {
			t.Errorf("%s has lost .dynsym", name)
		}
	}
	checkCalls(t, installed(t, repaired), "42", "asking")
}

func TestFolderOfLibraries(t *testing.T) {
	dir := t.TempDir()
	repaired := repair(t, answering(t, dir), "-L", ".bundled")
	remove(t, dir)
	if got := only(t, members(t, repaired), ".bundled"); !strings.HasPrefix(got, "made.bundled/libanswer-") {
		t.Errorf("graft: got %s, want made.bundled/libanswer-…", got)
	}
	checkCalls(t, installed(t, repaired), "42", "asking")
}

func TestSearchPath(t *testing.T) {
	linked, moved := t.TempDir(), t.TempDir()
	wheel := answering(t, linked)
	if err := os.Rename(filepath.Join(linked, "libanswer.so.4"), filepath.Join(moved, "libanswer.so.4")); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, wheel, "libanswer.so.4")
	repaired := repair(t, wheel, "--search-path", moved)
	remove(t, moved)
	checkCalls(t, installed(t, repaired), "42", "asking")
}

// In a sysroot, the loader's configuration, what it includes, and absolute
// links all mean places inside.
func TestSysroot(t *testing.T) {
	root := t.TempDir()
	lib := constant(t, filepath.Join(root, "opt/real/libinside.so.1"), "inside", "42")
	real := filepath.Join(root, "opt/real/libinside.so.1.9")
	vendor := filepath.Join(root, "opt/vendor/lib")
	conf := filepath.Join(root, "etc/ld.so.conf.d")
	ext := extension(t, "asking", "inside", lib)
	for _, err := range []error{
		os.Rename(lib, real),
		os.MkdirAll(vendor, 0o755),
		os.Symlink("/opt/real/libinside.so.1.9", filepath.Join(vendor, "libinside.so.1")),
		os.MkdirAll(conf, 0o755),
		os.WriteFile(filepath.Join(root, "etc/ld.so.conf"), []byte("include /etc/ld.so.conf.d/*.conf\n"), 0o644),
		os.WriteFile(filepath.Join(conf, "vendor.conf"), []byte("# a comment\n/opt/vendor/lib\n"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	wheel := mkwheel(t, map[string]string{"asking.so": ext})
	checkRefused(t, wheel, "libinside.so.1")
	repaired := repair(t, wheel, "--sysroot", root)
	remove(t, root)

	if got := only(t, members(t, repaired), ".libs"); !strings.HasSuffix(got, ".so.1.9") {
		t.Errorf("graft: got %s, want libinside-<hash>.so.1.9", got)
	}
	checkCalls(t, installed(t, repaired), "42", "asking")
}

// A dry run prints what it would do and does none of it.
func TestDryRun(t *testing.T) {
	wheel := answering(t, t.TempDir())
	out := filepath.Join(t.TempDir(), "out")
	r := wheelmend(t, "repair", "--dry-run", "-w", out, wheel).must(t)
	if !strings.Contains(r.stdout, "libanswer") {
		t.Errorf("stdout does not name libanswer:\n%s", r.stdout)
	}
	if left := filesIn(t, out); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	wheelmend(t, "repair", "--dry-run", "--json", wheel).must(t)
}

// One wheel that fails keeps none of the others from going through.
func TestSeveralWheels(t *testing.T) {
	good, bad := answering(t, t.TempDir()), filepath.Join(t.TempDir(), "bad-1.0-cp311-cp311-linux_x86_64.whl")
	if err := os.WriteFile(bad, []byte("no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	r := wheelmend(t, "repair", "-w", out, bad, good)
	if r.code != 1 {
		t.Errorf("exit %d, want 1", r.code)
	}
	if left := filesIn(t, out); len(left) != 1 || !strings.HasPrefix(left[0], "made-1.0-") {
		t.Errorf("left %q, want the good wheel", left)
	}
}
