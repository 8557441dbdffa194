package linkage_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/linkage"
)

// glibcLoader and muslLoader are the loaders of x86_64, which say what they
// would load.
const (
	glibcLoader = "/lib64/ld-linux-x86-64.so.2"
	muslLoader  = "/lib/ld-musl-x86_64.so.1"
)

// nativeLoader returns a loader for this machine, or skips the test.
func nativeLoader(t *testing.T, opts linkage.Options) *linkage.Loader {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("needs an x86_64 Linux")
	}
	if _, err := os.Stat(glibcLoader); err != nil {
		t.Skip("no glibc here: ", err)
	}
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip(err)
	}
	opts.HWCaps = linkage.HWCaps(string(cpuinfo))
	l, err := linkage.NewLoader(opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAgainstTheLoader holds a load to what this machine's ld.so says: the same
// libraries, under the same paths, in the same order.
func TestAgainstTheLoader(t *testing.T) {
	loader := nativeLoader(t, linkage.Options{})
	const wanted = 60
	total := 0
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		compared := 0
		// Files from all over the directory, not only those that begin with "a".
		step := max(1, len(entries)/(8*wanted))
		for i := 0; i < len(entries) && compared < wanted; i += step {
			if entries[i].Type().IsRegular() && compareWithLoader(t, loader, filepath.Join(dir, entries[i].Name())) {
				compared++
			}
		}
		t.Logf("%d files of %s compared", compared, dir)
		total += compared
	}
	if total == 0 {
		t.Skip("no file that ld.so can trace")
	}
}

// compareWithLoader says whether the file is one that both can answer for.
func compareWithLoader(t *testing.T, loader *linkage.Loader, path string, env ...string) bool {
	t.Helper()
	want, ok := traced(path, env...)
	if !ok {
		return false
	}
	g, err := loader.Load(path)
	if err != nil {
		t.Errorf("%s: ld.so reads it, and: %v", path, err)
		return false
	}
	if diff := cmp.Diff(want, loads(g)); diff != "" {
		t.Errorf("%s (-ld.so +wheelmend):\n%s", path, diff)
	}
	return true
}

// traceLine matches "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x0000...)"
// and "/opt/libx.so (0x0000...)", the line of a library that is needed by path.
var traceLine = regexp.MustCompile(`(?m)^\t(?:(\S.*) => )?(not found|/.*?)(?: \(0x[0-9a-f]+\))?$`)

// traced asks ld.so which file it takes for each name, in its order. It does not
// answer for programs with a loader of their own.
func traced(path string, env ...string) ([]string, bool) {
	cmd := exec.Command(glibcLoader, path)
	cmd.Env = append([]string{"LD_TRACE_LOADED_OBJECTS=1"}, env...)
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	lines := traceLines(out)
	return lines, len(lines) > 0
}

func traceLines(out []byte) []string {
	var lines []string
	for _, m := range traceLine.FindAllStringSubmatch(string(out), -1) {
		lines = append(lines, loadLine(m[1], m[2]))
	}
	return lines
}

// loads gives the same answer out of a graph.
func loads(g *linkage.Graph) []string {
	var lines []string
	for _, e := range linkage.Images(g.Members)[0].Images[0].Loads() {
		at := "not found"
		if e.Status == linkage.Found {
			at = e.To.Found
		}
		lines = append(lines, loadLine(e.Name, at))
	}
	return lines
}

// loadLine leaves out which of its names ld.so gives itself: it depends on how
// it was called.
func loadLine(needed, at string) string {
	switch base := filepath.Base(at); {
	case base == filepath.Base(glibcLoader):
		return base
	case needed == "" || strings.Contains(needed, "/"):
		return at
	}
	return needed + " => " + at
}

// TestAgainstTheCache holds our reading of ld.so.conf and the directories to
// ld.so.cache, which is what glibc reads in their stead.
func TestAgainstTheCache(t *testing.T) {
	loader := nativeLoader(t, linkage.Options{Libc: linkage.Glibc})
	ldconfig, err := exec.LookPath("ldconfig")
	if err != nil {
		if ldconfig, err = exec.LookPath("/sbin/ldconfig"); err != nil {
			t.Skip("no ldconfig")
		}
	}
	out, err := exec.Command(ldconfig, "-p").Output()
	if err != nil {
		t.Skip("ldconfig -p: ", err)
	}
	want := map[string]string{} // the first of a name is the one that counts
	var names []string
	for _, m := range cacheLine.FindAllSubmatch(out, -1) {
		name := string(m[1])
		if want[name] == "" && !bytes.Contains(m[2], []byte("hwcap")) {
			want[name] = string(m[3])
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Skip("ld.so.cache has no x86-64 library")
	}
	for _, name := range names {
		path := filepath.Join(t.TempDir(), "first.so")
		if err := os.WriteFile(path, elftest.Build(elftest.Spec{Needed: []string{name}}), 0o755); err != nil {
			t.Fatal(err)
		}
		g, err := loader.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if e := g.Members[0].Images[0].Needs[0]; e.Status != linkage.Found || e.To.Found != want[name] {
			t.Errorf("%s: %s => %s, ld.so.cache has %s", name, e.Status, loads(g)[0], want[name])
		}
	}
	t.Logf("%d sonames of ld.so.cache compared", len(names))
}

// cacheLine matches "	libz.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libz.so.1".
var cacheLine = regexp.MustCompile(`(?m)^\t(\S+) \(libc6,x86-64(.*?)\) => (\S+)$`)
