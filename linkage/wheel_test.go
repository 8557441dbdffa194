package linkage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/linkage"
)

func TestLibrariesInTheWheel(t *testing.T) {
	byName, stranded := " ("+linkage.Rule{Kind: linkage.ByName}.String()+")", " ("+linkage.Rule{Kind: linkage.Stranded}.String()+")"
	const other = "\ndemo/other.so x86_64 export=PyInit_other needed=libx.so.1 rpath=$ORIGIN/../x.libs"
	const byOther = "demo/other.so libx.so.1 => x.libs/libx.so.1 (DT_RPATH $ORIGIN/../x.libs of demo/other.so)"
	runSearches(t, true, []searchCase{
		{"by search path, before the system",
			world{"demo/m.so x86_64 needed=libx.so.1 runpath=$ORIGIN/lib\ndemo/lib/libx.so.1 x86_64", "lib/libx.so.1 elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => demo/lib/libx.so.1 (DT_RUNPATH $ORIGIN/lib of demo/m.so)"}},
		{"an in-wheel DT_RUNPATH goes before a directory of the user",
			world{"demo/m.so x86_64 needed=libx.so.1 runpath=$ORIGIN/lib\ndemo/lib/libx.so.1 x86_64", "here/libx.so.1 elf x86_64", linkage.Options{SearchPath: []string{"@/here"}}},
			[]string{"demo/m.so libx.so.1 => demo/lib/libx.so.1 (DT_RUNPATH $ORIGIN/lib of demo/m.so)"}},
		{"by name where another module has loaded it, before the system",
			world{"demo/m.so x86_64 needed=libx.so.1\nx.libs/libx.so.1 x86_64" + other, "lib/libx.so.1 elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => x.libs/libx.so.1" + byName, byOther}},
		{"or where a library has, that nothing else loads",
			world{"demo/m.so x86_64 export=PyInit_m needed=libx.so.1\nx.libs/libx.so.1 x86_64\ndemo/liby.so x86_64 needed=libx.so.1 rpath=$ORIGIN/../x.libs", "lib/libx.so.1 elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => x.libs/libx.so.1" + byName, "demo/liby.so libx.so.1 => x.libs/libx.so.1 (DT_RPATH $ORIGIN/../x.libs of demo/liby.so)"}},
		{"which --ldpaths stands for",
			world{"demo/m.so x86_64 needed=libx.so.1\nx.libs/libx.so.1 x86_64" + other, "here/libx.so.1 elf x86_64", linkage.Options{UseLDPaths: true, LDPaths: []string{"@/here"}}},
			[]string{"demo/m.so libx.so.1 => x.libs/libx.so.1" + byName, byOther}},
		{"behind another library that the user names",
			world{"demo/m.so x86_64 needed=libx.so.1\nx.libs/libx.so.1 x86_64" + other, "here/libx.so.1 elf x86_64 export=f", linkage.Options{LibraryPath: []string{"@/here"}}},
			[]string{"demo/m.so libx.so.1 => /here/libx.so.1 (LD_LIBRARY_PATH)", byOther}},
		{"behind another library that its search path names",
			world{"demo/m.so x86_64 needed=libx.so.1 rpath=/here\nx.libs/libx.so.1 x86_64" + other, "here/libx.so.1 elf x86_64 export=f", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => /here/libx.so.1 (DT_RPATH /here of demo/m.so)", byOther}},
		{"but not behind a copy of it",
			world{"demo/m.so x86_64 needed=libx.so.1 rpath=/here\nx.libs/libx.so.1 x86_64" + other, "here/libx.so.1 elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => x.libs/libx.so.1" + byName, byOther}},
		{"a program has a process of its own",
			world{"demo-1.data/scripts/p x86_64 needed=libx.so.1 interp=/lib64/ld-linux-x86-64.so.2\nx.libs/libx.so.1 x86_64" + other, "", linkage.Options{}},
			[]string{"demo-1.data/scripts/p libx.so.1 => x.libs/libx.so.1" + stranded, byOther}},
		{"in which no module is loaded after it",
			world{"demo-1.data/scripts/p x86_64 needed=libx.so.1 interp=/lib64/ld-linux-x86-64.so.2 rpath=$ORIGIN\ndemo-1.data/scripts/libx.so.1 x86_64\ndemo/m.so x86_64 export=PyInit_m needed=libx.so.1", "", linkage.Options{}},
			[]string{"demo-1.data/scripts/p libx.so.1 => demo-1.data/scripts/libx.so.1 (DT_RPATH $ORIGIN of demo-1.data/scripts/p)", "demo/m.so libx.so.1 => demo-1.data/scripts/libx.so.1" + stranded}},
		{"to musl a library has the name that it was loaded by",
			world{"demo/m.so x86_64 needed=libx.so.1\ndemo/other.so x86_64 export=PyInit_other needed=libx.so rpath=$ORIGIN\ndemo/libx.so x86_64 soname=libx.so.1", "", linkage.Options{Libc: linkage.Musl}},
			[]string{"demo/m.so libx.so.1 => demo/libx.so" + stranded, "demo/other.so libx.so => demo/libx.so (DT_RPATH $ORIGIN of demo/other.so)"}},
		{"to glibc its soname too",
			world{"demo/m.so x86_64 needed=libx.so.1\ndemo/other.so x86_64 export=PyInit_other needed=libx.so rpath=$ORIGIN\ndemo/libx.so x86_64 soname=libx.so.1", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => demo/libx.so" + byName, "demo/other.so libx.so => demo/libx.so (DT_RPATH $ORIGIN of demo/other.so)"}},
		{"the system's goes before one to which nothing leads",
			world{"demo/m.so x86_64 needed=libx.so.1\nx.libs/libx.so.1 x86_64", "lib/libx.so.1 elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => /lib/libx.so.1 (default directory)"}},
		{"so does what the user names",
			world{"demo/m.so x86_64 needed=libx.so.1\n_vendor/old/libx.so.1 x86_64", "here/libx.so.1 elf x86_64", linkage.Options{LibraryPath: []string{"@/here"}}},
			[]string{"demo/m.so libx.so.1 => /here/libx.so.1 (LD_LIBRARY_PATH)"}},
		{"and what every system has",
			world{"demo/m.so x86_64 needed=libx.so.1\n_vendor/old/libx.so.1 x86_64", "", linkage.Options{Promised: func(name string) bool { return name == "libx.so.1" }}},
			[]string{"demo/m.so libx.so.1 => missing ()"}},
		{"beside the module, without a search path",
			world{"demo/m.so x86_64 needed=libx.so.1\ndemo/libx.so.1 x86_64", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => demo/libx.so.1" + stranded}},
		{"on the search path under another name",
			world{"demo/m.so x86_64 needed=libx.so.1 rpath=$ORIGIN\ndemo/libx.so x86_64 soname=libx.so.1", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => demo/libx.so" + stranded}},
		{"by a path of the machine that built it",
			world{"demo/m.so x86_64 needed=/build/libx.so,./liby.so\ndemo/lib/libx.so x86_64\ndemo/liby.so x86_64", "", linkage.Options{}},
			[]string{"demo/m.so /build/libx.so => demo/lib/libx.so" + stranded, "demo/m.so ./liby.so => demo/liby.so" + stranded}},
		{"of several, the one with the versions that are wanted",
			world{"demo/m.so x86_64 needed=libx.so.1 import=f@X_2:libx.so.1\ndemo/libx.so.1 x86_64 export=f@X_1\nlib/libx.so.1 x86_64 export=f@X_2", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => lib/libx.so.1" + stranded}},
		{"of several, the nearest",
			world{"demo/a/m.so x86_64 needed=libx.so.1\na/libx.so.1 x86_64\ndemo/lib/libx.so.1 x86_64\nz/libx.so.1 x86_64", "", linkage.Options{}},
			[]string{"demo/a/m.so libx.so.1 => demo/lib/libx.so.1" + stranded}},
		{"by soname without a search path",
			world{"demo/m.so x86_64 needed=libx.so.1\nx.libs/libx-1.2.so x86_64 soname=libx.so.1", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => x.libs/libx-1.2.so" + stranded}},
		{"the search path goes before the name",
			world{"demo/m.so x86_64 needed=libx.so.1 rpath=$ORIGIN/b\ndemo/a/libx.so.1 x86_64\ndemo/b/libx.so.1 x86_64", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => demo/b/libx.so.1 (DT_RPATH $ORIGIN/b of demo/m.so)"}},
		{"of several under one name, that in the same folder",
			world{"a/libx.so.1 x86_64\nb/libx.so.1 x86_64\nb/m.so x86_64 needed=libx.so.1", "", linkage.Options{}},
			[]string{"b/m.so libx.so.1 => b/libx.so.1" + stranded}},
		{"of another architecture under the name, none",
			world{"demo/m.so x86_64 needed=libx.so.1\nx.libs/libx.so.1 aarch64", "", linkage.Options{}},
			[]string{"demo/m.so libx.so.1 => missing ()"}},
		{"the search path of an extension serves its library in the wheel",
			world{"demo/m.cpython-312-x86_64-linux-gnu.so x86_64 export=PyInit_m needed=liba.so rpath=$ORIGIN/a:$ORIGIN/b\ndemo/a/liba.so x86_64 needed=libb.so\ndemo/b/libb.so x86_64", "", linkage.Options{}},
			[]string{"demo/m.cpython-312-x86_64-linux-gnu.so liba.so => demo/a/liba.so (DT_RPATH $ORIGIN/a of demo/m.cpython-312-x86_64-linux-gnu.so)",
				"demo/a/liba.so libb.so => demo/b/libb.so (DT_RPATH $ORIGIN/b of demo/m.cpython-312-x86_64-linux-gnu.so)"}},
		{"even if the library comes first in the wheel",
			world{"a/liba.so x86_64 needed=libb.so\nb/libb.so x86_64 soname=other\nz/m.so x86_64 export=PyInit_m needed=liba.so rpath=$ORIGIN/../a:$ORIGIN/../b", "", linkage.Options{}},
			[]string{"a/liba.so libb.so => b/libb.so (DT_RPATH $ORIGIN/../b of z/m.so)", "z/m.so liba.so => a/liba.so (DT_RPATH $ORIGIN/../a of z/m.so)"}},
		{"a library that needs its own name",
			world{"demo/libx.so x86_64 soname=libx.so needed=libx.so", "lib/libx.so elf x86_64", linkage.Options{}},
			[]string{"demo/libx.so libx.so => demo/libx.so (already loaded)"}},
		{"a system library that needs one of the wheel",
			world{"demo/m.so x86_64 needed=libx.so\ndemo/liby.so x86_64\ndemo/n.so x86_64 export=PyInit_n needed=liby.so rpath=$ORIGIN", "lib/libx.so elf x86_64 needed=liby.so\nlib/liby.so elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so => /lib/libx.so (default directory)", "demo/n.so liby.so => demo/liby.so (DT_RPATH $ORIGIN of demo/n.so)", "/lib/libx.so liby.so => demo/liby.so" + byName}},
		{"a system library that needs another of the system",
			world{"demo/m.so x86_64 needed=libx.so\ndemo/liby.so x86_64", "lib/libx.so elf x86_64 needed=liby.so\nlib/liby.so elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so => /lib/libx.so (default directory)", "/lib/libx.so liby.so => /lib/liby.so (default directory)"}},
	})
}

// Nothing of the system is seen, by whatever way it could be found.
func TestWheelOnly(t *testing.T) {
	const system = `
		lib/libx.so elf x86_64
		opt/liby.so elf x86_64
		lib/ld-musl-x86_64.so.1 elf x86_64`
	closed := linkage.Options{WheelOnly: true, SearchPath: []string{"@/opt"}, LibraryPath: []string{"@/opt"}, LDPaths: []string{"@/opt"}, UseLDPaths: true}
	musl := closed
	musl.Libc = linkage.Musl
	runSearches(t, false, []searchCase{
		{"glibc", world{"demo/m.so x86_64 needed=libx.so,liby.so,/opt/liby.so,libz.so rpath=/opt:$ORIGIN\ndemo/libz.so x86_64", system, closed},
			[]string{"demo/m.so libx.so => missing", "demo/m.so liby.so => missing", "demo/m.so /opt/liby.so => missing", "demo/m.so libz.so => demo/libz.so"}},
		{"musl", world{"demo/m.so x86_64 needed=libc.so,liby.so rpath=/opt", system, musl},
			[]string{"demo/m.so libc.so => missing", "demo/m.so liby.so => missing"}},
	})
}

func TestInstallPaths(t *testing.T) {
	runSearches(t, false, []searchCase{
		{"platlib and purelib are unpacked into site-packages",
			world{"demo-1.data/platlib/demo/m.so x86_64 needed=libx.so rpath=$ORIGIN/../x.libs\ndemo-1.data/purelib/x.libs/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"demo-1.data/platlib/demo/m.so libx.so => demo-1.data/purelib/x.libs/libx.so"}},
		{"a program in scripts reaches site-packages",
			world{"demo-1.data/scripts/prog x86_64 needed=libx.so rpath=$ORIGIN/../lib/python3/site-packages/x.libs\nx.libs/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"demo-1.data/scripts/prog libx.so => x.libs/libx.so"}},
		{"by the name of this or that Python",
			world{"demo-1.data/scripts/prog x86_64 needed=libx.so rpath=$ORIGIN/../lib64/python3.12/site-packages/x.libs\nx.libs/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"demo-1.data/scripts/prog libx.so => x.libs/libx.so"}},
		{"a program in scripts and a library in data",
			world{"demo-1.data/scripts/prog x86_64 needed=libx.so rpath=$ORIGIN/../lib\ndemo-1.data/data/lib/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"demo-1.data/scripts/prog libx.so => demo-1.data/data/lib/libx.so"}},
		{"a module and a library in data, up to the prefix",
			world{"demo/m.so x86_64 needed=libx.so rpath=$ORIGIN/../../../x\ndemo-1.data/data/lib/x/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"demo/m.so libx.so => demo-1.data/data/lib/x/libx.so"}},
		{"above the prefix there is nothing",
			world{"demo/m.so x86_64 needed=libx.so rpath=$ORIGIN/../../../../../../opt", "opt/libx.so elf x86_64", linkage.Options{}},
			[]string{"demo/m.so libx.so => missing"}},
		{"a top-level module",
			world{"m.so x86_64 needed=libx.so rpath=$ORIGIN/x.libs\nx.libs/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"m.so libx.so => x.libs/libx.so"}},
	})
}

func TestRelativeDir(t *testing.T) {
	for _, tt := range []struct{ from, to, want string }{
		{"m.so", "demo.libs/x", "demo.libs"},
		{"demo/m.so", "demo.libs/x", "../demo.libs"},
		{"demo/a/b/m.so", "demo.libs/x", "../../../demo.libs"},
		{"demo.libs/a", "demo.libs/b", ""},
		{"demo-1.data/platlib/demo/m.so", "demo.libs/x", "../demo.libs"},
		{"demo-1.data/purelib/m.so", "demo.libs/x", "demo.libs"},
		{"demo-1.data/scripts/p", "demo.libs/x", "../lib/python3/site-packages/demo.libs"},
		{"demo-1.data/data/p", "demo-1.data/data/lib/x", "lib"},
		{"demo-1.data/data/lib/p", "demo-1.data/data/x", ".."},
		{"demo-1.data/headers/p", "demo-1.data/scripts/x", "../../../bin"},
		{"demo/m.so", "demo-1.0.data/data/lib/x", "../../../../lib"},
		{"demo.data/unknown/p", "demo/x", "../../demo"},
	} {
		if got := linkage.RelativeDir(tt.from, tt.to); got != tt.want {
			t.Errorf("RelativeDir(%q, %q) = %q, want %q", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestStringTokens(t *testing.T) {
	const system = `
		opt/lib64/libx.so elf x86_64
		opt/x86_64/liby.so elf x86_64
		opt/lib/arm-linux-gnueabihf/libz.so elf armv7l
		opt/v7l/liby.so elf armv7l`
	runSearches(t, false, []searchCase{
		{"$LIB and $PLATFORM", world{"m.so x86_64 needed=libx.so,liby.so rpath=/opt/$LIB:/opt/$PLATFORM", system, linkage.Options{}},
			[]string{"m.so libx.so => /opt/lib64/libx.so", "m.so liby.so => /opt/x86_64/liby.so"}},
		{"with braces", world{"m.so x86_64 needed=libx.so,liby.so rpath=/opt/${LIB}:/opt/${PLATFORM}", system, linkage.Options{}},
			[]string{"m.so libx.so => /opt/lib64/libx.so", "m.so liby.so => /opt/x86_64/liby.so"}},
		{"of another architecture", world{"m.so armv7l needed=libz.so,liby.so rpath=/opt/$LIB:/opt/$PLATFORM", system, linkage.Options{}},
			[]string{"m.so libz.so => /opt/lib/arm-linux-gnueabihf/libz.so", "m.so liby.so => /opt/v7l/liby.so"}},
		{"${ORIGIN}", world{"demo/m.so x86_64 needed=libx.so rpath=${ORIGIN}/lib\ndemo/lib/libx.so x86_64 soname=a", "", linkage.Options{}},
			[]string{"demo/m.so libx.so => demo/lib/libx.so"}},
		{"musl knows $ORIGIN alone, and drops a path with another token",
			world{"m.so x86_64 needed=libx.so rpath=/opt/lib64:/opt/$LIB\nn.so x86_64 needed=libx.so rpath=$ORIGIN:/opt/lib64", system, linkage.Options{Libc: linkage.Musl}},
			[]string{"m.so libx.so => missing", "n.so libx.so => /opt/lib64/libx.so"}},
		{"empty and relative entries lead nowhere", world{"m.so x86_64 needed=libx.so rpath=:.:lib64:opt/lib64", system, linkage.Options{}},
			[]string{"m.so libx.so => missing"}},
	})
}

func TestNeededWithAPath(t *testing.T) {
	runSearches(t, false, []searchCase{
		{"is opened as it is", world{"m.so x86_64 needed=/opt/libx.so", "opt/libx.so elf x86_64\nlib/libx.so elf x86_64", linkage.Options{}},
			[]string{"m.so /opt/libx.so => /opt/libx.so"}},
		{"is not sought elsewhere", world{"m.so x86_64 needed=/gone/libx.so", "opt/libx.so elf x86_64\nlib/libx.so elf x86_64", linkage.Options{}},
			[]string{"m.so /gone/libx.so => missing"}},
		{"may begin with $ORIGIN", world{"demo/m.so x86_64 needed=$ORIGIN/lib/libx.so\ndemo/lib/libx.so x86_64", "", linkage.Options{}},
			[]string{"demo/m.so $ORIGIN/lib/libx.so => demo/lib/libx.so"}},
	})
	g, _ := world{"m.so x86_64 needed=./build/libx.so", "build/libx.so elf x86_64", linkage.Options{}}.resolve(t)
	e := g.Members[0].Images[0].Needs[0]
	if e.Status != linkage.Missing || len(e.Tried) != 1 || e.Tried[0].Dir != "build" {
		t.Errorf("a relative path: %v, searched %+v; want it missing, with the reason", e.Status, e.Tried)
	}
}

func TestExcludeAndLibpython(t *testing.T) {
	const system = "opt/cuda/libx.so.1.2 elf x86_64 needed=libdeep.so\nlib/libx.so.1 symlink /opt/cuda/libx.so.1.2\nlib/libdeep.so elf x86_64"
	exclude := func(patterns ...string) linkage.Options { return linkage.Options{Exclude: patterns} }
	runSearches(t, false, []searchCase{
		{"by soname", world{"m.so x86_64 needed=libx.so.1", system, exclude("libx.so.1")}, []string{"m.so libx.so.1 => excluded"}},
		{"by pattern", world{"m.so x86_64 needed=libx.so.1", system, exclude("libx.so*")}, []string{"m.so libx.so.1 => excluded"}},
		{"by path, where * reaches across slashes",
			world{"m.so x86_64 needed=libx.so.1", system, exclude("/opt/*")}, []string{"m.so libx.so.1 => excluded", "/opt/cuda/libx.so.1.2 libdeep.so => missing"}[:1]},
		{"deep in the graph", world{"m.so x86_64 needed=libx.so.1", system, exclude("libdeep*")},
			[]string{"m.so libx.so.1 => /opt/cuda/libx.so.1.2", "/opt/cuda/libx.so.1.2 libdeep.so => excluded"}},
		{"what is not there can be left out too", world{"m.so x86_64 needed=libcuda.so.1", "", exclude("libcuda.so.*")}, []string{"m.so libcuda.so.1 => excluded"}},
		{"a pattern matches the whole name", world{"m.so x86_64 needed=libx.so.1", system, exclude("libx.so", "x")},
			[]string{"m.so libx.so.1 => /opt/cuda/libx.so.1.2", "/opt/cuda/libx.so.1.2 libdeep.so => /lib/libdeep.so"}},
		{"libpython in its builds",
			world{"m.so x86_64 needed=libpython3.11.so.1.0,libpython3.7m.so.1.0,libpython3.13t.so.1.0,libpython3.so,libpythonic.so", "lib/libpython3.11.so.1.0 elf x86_64", linkage.Options{}},
			[]string{"m.so libpython3.11.so.1.0 => libpython", "m.so libpython3.7m.so.1.0 => libpython", "m.so libpython3.13t.so.1.0 => libpython", "m.so libpython3.so => libpython", "m.so libpythonic.so => missing"}},
		{"libpython can be left alone by choice",
			world{"m.so x86_64 needed=libpython3.11.so.1.0", "", exclude("libpython*")}, []string{"m.so libpython3.11.so.1.0 => excluded"}},
	})
}

func TestTwoLibrariesOfOneSoname(t *testing.T) {
	runSearches(t, false, []searchCase{{"each module gets its own",
		world{"a.so x86_64 needed=libx.so.1 rpath=/opt/a\nb.so x86_64 needed=libx.so.1 rpath=/opt/b", `
			opt/a/libx.so.1 elf x86_64 soname=libx.so.1
			opt/b/libx.so.1 elf x86_64 soname=libx.so.1 export=f`, linkage.Options{}},
		[]string{"a.so libx.so.1 => /opt/a/libx.so.1", "b.so libx.so.1 => /opt/b/libx.so.1"}}})
}

func TestCyclesEnd(t *testing.T) {
	runSearches(t, false, []searchCase{{"three libraries in a circle",
		world{"m.so x86_64 needed=liba.so", `
			lib/liba.so elf x86_64 needed=libb.so
			lib/libb.so elf x86_64 needed=libc.so
			lib/libc.so elf x86_64 needed=liba.so,libc.so`, linkage.Options{}},
		[]string{"m.so liba.so => /lib/liba.so", "/lib/liba.so libb.so => /lib/libb.so", "/lib/libb.so libc.so => /lib/libc.so",
			"/lib/libc.so liba.so => /lib/liba.so", "/lib/libc.so libc.so => /lib/libc.so"}}})
}

func TestManyFilesEnd(t *testing.T) {
	// Every library needs 8 others and one that nobody has: walks that repeat
	// would not come to an end.
	var wheel strings.Builder
	const n = 250
	for i := range n {
		fmt.Fprintf(&wheel, "demo/lib%03d.so x86_64 rpath=$ORIGIN/none%d needed=libmissing.so", i, i%5)
		for j := range 8 {
			fmt.Fprintf(&wheel, ",lib%03d.so", (i+j*7+1)%n)
		}
		wheel.WriteString("\n")
	}
	w := world{wheel.String(), "", linkage.Options{}}
	first, root := w.resolve(t)
	second, root2 := w.resolve(t)
	if len(first.Members) != n || first.Members[n-1].Images[0].Need("lib000.so").Status != linkage.Found {
		t.Errorf("the last of %d members does not find the first", n)
	}
	if diff := cmp.Diff(edges(first, root, true), edges(second, root2, true)); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
}
