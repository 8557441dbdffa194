//go:build integration

package integration

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compatDir has the sources of the compatibility libraries and, in lib, what is built of them.
const compatDir = "../../policy/lower/compat"

// unzipped returns the content of a file of gzip.
func unzipped(t *testing.T, name string) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(readFile(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// runCompat runs a program of testdata with a compatibility library in a root.
func runCompat(t *testing.T, version, program, soname string, arguments ...string) {
	t.Helper()
	root := glibcRootOf(t, version)
	dir, err := os.MkdirTemp(filepath.Join(root.dir, "w"), "compat")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, dir) })
	content := unzipped(t, filepath.Join(compatDir, "lib", "x86_64", soname+".gz"))
	if err := os.WriteFile(filepath.Join(dir, soname), content, 0o600); err != nil {
		t.Fatal(err)
	}
	argv := append([]string{program, "/w/" + filepath.Base(dir) + "/" + soname}, arguments...)
	text := "import sys; sys.argv = '" + strings.Join(argv, " ") + "'.split()\n" +
		string(readFile(t, filepath.Join("testdata", program)))
	if r := root.python(t, "/w", text); r.code != 0 {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// Every function of the compatibility library is called on real C libraries, from one that
// has none of the originals to one that has all: results, errno and what they wrote are
// those of the originals where there is one. So they are where the kernel lacks the calls.
func TestCompatibilityLibraryOnGlibc(t *testing.T) {
	const soname = "libwheelmend_compat.so"
	list := readFile(t, filepath.Join(compatDir, "lib", "x86_64", soname+".txt"))
	names := strings.Join(strings.Fields(string(list)), ",")
	for _, version := range glibcVersions {
		age := "older"
		if version == "2.41" { // the first in which no name is missing
			age = "newest"
		}
		t.Run(version, func(t *testing.T) { runCompat(t, version, "use_compat.py", soname, names, age) })
		t.Run(version+" on an old kernel", func(t *testing.T) {
			runCompat(t, version, "use_compat.py", soname, names, age, "without")
		})
	}
}

// The C++ one serves libstdc++ from the one of gcc 8 on; Debian 11 has that of gcc 10.
func TestCompatibilityLibraryOnLibstdcxx(t *testing.T) {
	for _, version := range glibcVersions[1:] {
		t.Run(version, func(t *testing.T) {
			runCompat(t, version, "use_compat_cxx.py", "libwheelmend_compat_cxx.so")
		})
	}
}

// What is in the repository is what its sources give.
func TestCompatibilityLibrariesAreReproducible(t *testing.T) {
	zig := cached(t, "peers", "lib", "python3*", "site-packages", "ziglang", "zig")
	out := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), filepath.Join(compatDir, "build"), zig, out).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	built, err := filepath.Glob(filepath.Join(out, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(compatDir, "lib", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(built) == 0 || len(built) != len(kept) {
		t.Errorf("got %d files, want %d", len(built), len(kept))
	}
	for _, name := range built {
		rel, err := filepath.Rel(out, name)
		if err != nil {
			t.Fatal(err)
		}
		got, want := readFile(t, name), readFile(t, filepath.Join(compatDir, "lib", rel))
		if filepath.Ext(name) == ".gz" { // gzip itself may change
			got, want = unzipped(t, name), unzipped(t, filepath.Join(compatDir, "lib", rel))
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: not what the sources give", rel)
		}
	}
}
