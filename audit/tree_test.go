package audit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// tree writes a tree of files, the system among them, and reads one path.
func tree(t *testing.T, files, name string) (*audit.Tree, error) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(dir, files); err != nil {
		t.Fatal(err)
	}
	s, err := audit.ReadTree(context.Background(), filepath.Join(dir, name), audit.TreeOptions{Options: linkage.Options{Sysroot: dir}})
	if err != nil {
		return nil, err
	}
	for _, p := range s.Processes {
		for _, n := range p.Nodes {
			n.Path = strings.TrimPrefix(n.Path, dir+"/")
		}
	}
	return s, nil
}

// paths returns the files of each process, in their order.
func paths(s *audit.Tree) [][]string {
	var all [][]string
	for _, p := range s.Processes {
		var list []string
		for _, n := range p.Nodes {
			list = append(list, n.Path)
		}
		all = append(all, list)
	}
	return all
}

func TestTreeOfDirectories(t *testing.T) {
	for _, tt := range []struct {
		name, files string
		want        [][]string
	}{
		{"each file is the first of its process", `
			d/a.so  elf x86_64 needed=libx.so,liby.so
			d/b.so  elf x86_64 needed=liby.so
			lib/libx.so elf x86_64 needed=liby.so,libz.so
			lib/liby.so elf x86_64
			lib/libz.so elf x86_64`,
			[][]string{{"d/a.so", "lib/libx.so", "lib/liby.so", "lib/libz.so"}, {"d/b.so", "lib/liby.so"}}},
		{"one file, one row, whatever its names", `
			d/a-link     symlink real/x.so
			d/real/x.so  elf x86_64
			d/z-link     symlink real/x.so`,
			[][]string{{"d/real/x.so"}}},
		{"a link out of the directory is a file of its own, once", `
			d/one.so   symlink ../far/x.so
			d/two.so   symlink ../far/x.so
			far/x.so   elf x86_64`,
			[][]string{{"d/one.so"}}},
		{"links to directories are not followed", `
			d/down       symlink ../far
			d/up         symlink ..
			far/x.so     elf x86_64
			d/y.so       elf x86_64`,
			[][]string{{"d/y.so"}}},
		{"the directory may be a link itself", `
			d            symlink real
			real/x.so    elf x86_64`,
			[][]string{{"d/x.so"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := tree(t, tt.files, "d")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, paths(s)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if !s.Complete() {
				t.Error("it is not complete, nothing is missing")
			}
		})
	}
}

func TestTreeIsComplete(t *testing.T) {
	for _, tt := range []struct {
		name, files string
		want        bool
	}{
		{"a missing library", "d/x.so elf x86_64 needed=libgone.so", false},
		{"a missing library of a library", "d/x.so elf x86_64 needed=liba.so\nlib/liba.so elf x86_64 needed=libgone.so", false},
		{"a missing interpreter", "d/x elf x86_64 type=exec interp=/lib/ld.so", false},
		{"a damaged file", "d/x.so cut=40 elf x86_64", false},
		{"another format", "d/x.so raw \"PK\"\nd/y.wasm raw \"\x00asm\"", true},
		{"a wheel that is not opened", "d/x.whl raw \"PK\"", true},
	} {
		s, err := tree(t, tt.files, "d")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if s.Complete() != tt.want {
			t.Errorf("%s: complete %v, want %v", tt.name, s.Complete(), tt.want)
		}
	}
}

func TestTreeOfAWheelOfTwoArchitectures(t *testing.T) {
	const name = "demo-1.0-py3-none-any.whl"
	data, err := wheeltest.Build(name, "demo/a.so elf x86_64 needed=liba.so\ndemo/b.so elf aarch64 needed=liba.so\nx.libs/liba.so elf aarch64")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := audit.ReadTree(context.Background(), path, audit.TreeOptions{Options: linkage.Options{UseLDPaths: true}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"demo/a.so"}, {"demo/b.so", "x.libs/liba.so"}}, paths(s)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if need := s.Processes[0].Nodes[0].Needs[0]; !need.Missing() {
		t.Errorf("the library of another architecture serves: %+v", need)
	}
}

func TestTreeEndsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := audit.ReadTree(ctx, t.TempDir(), audit.TreeOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A directory or a wheel may hold both kinds of files. Object files are named, and
// each architecture of a universal file is a process.
func TestTreeOfBothFormats(t *testing.T) {
	const system = "\nopt/d.dylib macho arch=arm64\n"
	files := []string{
		"p/a.so     elf x86_64",
		"p/b.so     macho arch=x86_64 loads=@loader_path/c.dylib arch=arm64 loads=@loader_path/c.dylib,/opt/d.dylib",
		"p/c.dylib  macho arch=arm64",
		"p/e.o      macho arch=arm64 type=object",
	}
	const name = "demo-1.0-cp312-cp312-macosx_11_0_universal2.whl"
	image, err := wheeltest.Build(name, strings.Join(files, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, files string
		want        [][]string
	}{
		{"p", strings.Join(files, "\n"), [][]string{{"p/a.so"}, {"p/b.so", "p/c.dylib", "opt/d.dylib"}, {"p/b.so"}, {"p/c.dylib"}}},
		{name, name + " raw " + strconv.Quote(string(image)), [][]string{{"p/a.so"}, {"p/b.so", "p/c.dylib", "opt/d.dylib"}, {"p/b.so"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := tree(t, tt.files+system, tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, paths(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if intel := s.Processes[2]; intel.Format != audit.MachO || intel.Arch != "x86_64" || !intel.Roots[0].Needs[0].Missing() || s.Complete() {
				t.Errorf("the x86_64 process: %+v; complete %v", intel, s.Complete())
			}
			if named := append(s.Unlinked, s.Foreign...); len(named) != 1 || named[0].Kind != "Mach-O object file" {
				t.Errorf("named: %v", named)
			}
		})
	}
}
