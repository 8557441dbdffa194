//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// A faultyCall is a call of the command, what it reads, and where it writes.
type faultyCall struct {
	name string
	args func(dir string) []string
	out  string // below dir; "" for nothing
}

var faultyCalls = []faultyCall{
	{"audit", func(dir string) []string { return []string{"audit", "--json", dir + "/" + faultWheel} }, ""},
	{"verify", func(dir string) []string { return []string{"verify", "--json", dir + "/" + faultWheel} }, ""},
	{"tree", func(dir string) []string { return []string{"tree", "--json", dir + "/" + faultWheel} }, ""},
	{"repair", func(dir string) []string {
		return []string{"repair", "-j1", "--search-path", dir + "/lib", "-w", dir + "/out", dir + "/" + faultWheel}
	}, "out"},
	{"patch", func(dir string) []string {
		return []string{"patch", "--set-rpath", "$ORIGIN/x", dir + "/lib/libfault.so.1"}
	}, "lib"},
	{"merge", func(dir string) []string {
		return []string{"merge", "-w", dir + "/out", dir + "/arm64/" + faultArm, dir + "/x86_64/" + faultIntel}
	}, "out"},
	{"delocate-path", func(dir string) []string {
		return []string{"-L", "libs", dir + "/tree"}
	}, "tree"},
	{"tag", func(dir string) []string {
		return []string{"tag", "--plat", "linux_x86_64", "-w", dir + "/out", dir + "/" + faultWheel}
	}, "out"},
}

const (
	faultWheel = "fault-1.0-cp312-cp312-linux_x86_64.whl"
	faultArm   = "fault-1.0-cp312-cp312-macosx_11_0_arm64.whl"
	faultIntel = "fault-1.0-cp312-cp312-macosx_11_0_x86_64.whl"
)

// program returns what is called: the command by its name, or by that of another tool.
func (c *faultyCall) program(t *testing.T) string {
	t.Helper()
	if c.name != "delocate-path" {
		return wheelmendPath
	}
	link := filepath.Join(t.TempDir(), c.name)
	if err := os.Symlink(wheelmendPath, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// faultWorld makes a wheel and a library that it needs.
func faultWorld(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := func(out, source string, flags ...string) {
		file := filepath.Join(dir, "x.c")
		if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, nil, "gcc", append([]string{"-shared", "-fPIC", "-o", out, file}, flags...)...).must(t)
	}
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	build(filepath.Join(dir, "lib/libfault.so.1"), "char big[1 << 20] = {1}; int fault(void) { return big[5]; }", "-Wl,-soname,libfault.so.1")
	module := filepath.Join(dir, "_core.so")
	build(module, "int fault(void); int PyInit__core(void) { return fault(); }", "-Wl,-soname,_core.so", filepath.Join(dir, "lib/libfault.so.1"))
	writeFaultWheel(t, filepath.Join(dir, faultWheel), readFile(t, module))
	addMacWorld(t, dir)
	return dir
}

// addMacWorld adds the two halves of a wheel, and a tree that loads a library which lies
// elsewhere.
func addMacWorld(t *testing.T, dir string) {
	t.Helper()
	for arch, name := range map[string]string{"arm64": faultArm, "x86_64": faultIntel} {
		image, err := wheeltest.Build(name, "fault/__init__.py text \"x = 1\\n\"\nfault/_core.so macho arch="+arch+" loads=@loader_path/x.dylib signed=adhoc\nfault/x.dylib macho arch="+arch+" id=@rpath/x.dylib signed=adhoc\n")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, arch), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, arch, name), image, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := wheeltest.WriteLibs(dir, "tree/demo.so macho arch=arm64 rpaths=@loader_path/../mac loads=@rpath/liby.dylib\nmac/liby.dylib macho arch=arm64 id=@rpath/liby.dylib"); err != nil {
		t.Fatal(err)
	}
}

