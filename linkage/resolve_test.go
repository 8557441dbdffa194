package linkage_test

import (
	"bytes"
	"context"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// A world is the input of a search: the members of a wheel, one on a line (a
// name and an image as for elftest.Parse), and a system, as for
// wheeltest.WriteLibs.
type world struct {
	wheel, system string
	opts          linkage.Options // paths that begin with "@" lie below the system
}

// members parses the lines of a wheel.
func members(t *testing.T, wheel string) []linkage.Member {
	t.Helper()
	var list []linkage.Member
	for line := range strings.Lines(wheel) {
		name, spec, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		s, err := elftest.Parse(strings.TrimPrefix(strings.TrimSpace(spec), "elf "))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		image := elftest.Build(s)
		file, err := elf.NewFile(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list = append(list, linkage.Member{Name: name, Content: file})
	}
	return list
}

// resolve writes the system to a directory and resolves the wheel within it.
func (w world) resolve(t *testing.T) (*linkage.Graph, string) {
	t.Helper()
	return w.resolveMembers(t, members(t, w.wheel))
}

func (w world) resolveMembers(t *testing.T, list []linkage.Member) (*linkage.Graph, string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(root, w.system); err != nil {
		t.Fatal(err)
	}
	opts := w.opts
	opts.Sysroot = root
	for _, list := range []*[]string{&opts.SearchPath, &opts.LDPaths, &opts.LibraryPath} {
		*list = slices.Clone(*list)
		for i, p := range *list {
			if rest, ok := strings.CutPrefix(p, "@"); ok {
				(*list)[i] = root + rest
			}
		}
	}
	g, err := linkage.Resolve(context.Background(), list, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g, root
}

// edges renders a graph: "FILE NEEDED => TARGET" for each edge, with the rule
// behind it if rules is set. Paths are those within root.
func edges(g *linkage.Graph, root string, rules bool) []string {
	lines := []string{}
	for _, o := range linkage.Images(g.Members, g.System) {
		for _, e := range o.Needs {
			to := e.Status.String()
			if e.Status == linkage.Found {
				to = shown(e.To)
			}
			line := fmt.Sprintf("%s %s => %s", shown(o), e.Name, to)
			if rules {
				line += " (" + strings.ReplaceAll(e.Rule.String(), root, "") + ")"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// shown names a file: a member by its name, a library by its path in the system.
func shown(o *linkage.Image) string {
	if o.InWheel {
		return o.Path
	}
	return o.SystemPath()
}

// withFlags1 returns a file whose first spare DT_NULL is a DT_FLAGS_1 instead.
func withFlags1(t *testing.T, f *elf.File, flags uint64) *elf.File {
	t.Helper()
	image := make([]byte, f.Size())
	if _, err := f.ReadAt(image, 0); err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == stdelf.PT_DYNAMIC {
			at := p.Off + 16*uint64(len(f.DynEntries()))
			binary.LittleEndian.PutUint64(image[at:], uint64(stdelf.DT_FLAGS_1))
			binary.LittleEndian.PutUint64(image[at+8:], flags)
		}
	}
	edited, err := elf.NewFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return edited
}

// A searchCase is a world and the edges that it has.
type searchCase struct {
	name string
	world
	want []string
}

func runSearches(t *testing.T, rules bool, cases []searchCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			g, root := tt.resolve(t)
			if diff := cmp.Diff(tt.want, edges(g, root, rules)); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRPathAndRunPath(t *testing.T) {
	const twoPlaces = `
		opt/a/libx.so elf x86_64
		opt/b/libx.so elf x86_64
		lib/libx.so   elf x86_64`
	runSearches(t, true, []searchCase{
		{"DT_RPATH goes before LD_LIBRARY_PATH",
			world{"m.so x86_64 needed=libx.so rpath=/opt/a", twoPlaces, linkage.Options{LibraryPath: []string{"@/opt/b"}}},
			[]string{"m.so libx.so => /opt/a/libx.so (DT_RPATH /opt/a of m.so)"}},
		{"LD_LIBRARY_PATH goes before DT_RUNPATH",
			world{"m.so x86_64 needed=libx.so runpath=/opt/a", twoPlaces, linkage.Options{LibraryPath: []string{"@/opt/b"}}},
			[]string{"m.so libx.so => /opt/b/libx.so (LD_LIBRARY_PATH)"}},
		{"DT_RUNPATH goes before the default directories",
			world{"m.so x86_64 needed=libx.so runpath=/opt/a", twoPlaces, linkage.Options{}},
			[]string{"m.so libx.so => /opt/a/libx.so (DT_RUNPATH /opt/a of m.so)"}},
		{"DT_RUNPATH hides DT_RPATH of the same file",
			world{"m.so x86_64 needed=libx.so rpath=/opt/a runpath=/opt/b", twoPlaces, linkage.Options{}},
			[]string{"m.so libx.so => /opt/b/libx.so (DT_RUNPATH /opt/b of m.so)"}},
		{"musl searches LD_LIBRARY_PATH before DT_RPATH",
			world{"m.so x86_64 needed=libx.so rpath=/opt/a", twoPlaces, linkage.Options{Libc: linkage.Musl, LibraryPath: []string{"@/opt/b"}}},
			[]string{"m.so libx.so => /opt/b/libx.so (LD_LIBRARY_PATH)"}},
		{"a search path of the user goes before all",
			world{"m.so x86_64 needed=libx.so rpath=/opt/a", twoPlaces, linkage.Options{SearchPath: []string{"@/opt/b"}}},
			[]string{"m.so libx.so => /opt/b/libx.so (given search path)"}},
		{"entries are searched in their order",
			world{"m.so x86_64 needed=libx.so rpath=/none:/opt/b:/opt/a", twoPlaces, linkage.Options{}},
			[]string{"m.so libx.so => /opt/b/libx.so (DT_RPATH /opt/b of m.so)"}},
		{"--ldpaths replaces the default directories",
			world{"m.so x86_64 needed=libx.so,liby.so", twoPlaces + "\nlib/liby.so elf x86_64", linkage.Options{UseLDPaths: true, LDPaths: []string{"@/opt/b"}}},
			[]string{"m.so libx.so => /opt/b/libx.so (given default directory)", "m.so liby.so => missing ()"}},
	})
}

func TestSearchPathsOfLoaders(t *testing.T) {
	const chain = `
		opt/liba.so  elf x86_64 needed=libb.so
		deep/libb.so elf x86_64 needed=libc.so
		deep/libc.so elf x86_64`
	const chainWithOwn = `
		opt/liba.so  elf x86_64 needed=libb.so runpath=/deep
		deep/libb.so elf x86_64 needed=libc.so
		deep/libc.so elf x86_64`
	runSearches(t, false, []searchCase{
		{"DT_RPATH serves what is loaded in turn",
			world{"m.so x86_64 needed=liba.so rpath=/opt:/deep", chain, linkage.Options{}},
			[]string{"m.so liba.so => /opt/liba.so", "/deep/libb.so libc.so => /deep/libc.so", "/opt/liba.so libb.so => /deep/libb.so"}},
		{"DT_RUNPATH serves its own file only",
			world{"m.so x86_64 needed=liba.so runpath=/opt:/deep", chain, linkage.Options{}},
			[]string{"m.so liba.so => /opt/liba.so", "/opt/liba.so libb.so => missing"}},
		{"DT_RUNPATH keeps a file from its loader's DT_RPATH, but not the files that it loads",
			world{"m.so x86_64 needed=liba.so rpath=/opt:/deep", chainWithOwn, linkage.Options{}},
			[]string{"m.so liba.so => /opt/liba.so", "/deep/libb.so libc.so => /deep/libc.so", "/opt/liba.so libb.so => /deep/libb.so"}},
		{"DT_RUNPATH is not handed down",
			world{"m.so x86_64 needed=liba.so runpath=/opt", chainWithOwn, linkage.Options{}},
			[]string{"m.so liba.so => /opt/liba.so", "/deep/libb.so libc.so => missing", "/opt/liba.so libb.so => /deep/libb.so"}},
		{"musl hands DT_RUNPATH down",
			world{"m.so x86_64 needed=liba.so runpath=/opt:/deep", chain, linkage.Options{Libc: linkage.Musl}},
			[]string{"m.so liba.so => /opt/liba.so", "/deep/libb.so libc.so => /deep/libc.so", "/opt/liba.so libb.so => /deep/libb.so"}},
		{"of the file and its loader, the file goes first",
			world{"m.so x86_64 needed=liba.so rpath=/opt", `
				opt/liba.so   elf x86_64 needed=libb.so rpath=/other
				opt/libb.so   elf x86_64
				other/libb.so elf x86_64`, linkage.Options{}},
			[]string{"m.so liba.so => /opt/liba.so", "/opt/liba.so libb.so => /other/libb.so"}},
	})
}

func TestWhatIsLoadedIsReused(t *testing.T) {
	const twoCopies = `
		opt/a/libx.so elf x86_64 soname=libx.so.1
		opt/a/liby.so elf x86_64 needed=libx.so.1 rpath=/opt/b
		opt/b/libx.so.1 elf x86_64 soname=libx.so.1`
	runSearches(t, true, []searchCase{
		{"a soname that is loaded is not sought again",
			world{"m.so x86_64 needed=libx.so,liby.so rpath=/opt/a", twoCopies, linkage.Options{}},
			[]string{"m.so libx.so => /opt/a/libx.so (DT_RPATH /opt/a of m.so)", "m.so liby.so => /opt/a/liby.so (DT_RPATH /opt/a of m.so)",
				"/opt/a/liby.so libx.so.1 => /opt/a/libx.so (already loaded)"}},
		{"musl knows a library by the name that it was asked for",
			world{"m.so x86_64 needed=libx.so,liby.so rpath=/opt/a", twoCopies, linkage.Options{Libc: linkage.Musl}},
			[]string{"m.so libx.so => /opt/a/libx.so (DT_RPATH /opt/a of m.so)", "m.so liby.so => /opt/a/liby.so (DT_RPATH /opt/a of m.so)",
				"/opt/a/liby.so libx.so.1 => /opt/b/libx.so.1 (DT_RPATH /opt/b of /opt/a/liby.so)"}},
		{"breadth first: what the module needs itself is loaded before what its libraries need",
			world{"m.so x86_64 needed=liby.so,libx.so.1 rpath=/opt/a:/opt/c", twoCopies + "\nopt/c/libx.so.1 elf x86_64", linkage.Options{}},
			[]string{"m.so liby.so => /opt/a/liby.so (DT_RPATH /opt/a of m.so)", "m.so libx.so.1 => /opt/c/libx.so.1 (DT_RPATH /opt/c of m.so)",
				"/opt/a/liby.so libx.so.1 => /opt/c/libx.so.1 (already loaded)"}},
		{"the module itself is loaded under its soname",
			world{"m.so x86_64 soname=libm0.so needed=libx.so rpath=/opt", `
				opt/libx.so  elf x86_64 needed=libm0.so
				opt/libm0.so elf x86_64`, linkage.Options{}},
			[]string{"m.so libx.so => /opt/libx.so (DT_RPATH /opt of m.so)", "/opt/libx.so libm0.so => m.so (already loaded)"}},
	})
}

func TestMissingNamesEveryPlace(t *testing.T) {
	g, root := world{"demo/m.so x86_64 needed=libx.so runpath=$ORIGIN/../lib:/opt:relative", `
		opt/libx.so  elf i686
		here/libx.so text "GROUP ( libx.so.1 )"
		down/libx.so dir
		lib/libx.so  cut=40 elf x86_64
		up/libx.so   elf aarch64`, linkage.Options{SearchPath: []string{"@/here", "@/down"}, LDPaths: []string{"@/lib", "@/up", "@/gone"}, UseLDPaths: true}}.resolve(t)
	e := g.Members[0].Images[0].Needs[0]
	if e.Status != linkage.Missing || e.To != nil {
		t.Fatalf("libx.so: %v, %+v; want it to be missing", e.Status, e.To)
	}
	var got []string
	for _, p := range e.Tried {
		got = append(got, fmt.Sprintf("%s | %s | %s", strings.TrimPrefix(p.Dir, root), p.Rule, p.Why))
	}
	want := []string{
		"lib | DT_RUNPATH $ORIGIN/../lib of demo/m.so | not there",
		"/here | given search path | not ELF (a linker script?)",
		"/down | given search path | not a regular file",
		"/opt | DT_RUNPATH /opt of demo/m.so | i686, not x86_64",
		"/lib | given default directory | offset 0x0: ELF header of 64 bytes runs past the end of the file (40 bytes); the file looks truncated",
		"/up | given default directory | aarch64, not x86_64",
		"/gone | given default directory | not there",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places searched (-want +got):\n%s", diff)
	}
}

// Of many places, the first ones are told, and how many more there are.
func TestMissingNamesNotTooManyPlaces(t *testing.T) {
	for _, n := range []int{255, 256, 257, 300} {
		var dirs []string
		for i := range n {
			dirs = append(dirs, fmt.Sprintf("/opt/%d", i))
		}
		g, _ := world{"demo/m.so x86_64 needed=libx.so rpath=" + strings.Join(dirs, ":"), "", linkage.Options{UseLDPaths: true}}.resolve(t)
		tried := g.Members[0].Images[0].Needs[0].Tried
		want, more := min(n, 256), ""
		if n > 256 {
			want, more = 257, "and "+map[int]string{257: "1 more place", 300: "44 more places"}[n]
		}
		if len(tried) != want || more != "" && (tried[256].Dir != more || tried[256].Why != "without success") {
			t.Errorf("%d directories: %d places, the last one %+v; want %d, %q", n, len(tried), tried[len(tried)-1], want, more)
		}
	}
}

// Libraries that nothing needs by name are loaded with what they need, each once.
func TestAddedLibraries(t *testing.T) {
	const system = `
		opt/libp.so.1  elf x86_64 needed=libq.so runpath=/opt/q
		opt/libp.so    symlink libp.so.1
		opt/libi.so    elf i686
		opt/q/libq.so  elf x86_64`
	add := func(wheel string, names ...string) (*linkage.Graph, string, error) {
		root := t.TempDir()
		if err := wheeltest.WriteLibs(root, system); err != nil {
			t.Fatal(err)
		}
		for i := range names {
			names[i] = root + names[i]
		}
		g, err := linkage.Resolve(context.Background(), members(t, wheel), linkage.Options{Sysroot: root, Add: names, UseLDPaths: true})
		return g, root, err
	}
	const module = "demo/m.so x86_64"
	g, root, err := add(module, "/opt/libp.so", "/opt/libp.so.1", "/opt/q/libq.so")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for i, list := range [][]*linkage.File{g.Added, g.System} {
		var got []string
		for _, f := range list {
			got = append(got, strings.TrimPrefix(f.Path, root))
		}
		if want := []string{"/opt/libp.so.1", "/opt/q/libq.so"}; !slices.Equal(got, want) {
			t.Errorf("added, loaded (%d): %q, want %q", i, got, want)
		}
	}
	for _, tt := range []struct{ wheel, name, want string }{
		{module, "/opt/gone.so", "not there"},
		{module, "/opt/libi.so", "i686, not x86_64"},
		{module, "/opt", "not a regular file"},
		{"", "/opt/libp.so", "the wheel holds no file that could open it"},
	} {
		if _, _, err := add(tt.wheel, tt.name); err == nil || !strings.Contains(err.Error(), "library to add ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
