package linkage

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadDyld(t *testing.T) {
	for _, tt := range []struct {
		name, file, world string
		want              []string
	}{
		{"a program knows its own folder", "/app/bin/tool", "/app/bin/tool arch=arm64 type=execute loads=@executable_path/../lib/b.dylib\n/app/lib/b.dylib arch=arm64 loads=@executable_path/c.dylib\n/app/bin/c.dylib arch=arm64", []string{
			"/app/bin/tool: @executable_path/../lib/b.dylib: found /app/lib/b.dylib by install name @executable_path/../lib/b.dylib",
			"/app/lib/b.dylib: @executable_path/c.dylib: found /app/bin/c.dylib by install name @executable_path/c.dylib",
		}},
		{"a library does not", "/app/a.dylib", "/app/a.dylib arch=arm64 loads=@executable_path/b.dylib", []string{
			"/app/a.dylib: @executable_path/b.dylib: missing; @executable_path/b.dylib (install name @executable_path/b.dylib): the executable is not known; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"each slice", "/p/a.dylib", "/p/a.dylib arch=x86_64 loads=@loader_path/b.dylib arch=arm64 loads=@loader_path/b.dylib\n/p/b.dylib arch=arm64", []string{
			"/p/a.dylib (x86_64): @loader_path/b.dylib: missing; /p (install name @loader_path/b.dylib): arm64, not x86_64; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
			"/p/a.dylib (arm64): @loader_path/b.dylib: found /p/b.dylib by install name @loader_path/b.dylib",
		}},
		{"a file that loads itself", "/a.dylib", "/a.dylib arch=arm64 loads=@loader_path/a.dylib", []string{
			"/a.dylib: @loader_path/a.dylib: found /a.dylib by install name @loader_path/a.dylib",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, sysroot := dyldWorld(t, tt.world)
			g, err := LoadDyld(context.Background(), sysroot+tt.file, Options{Sysroot: sysroot})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			if diff := cmp.Diff(tt.want, spellDyld(g, sysroot)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What lies outside the sysroot finds its neighbours where it lies.
func TestLoaderPathOutsideTheSysroot(t *testing.T) {
	_, build := dyldWorld(t, "/a.so arch=arm64 loads=@loader_path/b.dylib,/opt/c.dylib\n/b.dylib arch=arm64")
	_, sysroot := dyldWorld(t, "/opt/c.dylib arch=arm64")
	g, err := LoadDyld(context.Background(), build+"/a.so", Options{Sysroot: sysroot})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, e := range Images(g.Members)[0].Images[0].Needs {
		if e.Status != Found {
			t.Errorf("%s: %v, tried %v", e.Name, e.Status, e.Tried)
		}
	}
}

func TestLoadDyldRefuses(t *testing.T) {
	_, sysroot := dyldWorld(t, "/text text")
	for name, want := range map[string]string{"/text": "not Mach-O", "/none": "not there"} {
		if _, err := LoadDyld(context.Background(), sysroot+name, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestDyldProcess(t *testing.T) {
	members, sysroot := dyldWorld(t, "p/.dylibs/x.dylib arch=arm64 loads=/opt/y.dylib\n"+
		"p/a.so arch=x86_64 arch=arm64 loads=@loader_path/.dylibs/x.dylib\n"+
		"p/one.dylib arch=arm64 loads=@loader_path/two.dylib\np/two.dylib arch=arm64 loads=@loader_path/one.dylib\n"+
		"/opt/y.dylib arch=arm64")
	g, err := Resolve(context.Background(), members, Options{Sysroot: sysroot})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	got := map[string][]string{}
	var archs []string
	for _, p := range g.Processes() {
		archs = append(archs, p.Arch)
		for _, i := range p.Roots {
			got[p.Arch+" roots"] = append(got[p.Arch+" roots"], i.Path)
		}
		for _, i := range p.Images {
			got[p.Arch] = append(got[p.Arch], strings.TrimPrefix(i.Path, sysroot))
		}
	}
	want := map[string][]string{
		"arm64 roots": {"p/a.so", "p/one.dylib"}, "x86_64 roots": {"p/a.so"},
		"arm64": {"p/a.so", "p/.dylibs/x.dylib", "/opt/y.dylib", "p/one.dylib", "p/two.dylib"}, "x86_64": {"p/a.so"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !slices.Equal(archs, []string{"arm64", "x86_64"}) {
		t.Errorf("architectures %q", archs)
	}
}

// Of several files that are named, an error tells which; a library is opened only as what
// was looked at.
func TestLoadDyldFiles(t *testing.T) {
	_, sysroot := dyldWorld(t, "/t/a.dylib arch=arm64 loads=@loader_path/b.dylib,@loader_path/c.dylib\n/t/b.dylib arch=arm64\n/t/c.dylib arch=arm64\n/s/b.dylib arch=arm64 size=80\n/s/c.dylib arch=arm64 size=80")
	opts := Options{Sysroot: sysroot, SearchPath: []string{sysroot + "/s"}}
	a, b := sysroot+"/t/a.dylib", sysroot+"/t/b.dylib"
	_, err := LoadDyldFiles(context.Background(), []string{a, sysroot + "/none"}, opts)
	if want := sysroot + "/none: not there"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	// b is one of the files, which come first; c is not.
	g, err := LoadDyldFiles(context.Background(), []string{a, b}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"/t/a.dylib: @loader_path/b.dylib: found /t/b.dylib by install name @loader_path/b.dylib",
		"/t/a.dylib: @loader_path/c.dylib: found /s/c.dylib by given search path",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c := g.Members[0].Images[0].Needs[1].To.File
	in, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Errorf("what was opened is no file: %v", err)
	}
	if err := os.Remove(sysroot + "/s/c.dylib"); err != nil {
		t.Fatal(err)
	}
	if in, err := c.Open(); err == nil {
		in.Close()
		t.Error("a library that is gone was opened")
	}
}

// One file has the name that was given; several have their paths without links, each once.
func TestNamesOfLoadedFiles(t *testing.T) {
	_, sysroot := dyldWorld(t, "/t/a.dylib arch=arm64\n/t/link.dylib -> a.dylib")
	sysroot, err := filepath.EvalSymlinks(sysroot)
	if err != nil {
		t.Fatal(err)
	}
	file, link := sysroot+"/t/a.dylib", sysroot+"/t/link.dylib"
	one, err := LoadDyld(context.Background(), link, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	several, err := LoadDyldFiles(context.Background(), []string{link, file}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer several.Close()
	if one.Members[0].Path != link || len(several.Members) != 1 || several.Members[0].Path != file {
		t.Errorf("one is %s, several are %v; want %s, and %s once", one.Members[0].Path, several.Members, link, file)
	}
}