// contentsOf reads all files below a directory.
func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(at string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, at)
		all[rel] = string(readFile(t, at))
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// copyOfWorld returns a copy of a directory.
func copyOfWorld(t *testing.T, world string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "world")
	if err := os.CopyFS(dir, os.DirFS(world)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inject runs the command with one system call of it failing (strace(1), -e inject).
func inject(t *testing.T, program, call, fault string, args ...string) result {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	return run(t, nil, strace, append([]string{"-f", "-q", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + call + ":" + fault, program}, args...)...)
}

// Whatever call fails: there is an error, or the result is that of a sound disk, and
// the input is as it was.
func TestSystemCallsThatFail(t *testing.T) {
	for _, c := range faultyCalls {
		t.Run(c.name, func(t *testing.T) {
			world := faultWorld(t)
			sound := copyOfWorld(t, world)
			want := run(t, nil, c.program(t), c.args(sound)...)
			if after := contentsOf(t, sound); c.out != "" && maps.Equal(after, contentsOf(t, world)) {
				t.Fatalf("exit %d, and nothing is written on a sound disk: %s", want.code, want.stderr)
			}
			for _, fault := range []struct{ call, as string }{
				{"pread64", "error=EIO"}, {"read", "error=EIO"}, {"openat", "error=EMFILE"}, {"openat", "error=EIO"}, {"fstat,newfstatat", "error=EIO"},
				{"pwrite64", "error=ENOSPC"}, {"copy_file_range", "error=EIO"}, {"fsync", "error=EIO"}, {"linkat", "error=EIO"}, {"renameat,renameat2", "error=EIO"},
			} {
				for _, when := range []int{1, 3, 6, 12, 24, 48} {
					checkFault(t, c, fault.call, fmt.Sprintf("%s:when=%d", fault.as, when), world, sound, want)
				}
			}
		})
	}
}

// checkFault runs one call in a world of its own.
func checkFault(t *testing.T, c faultyCall, call, fault, world, sound string, want result) {
	t.Helper()
	dir := copyOfWorld(t, world)
	input := readFile(t, filepath.Join(dir, faultWheel))
	library := readFile(t, filepath.Join(dir, "lib/libfault.so.1"))
	before := contentsOf(t, dir)
	r := inject(t, c.program(t), call, fault, c.args(dir)...)
	said := strings.ReplaceAll(r.stdout, dir, sound)
	switch {
	case strings.Contains(r.stderr, "fatal error:") || strings.Contains(r.stderr, "runtime:"):
		return // Go's own runtime gave up: nothing has come of it, which is looked at below
	case strings.Contains(r.stderr, "panic:"):
		t.Errorf("%s %s: %s", call, fault, r.stderr)
	case r.code == want.code && want.code == 0 && said != want.stdout:
		t.Errorf("%s %s: exit 0, and says\n%s\nwant\n%s\n%s", call, fault, said, want.stdout, r.stderr)
	}
	if !bytes.Equal(readFile(t, filepath.Join(dir, faultWheel)), input) {
		t.Errorf("%s %s: the input has changed", call, fault)
	}
	for name, content := range contentsOf(t, dir) {
		if old, ok := before[name]; ok && old != content && !strings.HasPrefix(name, c.out+"/") {
			t.Errorf("%s %s: %s has changed", call, fault, name)
		}
	}
	if c.out == "" {
		return
	}
	if c.out == "tree" {
		checkFaultyTree(t, call+" "+fault, r, before, contentsOf(t, dir), contentsOf(t, sound))
		return
	}
	for _, name := range filesIn(t, filepath.Join(dir, c.out)) {
		got := readFile(t, filepath.Join(dir, c.out, name))
		asWas := c.out == "lib" && r.code != 0 && bytes.Equal(got, library)
		if asWas {
			continue
		}
		if r.code != 0 && !strings.Contains(r.stderr, "sync") || !bytes.Equal(got, readFile(t, filepath.Join(sound, c.out, name))) {
			t.Errorf("%s %s: exit %d, and %s is there\n%s", call, fault, r.code, name, r.stderr)
		}
	}
}

// checkFaultyTree holds the files of a tree to what they were, or what they become on a
// sound disk; after exit 0, to the latter.
func checkFaultyTree(t *testing.T, fault string, r result, before, after, want map[string]string) {
	t.Helper()
	for name, content := range after {
		if content != want[name] && (r.code == 0 || content != before[name]) {
			t.Errorf("%s: exit %d, and %s is neither as it was nor as it shall be\n%s", fault, r.code, name, r.stderr)
		}
	}
	for name := range want {
		if _, ok := after[name]; !ok && r.code == 0 {
			t.Errorf("%s: exit 0, and %s is missing", fault, name)
		}
	}
}

// A descriptor limit of 64 is enough for several wheels and any number of libraries.
func TestFewDescriptors(t *testing.T) {
	dir := t.TempDir()
	var flags []string
	for i := range 120 {
		source, library := filepath.Join(dir, "x.c"), filepath.Join(dir, fmt.Sprintf("lib/libfew%d.so", i))
		if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(source, fmt.Appendf(nil, "int few%d(void) { return %d; }", i, i), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, nil, "gcc", "-shared", "-fPIC", "-o", library, source, "-Wl,-soname,"+filepath.Base(library)).must(t)
		flags = append(flags, library)
	}
	module := filepath.Join(dir, "_core.so")
	source := filepath.Join(dir, "y.c")
	if err := os.WriteFile(source, []byte("int PyInit__core(void) { return 0; }"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, nil, "gcc", append([]string{"-shared", "-fPIC", "-Wl,--no-as-needed", "-o", module, source}, flags...)...).must(t)
	args := []string{"-c", `ulimit -n 64; exec "$@"`, "sh", wheelmendPath, "repair", "-q", "--search-path", filepath.Join(dir, "lib"), "-w", filepath.Join(dir, "out")}
	for i := range 12 {
		wheel := filepath.Join(dir, fmt.Sprintf("fault-1.%d-cp312-cp312-linux_x86_64.whl", i))
		writeFaultWheel(t, wheel, readFile(t, module))
		args = append(args, wheel)
	}
	run(t, nil, "sh", args...).must(t)
	if made := filesIn(t, filepath.Join(dir, "out")); len(made) != 12 {
		t.Errorf("%d wheels are made, want 12", len(made))
	}
}

// One signal of any kind ends every command within two seconds, and nothing is left.
func TestOneSignalEnds(t *testing.T) {
	big := cached(t, "corpus", "scipy-*-manylinux*_x86_64.whl")
	for _, sent := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		for _, after := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, time.Second} {
			out := t.TempDir()
			for _, args := range [][]string{
				{"repair", "-z9", "-w", out, big}, {"audit", big}, {"verify", big}, {"tree", big}, {"tag", "-w", out, big}, {"tree", "/usr/lib"},
			} {
				cmd := exec.Command(wheelmendPath, args...)
				cmd.Env = cleanEnviron()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(after)
				_ = cmd.Process.Signal(sent) // it may have ended
				start := time.Now()
				err := cmd.Wait()
				// A process that waits for its turn on a busy machine has not gone on.
				took, worked := time.Since(start), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
				if took > 2*time.Second && worked > time.Duration(runtime.NumCPU())*after+time.Second || took > 20*time.Second {
					t.Errorf("%v of %s after %v: it goes on for %v, and has worked for %v", sent, args[0], after, took, worked)
				}
				if left := filesIn(t, out); err != nil && len(left) != 0 {
					t.Errorf("%v of %s leaves %v", sent, args[0], left)
				}
				for _, name := range filesIn(t, out) {
					os.Remove(filepath.Join(out, name))
				}
			}
		}
	}
}

// writeFaultWheel writes a wheel with one extension module.
func writeFaultWheel(t *testing.T, path string, module []byte) {
	t.Helper()
	image, err := wheeltest.Build(filepath.Base(path), "fault/_core.so raw "+strconv.Quote(string(module)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, image, 0o644); err != nil {
		t.Fatal(err)
	}
}
