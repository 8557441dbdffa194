package linkage

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/macho"
)

func madeMachO(t *testing.T, spec string) []byte {
	t.Helper()
	s, err := machotest.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return machotest.Build(s)
}

// dyldWorld makes members and files of a system from lines NAME SPEC; names that
// begin with a slash are files below a sysroot, "LINK -> TARGET" makes links.
func dyldWorld(t *testing.T, lines string) (members []MachOMember, sysroot string) {
	t.Helper()
	sysroot = t.TempDir()
	for line := range strings.Lines(lines) {
		name, spec, _ := strings.Cut(strings.TrimSpace(line), " ")
		at := filepath.Join(sysroot, name)
		target, isLink := strings.CutPrefix(spec, "-> ")
		switch {
		case name == "":
			continue
		case !strings.HasPrefix(name, "/"):
			b := madeMachO(t, spec)
			f, err := macho.NewFile(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, MachOMember{name, f})
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
			t.Fatal(err)
		}
		var err error
		if isLink {
			err = os.Symlink(target, at)
		} else if spec == "text" {
			err = os.WriteFile(at, []byte("text"), 0o666)
		} else {
			err = os.WriteFile(at, madeMachO(t, spec), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return members, sysroot
}

// spellDyld returns a line for each library that each image loads.
func spellDyld(g *DyldGraph, sysroot string) []string {
	var lines []string
	for _, list := range [][]*Binary{g.Members, g.System} {
		for _, b := range list {
			for _, i := range b.Images {
				for _, e := range i.Loads {
					line := fmt.Sprintf("%s: %s: %v", i.describe(), e.Dylib.Name, e.Status)
					if e.To != nil {
						line += " " + e.To.Binary.Path
					}
					if e.Rule != "" {
						line += " by " + e.Rule
					}
					for _, p := range e.Tried {
						line += fmt.Sprintf("; %s (%s): %s", p.Dir, p.Rule, p.Why)
					}
					lines = append(lines, strings.ReplaceAll(line, sysroot, ""))
				}
			}
		}
	}
	return lines
}

func TestDyld(t *testing.T) {
	for _, tt := range []struct {
		name  string
		world string
		opts  DyldOptions
		want  []string
	}{
		{"system", "a.so arch=arm64 loads=/usr/lib/libSystem.B.dylib,/System/Library/Frameworks/A.framework/A,/usr/lib64x/b.dylib", DyldOptions{}, []string{
			"a.so: /usr/lib/libSystem.B.dylib: system by part of macOS",
			"a.so: /System/Library/Frameworks/A.framework/A: system by part of macOS",
			"a.so: /usr/lib64x/b.dylib: missing; /usr/lib64x (install name /usr/lib64x/b.dylib): not there; /usr/lib64x (install name /usr/lib64x/b.dylib): not there",
		}},
		{"absolute, through a link", "a.so arch=arm64 loads=/opt/lib/b.dylib\n/opt/lib/b.dylib -> b.1.dylib\n/opt/lib/b.1.dylib arch=arm64 id=/opt/lib/b.dylib", DyldOptions{}, []string{
			"a.so: /opt/lib/b.dylib: found /opt/lib/b.1.dylib by install name /opt/lib/b.dylib",
		}},
		{"loader path in the wheel", "p/a.so arch=arm64 loads=@loader_path/.dylibs/b.dylib\np/.dylibs/b.dylib arch=arm64 loads=@loader_path/c.dylib\np/.dylibs/c.dylib arch=arm64", DyldOptions{}, []string{
			"p/a.so: @loader_path/.dylibs/b.dylib: found p/.dylibs/b.dylib by install name @loader_path/.dylibs/b.dylib",
			"p/.dylibs/b.dylib: @loader_path/c.dylib: found p/.dylibs/c.dylib by install name @loader_path/c.dylib",
		}},
		{"loader path after installation", "p-1.data/platlib/p/a.so arch=arm64 loads=@loader_path/../q/b.dylib\nq/b.dylib arch=arm64", DyldOptions{}, []string{
			"p-1.data/platlib/p/a.so: @loader_path/../q/b.dylib: found q/b.dylib by install name @loader_path/../q/b.dylib",
		}},
		{"rpaths in order", "p/a.so arch=arm64 loads=@rpath/b.dylib rpaths=/none,/two,@loader_path\np/b.dylib arch=arm64\n/two/b.dylib arch=arm64", DyldOptions{}, []string{
			"p/a.so: @rpath/b.dylib: found /two/b.dylib by LC_RPATH /two of p/a.so",
		}},
		{"rpaths of the chain", "p/a.so arch=arm64 loads=/opt/b.dylib rpaths=/chain\n/opt/b.dylib arch=arm64 loads=@rpath/c.dylib\n/chain/c.dylib arch=arm64 loads=@loader_path/d.dylib\n/chain/d.dylib arch=arm64", DyldOptions{}, []string{
			"p/a.so: /opt/b.dylib: found /opt/b.dylib by install name /opt/b.dylib",
			"/chain/c.dylib: @loader_path/d.dylib: found /chain/d.dylib by install name @loader_path/d.dylib",
			"/opt/b.dylib: @rpath/c.dylib: found /chain/c.dylib by LC_RPATH /chain of p/a.so",
		}},
		{"wrong architecture is passed over", "a.so arch=arm64 loads=@rpath/b.dylib rpaths=/one,/two\n/one/b.dylib arch=x86_64\n/two/b.dylib arch=x86_64 arch=arm64", DyldOptions{}, []string{
			"a.so: @rpath/b.dylib: found /two/b.dylib by LC_RPATH /two of a.so",
		}},
		{"slices differ", "a.so arch=x86_64 loads=/opt/i.dylib arch=arm64 loads=/opt/m.dylib\n/opt/i.dylib arch=x86_64\n/opt/m.dylib arch=x86_64", DyldOptions{}, []string{
			"a.so (x86_64): /opt/i.dylib: found /opt/i.dylib by install name /opt/i.dylib",
			"a.so (arm64): /opt/m.dylib: missing; /opt (install name /opt/m.dylib): x86_64, not arm64; /opt (install name /opt/m.dylib): not there",
		}},
		{"swift", "a.so arch=arm64 loads=@rpath/libswiftCore.dylib rpaths=/usr/lib/swift", DyldOptions{}, []string{
			"a.so: @rpath/libswiftCore.dylib: system by LC_RPATH /usr/lib/swift of a.so",
		}},
		{"no rpath", "a.so arch=arm64 loads=@rpath/b.dylib", DyldOptions{}, []string{
			"a.so: @rpath/b.dylib: missing; @rpath/b.dylib (LC_RPATH): neither a.so nor what loads it has one",
		}},
		{"by install name", "p/a.so arch=arm64 loads=@rpath/b.dylib\nq/x.dylib arch=arm64 id=@rpath/b.dylib", DyldOptions{}, []string{
			"p/a.so: @rpath/b.dylib: found q/x.dylib by " + ByName,
		}},
		{"nothing outside the wheel", "a.so arch=arm64 loads=/opt/b.dylib,@loader_path/c.dylib\nc.dylib arch=arm64\n/opt/b.dylib arch=arm64", DyldOptions{WheelOnly: true}, []string{
			"a.so: /opt/b.dylib: missing; /opt (install name /opt/b.dylib): outside the wheel; /opt (install name /opt/b.dylib): outside the wheel",
			"a.so: @loader_path/c.dylib: found c.dylib by install name @loader_path/c.dylib",
		}},
		{"executable", "a.so arch=arm64 loads=@executable_path/../lib/b.dylib", DyldOptions{}, []string{
			"a.so: @executable_path/../lib/b.dylib: missing; @executable_path/../lib/b.dylib (install name @executable_path/../lib/b.dylib): the executable is not known; --executable-path names its folder",
		}},
		{"bare name", "a.so arch=arm64 loads=b.dylib", DyldOptions{}, []string{
			"a.so: b.dylib: missing; b.dylib (install name b.dylib): it depends on the working directory of the process",
		}},
		{"not Mach-O", "a.so arch=arm64 loads=@rpath/b.dylib rpaths=/opt\n/opt/b.dylib text", DyldOptions{}, []string{
			"a.so: @rpath/b.dylib: missing; /opt (LC_RPATH /opt of a.so): not Mach-O; /opt (LC_RPATH /opt of a.so): not there",
		}},
		{"cycle", "a.so arch=arm64 loads=/b.dylib\n/b.dylib arch=arm64 loads=/c.dylib\n/c.dylib arch=arm64 loads=/b.dylib", DyldOptions{}, []string{
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
			"/b.dylib: /c.dylib: found /c.dylib by install name /c.dylib",
			"/c.dylib: /b.dylib: found /b.dylib by install name /b.dylib",
		}},
		{"excluded by name and by path", "a.so arch=arm64 loads=/opt/b.dylib,@rpath/c.dylib rpaths=/real\n/opt/b.dylib arch=arm64\n/real/c.dylib arch=arm64", DyldOptions{Exclude: []string{"b.dyl", "/real/"}}, []string{
			"a.so: /opt/b.dylib: excluded",
			"a.so: @rpath/c.dylib: excluded /real/c.dylib by LC_RPATH /real of a.so",
		}},
		{"kinds", "a.so arch=arm64 loads=weak:/no.dylib,reexport:/b.dylib,upward:/b.dylib,lazy:/b.dylib\n/b.dylib arch=arm64", DyldOptions{}, []string{
			"a.so: /no.dylib: missing;  (install name /no.dylib): not there; / (install name /no.dylib): not there",
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			members, sysroot := dyldWorld(t, tt.world)
			tt.opts.Sysroot = sysroot
			g, err := ResolveDyld(context.Background(), members, tt.opts)
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

func TestDyldFoldersOfTheUser(t *testing.T) {
	members, sysroot := dyldWorld(t, "a.so arch=arm64 loads=/opt/b.dylib,@rpath/c.dylib,@executable_path/../lib/d.dylib\n/opt/b.dylib arch=arm64\n/first/b.dylib arch=arm64\n/second/c.dylib arch=arm64\n/py/lib/d.dylib arch=arm64")
	g, err := ResolveDyld(context.Background(), members, DyldOptions{
		Sysroot: sysroot, SearchPath: []string{sysroot + "/first"}, LibraryPath: []string{sysroot + "/second"}, ExecutablePath: sysroot + "/py/bin",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"a.so: /opt/b.dylib: found /first/b.dylib by --search-path",
		"a.so: @rpath/c.dylib: found /second/c.dylib by DYLD_LIBRARY_PATH",
		"a.so: @executable_path/../lib/d.dylib: found /py/lib/d.dylib by install name @executable_path/../lib/d.dylib",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDyldTheWheelsOwnComeBeforeFoldersOfTheUser(t *testing.T) {
	members, sysroot := dyldWorld(t, "p/a.so arch=arm64 loads=@loader_path/lib/b.dylib,@rpath/c.dylib,@rpath/d.dylib rpaths=@loader_path/lib\np/lib/b.dylib arch=arm64\np/lib/c.dylib arch=arm64 loads=@rpath/b.dylib\np/lib/d.dylib arch=x86_64\n/first/b.dylib arch=arm64\n/first/c.dylib arch=arm64\n/first/d.dylib arch=arm64")
	g, err := ResolveDyld(context.Background(), members, DyldOptions{Sysroot: sysroot, SearchPath: []string{sysroot + "/first"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"p/a.so: @loader_path/lib/b.dylib: found p/lib/b.dylib by install name @loader_path/lib/b.dylib",
		"p/a.so: @rpath/c.dylib: found p/lib/c.dylib by LC_RPATH @loader_path/lib of p/a.so",
		"p/a.so: @rpath/d.dylib: found /first/d.dylib by --search-path",
		"p/lib/c.dylib: @rpath/b.dylib: found p/lib/b.dylib by LC_RPATH @loader_path/lib of p/a.so",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
