//go:build integration

package elf

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	loaded      = 300     // libraries of the system that are edited and loaded
	largest     = 8 << 20 // bytes of one
	editsOfEach = 4       // at most
	chunk       = 50      // files that the judges read at once
)

// TestEditedSystemLibrariesLoad edits libraries of the system at random, loads
// them with every symbol bound, and asks the judges before and after.
// WHEELMEND_SEED chooses other edits of other libraries.
func TestEditedSystemLibrariesLoad(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("WHEELMEND_SEED"), 10, 64)
	if err != nil {
		seed = 7
	}
	t.Logf("seed %d", seed)
	l, random := newLab(t), rand.New(rand.NewPCG(seed, seed))
	paths := systemLibraries(t)
	random.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	o := layout{"machine": "x86_64", "kind": "library"}
	done, leftOut := 0, 0
	edited := map[string]string{}
	for _, path := range paths {
		if done == loaded {
			break
		}
		if l.run(t, o, path, false) != "0 loaded " {
			leftOut++ // it loads only inside of its program, or with the symbols of others
			continue
		}
		done++
		t.Run(filepath.Base(path), func(t *testing.T) { l.editAndLoad(t, o, path, random, edited) })
		if len(edited) == chunk || done == loaded {
			askJudges(t, edited)
			for after := range edited {
				os.RemoveAll(filepath.Dir(after))
			}
			clear(edited)
		}
	}
	t.Logf("edited and loaded %d libraries; %d that do not load unedited are left out", done, leftOut)
	if done < loaded/2 {
		t.Errorf("edited and loaded %d libraries, want at least %d", done, loaded/2)
	}
}

// systemLibraries lists the shared libraries of the system for this machine
// that are not too large.
func systemLibraries(t *testing.T) []string {
	var paths []string
	err := filepath.WalkDir(libraries, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(d.Name(), ".so") {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > largest {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		f, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil || !f.Dynamic() || f.relocatesItself() != "" {
			return nil
		}
		// A path among the needed may begin with $ORIGIN, which an edited copy has elsewhere.
		if arch, _ := f.Arch(); arch == "x86_64" && !strings.Contains(strings.Join(f.Needed(), ""), "/") {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Skip(err)
	}
	return paths
}

// editAndLoad edits a library a few times at random, each time the result of
// the last.
func (l *lab) editAndLoad(t *testing.T, o layout, path string, random *rand.Rand, edited map[string]string) {
	dir, err := os.MkdirTemp(l.dir, "e")
	if err != nil {
		t.Fatal(err)
	}
	now := path
	for i := range 1 + random.IntN(editsOfEach) {
		data, err := os.ReadFile(now)
		if err != nil {
			t.Fatal(err)
		}
		after := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(path)))
		edits, says := harmlessEdits(t, parse(t, data), path, dir, random)
		if err := write(t, now, after, edits...); err != nil {
			t.Fatalf("%s: %v", says, err)
		}
		if got := l.run(t, o, after, false); got != "0 loaded " {
			t.Fatalf("%s after %s does not load any more: %s", now, says, got)
		}
		now = after
	}
	edited[now] = path
}

// harmlessEdits picks edits after which a library finds all that it did: the
// search path keeps its entries, and what is renamed is there under both names.
// It says what they are.
func harmlessEdits(t *testing.T, f *File, path, dir string, random *rand.Rand) ([]Edit, string) {
	filler := "$ORIGIN/" + strings.Repeat("a/", random.IntN(60))
	// Plugins find their own libraries beside them.
	keep := strings.Trim(strings.ReplaceAll(f.RPath()+":"+f.RunPath(), "$ORIGIN", filepath.Dir(path))+":"+dir+":"+filepath.Dir(path), ":")
	var edits []Edit
	var says []string
	add := func(text string, e Edit) { edits, says = append(edits, e), append(says, text) }
	if random.IntN(2) == 0 {
		add("rpath", SetRPath(filler+":"+keep))
	} else {
		add("runpath", SetRunPath(keep+":"+filler))
	}
	if random.IntN(3) == 0 {
		add("soname", SetSoname("libedited-"+strings.Repeat("x", random.IntN(40))+".so.1"))
	}
	if random.IntN(3) == 0 {
		add("more needed", AddNeeded([]string{"libm.so.6", "librt.so.1", "libresolv.so.2"}[random.IntN(3)]))
	}
	if random.IntN(5) == 0 {
		add("strip", Strip())
	}
	for _, name := range f.Needed() {
		target := filepath.Join(libraries, "x86_64-linux-gnu", name)
		if _, err := os.Stat(target); err != nil || strings.HasPrefix(name, "libc.so") || random.IntN(2) == 0 {
			continue
		}
		link := strings.Replace(name, ".so", fmt.Sprintf("-%08x.so", random.Uint32()), 1)
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		add("graft of "+name, ReplaceNeeded(name, link))
	}
	return edits, strings.Join(says, ", ")
}
