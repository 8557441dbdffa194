//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkStranded repairs a wheel whose own libraries nothing leads to, and imports the
// module: what it maps lies in the wheel, and a second repair changes nothing.
func checkStranded(t *testing.T, files map[string]string, module, library string, flags ...string) {
	t.Helper()
	repaired := repair(t, mkwheel(t, files), flags...)
	wheelmend(t, "verify", repaired).must(t)
	sameBytes(t, repair(t, repaired), repaired)
	v := installed(t, repaired)
	checkCalls(t, v, "42", module)
	maps := v.exec(t, "import "+module+"; "+module+".call(); print(open('/proc/self/maps').read())")
	if want := v.dir + "/"; !strings.Contains(maps, library) {
		t.Errorf("%s is not mapped", library)
	} else {
		for line := range strings.Lines(maps) {
			if strings.Contains(line, library) && !strings.Contains(line, want) {
				t.Errorf("mapped from elsewhere: %s", line)
			}
		}
	}
}

// Zip archives have no symbolic links, and builds forget search paths: the library is
// in the wheel, and nothing finds it.
func TestStrandedLibraries(t *testing.T) {
	dir := t.TempDir()
	lib := constant(t, filepath.Join(dir, "libanswer.so.4"), "answer", "42")
	versioned := library(t, filepath.Join(dir, "libversioned.so.2"), "versioned.c", "-Wl,--version-script,testdata/c/library.map")
	t.Run("beside the module", func(t *testing.T) {
		checkStranded(t, map[string]string{"pkg/m.so": extension(t, "m", "answer", lib), "pkg/libanswer.so.4": lib}, "pkg.m", "libanswer.so.4")
	})
	t.Run("in another folder", func(t *testing.T) {
		checkStranded(t, map[string]string{"pkg/deep/m.so": extension(t, "m", "answer", lib), "other/lib/libanswer.so.4": lib}, "pkg.deep.m", "libanswer.so.4")
	})
	t.Run("in .data", func(t *testing.T) {
		checkStranded(t, map[string]string{"made-1.0.data/platlib/pkg/m.so": extension(t, "m", "answer", lib), "made-1.0.data/data/lib/made/libanswer.so.4": lib}, "pkg.m", "libanswer.so.4")
	})
	t.Run("under the name of its link", func(t *testing.T) {
		checkStranded(t, map[string]string{"pkg/m.so": extension(t, "m", "answer", lib, runpath("$ORIGIN")), "pkg/libanswer.so": lib}, "pkg.m", "libanswer.so")
	})
	t.Run("with versions, under the name of its link", func(t *testing.T) {
		checkStranded(t, map[string]string{"pkg/m.so": extension(t, "m", "versioned_new", versioned, runpath("$ORIGIN")), "pkg/libversioned.so": versioned}, "pkg.m", "libversioned.so")
	})
	t.Run("by a path of the build", func(t *testing.T) {
		bare := gcc(t, filepath.Join(dir, "libbare.so"), "constant.c", "-shared", "-DFUNCTION=answer", "-DVALUE=42")
		checkStranded(t, map[string]string{"pkg/m.so": extension(t, "m", "answer", bare), "pkg/libbare.so": moved(t, bare)}, "pkg.m", "libbare.so")
	})
	t.Run("through another", func(t *testing.T) {
		relay := library(t, filepath.Join(dir, "librelay.so.1"), "relay.c", "-DFUNCTION=relay", "-DCALLEE=answer", "-DVALUE=0", lib)
		checkStranded(t, map[string]string{
			"pkg/m.so":               extension(t, "m", "relay", relay, runpath("$ORIGIN/lib"), "-Wl,-rpath-link,"+dir),
			"pkg/lib/librelay.so":    relay,
			"elsewhere/libanswer.so": lib,
		}, "pkg.m", "libanswer.so")
	})
}

// moved puts a file elsewhere and returns its new place.
func moved(t *testing.T, file string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.Rename(file, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// A private copy that nothing leads to is no reason to pass over the library that
// the user names: it may be an old one.
func TestPrivateCopyIsNotTaken(t *testing.T) {
	old, current := t.TempDir(), t.TempDir()
	stale := constant(t, filepath.Join(old, "libanswer.so.4"), "answer", "1")
	right := constant(t, filepath.Join(current, "libanswer.so.4"), "answer", "42")
	files := map[string]string{"pkg/m.so": extension(t, "m", "answer", right), "pkg/_vendor/old/libanswer.so.4": stale}
	for _, how := range []struct {
		name  string
		env   []string
		flags []string
	}{
		{"LD_LIBRARY_PATH", []string{"LD_LIBRARY_PATH=" + current}, nil},
		{"--search-path", nil, []string{"--search-path", current}},
	} {
		t.Run(how.name, func(t *testing.T) {
			out := t.TempDir()
			run(t, how.env, wheelmendPath, append([]string{"repair", "-w", out, mkwheel(t, files)}, how.flags...)...).must(t)
			repaired := filepath.Join(out, filesIn(t, out)[0])
			wheelmend(t, "verify", repaired).must(t)
			checkCalls(t, installed(t, repaired), "42", "pkg.m")
		})
	}
}
