package repair_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/repair"
)

// filesOf returns the files below a directory, by path.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(at)
		files[at] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// put makes a directory hold some files and no others.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for at, data := range files {
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// A run that is killed leaves some of the copies, or all and some of the files edited. The
// next one makes what an undisturbed one would have, and leaves no copy beside it.
func TestTreeAfterAKill(t *testing.T) {
	for _, tt := range []struct{ name, members, system string }{
		{"install names", "a.so macho arch=arm64 loads=/opt/libx.dylib\nb.so macho arch=arm64 loads=/opt/liby.dylib",
			"opt/libx.dylib macho arch=arm64 id=/opt/libx.dylib loads=/opt/liby.dylib\nopt/liby.dylib macho arch=arm64 id=/opt/liby.dylib"},
		{"no install names", "a.so macho arch=arm64 loads=/opt/libx.dylib\nb.so macho arch=arm64 loads=/opt/liby.dylib",
			"opt/libx.dylib macho arch=arm64 loads=/opt/liby.dylib\nopt/liby.dylib macho arch=arm64 size=80"},
		{"a UUID and no install name", "a.so macho arch=arm64 minos=11.0 loads=/opt/libx.dylib\nb.so macho arch=arm64 minos=11.0 loads=/opt/liby.dylib",
			"opt/libx.dylib macho arch=arm64 minos=11.0 loads=/opt/liby.dylib\nopt/liby.dylib macho arch=arm64 minos=11.0 size=80"},
		{"another install name", "a.so macho arch=arm64 loads=@rpath/libx.dylib rpaths=/opt\nb.so macho arch=arm64 loads=/opt/libx.dylib",
			"opt/libx.dylib macho arch=arm64 id=@rpath/other.1.dylib loads=/opt/liby.dylib signed=adhoc\nopt/liby.dylib macho arch=arm64 signed=adhoc size=80"},
		{"two libraries of one name", "a.so macho arch=arm64 loads=/opt/libx.dylib,/usr/local/libx.dylib",
			"opt/libx.dylib macho arch=arm64\nusr/local/libx.dylib macho arch=arm64 size=80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGrove(t, tt.members, tt.system)
			before := filesOf(t, g.dir)
			result, err := g.repair(repair.DirectoryOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := filesOf(t, g.dir)
			var written []string // in their order
			for _, c := range result.Copied {
				written = append(written, c.Path)
			}
			written = append(written, result.Edited...)
			for n := range len(written) + 1 {
				state := maps.Clone(before)
				for _, at := range written[:n] {
					state[at] = want[at]
				}
				put(t, g.dir, state)
				again, err := g.repair(repair.DirectoryOptions{})
				if err != nil {
					t.Fatalf("after %d of %d files: %v", n, len(written), err)
				}
				got := filesOf(t, g.dir)
				if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
					t.Errorf("after %d of %d files: %v, want %v", n, len(written), slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("after %d of %d files: other bytes", n, len(written))
				}
				// Once a file loads one, a copy is a library of the directory like others.
				told := strings.Contains(strings.Join(again.Warnings, "; "), "there already, just as it would be written")
				if copies := len(result.Copied); n > 0 && n < copies && !told {
					t.Errorf("after %d of %d copies nothing is told: %q", n, copies, again.Warnings)
				}
			}
		})
	}
}

// A copy of a library that has changed since is another file: it stays, and that is told.
func TestTreeAfterAKillAndAChange(t *testing.T) {
	g := newGrove(t, "a.so macho arch=arm64 loads=/opt/libx.dylib\n.dylibs/libx.dylib macho arch=arm64 size=80\n.dylibs/plugin.so macho arch=arm64 loads=/opt/libx.dylib", "opt/libx.dylib macho arch=arm64")
	result, err := g.repair(repair.DirectoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := ".dylibs/libx.dylib: nothing loads it, and it stays; a run that was killed may have left it"
	if len(result.Warnings) != 1 || !strings.HasSuffix(result.Warnings[0], want) {
		t.Errorf("warnings %q, want one that ends in %q", result.Warnings, want)
	}
	// What nothing loads by a path may be opened by name: it is mended like the others.
	if lines := strings.Join(list(t, g.dir), "\n"); !strings.Contains(lines, ".dylibs/plugin.so @loader_path/libx-") {
		t.Errorf("the plug-in is left as it was:\n%s", lines)
	}
}
