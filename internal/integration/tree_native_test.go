//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// treeDocument is what the tests read of `tree --json`.
type treeDocument struct {
	Name      string
	Processes []struct {
		Arch, Libc string
		Roots      []string
		Files      []treeFile
	}
}

type treeFile struct {
	Path   string
	Needed []struct {
		Name, Status string
		Path         string
		FoundAt      string `json:"found_at"`
	}
}

// trees runs tree --json and returns a document for each argument.
func trees(t *testing.T, env []string, args ...string) []treeDocument {
	t.Helper()
	r := run(t, env, wheelmendPath, append([]string{"tree", "--json"}, args...)...)
	if r.code > 1 || r.stderr != "" {
		t.Fatalf("tree: exit %d\n%s", r.code, r.stderr)
	}
	var all []treeDocument
	for documents := json.NewDecoder(strings.NewReader(r.stdout)); documents.More(); {
		var d treeDocument
		if err := documents.Decode(&d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// loaded returns what a process loads, as the loaders write it: a line for each
// library in the order of loading. Paths within the sysroot are the target's.
func (d *treeDocument) loaded(t *testing.T, sysroot string) []string {
	t.Helper()
	if len(d.Processes) != 1 || len(d.Processes[0].Roots) != 1 {
		t.Fatalf("%s: %+v, want one process with one root", d.Name, d.Processes)
	}
	files := map[string]*treeFile{}
	for i := range d.Processes[0].Files {
		files[d.Processes[0].Files[i].Path] = &d.Processes[0].Files[i]
	}
	root := d.Processes[0].Roots[0]
	lines, queue, seen := []string{}, []string{root}, map[string]bool{root: true}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, n := range files[queue[0]].Needed {
			switch {
			case n.Status == "missing":
				lines = append(lines, loadLine(n.Name, "not found"))
			case !seen[n.Path]:
				seen[n.Path] = true
				queue = append(queue, n.Path)
				if n.FoundAt == muslLoader {
					continue // musl lists itself where it likes
				}
				lines = append(lines, loadLine(n.Name, strings.TrimPrefix(n.FoundAt, sysroot)))
			}
		}
	}
	return lines
}

// traceLine matches "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x0000...)"
// and "/opt/libx.so (0x0000...)".
var traceLine = regexp.MustCompile(`(?m)^\t(?:(\S.*) => )?(not found|/.*?)(?: \(0x[0-9a-f]+\))?$`)

// loaderName matches ld.so, whose path depends on how it was called.
var loaderName = regexp.MustCompile(`^ld(64|-linux[^/]*)?\.so\.\d+$`)

func loadLine(name, at string) string {
	if base := filepath.Base(at); loaderName.MatchString(base) {
		return base
	}
	if name == "" || strings.Contains(name, "/") {
		return at
	}
	return name + " => " + at
}

// trace is what makes ld.so tell what it would load instead of running it.
const trace = "LD_TRACE_LOADED_OBJECTS=1"

// traced returns what a loader says that it would load, nil when it refuses.
func traced(t *testing.T, env []string, command string, args ...string) []string {
	t.Helper()
	r := run(t, env, command, args...)
	if r.code != 0 {
		return nil
	}
	var lines []string
	for _, m := range traceLine.FindAllStringSubmatch(r.stdout, -1) {
		if m[2] != muslLoader {
			lines = append(lines, loadLine(m[1], m[2]))
		}
	}
	return lines
}

// The loaders of this machine.
const (
	glibcLoader = "/lib64/ld-linux-x86-64.so.2"
	muslLoader  = "/lib/ld-musl-x86_64.so.1"
)

// Programs and libraries of this machine: tree names the libraries that ld.so
// names, under the same paths and in the same order.
func TestTreeOfThisMachine(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("needs an x86_64 machine")
	}
	for _, system := range []struct {
		name, loader string
		dirs         []string
		wanted       int // fewer files than this prove nothing
	}{
		{"x86_64", glibcLoader, []string{"/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu/gconv"}, 300},
		{"i686", "/lib/ld-linux.so.2", []string{"/usr/lib32"}, 10},
	} {
		t.Run(system.name, func(t *testing.T) {
			var files []string
			for _, dir := range system.dirs {
				for _, name := range filesIn(t, dir) {
					files = append(files, filepath.Join(dir, name))
				}
			}
			compareTrees(t, files, "", system.wanted, func(path string) []string {
				return traced(t, []string{trace}, system.loader, path)
			})
		})
	}
}

// compareTrees holds the trees of those files that a loader answers for to its
// answer.
func compareTrees(t *testing.T, files []string, sysroot string, wanted int, ask func(path string) []string) {
	t.Helper()
	want := map[string][]string{}
	var args []string
	for _, path := range files {
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if lines := ask(path); lines != nil {
			want[path] = lines
			args = append(args, path)
		}
	}
	if len(args) < wanted {
		t.Fatalf("%d files that the loader can trace, want %d; run scripts/setup-integration", len(args), wanted)
	}
	if sysroot != "" {
		args = append([]string{"--sysroot", sysroot}, args...)
	}
	for _, d := range trees(t, nil, args...) {
		if diff := cmp.Diff(want[d.Name], d.loaded(t, sysroot)); diff != "" {
			t.Errorf("%s (-loader +wheelmend):\n%s", d.Name, diff)
		}
	}
	t.Logf("%d files compared", len(want))
}

// The libraries of other architectures, below a sysroot: what their own ld.so
// says under qemu. i686 is not among them: an emulated ld.so also reads the
// ld.so.cache of this machine, which has libraries for it.
func TestTreeOfOtherTargets(t *testing.T) {
	for _, target := range []struct{ sysroot, loader, qemu string }{
		{"/usr/aarch64-linux-gnu", "ld-linux-aarch64.so.1", "qemu-aarch64"},
		{"/usr/arm-linux-gnueabihf", "ld-linux-armhf.so.3", "qemu-arm"},
		{"/usr/powerpc64-linux-gnu", "ld64.so.1", "qemu-ppc64"},
		{"/usr/powerpc64le-linux-gnu", "ld64.so.2", "qemu-ppc64le"},
		{"/usr/riscv64-linux-gnu", "ld-linux-riscv64-lp64d.so.1", "qemu-riscv64"},
		{"/usr/s390x-linux-gnu", "ld64.so.1", "qemu-s390x"},
	} {
		t.Run(filepath.Base(target.sysroot), func(t *testing.T) {
			lib := filepath.Join(target.sysroot, "lib")
			var files []string
			for _, name := range filesIn(t, lib) {
				if strings.Contains(name, ".so") && name != target.loader {
					files = append(files, filepath.Join(lib, name))
				}
			}
			compareTrees(t, files, target.sysroot, 10, func(path string) []string {
				return traced(t, nil, target.qemu, "-E", trace, "-L", target.sysroot, filepath.Join(lib, target.loader), path)
			})
		})
	}
}
