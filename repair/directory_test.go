package repair_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/repair"
)

// A grove is a directory to be repaired, and the system that its libraries come from.
type grove struct{ dir, system string }

func newGrove(t *testing.T, members, system string) grove {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g := grove{filepath.Join(top, "tree"), filepath.Join(top, "root")}
	for dir, spec := range map[string]string{g.dir: members, g.system: system} {
		if err := wheeltest.WriteLibs(dir, spec); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g grove) repair(opts repair.DirectoryOptions) (*repair.DirectoryResult, error) {
	opts.Link.Sysroot = g.system
	return repair.RepairDirectory(context.Background(), g.dir, opts)
}

// list describes the files below a directory, sorted: Mach-O files by what their slices
// load and search, others by their content. Digests in names are left out.
func list(t *testing.T, dir string) []string {
	t.Helper()
	lines := []string{}
	err := filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, at)
		data, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		f, err := macho.NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			lines = append(lines, fmt.Sprintf("%s %q", filepath.ToSlash(name), bytes.TrimSpace(data)))
			return nil
		}
		for _, s := range f.Slices {
			words := []string{filepath.ToSlash(name)}
			for _, l := range s.Dylibs {
				words = append(words, l.Name)
			}
			for _, r := range s.RPaths {
				words = append(words, "rpath="+r)
			}
			lines = append(lines, strings.Join(words, " "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func TestTreeIsMade(t *testing.T) {
	const x = "opt/libx.dylib macho arch=arm64 id=/opt/libx.dylib"
	for _, tt := range []struct {
		name, members, system string
		opts                  repair.DirectoryOptions
		want, warnings        []string
		copied                int
	}{
		{"a library and what it loads", "pkg/a.so macho arch=arm64 loads=/opt/libx.dylib,/usr/lib/libSystem.B.dylib", x + " loads=/opt/sub/liby.dylib\nopt/sub/liby.dylib macho arch=arm64 loads=/opt/libx.dylib",
			repair.DirectoryOptions{}, []string{
				".dylibs/libx.dylib @loader_path/liby.dylib",
				".dylibs/liby.dylib @loader_path/libx.dylib",
				"pkg/a.so @loader_path/../.dylibs/libx.dylib /usr/lib/libSystem.B.dylib"}, nil, 2},
		{"nothing from elsewhere", "a.so macho arch=arm64 loads=@loader_path/lib/b.dylib rpaths=/opt\nlib/b.dylib macho arch=arm64", "",
			repair.DirectoryOptions{}, []string{"a.so @loader_path/lib/b.dylib", "lib/b.dylib"}, nil, 0},
		{"search paths that are to stay", "a.so macho arch=arm64 loads=@rpath/libx.dylib rpaths=/opt", x,
			repair.DirectoryOptions{KeepRPaths: true}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib rpath=/opt"}, nil, 1},
		{"search paths that lead there", "a.so macho arch=arm64 loads=@rpath/libx.dylib rpaths=/opt", x,
			repair.DirectoryOptions{}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib"}, nil, 1},
		{"a folder of another name", "a.so macho arch=arm64 loads=/opt/libx.dylib", x,
			repair.DirectoryOptions{LibDir: "deep/libs"}, []string{"a.so @loader_path/deep/libs/libx.dylib", "deep/libs/libx.dylib"}, nil, 1},
		{"a file has the name", "a.so macho arch=arm64 loads=/opt/libx.dylib\n.dylibs/libx.dylib text \"mine\"", x,
			repair.DirectoryOptions{}, []string{".dylibs/libx-DIGEST.dylib", `.dylibs/libx.dylib "mine"`, "a.so @loader_path/.dylibs/libx-DIGEST.dylib"}, nil, 1},
		{"a library of the directory has the name", "a.so macho arch=arm64 loads=/opt/libx.dylib,@loader_path/.dylibs/libx.dylib\n.dylibs/libx.dylib macho arch=arm64", x,
			repair.DirectoryOptions{}, []string{".dylibs/libx-DIGEST.dylib", ".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx-DIGEST.dylib @loader_path/.dylibs/libx.dylib"}, nil, 1},
		{"two libraries of one name", "a.so macho arch=arm64 loads=/opt/libx.dylib,/usr/local/libx.dylib", x + "\nusr/local/libx.dylib macho arch=arm64 size=80",
			repair.DirectoryOptions{}, []string{".dylibs/libx-DIGEST.dylib", ".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib @loader_path/.dylibs/libx-DIGEST.dylib"}, nil, 2},
		{"names that differ in case alone", "a.so macho arch=arm64 loads=/opt/libx.dylib,/usr/local/LibX.dylib", x + "\nusr/local/LibX.dylib macho arch=arm64 size=80",
			repair.DirectoryOptions{}, []string{".dylibs/LibX-DIGEST.dylib", ".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib @loader_path/.dylibs/LibX-DIGEST.dylib"}, nil, 2},
		{"one library at two places", "a.so macho arch=arm64 loads=/opt/libx.dylib\nb.so macho arch=arm64 loads=/usr/local/libx.dylib", x + "\nusr/local/libx.dylib macho arch=arm64 id=/opt/libx.dylib",
			repair.DirectoryOptions{}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib", "b.so @loader_path/.dylibs/libx.dylib"}, nil, 1},
		{"one library in two spellings", "a.so macho arch=arm64 loads=/opt/libx.dylib,/usr/local/LibX.dylib", x + "\nusr/local/LibX.dylib macho arch=arm64 id=/opt/libx.dylib",
			repair.DirectoryOptions{}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib"}, nil, 1},
		{"weak, and nowhere", "a.so macho arch=arm64 loads=/opt/libx.dylib,weak:/opt/none.dylib", x,
			repair.DirectoryOptions{}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib /opt/none.dylib"}, nil, 1},
		{"nowhere, and that is fine", "a.so macho arch=arm64 loads=/opt/libx.dylib,/opt/none.dylib\nb.so macho arch=arm64 loads=/opt/none.dylib", x,
			repair.DirectoryOptions{IgnoreMissing: true}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib /opt/none.dylib", "b.so /opt/none.dylib"},
			[]string{"TREE/a.so: /opt/none.dylib was not found"}, 1},
		{"left out", "a.so macho arch=arm64 loads=/opt/libx.dylib,/opt/liby.dylib", x + "\nopt/liby.dylib macho arch=arm64",
			repair.DirectoryOptions{Link: linkage.Options{Exclude: []string{"liby*"}}}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib /opt/liby.dylib"}, nil, 1},
		{"each architecture its own", "a.so macho arch=x86_64 loads=/opt/i.dylib arch=arm64 loads=/opt/m.dylib", "opt/i.dylib macho arch=x86_64\nopt/m.dylib macho arch=arm64",
			repair.DirectoryOptions{}, []string{".dylibs/i.dylib", ".dylibs/m.dylib", "a.so @loader_path/.dylibs/i.dylib", "a.so @loader_path/.dylibs/m.dylib"}, nil, 2},
		{"a module and Python", "a.so macho arch=arm64 type=bundle loads=@rpath/libpython3.12.dylib,/opt/libx.dylib rpaths=/opt", x + "\nopt/libpython3.12.dylib macho arch=arm64",
			repair.DirectoryOptions{IgnoreMissing: true}, []string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib"},
			[]string{"TREE/a.so: its dependency on @rpath/libpython3.12.dylib is removed"}, 1},
		{"a program that would load no library of another signature", "bin/p macho arch=arm64 type=execute minos=11.0 signed=hardened loads=@loader_path/../y.dylib\ny.dylib macho arch=arm64 loads=/opt/libx.dylib", x,
			repair.DirectoryOptions{}, []string{".dylibs/libx.dylib", "bin/p @loader_path/../y.dylib", "y.dylib @loader_path/.dylibs/libx.dylib"},
			[]string{"TREE/bin/p: its new arm64 signature no longer asks for the hardened runtime", "TREE/bin/p: its signature is replaced by one without a certificate"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGrove(t, tt.members, tt.system)
			before := list(t, g.system)
			result, err := g.repair(tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			got := list(t, g.dir)
			for i := range got {
				for _, c := range result.Copied {
					if stem, ext, ok := strings.Cut(filepath.Base(c.Path), "-"); ok {
						got[i] = strings.ReplaceAll(got[i], stem+"-"+ext, stem+"-DIGEST"+filepath.Ext(ext))
					}
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(result.Copied) != tt.copied {
				t.Errorf("%d copies, want %d (-want +got):\n%s", len(result.Copied), tt.copied, diff)
			}
			if len(result.Warnings) != len(tt.warnings) {
				t.Fatalf("warnings %q, want %q", result.Warnings, tt.warnings)
			}
			for i, w := range result.Warnings {
				if want := strings.ReplaceAll(tt.warnings[i], "TREE", g.dir); !strings.HasPrefix(w, want) {
					t.Errorf("warning %q, want %q", w, want)
				}
			}
			if diff := cmp.Diff(before, list(t, g.system)); diff != "" {
				t.Errorf("the system has changed (-before +after):\n%s", diff)
			}
			if again, err := g.repair(tt.opts); err != nil || len(again.Copied) > 0 || len(again.Edited) > 0 {
				t.Errorf("a second run: %+v, %v; want nothing to do", again, err)
			}
		})
	}
}

// What was repaired finds its libraries wherever it is moved to, without the system
// that they came from.
func TestTreeCanBeMoved(t *testing.T) {
	g := newGrove(t, "pkg/a.so macho arch=arm64 loads=/opt/libx.dylib\nb.so macho arch=arm64 loads=/opt/libx.dylib", "opt/libx.dylib macho arch=arm64 loads=/opt/liby.dylib\nopt/liby.dylib macho arch=arm64")
	result, err := g.repair(repair.DirectoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(g.dir, "b.so"), filepath.Join(g.dir, "pkg/a.so")}; !slices.Equal(result.Edited, want) {
		t.Errorf("edited %q, want %q", result.Edited, want)
	}
	moved := grove{g.dir + " moved", t.TempDir()}
	if err := os.Rename(g.dir, moved.dir); err != nil {
		t.Fatal(err)
	}
	if result, err := moved.repair(repair.DirectoryOptions{}); err != nil || len(result.Copied) > 0 {
		t.Errorf("%+v, %v; want nothing from elsewhere", result, err)
	}
	for _, name := range []string{"libx.dylib", "liby.dylib"} {
		if info, err := os.Stat(filepath.Join(moved.dir, ".dylibs", name)); err != nil || info.Mode().Perm()&0o700 != 0o700 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// A folder elsewhere is what the user asked for.
func TestTreeWithAFolderElsewhere(t *testing.T) {
	g := newGrove(t, "pkg/a.so macho arch=arm64 loads=/opt/libx.dylib", "opt/libx.dylib macho arch=arm64")
	libs := filepath.Join(filepath.Dir(g.dir), "libs/new")
	result, err := g.repair(repair.DirectoryOptions{LibDir: libs})
	if err != nil {
		t.Fatal(err)
	}
	if want := []repair.DirectoryCopy{{Source: filepath.Join(g.system, "opt/libx.dylib"), Path: filepath.Join(libs, "libx.dylib")}}; !slices.Equal(result.Copied, want) {
		t.Errorf("copied %q, want %q", result.Copied, want)
	}
	if diff := cmp.Diff([]string{"pkg/a.so @loader_path/../../libs/new/libx.dylib"}, list(t, g.dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"libx.dylib"}, list(t, libs)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is refused leaves the directory as it was.
func TestTreeIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, members, system string
		opts                  repair.DirectoryOptions
		want                  string
	}{
		{"a library is missing", "a.so macho arch=arm64 loads=/opt/libx.dylib,/opt/none.dylib", "opt/libx.dylib macho arch=arm64",
			repair.DirectoryOptions{}, "a.so: /opt/none.dylib was not found; searched"},
		{"a library of a library is missing", "a.so macho arch=arm64 loads=/opt/libx.dylib", "opt/libx.dylib macho arch=arm64 loads=@rpath/none.dylib",
			repair.DirectoryOptions{}, "opt/libx.dylib: @rpath/none.dylib was not found"},
		{"a program that needs Python", "bin/p macho arch=arm64 type=execute loads=/opt/libpython3.12.dylib", "opt/libpython3.12.dylib macho arch=arm64",
			repair.DirectoryOptions{}, "bin/p: a program that needs /opt/libpython3.12.dylib cannot be made portable"},
		{"one file that loads different libraries", "a.so macho arch=arm64 loads=/opt/libx.dylib\nb.so macho arch=arm64 loads=/usr/local/libx.dylib",
			"opt/libx.dylib macho arch=arm64 loads=@loader_path/y.dylib\nusr/local/libx.dylib macho arch=arm64 loads=@loader_path/y.dylib\nopt/y.dylib macho arch=arm64\nusr/local/y.dylib macho arch=arm64 size=80",
			repair.DirectoryOptions{}, "are the same file, but load different libraries from where they lie"},
		{"a file in the place of the folder", "a.so macho arch=arm64 loads=/opt/libx.dylib\n.dylibs text \"mine\"", "opt/libx.dylib macho arch=arm64",
			repair.DirectoryOptions{}, "folder for libraries"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGrove(t, tt.members, tt.system)
			before := list(t, g.dir)
			if _, err := g.repair(tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if diff := cmp.Diff(before, list(t, g.dir)); diff != "" {
				t.Errorf("the directory has changed (-before +after):\n%s", diff)
			}
		})
	}
	if _, err := repair.RepairDirectory(context.Background(), filepath.Join(t.TempDir(), "none"), repair.DirectoryOptions{}); err == nil {
		t.Error("a directory that is not there was repaired")
	}
	g := newGrove(t, "a.so macho arch=arm64 loads=/opt/libx.dylib", "opt/libx.dylib macho arch=arm64")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before := list(t, g.dir)
	if _, err := repair.RepairDirectory(ctx, g.dir, repair.DirectoryOptions{Link: linkage.Options{Sysroot: g.system}}); err == nil {
		t.Error("a run that was called off has come to its end")
	}
	if diff := cmp.Diff(before, list(t, g.dir)); diff != "" {
		t.Errorf("the directory has changed (-before +after):\n%s", diff)
	}
}

// A directory that is named by a link is the one that the link leads to.
func TestTreeBehindALink(t *testing.T) {
	g := newGrove(t, "a.so macho arch=arm64 loads=/opt/libx.dylib", "opt/libx.dylib macho arch=arm64")
	link := filepath.Join(filepath.Dir(g.dir), "link")
	if err := os.Symlink(g.dir, link); err != nil {
		t.Skip(err)
	}
	result, err := grove{link, g.system}.repair(repair.DirectoryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(g.dir, "a.so")}; !slices.Equal(result.Edited, want) {
		t.Errorf("edited %q, want %q", result.Edited, want)
	}
	if diff := cmp.Diff([]string{".dylibs/libx.dylib", "a.so @loader_path/.dylibs/libx.dylib"}, list(t, g.dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
