//go:build integration

package elf

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loaded is how many libraries are edited and loaded.
const loaded = 100

// loader opens a library with every symbol bound at once, and says where it is.
const loader = `import ctypes, os, sys
ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)
print("loaded")`

// TestEditedSystemLibrariesLoad edits libraries of the system at random, loads
// them, and asks readelf and eu-elflint before and after.
func TestEditedSystemLibrariesLoad(t *testing.T) {
	for _, tool := range []string{"python3", "readelf", "eu-elflint"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	random := rand.New(rand.NewPCG(7, 7))
	paths := systemLibraries(t)
	random.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	done := 0
	for _, path := range paths {
		if done == loaded {
			break
		}
		if _, err := load(path); err != nil {
			continue // loads only inside of its program
		}
		done++
		t.Run(filepath.Base(path), func(t *testing.T) { editAndLoad(t, path, random) })
	}
	if done < loaded/2 {
		t.Errorf("edited and loaded %d libraries, want at least %d", done, loaded/2)
	}
}

// systemLibraries lists the shared libraries of the system, smaller than 8 MB.
func systemLibraries(t *testing.T) []string {
	var paths []string
	err := filepath.WalkDir(libraries+"/x86_64-linux-gnu", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(d.Name(), ".so") {
			return nil
		}
		info, err := d.Info()
		if err == nil && info.Size() < 8<<20 && !strings.HasPrefix(d.Name(), "ld-linux") {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Skip(err)
	}
	return paths
}

func load(path string) (string, error) {
	cmd := exec.Command("timeout", "20", "python3", "-c", loader, path)
	cmd.Env = append(os.Environ(), "LD_BIND_NOW=1")
	out, err := cmd.CombinedOutput()
	if err == nil && !strings.Contains(string(out), "loaded") {
		err = fmt.Errorf("said %q", out)
	}
	return string(out), err
}

func editAndLoad(t *testing.T, path string, random *rand.Rand) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, data)
	if !f.Dynamic() {
		t.Skip("not dynamic")
	}
	dir := t.TempDir()
	edits := []Edit{SetSoname("libedited-" + strings.Repeat("x", random.IntN(40)) + ".so.1")}
	// /usr/lib/... is where plugins find their own libraries.
	edits = append(edits, SetRPath("$ORIGIN/"+strings.Repeat("a/", random.IntN(60))+":$ORIGIN:"+filepath.Dir(path)+":"+f.RunPath()))
	edits = append(edits, renamedNeeded(t, f, dir, random)...)
	if random.IntN(2) == 0 {
		edits = append(edits, Strip())
	}
	o, err := f.Edit(edits...)
	if err != nil {
		t.Fatal(err)
	}
	edited := filepath.Join(dir, "libedited.so")
	if err := os.WriteFile(edited, contents(t, o), 0o755); err != nil {
		t.Fatal(err)
	}
	checkTables(t, f, parse(t, contents(t, o)))
	if out, err := load(edited); err != nil {
		t.Errorf("does not load any more: %v\n%s", err, out)
	}
	askJudges(t, map[string]string{edited: path})
}

// renamedNeeded makes one of the needed libraries come from a link with another
// name in dir.
func renamedNeeded(t *testing.T, f *File, dir string, random *rand.Rand) []Edit {
	var edits []Edit
	for _, name := range f.Needed() {
		target := filepath.Join(libraries, "x86_64-linux-gnu", name)
		if _, err := os.Stat(target); err != nil || strings.HasPrefix(name, "libc.so") || random.IntN(2) == 0 {
			continue
		}
		link := strings.Replace(name, ".so", fmt.Sprintf("-%08x.so", random.Uint32()), 1)
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		edits = append(edits, ReplaceNeeded(name, link))
	}
	return edits
}
