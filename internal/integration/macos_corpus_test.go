//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// raised lists the published wheels whose tags their own files do not keep, by the
// beginning of the name, with the tag that they get.
var raised = map[string]string{
	"cryptography-48.0.1-cp311-abi3-macosx_10_9_universal2": "macosx_10_13_universal2", // its x86_64 slice needs 10.13
	"protobuf-7.36.2-cp310-abi3-macosx_10_9_universal2":     "macosx_12_0_universal2",  // both slices need 12.0
	"scipy-1.18.1-cp312-cp312-macosx_12_0_arm64":            "macosx_13_0_arm64",       // libgfortran needs 12.3
}

// TestMacOSCorpus repairs published wheels as they are, and once more without the
// libraries that delocate copied into them, which then come from a folder: the same
// files load the same names.
func TestMacOSCorpus(t *testing.T) {
	for _, wheel := range listed(t, "macos.txt") {
		t.Run(wheel, func(t *testing.T) {
			original := cached(t, "macos", wheel)
			whole := repair(t, original)
			wheelmend(t, "verify", whole).must(t)
			bare, libraries := withoutDylibs(t, original)
			grafted := repair(t, bare, "--search-path", libraries)
			wheelmend(t, "verify", grafted).must(t)
			if again := repair(t, grafted, "--search-path", libraries); !bytes.Equal(readFile(t, again), readFile(t, grafted)) {
				t.Error("a second repair changes the wheel")
			}
			name := strings.TrimSuffix(wheel, ".whl")
			if tag, ok := raised[name]; ok {
				name = name[:strings.LastIndexByte(name, '-')+1] + tag
			}
			for _, result := range []string{whole, grafted} {
				if got := filepath.Base(result); got != name+".whl" {
					t.Errorf("the result is %s, want %s", got, name)
				}
				checkContainer(t, result)
				compareMachO(t, members(t, original), members(t, result))
			}
		})
	}
}

// withoutDylibs takes the libraries out of a wheel. It returns the wheel that is
// left, and the folder with the libraries.
func withoutDylibs(t *testing.T, wheel string) (bare, libraries string) {
	t.Helper()
	libraries = t.TempDir()
	bare = filepath.Join(t.TempDir(), filepath.Base(wheel))
	out, err := os.Create(bare)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	content := members(t, wheel)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		data := content[name]
		switch {
		case isDylib(name):
			if err := os.WriteFile(filepath.Join(libraries, path.Base(name)), data, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		case strings.HasSuffix(name, ".dist-info/RECORD"):
			data = recordWithoutDylibs(t, data)
		}
		addMember(t, z, name, data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bare, libraries
}

// isDylib reports whether delocate has put a member there.
func isDylib(member string) bool { return path.Base(path.Dir(member)) == ".dylibs" }

func recordWithoutDylibs(t *testing.T, record []byte) []byte {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(record)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = slices.DeleteFunc(rows, func(row []string) bool { return isDylib(row[0]) })
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compareMachO compares the members outside .dist-info. Those that differ are
// Mach-O files with the same names to load, and without the search paths of the
// machine that built them.
func compareMachO(t *testing.T, before, after map[string][]byte) {
	t.Helper()
	if diff := cmp.Diff(outsideInfo(before), outsideInfo(after)); diff != "" {
		t.Errorf("members (-original +repaired):\n%s", diff)
	}
	for _, name := range outsideInfo(before) {
		if bytes.Equal(before[name], after[name]) {
			continue
		}
		was, is := objdump(t, before[name]), objdump(t, after[name])
		if diff := cmp.Diff(was.loads, is.loads); diff != "" {
			t.Errorf("%s loads (-original +repaired):\n%s", name, diff)
		}
		if len(was.build) == 0 || len(is.build) > 0 {
			t.Errorf("%s: it has changed, with the build paths %q before and %q after", name, was.build, is.build)
		}
	}
}

func outsideInfo(content map[string][]byte) []string {
	var names []string
	for name := range content {
		if !strings.Contains(name, ".dist-info/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A dump is what llvm-objdump says of an image.
type dump struct {
	loads []string // its own name and those of the libraries
	build []string // absolute search paths
}

func objdump(t *testing.T, image []byte) dump {
	t.Helper()
	file := writeFile(t, "image", image)
	var d dump
	used := run(t, nil, "llvm-objdump", "--macho", "--arch=all", "--dylibs-used", file).must(t).stdout
	for line := range strings.Lines(used) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), " (compatibility"); ok {
			d.loads = append(d.loads, name)
		}
	}
	rpaths := run(t, nil, "llvm-objdump", "--macho", "--arch=all", "--rpaths", file).must(t).stdout
	for line := range strings.Lines(rpaths) {
		if rpath := strings.TrimSpace(line); path.IsAbs(rpath) && !strings.HasPrefix(rpath, file) {
			d.build = append(d.build, rpath)
		}
	}
	return d
}
