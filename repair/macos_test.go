package repair_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
)

const macWheel = "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl"

// macName names a wheel of these platform tags.
func macName(platforms string) string { return "demo-1.0-cp312-cp312-" + platforms + ".whl" }

// machOs describes the Mach-O files of a wheel as its loader sees them: what each
// slice is called, loads and searches.
func machOs(t *testing.T, path string) []string {
	t.Helper()
	var lines []string
	for name, content := range contents(t, path) {
		f, err := macho.NewFile(strings.NewReader(content), int64(len(content)))
		if err != nil {
			continue
		}
		for _, s := range f.Slices {
			line := name + " " + s.Arch.String()
			if s.ID != "" {
				line += " id=" + s.ID
			}
			for _, l := range s.Dylibs {
				line += " " + l.Name
			}
			for _, r := range s.RPaths {
				line += " rpath=" + r
			}
			lines = append(lines, line)
		}
	}
	return lines
}

const pkg = "demo/__init__.py text \"\"\n"

func TestMacOSRepair(t *testing.T) {
	for _, tt := range []struct {
		name, platforms, wheel, system string
		opts                           repair.Options
		output                         string // platform tags
		want                           []string
	}{
		{"transitive, through links", "macosx_11_0_arm64", pkg + "demo/sub/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/lib/libb.1.dylib,/usr/lib/libSystem.B.dylib",
			"opt/lib/libb.1.dylib symlink libb.1.2.dylib\nopt/lib/libb.1.2.dylib macho arch=arm64 id=/opt/lib/libb.1.dylib minos=11.0 loads=@loader_path/../c/libc.dylib rpaths=/opt/lib\nopt/c/libc.dylib macho arch=arm64 id=@rpath/libc.dylib minos=13.0 loads=/opt/lib/libb.1.dylib",
			repair.Options{}, "macosx_13_0_arm64", []string{
				"demo/.dylibs/libb.1.2.dylib arm64 id=/DLC/demo/.dylibs/libb.1.2.dylib @loader_path/libc.dylib",
				"demo/.dylibs/libc.dylib arm64 id=/DLC/demo/.dylibs/libc.dylib @loader_path/libb.1.2.dylib",
				"demo/sub/a.so arm64 @loader_path/../.dylibs/libb.1.2.dylib /usr/lib/libSystem.B.dylib"}},
		{"two names of one library", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=/opt/libb.1.dylib,/opt/libb.dylib",
			"opt/libb.1.dylib macho arch=arm64 id=/opt/libb.1.dylib\nopt/libb.dylib symlink libb.1.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/libb.1.dylib arm64 id=/DLC/demo/.dylibs/libb.1.dylib",
				"demo/a.so arm64 @loader_path/.dylibs/libb.1.dylib"}},
		{"top-level modules", "macosx_11_0_arm64", "a.so macho arch=arm64 loads=/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"a.so arm64 @loader_path/demo.dylibs/libb.dylib",
				"demo.dylibs/libb.dylib arm64 id=/DLC/demo.dylibs/libb.dylib"}},
		{"the first package", "macosx_11_0_arm64", "z/__init__.py text \"\"\nb/__init__.py text \"\"\nz/a.so macho arch=arm64 loads=/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib",
			repair.Options{LibSuffix: "libs"}, "macosx_11_0_arm64", []string{
				"b/libs/libb.dylib arm64 id=/DLC/b/libs/libb.dylib",
				"z/a.so arm64 @loader_path/../b/libs/libb.dylib"}},
		{"a folder that is there", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@loader_path/.dylibs/libb.dylib,/opt/libc.dylib\ndemo/.dylibs/libb.dylib macho arch=arm64 id=/DLC/demo/.dylibs/libb.dylib", "opt/libc.dylib macho arch=arm64 id=/opt/libc.dylib loads=@rpath/libb.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/libb.dylib arm64 id=/DLC/demo/.dylibs/libb.dylib",
				"demo/.dylibs/libc.dylib arm64 id=/DLC/demo/.dylibs/libc.dylib @loader_path/libb.dylib",
				"demo/a.so arm64 @loader_path/.dylibs/libb.dylib @loader_path/.dylibs/libc.dylib"}},
		{"what a graft finds in the wheel", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=/opt/libc.dylib rpaths=@loader_path/lib\ndemo/lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib", "opt/libc.dylib macho arch=arm64 id=/opt/libc.dylib loads=@rpath/libb.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/libc.dylib arm64 id=/DLC/demo/.dylibs/libc.dylib @loader_path/../lib/libb.dylib",
				"demo/a.so arm64 @loader_path/.dylibs/libc.dylib rpath=@loader_path/lib",
				"demo/lib/libb.dylib arm64 id=@rpath/libb.dylib"}},
		{"build rpaths go from every file", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=/usr/lib/libSystem.B.dylib rpaths=/Users/runner/lib,@loader_path,lib,/usr/lib/swift",
			"", repair.Options{}, "macosx_11_0_arm64", []string{"demo/a.so arm64 /usr/lib/libSystem.B.dylib rpath=@loader_path rpath=/usr/lib/swift"}},
		{"unless they are to stay", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 rpaths=/Users/runner/lib",
			"", repair.Options{MacOS: repair.MacOptions{KeepRPaths: true}}, "macosx_11_0_arm64", []string{"demo/a.so arm64 rpath=/Users/runner/lib"}},
		{"each slice has its own", "macosx_10_9_universal2", pkg + "demo/a.so macho arch=x86_64 loads=/opt/i/libb.dylib minos=10.9 arch=arm64 loads=/opt/m/libc.dylib minos=11.0",
			"opt/i/libb.dylib macho arch=x86_64 id=/opt/i/libb.dylib minos=10.13\nopt/m/libc.dylib macho arch=arm64 id=/opt/m/libc.dylib minos=11.0",
			repair.Options{}, "macosx_10_13_universal2", []string{
				"demo/.dylibs/libb.dylib x86_64 id=/DLC/demo/.dylibs/libb.dylib",
				"demo/.dylibs/libc.dylib arm64 id=/DLC/demo/.dylibs/libc.dylib",
				"demo/a.so arm64 @loader_path/.dylibs/libc.dylib",
				"demo/a.so x86_64 @loader_path/.dylibs/libb.dylib"}},
		{"a thin library, allowed", "macosx_10_9_universal2", pkg + "demo/a.so macho arch=x86_64 loads=/opt/libb.dylib arch=arm64 loads=/opt/libb.dylib", "opt/libb.dylib macho arch=x86_64 id=/opt/libb.dylib",
			repair.Options{Audit: audit.Options{MacOS: audit.MacOptions{RequireArchs: []string{"x86_64"}}}}, "macosx_10_9_x86_64", []string{
				"demo/.dylibs/libb.dylib x86_64 id=/DLC/demo/.dylibs/libb.dylib",
				"demo/a.so arm64 @loader_path/.dylibs/libb.dylib",
				"demo/a.so x86_64 @loader_path/.dylibs/libb.dylib"}},
		{"left out by its path", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@rpath/libb.dylib rpaths=@loader_path/../../../../opt,/opt/lib,/opt/none", "opt/lib/libb.dylib macho arch=arm64",
			repair.Options{Audit: audit.Options{Options: linkage.Options{Exclude: []string{"*/opt/lib/*"}}}}, "macosx_11_0_arm64", []string{
				"demo/a.so arm64 @rpath/libb.dylib rpath=@loader_path/../../../../opt rpath=/opt/lib"}},
		{"left out by its name, and one absolute path leads there", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@rpath/libb.dylib rpaths=/opt/none,/opt/lib\ndemo/c.so macho arch=arm64 rpaths=/opt/lib2", "opt/lib/libb.dylib macho arch=arm64",
			repair.Options{Audit: audit.Options{Options: linkage.Options{Exclude: []string{"libb*"}}}}, "macosx_11_0_arm64", []string{
				"demo/a.so arm64 @rpath/libb.dylib rpath=/opt/lib",
				"demo/c.so arm64"}},
		{"left out by its name, found through what loads the library that needs it", "macosx_11_0_arm64", pkg + "demo/lib.dylib macho arch=arm64 id=/DLC/lib.dylib loads=@rpath/libb.dylib\ndemo/z.so macho arch=arm64 loads=@loader_path/lib.dylib rpaths=/opt/lib", "opt/lib/libb.dylib macho arch=arm64",
			repair.Options{Audit: audit.Options{Options: linkage.Options{Exclude: []string{"*libb*"}}}}, "macosx_11_0_arm64", []string{
				"demo/lib.dylib arm64 id=/DLC/lib.dylib @rpath/libb.dylib",
				"demo/z.so arm64 @loader_path/lib.dylib rpath=/opt/lib"}},
		{"an rpath that is asked to stay", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@loader_path/d.dylib rpaths=/opt/keep/lib,/opt/drop/lib\ndemo/d.dylib macho arch=arm64 id=/DLC/d.dylib", "",
			repair.Options{Audit: audit.Options{KeepRPath: []string{"/opt/k*"}}}, "macosx_11_0_arm64", []string{
				"demo/a.so arm64 @loader_path/d.dylib rpath=/opt/keep/lib",
				"demo/d.dylib arm64 id=/DLC/d.dylib"}},
		{"folders of .data", "macosx_11_0_arm64", "demo-1.0.data/platlib/pkg/a.so macho arch=arm64 loads=/opt/libb.dylib\ndemo-1.0.data/data/share/c.dylib macho arch=arm64 loads=/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo-1.0.data/data/lib/demo.dylibs/libb.dylib arm64 id=/DLC/demo-1.0.data/data/lib/demo.dylibs/libb.dylib",
				"demo-1.0.data/data/share/c.dylib arm64 @loader_path/../lib/demo.dylibs/libb.dylib",
				"demo-1.0.data/platlib/pkg/a.so arm64 @loader_path/../demo.dylibs/libb.dylib",
				"demo.dylibs/libb.dylib arm64 id=/DLC/demo.dylibs/libb.dylib"}},
		{"a program stays", "macosx_11_0_arm64", pkg + "demo-1.0.data/scripts/tool macho arch=arm64 type=execute loads=/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo-1.0.data/data/lib/demo.dylibs/libb.dylib arm64 id=/DLC/demo-1.0.data/data/lib/demo.dylibs/libb.dylib",
				"demo-1.0.data/scripts/tool arm64 @loader_path/../lib/demo.dylibs/libb.dylib"}},
		{"a program stays, and what it needs of the package is copied", "macosx_11_0_arm64",
			pkg + "demo-1.0.data/scripts/tool macho arch=arm64 type=execute loads=/opt/libb.dylib\ndemo/libc.dylib macho arch=arm64 id=/opt/libc.dylib",
			"opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib loads=/opt/libc.dylib\nopt/libc.dylib macho arch=arm64 id=/opt/libc.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo-1.0.data/data/lib/demo.dylibs/libb.dylib arm64 id=/DLC/demo-1.0.data/data/lib/demo.dylibs/libb.dylib @loader_path/libc.dylib",
				"demo-1.0.data/data/lib/demo.dylibs/libc.dylib arm64 id=/DLC/demo-1.0.data/data/lib/demo.dylibs/libc.dylib",
				"demo-1.0.data/scripts/tool arm64 @loader_path/../lib/demo.dylibs/libb.dylib",
				"demo/libc.dylib arm64 id=/opt/libc.dylib"}},
		{"no room in the header", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 pad=0 loads=/b.dylib", "b.dylib macho arch=arm64 pad=0 id=/b.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/b.dylib arm64 id=/DLC/demo/.dylibs/b.dylib",
				"demo/a.so arm64 @loader_path/.dylibs/b.dylib"}},
		{"weak and missing", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=weak:/opt/none.dylib,/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/libb.dylib arm64 id=/DLC/demo/.dylibs/libb.dylib",
				"demo/a.so arm64 /opt/none.dylib @loader_path/.dylibs/libb.dylib"}},
		{"in the wheel, and no name leads there", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 type=bundle loads=libb.dylib,@rpath/libc.dylib,/Users/runner/build/libd.1.dylib,weak:@rpath/E.framework/Versions/A/E\ndemo/lib/libb.dylib macho arch=arm64 id=libb.dylib loads=@rpath/libc.dylib\ndemo/lib/libc.dylib macho arch=arm64\ndemo/d/libd.1.2.dylib macho arch=arm64 id=/Users/runner/build/libd.1.dylib\ndemo/E.framework/Versions/A/E macho arch=arm64", "",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/E.framework/Versions/A/E arm64",
				"demo/a.so arm64 @loader_path/lib/libb.dylib @loader_path/lib/libc.dylib @loader_path/d/libd.1.2.dylib @loader_path/E.framework/Versions/A/E",
				"demo/d/libd.1.2.dylib arm64 id=/Users/runner/build/libd.1.dylib",
				"demo/lib/libb.dylib arm64 id=libb.dylib @loader_path/libc.dylib",
				"demo/lib/libc.dylib arm64"}},
		{"the wheel's own copy", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@rpath/libb.dylib,/opt/libc.dylib rpaths=/opt\ndemo/lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib size=80\ndemo/lib/libc.dylib macho arch=arm64", "opt/libb.dylib macho arch=arm64 id=@rpath/libb.dylib loads=/opt/libz.dylib\nopt/libz.dylib macho arch=arm64\nopt/libc.dylib macho arch=arm64",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/a.so arm64 @loader_path/lib/libb.dylib @loader_path/lib/libc.dylib",
				"demo/lib/libb.dylib arm64 id=@rpath/libb.dylib",
				"demo/lib/libc.dylib arm64"}},
		{"libraries of macOS by other names", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 minos=11.0 sdk=14.0 loads=@rpath/libz.1.dylib,libbz2.1.0.dylib,/usr/lib/./libc++.1.dylib,/System/Volumes/Preboot/Cryptexes/OS/usr/lib/libobjc.A.dylib rpaths=/usr/lib,/System/Volumes/Data/Users/me/lib", "",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/a.so arm64 @rpath/libz.1.dylib /usr/lib/libbz2.1.0.dylib /usr/lib/libc++.1.dylib /System/Volumes/Preboot/Cryptexes/OS/usr/lib/libobjc.A.dylib rpath=/usr/lib"}},
		{"dyld's fallback", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@rpath/libb.dylib,libc.dylib", "usr/local/lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib\nusr/local/lib/libc.dylib macho arch=arm64",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/libb.dylib arm64 id=/DLC/demo/.dylibs/libb.dylib",
				"demo/.dylibs/libc.dylib arm64",
				"demo/a.so arm64 @loader_path/.dylibs/libb.dylib @loader_path/.dylibs/libc.dylib"}},
		{"a program and its folders", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 type=bundle loads=@loader_path/lib/libb.dylib\ndemo/bin/tool macho arch=arm64 type=execute loads=@executable_path/../lib/libb.dylib,@rpath/libc.dylib rpaths=@executable_path/../Frameworks\ndemo/lib/libb.dylib macho arch=arm64 loads=@executable_path/../lib/libd.dylib\ndemo/lib/libd.dylib macho arch=arm64\ndemo/Frameworks/libc.dylib macho arch=arm64", "",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/Frameworks/libc.dylib arm64",
				"demo/a.so arm64 @loader_path/lib/libb.dylib",
				"demo/bin/tool arm64 @executable_path/../lib/libb.dylib @rpath/libc.dylib rpath=@executable_path/../Frameworks",
				"demo/lib/libb.dylib arm64 @loader_path/libd.dylib",
				"demo/lib/libd.dylib arm64"}},
		{"helpers for one architecture each", "macosx_10_9_universal2", pkg + "demo/a.so macho arch=x86_64 arch=arm64\ndemo/h_x86_64.dylib macho arch=x86_64 minos=12.0", "",
			repair.Options{}, "macosx_12_0_universal2", []string{
				"demo/a.so arm64", "demo/a.so x86_64", "demo/h_x86_64.dylib x86_64"}},
		{"other libraries for the slice that is not asked for", "macosx_10_9_universal2", pkg + "demo/a.so macho arch=x86_64 loads=/opt/i.dylib arch=arm64 loads=/opt/m.dylib rpaths=/opt", "opt/i.dylib macho arch=x86_64 id=/opt/i.dylib",
			repair.Options{Audit: audit.Options{MacOS: audit.MacOptions{RequireArchs: []string{"x86_64"}}}}, "macosx_10_9_x86_64", []string{
				"demo/.dylibs/i.dylib x86_64 id=/DLC/demo/.dylibs/i.dylib",
				"demo/a.so arm64 /opt/m.dylib",
				"demo/a.so x86_64 @loader_path/.dylibs/i.dylib"}},
		{"the slice that is not asked for is good as well", "macosx_10_9_universal2", pkg + "demo/a.so macho arch=x86_64 loads=/opt/i.dylib arch=arm64 loads=/opt/m.dylib", "opt/i.dylib macho arch=x86_64\nopt/m.dylib macho arch=arm64",
			repair.Options{Audit: audit.Options{MacOS: audit.MacOptions{RequireArchs: []string{"x86_64"}}}}, "macosx_10_9_universal2", []string{
				"demo/.dylibs/i.dylib x86_64", "demo/.dylibs/m.dylib arm64",
				"demo/a.so arm64 @loader_path/.dylibs/m.dylib",
				"demo/a.so x86_64 @loader_path/.dylibs/i.dylib"}},
		{"Python of the build machine", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 type=bundle loads=/usr/lib/libSystem.B.dylib,/opt/Python.framework/Versions/3.12/Python,/opt/libb.dylib", "opt/Python.framework/Versions/3.12/Python macho arch=arm64 id=/opt/Python.framework/Versions/3.12/Python\nopt/libb.dylib macho arch=arm64 loads=@rpath/libpython3.12.dylib rpaths=/opt\nopt/libpython3.12.dylib macho arch=arm64",
			repair.Options{}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/libb.dylib arm64",
				"demo/a.so arm64 /usr/lib/libSystem.B.dylib @loader_path/.dylibs/libb.dylib"}},
		{"Python, insisted on", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 type=bundle loads=/opt/Python.framework/Versions/3.12/Python", "opt/Python.framework/Versions/3.12/Python macho arch=arm64 id=/opt/Python.framework/Versions/3.12/Python",
			repair.Options{Audit: audit.Options{Options: linkage.Options{Graft: []string{"*Python*"}}}}, "macosx_11_0_arm64", []string{
				"demo/.dylibs/Python arm64 id=/DLC/demo/.dylibs/Python",
				"demo/a.so arm64 @loader_path/.dylibs/Python"}},
		{"a member in other letters", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@loader_path/Lib/libB.dylib\ndemo/lib/libb.dylib macho arch=arm64", "",
			repair.Options{}, "macosx_11_0_arm64", []string{"demo/a.so arm64 @loader_path/lib/libb.dylib", "demo/lib/libb.dylib arm64"}},
		{"a tag for any platform", "any", pkg + "demo/a.so macho arch=x86_64 minos=10.13", "", repair.Options{}, "macosx_10_13_x86_64", []string{"demo/a.so x86_64"}},
		{"a target", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 minos=12.3", "", repair.Options{Audit: audit.Options{MacOS: audit.MacOptions{Target: policy.MacVersion{Major: 13}}}}, "macosx_13_0_arm64", []string{"demo/a.so arm64"}},
		{"tags stay", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 minos=12.3", "", repair.Options{KeepTags: true}, "macosx_11_0_arm64", []string{"demo/a.so arm64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, macName(tt.platforms), tt.wheel, tt.system)
			tt.opts.NoSBOM = true
			out := w.repair(t, tt.opts)
			if got := filepath.Base(out); got != macName(tt.output) {
				t.Errorf("the result is %s, want %s", got, macName(tt.output))
			}
			got := machOs(t, out)
			sortLines(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			checkMacOSAgain(t, w, out, tt.opts)
		})
	}
}

