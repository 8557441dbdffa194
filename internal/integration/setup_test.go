//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cacheDir is the folder that scripts/setup-integration fills.
func cacheDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("WHEELMEND_CACHE"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(home, ".cache", "wheelmend")
}

// cached returns the path of a file that the set-up made; elem is below the
// cache and may be a pattern that one file matches. Without that file the test
// fails: a test that quietly does not run says nothing.
func cached(t *testing.T, elem ...string) string {
	t.Helper()
	pattern := filepath.Join(append([]string{cacheDir(t)}, elem...)...)
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d files, want 1; run scripts/setup-integration", pattern, len(found))
	}
	return found[0]
}

// peer returns the path of a program of the virtual environment that holds
// the other tools.
func peer(t *testing.T, name string) string {
	t.Helper()
	return cached(t, "peers", "bin", name)
}

// rawWheel returns the unrepaired wheel of a package.
func rawWheel(t *testing.T, name string) string {
	t.Helper()
	return cached(t, "raw", name+"-*.whl")
}

// corpus returns the base names of the wheels in testdata/corpus.txt.
func corpus(t *testing.T) []string {
	t.Helper()
	return listed(t, "corpus.txt")
}

// listed returns the base names of the wheels in a file of testdata.
func listed(t *testing.T, name string) []string {
	t.Helper()
	list, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] != "#" {
			names = append(names, fields[1])
		}
	}
	return names
}
