package linkage_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
)

// loader is ld.so of glibc on x86_64, which says what it would load.
const loader = "/lib64/ld-linux-x86-64.so.2"

// TestAgainstTheLoader holds the search to that of this machine's ld.so.
func TestAgainstTheLoader(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("needs an x86_64 Linux")
	}
	if _, err := os.Stat(loader); err != nil {
		t.Skip("no glibc here: ", err)
	}
	const wanted = 60
	total := 0
	for _, dir := range []string{"/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		compared := 0
		// Files from all over the directory, not only those that begin with "a".
		step := max(1, len(entries)/(8*wanted))
		for i := 0; i < len(entries) && compared < wanted; i += step {
			if entries[i].Type().IsRegular() && compareWithLoader(t, filepath.Join(dir, entries[i].Name())) {
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
func compareWithLoader(t *testing.T, path string) bool {
	t.Helper()
	want, ok := traced(path)
	if !ok {
		return false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	file, err := elf.NewFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Errorf("%s: ld.so reads it, and: %v", path, err)
		return false
	}
	if strings.Contains(file.RPath()+file.RunPath(), "ORIGIN") {
		return false // here $ORIGIN is inside a wheel
	}
	g, err := linkage.Resolve(context.Background(), []linkage.Member{{Name: filepath.Base(path), File: file}}, linkage.Options{})
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return false
	}
	defer g.Close()
	if diff := cmp.Diff(want, resolved(t, g)); diff != "" {
		t.Errorf("%s (-ld.so +wheelmend):\n%s", path, diff)
	}
	return true
}

// traceLine matches "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x0000...)".
var traceLine = regexp.MustCompile(`(?m)^\t(\S+) => (not found|\S+)( \(0x[0-9a-f]+\))?$`)

// traced asks ld.so which file it takes for each name. It does not count for
// programs with a loader of their own.
func traced(path string) (map[string]string, bool) {
	cmd := exec.Command(loader, path)
	cmd.Env = []string{"LD_TRACE_LOADED_OBJECTS=1"}
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	libraries := map[string]string{}
	for _, m := range traceLine.FindAllStringSubmatch(string(out), -1) {
		libraries[m[1]] = ""
		if m[2] != "not found" {
			libraries[m[1]] = realPath(m[2])
		}
	}
	delete(libraries, filepath.Base(loader))
	return libraries, len(libraries) > 0
}

func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// resolved gives the same answer out of a graph.
func resolved(t *testing.T, g *linkage.Graph) map[string]string {
	t.Helper()
	libraries := map[string]string{}
	for _, o := range append(g.System, g.Members...) {
		for _, e := range o.Edges {
			switch {
			case e.Needed == filepath.Base(loader):
			case e.Status == linkage.Found:
				libraries[e.Needed] = e.To.Path
				if info, err := os.Lstat(e.To.Path); err != nil || info.Mode()&fs.ModeSymlink != 0 {
					t.Errorf("%s: its path %s is a link, or gone (%v)", e.Needed, e.To.Path, err)
				}
			default:
				libraries[e.Needed] = ""
			}
		}
	}
	return libraries
}
