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
func dyldWorld(t *testing.T, lines string) (members []Member, sysroot string) {
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
			members = append(members, Member{name, f})
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
func spellDyld(g *Graph, sysroot string) []string {
	var lines []string
	for _, list := range [][]*File{g.Members, g.System} {
		for _, b := range list {
			for _, i := range b.Images {
				for _, e := range i.Needs {
					line := fmt.Sprintf("%s: %s: %v", i.describe(), e.Name, e.Status)
					if e.To != nil {
						line += " " + e.To.File.Path
					}
					if e.Rule.Kind != NoRule {
						line += " by " + e.Rule.String()
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
		opts  Options
		want  []string
	}{
		{"system", "a.so arch=arm64 loads=/usr/lib/libSystem.B.dylib,/System/Library/Frameworks/A.framework/A,/usr/lib64x/b.dylib", Options{}, []string{
			"a.so: /usr/lib/libSystem.B.dylib: system by part of macOS",
			"a.so: /System/Library/Frameworks/A.framework/A: system by part of macOS",
			"a.so: /usr/lib64x/b.dylib: missing; /usr/lib64x (install name /usr/lib64x/b.dylib): not there; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"absolute, through a link", "a.so arch=arm64 loads=/opt/lib/b.dylib\n/opt/lib/b.dylib -> b.1.dylib\n/opt/lib/b.1.dylib arch=arm64 id=/opt/lib/b.dylib", Options{}, []string{
			"a.so: /opt/lib/b.dylib: found /opt/lib/b.1.dylib by install name /opt/lib/b.dylib",
		}},
		{"loader path in the wheel", "p/a.so arch=arm64 loads=@loader_path/.dylibs/b.dylib\np/.dylibs/b.dylib arch=arm64 loads=@loader_path/c.dylib\np/.dylibs/c.dylib arch=arm64", Options{}, []string{
			"p/a.so: @loader_path/.dylibs/b.dylib: found p/.dylibs/b.dylib by install name @loader_path/.dylibs/b.dylib",
			"p/.dylibs/b.dylib: @loader_path/c.dylib: found p/.dylibs/c.dylib by install name @loader_path/c.dylib",
		}},
		{"loader path after installation", "p-1.data/platlib/p/a.so arch=arm64 loads=@loader_path/../q/b.dylib\nq/b.dylib arch=arm64", Options{}, []string{
			"p-1.data/platlib/p/a.so: @loader_path/../q/b.dylib: found q/b.dylib by install name @loader_path/../q/b.dylib",
		}},
		{"rpaths in order", "p/a.so arch=arm64 loads=@rpath/b.dylib rpaths=/none,/two,@loader_path\np/b.dylib arch=arm64\n/two/b.dylib arch=arm64 size=80", Options{}, []string{
			"p/a.so: @rpath/b.dylib: found /two/b.dylib by LC_RPATH /two of p/a.so",
		}},
		{"rpaths of the chain", "p/a.so arch=arm64 loads=/opt/b.dylib rpaths=/chain\n/opt/b.dylib arch=arm64 loads=@rpath/c.dylib\n/chain/c.dylib arch=arm64 loads=@loader_path/d.dylib\n/chain/d.dylib arch=arm64", Options{}, []string{
			"p/a.so: /opt/b.dylib: found /opt/b.dylib by install name /opt/b.dylib",
			"/chain/c.dylib: @loader_path/d.dylib: found /chain/d.dylib by install name @loader_path/d.dylib",
			"/opt/b.dylib: @rpath/c.dylib: found /chain/c.dylib by LC_RPATH /chain of p/a.so",
		}},
		{"wrong architecture is passed over", "a.so arch=arm64 loads=@rpath/b.dylib rpaths=/one,/two\n/one/b.dylib arch=x86_64\n/two/b.dylib arch=x86_64 arch=arm64", Options{}, []string{
			"a.so: @rpath/b.dylib: found /two/b.dylib by LC_RPATH /two of a.so",
		}},
		{"slices differ", "a.so arch=x86_64 loads=/opt/i.dylib arch=arm64 loads=/opt/m.dylib\n/opt/i.dylib arch=x86_64\n/opt/m.dylib arch=x86_64", Options{}, []string{
			"a.so (x86_64): /opt/i.dylib: found /opt/i.dylib by install name /opt/i.dylib",
			"a.so (arm64): /opt/m.dylib: missing; /opt (install name /opt/m.dylib): x86_64, not arm64; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"swift", "a.so arch=arm64 loads=@rpath/libswiftCore.dylib rpaths=/usr/lib/swift", Options{}, []string{
			"a.so: @rpath/libswiftCore.dylib: system by LC_RPATH /usr/lib/swift of a.so",
		}},
		{"no rpath", "a.so arch=arm64 loads=@rpath/b.dylib", Options{}, []string{
			"a.so: @rpath/b.dylib: missing; @rpath/b.dylib (LC_RPATH): neither a.so nor what loads it has one; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"by install name", "p/a.so arch=arm64 loads=@rpath/b.dylib\nq/x.dylib arch=arm64 id=@rpath/b.dylib", Options{}, []string{
			"p/a.so: @rpath/b.dylib: found q/x.dylib by " + Rule{Kind: ByName}.String(),
		}},
		{"nothing outside the wheel", "a.so arch=arm64 loads=/opt/b.dylib,@loader_path/c.dylib\nc.dylib arch=arm64\n/opt/b.dylib arch=arm64", Options{WheelOnly: true}, []string{
			"a.so: /opt/b.dylib: missing; /opt (install name /opt/b.dylib): outside the wheel",
			"a.so: @loader_path/c.dylib: found c.dylib by install name @loader_path/c.dylib",
		}},
		{"executable", "a.so arch=arm64 loads=@executable_path/../lib/b.dylib", Options{}, []string{
			"a.so: @executable_path/../lib/b.dylib: missing; @executable_path/../lib/b.dylib (install name @executable_path/../lib/b.dylib): the executable is not known; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"bare name", "a.so arch=arm64 loads=b.dylib", Options{}, []string{
			"a.so: b.dylib: missing; b.dylib (install name b.dylib): it depends on the working directory of the process; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"not Mach-O", "a.so arch=arm64 loads=@rpath/b.dylib rpaths=/opt\n/opt/b.dylib text", Options{}, []string{
			"a.so: @rpath/b.dylib: missing; /opt (LC_RPATH /opt of a.so): not Mach-O; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"libraries of macOS through an rpath", "a.so arch=arm64 loads=@rpath/libz.1.dylib,@rpath/libc++.1.dylib,@rpath/libfoo.dylib,@rpath/libssl.dylib rpaths=/usr/lib,/usr/lib/../lib/,/opt\n/opt/libfoo.dylib arch=arm64\n/opt/libz.1.dylib arch=arm64", Options{}, []string{
			"a.so: @rpath/libz.1.dylib: system by LC_RPATH /usr/lib of a.so",
			"a.so: @rpath/libc++.1.dylib: system by LC_RPATH /usr/lib of a.so",
			"a.so: @rpath/libfoo.dylib: found /opt/libfoo.dylib by LC_RPATH /opt of a.so",
			"a.so: @rpath/libssl.dylib: missing; /usr/lib (LC_RPATH /usr/lib of a.so): not there; /usr/lib (LC_RPATH /usr/lib/../lib/ of a.so): not there; /opt (LC_RPATH /opt of a.so): not there; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"frameworks of macOS through an rpath", "a.so arch=arm64 loads=@rpath/Metal.framework/Versions/A/Metal,@rpath/Metal.framework/b.dylib rpaths=/System/Library/Frameworks", Options{}, []string{
			"a.so: @rpath/Metal.framework/Versions/A/Metal: system by LC_RPATH /System/Library/Frameworks of a.so",
			"a.so: @rpath/Metal.framework/b.dylib: missing; /System/Library/Frameworks/Metal.framework (LC_RPATH /System/Library/Frameworks of a.so): not there; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"the user's volume is not macOS", "a.so arch=arm64 loads=/System/Volumes/Data/Users/me/b.dylib,/System/Volumes/Preboot/Cryptexes/OS/usr/lib/libz.1.dylib,/usr/lib/../local/lib/c.dylib,/usr/lib/./libz.1.dylib,@rpath/d.dylib rpaths=/System/Volumes/Data/opt\n/Users/me/b.dylib arch=arm64\n/usr/local/lib/c.dylib arch=arm64\n/opt/d.dylib arch=arm64", Options{}, []string{
			"a.so: /System/Volumes/Data/Users/me/b.dylib: found /Users/me/b.dylib by install name /System/Volumes/Data/Users/me/b.dylib",
			"a.so: /System/Volumes/Preboot/Cryptexes/OS/usr/lib/libz.1.dylib: system by part of macOS",
			"a.so: /usr/lib/../local/lib/c.dylib: found /usr/local/lib/c.dylib by install name /usr/lib/../local/lib/c.dylib",
			"a.so: /usr/lib/./libz.1.dylib: system by part of macOS",
			"a.so: @rpath/d.dylib: found /opt/d.dylib by LC_RPATH /System/Volumes/Data/opt of a.so",
		}},
		{"dyld's fallback", "a.so arch=arm64 loads=b.dylib,@rpath/c.dylib,@rpath/D.framework/Versions/A/D,libz.1.dylib,@rpath/libbz2.1.0.dylib,/gone/b.dylib\n/usr/local/lib/b.dylib arch=arm64 loads=@rpath/e.dylib\n/usr/local/lib/c.dylib arch=arm64\n/usr/local/lib/e.dylib arch=arm64\n/Library/Frameworks/D.framework/Versions/A/D arch=arm64", Options{}, []string{
			"a.so: b.dylib: found /usr/local/lib/b.dylib by dyld's fallback /usr/local/lib",
			"a.so: @rpath/c.dylib: found /usr/local/lib/c.dylib by dyld's fallback /usr/local/lib",
			"a.so: @rpath/D.framework/Versions/A/D: found /Library/Frameworks/D.framework/Versions/A/D by dyld's fallback /Library/Frameworks",
			"a.so: libz.1.dylib: system by dyld's fallback /usr/lib",
			"a.so: @rpath/libbz2.1.0.dylib: system by dyld's fallback /usr/lib",
			"a.so: /gone/b.dylib: found /usr/local/lib/b.dylib by dyld's fallback /usr/local/lib",
			"/usr/local/lib/b.dylib: @rpath/e.dylib: found /usr/local/lib/e.dylib by dyld's fallback /usr/local/lib",
		}},
		{"no fallback for a path since macOS 13, nor for a system's library elsewhere", "a.so arch=arm64 minos=13.0 loads=/gone/b.dylib,@rpath/c.dylib,@rpath/libz.1.dylib rpaths=/gone\n/usr/local/lib/b.dylib arch=arm64\n/usr/local/lib/c.dylib arch=x86_64", Options{}, []string{
			"a.so: /gone/b.dylib: missing; /gone (install name /gone/b.dylib): not there",
			"a.so: @rpath/c.dylib: missing; /gone (LC_RPATH /gone of a.so): not there; /usr/local/lib (dyld's fallback /usr/local/lib): x86_64, not arm64",
			"a.so: @rpath/libz.1.dylib: missing; /gone (LC_RPATH /gone of a.so): not there; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"the wheel alone has no fallback", "a.so arch=arm64 loads=b.dylib,libz.1.dylib\n/usr/local/lib/b.dylib arch=arm64", Options{WheelOnly: true}, []string{
			"a.so: b.dylib: missing; b.dylib (install name b.dylib): it depends on the working directory of the process",
			"a.so: libz.1.dylib: system by dyld's fallback /usr/lib",
		}},
		{"a program knows its own folder", "p/bin/tool arch=arm64 type=execute loads=@executable_path/../lib/b.dylib,@rpath/c.dylib rpaths=@executable_path/../Frameworks\np/lib/b.dylib arch=arm64 loads=@executable_path/d.dylib\np/Frameworks/c.dylib arch=arm64\np/bin/d.dylib arch=arm64\np/a.so arch=arm64 type=bundle loads=@executable_path/../lib/e.dylib\n/py/lib/e.dylib arch=arm64", Options{Dyld: DyldOptions{ExecutablePath: "/py/bin"}}, []string{
			"p/bin/tool: @executable_path/../lib/b.dylib: found p/lib/b.dylib by install name @executable_path/../lib/b.dylib",
			"p/bin/tool: @rpath/c.dylib: found p/Frameworks/c.dylib by LC_RPATH @executable_path/../Frameworks of p/bin/tool",
			"p/lib/b.dylib: @executable_path/d.dylib: found p/bin/d.dylib by install name @executable_path/d.dylib",
			"p/a.so: @executable_path/../lib/e.dylib: found /py/lib/e.dylib by install name @executable_path/../lib/e.dylib",
		}},
		{"in the wheel, and no name leads there", "p/a.so arch=arm64 loads=b.dylib,@rpath/c.dylib,/Users/runner/build/libd.1.dylib,@rpath/S.framework/Versions/A/S,/gone/e.dylib\np/lib/b.dylib arch=arm64\np/lib/c.dylib arch=arm64 id=@rpath/c.dylib\np/lib/libd.1.2.dylib arch=arm64 id=/Users/runner/build/libd.1.dylib\nq/S.framework/S arch=arm64\nq/one/e.dylib arch=arm64 size=80\nq/two/e.dylib arch=arm64", Options{}, []string{
			"p/a.so: b.dylib: found p/lib/b.dylib by " + Rule{Kind: ByFileName}.String(),
			"p/a.so: @rpath/c.dylib: found p/lib/c.dylib by " + Rule{Kind: ByName}.String(),
			"p/a.so: /Users/runner/build/libd.1.dylib: found p/lib/libd.1.2.dylib by " + Rule{Kind: ByName}.String(),
			"p/a.so: @rpath/S.framework/Versions/A/S: found q/S.framework/S by " + Rule{Kind: ByFileName}.String(),
			"p/a.so: /gone/e.dylib: missing; /gone (install name /gone/e.dylib): not there; the wheel (name of its files): q/one/e.dylib, q/two/e.dylib are called so, and differ; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
		}},
		{"out of site-packages leads no path", "p/a.so arch=arm64 loads=b.dylib,/opt/c.dylib\np-1.data/data/lib/b.dylib arch=arm64\np-1.data/data/lib/c.dylib arch=arm64\np-1.data/data/share/d.dylib arch=arm64 loads=b.dylib\n/opt/c.dylib arch=arm64", Options{}, []string{
			"p/a.so: b.dylib: missing; b.dylib (install name b.dylib): it depends on the working directory of the process; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
			"p/a.so: /opt/c.dylib: found /opt/c.dylib by install name /opt/c.dylib",
			"p-1.data/data/share/d.dylib: b.dylib: found p-1.data/data/lib/b.dylib by " + Rule{Kind: ByFileName}.String(),
		}},
		{"of several that are the same, the closest", "p/a.so arch=arm64 loads=b.dylib,c.dylib\np/lib/b.dylib arch=arm64\nq/b.dylib arch=arm64\no/c.dylib arch=arm64 size=80\np/c.dylib arch=arm64", Options{}, []string{
			"p/a.so: b.dylib: found p/lib/b.dylib by " + Rule{Kind: ByFileName}.String(),
			"p/a.so: c.dylib: found p/c.dylib by " + Rule{Kind: ByFileName}.String(),
		}},
		{"of several that are the same, another than the one that asks", "p/b.dylib arch=arm64 loads=/gone/b.dylib\nq/b.dylib arch=arm64\nr/b.dylib arch=arm64", Options{}, []string{
			"p/b.dylib: /gone/b.dylib: found q/b.dylib by " + Rule{Kind: ByFileName}.String(),
		}},
		{"the wheel's own copy and no second one", "p/a.so arch=arm64 loads=/opt/b.dylib,/opt/c.dylib,/opt/d.dylib\np/lib/b.dylib arch=arm64\np/lib/c.dylib arch=arm64 id=@rpath/c.dylib size=80\np/lib/d.dylib arch=arm64 id=@rpath/other.dylib\n/opt/b.dylib arch=arm64\n/opt/c.dylib arch=arm64 id=@rpath/c.dylib\n/opt/d.dylib arch=arm64 id=/opt/d.dylib size=80", Options{}, []string{
			"p/a.so: /opt/b.dylib: found p/lib/b.dylib by " + Rule{Kind: OwnCopy}.String(),
			"p/a.so: /opt/c.dylib: found p/lib/c.dylib by " + Rule{Kind: OwnCopy}.String(),
			"p/a.so: /opt/d.dylib: found /opt/d.dylib by install name /opt/d.dylib",
		}},
		{"unless the other is asked for", "p/a.so arch=arm64 loads=/opt/b.dylib\np/lib/b.dylib arch=arm64\n/opt/b.dylib arch=arm64", Options{Graft: []string{"b.*"}}, []string{
			"p/a.so: /opt/b.dylib: found /opt/b.dylib by install name /opt/b.dylib",
		}},
		{"no bundle is loaded as a library", "a.so arch=arm64 loads=@loader_path/b.so,@loader_path/c.dylib\nb.so arch=arm64 type=bundle\nc.dylib arch=arm64 type=execute", Options{WheelOnly: true}, []string{
			"a.so: @loader_path/b.so: missing; . (install name @loader_path/b.so): a bundle, not a library (MH_BUNDLE)",
			"a.so: @loader_path/c.dylib: missing; . (install name @loader_path/c.dylib): not a library (MH_EXECUTE)",
		}},
		{"names in other letters", "p/a.so arch=arm64 loads=@loader_path/Lib/B.dylib,/opt/foo/c.dylib,/opt/FOO/c.dylib\np/lib/b.dylib arch=arm64\n/opt/Foo/c.dylib arch=arm64", Options{}, []string{
			"p/a.so: @loader_path/Lib/B.dylib: found p/lib/b.dylib by install name @loader_path/Lib/B.dylib",
			"p/a.so: /opt/foo/c.dylib: found /opt/Foo/c.dylib by install name /opt/foo/c.dylib",
			"p/a.so: /opt/FOO/c.dylib: found /opt/Foo/c.dylib by install name /opt/FOO/c.dylib",
		}},
		{"Python is in the process already", "p/a.so arch=arm64 loads=/Library/Frameworks/Python.framework/Versions/3.12/Python,@rpath/libpython3.13t.dylib,/opt/libpythonic.dylib\n/Library/Frameworks/Python.framework/Versions/3.12/Python arch=arm64\n/opt/libpythonic.dylib arch=arm64", Options{}, []string{
			"p/a.so: /Library/Frameworks/Python.framework/Versions/3.12/Python: libpython /Library/Frameworks/Python.framework/Versions/3.12/Python by install name /Library/Frameworks/Python.framework/Versions/3.12/Python",
			"p/a.so: @rpath/libpython3.13t.dylib: libpython",
			"p/a.so: /opt/libpythonic.dylib: found /opt/libpythonic.dylib by install name /opt/libpythonic.dylib",
		}},
		{"unless it is the wheel's, or insisted on", "p/a.so arch=arm64 loads=@loader_path/libpython3.12.dylib,/opt/Python.framework/Python\np/libpython3.12.dylib arch=arm64\n/opt/Python.framework/Python arch=arm64", Options{Graft: []string{"*Python*"}}, []string{
			"p/a.so: @loader_path/libpython3.12.dylib: found p/libpython3.12.dylib by install name @loader_path/libpython3.12.dylib",
			"p/a.so: /opt/Python.framework/Python: found /opt/Python.framework/Python by install name /opt/Python.framework/Python",
		}},
		{"excluded by pattern", "a.so arch=arm64 loads=@rpath/libpython3.12.dylib,/opt/libq.dylib,/opt/libpyx.dylib\n/opt/libq.dylib -> libpy.1.dylib\n/opt/libpy.1.dylib arch=arm64\n/opt/libpyx.dylib arch=arm64", Options{Exclude: []string{"libpy[!x]*"}}, []string{
			"a.so: @rpath/libpython3.12.dylib: excluded",
			"a.so: /opt/libq.dylib: excluded /opt/libpy.1.dylib by install name /opt/libq.dylib",
			"a.so: /opt/libpyx.dylib: found /opt/libpyx.dylib by install name /opt/libpyx.dylib",
		}},
		{"cycle", "a.so arch=arm64 loads=/b.dylib\n/b.dylib arch=arm64 loads=/c.dylib\n/c.dylib arch=arm64 loads=/b.dylib", Options{}, []string{
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
			"/b.dylib: /c.dylib: found /c.dylib by install name /c.dylib",
			"/c.dylib: /b.dylib: found /b.dylib by install name /b.dylib",
		}},
		{"excluded by name and by path", "a.so arch=arm64 loads=/opt/b.dylib,@rpath/c.dylib rpaths=/real\n/opt/b.dylib arch=arm64\n/real/c.dylib arch=arm64", Options{Exclude: []string{"*b.dyl*", "*/real/*"}}, []string{
			"a.so: /opt/b.dylib: excluded",
			"a.so: @rpath/c.dylib: excluded /real/c.dylib by LC_RPATH /real of a.so",
		}},
		{"excluded by its folder, within the wheel alone", "a.so arch=arm64 loads=@rpath/b.dylib,@rpath/c.dylib rpaths=/real\n/real/b.dylib arch=arm64\n/real/c.dylib arch=arm64", Options{WheelOnly: true, Exclude: []string{"*/real/b*"}}, []string{
			"a.so: @rpath/b.dylib: excluded by LC_RPATH /real of a.so",
			"a.so: @rpath/c.dylib: missing; /real (LC_RPATH /real of a.so): outside the wheel",
		}},
		{"excluded by its folder, in front of the wheel's own", "a.so arch=arm64 loads=@rpath/b.dylib rpaths=/real,@loader_path\nb.dylib arch=arm64", Options{WheelOnly: true, Exclude: []string{"*/real/b*"}}, []string{
			"a.so: @rpath/b.dylib: excluded by LC_RPATH /real of a.so",
		}},
		{"kinds", "a.so arch=arm64 loads=weak:/no.dylib,reexport:/b.dylib,upward:/b.dylib,lazy:/b.dylib\n/b.dylib arch=arm64", Options{}, []string{
			"a.so: /no.dylib: missing;  (install name /no.dylib): not there; /usr/local/lib (dyld's fallback /usr/local/lib): not there",
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
			"a.so: /b.dylib: found /b.dylib by install name /b.dylib",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			members, sysroot := dyldWorld(t, tt.world)
			tt.opts.Sysroot = sysroot
			if tt.opts.Dyld.ExecutablePath != "" {
				tt.opts.Dyld.ExecutablePath = sysroot + tt.opts.Dyld.ExecutablePath
			}
			g, err := Resolve(context.Background(), members, tt.opts)
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

func TestDyldFallbackOfTheUser(t *testing.T) {
	members, sysroot := dyldWorld(t, "a.so arch=arm64 minos=14.0 loads=b.dylib,@rpath/c.dylib,/gone/d.dylib,libz.1.dylib rpaths=/none\n/one/c.dylib arch=arm64\n/two/b.dylib arch=arm64\n/two/c.dylib arch=arm64\n/two/d.dylib arch=arm64\n/usr/local/lib/b.dylib arch=arm64")
	g, err := Resolve(context.Background(), members, Options{Sysroot: sysroot, Dyld: DyldOptions{Fallback: []string{sysroot + "/one", sysroot + "/two"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"a.so: b.dylib: found /two/b.dylib by dyld's fallback /two",
		"a.so: @rpath/c.dylib: found /one/c.dylib by dyld's fallback /one",
		"a.so: /gone/d.dylib: found /two/d.dylib by dyld's fallback /two",
		"a.so: libz.1.dylib: system by dyld's fallback /usr/lib",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A file has one image, whatever the paths by which it is reached.
func TestDyldOneFileUnderTwoPaths(t *testing.T) {
	members, sysroot := dyldWorld(t, "a.so arch=arm64 loads=/opt/b.dylib,/opt/second.dylib\n/opt/b.dylib arch=arm64")
	if err := os.Link(sysroot+"/opt/b.dylib", sysroot+"/opt/second.dylib"); err != nil {
		t.Skip(err)
	}
	g, err := Resolve(context.Background(), members, Options{Sysroot: sysroot})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if loads := g.Members[0].Images[0].Needs; len(g.System) != 1 || loads[0].To != loads[1].To {
		t.Errorf("%v", spellDyld(g, sysroot))
	}
}

func TestDyldFoldersOfTheUser(t *testing.T) {
	members, sysroot := dyldWorld(t, "a.so arch=arm64 loads=/opt/b.dylib,@rpath/c.dylib,@executable_path/../lib/d.dylib\n/opt/b.dylib arch=arm64\n/first/b.dylib arch=arm64\n/second/c.dylib arch=arm64\n/py/lib/d.dylib arch=arm64")
	g, err := Resolve(context.Background(), members, Options{Sysroot: sysroot, SearchPath: []string{sysroot + "/first"}, Dyld: DyldOptions{LibraryPath: []string{sysroot + "/second"}, ExecutablePath: sysroot + "/py/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"a.so: /opt/b.dylib: found /first/b.dylib by given search path",
		"a.so: @rpath/c.dylib: found /second/c.dylib by DYLD_LIBRARY_PATH",
		"a.so: @executable_path/../lib/d.dylib: found /py/lib/d.dylib by install name @executable_path/../lib/d.dylib",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDyldTheWheelsOwnComeBeforeFoldersOfTheUser(t *testing.T) {
	members, sysroot := dyldWorld(t, "p/a.so arch=arm64 loads=@loader_path/lib/b.dylib,@rpath/c.dylib,@rpath/d.dylib rpaths=@loader_path/lib\np/lib/b.dylib arch=arm64\np/lib/c.dylib arch=arm64 loads=@rpath/b.dylib\np/lib/d.dylib arch=x86_64\n/first/b.dylib arch=arm64\n/first/c.dylib arch=arm64\n/first/d.dylib arch=arm64")
	g, err := Resolve(context.Background(), members, Options{Sysroot: sysroot, SearchPath: []string{sysroot + "/first"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"p/a.so: @loader_path/lib/b.dylib: found p/lib/b.dylib by install name @loader_path/lib/b.dylib",
		"p/a.so: @rpath/c.dylib: found p/lib/c.dylib by LC_RPATH @loader_path/lib of p/a.so",
		"p/a.so: @rpath/d.dylib: found /first/d.dylib by given search path",
		"p/lib/c.dylib: @rpath/b.dylib: found p/lib/b.dylib by LC_RPATH @loader_path/lib of p/a.so",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a program of the wheel names from its own folder is the wheel's, whatever the
// folders of the user have.
func TestDyldFoldersOfTheUserBehindThoseOfAProgram(t *testing.T) {
	members, sysroot := dyldWorld(t, "p/bin/tool arch=arm64 type=execute loads=@executable_path/../lib/b.dylib,@executable_path/../lib/c.dylib\np/lib/b.dylib arch=arm64 loads=@executable_path/d.dylib\np/bin/d.dylib arch=arm64\n/s/b.dylib arch=arm64 size=80\n/s/d.dylib arch=arm64 size=80\n/s/c.dylib arch=arm64 size=80")
	g, err := Resolve(context.Background(), members, Options{Sysroot: sysroot, SearchPath: []string{sysroot + "/s"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	want := []string{
		"p/bin/tool: @executable_path/../lib/b.dylib: found p/lib/b.dylib by install name @executable_path/../lib/b.dylib",
		"p/bin/tool: @executable_path/../lib/c.dylib: found /s/c.dylib by given search path",
		"p/lib/b.dylib: @executable_path/d.dylib: found p/bin/d.dylib by install name @executable_path/d.dylib",
	}
	if diff := cmp.Diff(want, spellDyld(g, sysroot)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