func sortLines(lines []string) {
	for i := range lines {
		for j := i; j > 0 && lines[j] < lines[j-1]; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
}

// checkMacOSAgain repairs the input with one job, and the result: the first gives
// the same bytes, the second changes none. All code that has a signature has a true
// one.
func checkMacOSAgain(t *testing.T, w *world, out string, opts repair.Options) {
	t.Helper()
	first, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	single := opts
	single.Load.Jobs = 1
	elsewhere := &world{dir: w.dir, system: t.TempDir(), wheel: out}
	again := opts
	if len(opts.Audit.Exclude) == 0 {
		again.Audit.SearchPath = []string{filepath.Join(w.system, "opt"), filepath.Join(w.system, "opt/lib")}
	}
	if len(opts.Audit.Exclude) > 0 {
		elsewhere.system = w.system // what was left out is still needed
	}
	for name, path := range map[string]string{"one job": w.repair(t, single), "the result": elsewhere.repair(t, again)} {
		result, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) != filepath.Base(out) || !bytes.Equal(first, result) {
			t.Errorf("a repair of %s gives other bytes, as %s", name, filepath.Base(path))
		}
	}
	for name, content := range contents(t, out) {
		f, err := macho.NewFile(strings.NewReader(content), int64(len(content)))
		if err != nil {
			continue
		}
		for _, s := range f.Slices {
			if signature, err := s.Signature(); err != nil || signature == nil {
				continue
			}
			if err := s.VerifySignature(context.Background(), 1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestMacOSEqualNames(t *testing.T) {
	const module = pkg + "demo/a.so macho arch=arm64 loads=/one/libb.dylib,/two/LIBB.dylib,/three/libb.dylib"
	w := newWorld(t, macWheel, module, "one/libb.dylib macho arch=arm64 id=/one/libb.dylib\ntwo/LIBB.dylib macho arch=arm64 id=/two/libb.dylib\nthree/libb.dylib macho arch=arm64 id=/one/libb.dylib")
	plan := w.plan(t, repair.Options{})
	var got []string
	for _, g := range plan.Grafts {
		name := strings.Replace(filepath.Base(g.Member), g.SHA256[:8], "DIGEST", 1)
		got = append(got, name)
	}
	// The files of /one and /three are the same, so they become one.
	want := []string{"LIBB-DIGEST.dylib", "libb-DIGEST.dylib"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("grafts (-want +got):\n%s", diff)
	}
	w.repair(t, repair.Options{})
	// So does a member of the wheel take a name.
	w = newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 loads=/one/libb.dylib\ndemo/.dylibs/libb.dylib macho arch=arm64", "one/libb.dylib macho arch=arm64 id=/one/libb.dylib")
	if g := w.plan(t, repair.Options{}).Grafts[0]; g.Member != "demo/.dylibs/libb-"+g.SHA256[:8]+".dylib" {
		t.Errorf("the graft is %s", g.Member)
	}
}

// One library that two folders of a volume spell differently comes in once.
func TestMacOSOneLibraryInOtherLetters(t *testing.T) {
	w := newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 loads=/opt/Foo/libB.dylib,/opt/foo/libb.dylib", "opt/Foo/libB.dylib macho arch=arm64 id=/opt/libb.dylib\nopt/foo/libb.dylib macho arch=arm64 id=/opt/libb.dylib")
	got := machOs(t, w.repair(t, repair.Options{}))
	sortLines(got)
	want := []string{"demo/.dylibs/libB.dylib arm64 id=/DLC/demo/.dylibs/libB.dylib", "demo/a.so arm64 @loader_path/.dylibs/libB.dylib"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMacOSPatternsInVainAreTold(t *testing.T) {
	w := newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 loads=/opt/libb.dylib,/opt/libc.dylib", "opt/libb.dylib macho arch=arm64\nopt/libc.dylib macho arch=arm64")
	var opts repair.Options
	opts.Audit.Exclude = []string{"*libb*", "libd*", "*opt/libe*"}
	opts.Audit.Graft = []string{"libc*", "*Python*"}
	want := []string{
		`pattern "libd*" leaves out no library: none has such a name or path`,
		`pattern "*opt/libe*" leaves out no library: none has such a name or path`,
		`pattern "*Python*" adds no library: none outside the wheel was found by such a name`,
		"/opt/libb.dylib is left to the system it is installed on, as asked",
	}
	if diff := cmp.Diff(want, w.plan(t, opts).Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestMacOSKeepsInstallNames(t *testing.T) {
	w := newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 loads=/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=@rpath/libb.1.dylib")
	got := machOs(t, w.repair(t, repair.Options{MacOS: repair.MacOptions{KeepIDs: true}}))
	sortLines(got)
	want := []string{"demo/.dylibs/libb.dylib arm64 id=@rpath/libb.1.dylib", "demo/a.so arm64 @loader_path/.dylibs/libb.dylib"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMacOSCodeForOtherSystems(t *testing.T) {
	for _, spec := range []string{"platform=2 minos=12.0", "platform=6 minos=13.1"} {
		w := newWorld(t, macWheel, pkg+"demo/b.so macho arch=arm64 platform=1 minos=11.0\ndemo/a.so macho arch=arm64 "+spec, "")
		_, err := w.repairer(t, repair.Options{}).Plan(context.Background(), w.wheel)
		if err == nil || !strings.Contains(err.Error(), "demo/a.so: its arm64 slice is built for") {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestMacOSNothingToDoKeepsTheBytes(t *testing.T) {
	w := newWorld(t, macName("macosx_11_0_x86_64"), pkg+"demo/a.so macho arch=x86_64 minos=11.0 loads=@rpath/libb.dylib,/usr/lib/libSystem.B.dylib rpaths=@loader_path/lib\ndemo/lib/libb.dylib macho arch=x86_64 id=/build/libb.dylib minos=11.0", "")
	plan := w.plan(t, repair.Options{})
	if !plan.NothingToDo() {
		t.Errorf("plan: %+v", plan)
	}
	before, after := contents(t, w.wheel), contents(t, w.repair(t, repair.Options{}))
	for _, name := range []string{"demo/a.so", "demo/lib/libb.dylib"} {
		if before[name] != after[name] {
			t.Errorf("%s has changed", name)
		}
	}
}

func TestMacOSUnsignedCodeIsSigned(t *testing.T) {
	w := newWorld(t, macName("macosx_10_9_universal2"), pkg+"demo/a.so macho arch=x86_64 arch=arm64", "")
	files := contents(t, w.repair(t, repair.Options{}))
	f, err := macho.NewFile(strings.NewReader(files["demo/a.so"]), int64(len(files["demo/a.so"])))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Slices {
		signature, err := s.Signature()
		if err != nil || (signature != nil) != s.Arch.IsARM64() {
			t.Errorf("%v: signature %v, %v", s.Arch, signature, err)
		}
	}
}

func TestMacOSBillOfMaterials(t *testing.T) {
	w := newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 loads=/opt/libb.dylib", "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib")
	files := contents(t, w.repair(t, repair.Options{}))
	bill := files["demo-1.0.dist-info/sboms/wheelmend.cdx.json"]
	if !strings.Contains(bill, "demo/.dylibs/libb.dylib") || strings.Contains(bill, fmt.Sprintf("%q", w.system)) || strings.Contains(bill, "/opt/") {
		t.Errorf("the bill of materials: %s", bill)
	}
}
