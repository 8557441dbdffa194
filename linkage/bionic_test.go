package linkage_test

import (
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// TestBionic holds the search to the rules of Android's loader (bionic/linker/linker.cpp).
func TestBionic(t *testing.T) {
	android := func(o linkage.Options) linkage.Options {
		o.Libc = linkage.Bionic
		return o
	}
	const lib = "system/lib64/libx.so elf aarch64"
	runSearches(t, true, []searchCase{
		{"DT_RUNPATH of the file",
			world{"d/m.so aarch64 needed=libx.so runpath=$ORIGIN/l\nd/l/libx.so aarch64", "", android(linkage.Options{})},
			[]string{"d/m.so libx.so => d/l/libx.so (DT_RUNPATH $ORIGIN/l of d/m.so)"}},
		{"DT_RPATH is not read",
			world{"d/m.so aarch64 needed=libx.so rpath=$ORIGIN/l\nd/l/libx.so aarch64", "", android(linkage.Options{})},
			[]string{"d/m.so libx.so => d/l/libx.so (in the wheel, but no search path leads there)"}},
		{"DT_RUNPATH is not handed on",
			world{"d/m.so aarch64 needed=liby.so runpath=$ORIGIN/l\nd/l/liby.so aarch64 needed=libx.so", lib, android(linkage.Options{})},
			[]string{"d/m.so liby.so => d/l/liby.so (DT_RUNPATH $ORIGIN/l of d/m.so)", "d/l/liby.so libx.so => /system/lib64/libx.so (default directory)"}},
		{"nor what the file that loads it has",
			world{"d/m.so aarch64 needed=liby.so runpath=$ORIGIN/l\nd/l/liby.so aarch64 needed=libx.so\nd/l/libx.so aarch64", "", android(linkage.Options{})},
			[]string{"d/m.so liby.so => d/l/liby.so (DT_RUNPATH $ORIGIN/l of d/m.so)", "d/l/liby.so libx.so => d/l/libx.so (in the wheel, but no search path leads there)"}},
		{"the folders of the system in their order",
			world{"d/m.so aarch64 needed=libx.so,liby.so,libz.so", lib + "\nodm/lib64/libx.so elf aarch64\nodm/lib64/liby.so elf aarch64\nvendor/lib64/liby.so elf aarch64\nvendor/lib64/libz.so elf aarch64", android(linkage.Options{})},
			[]string{"d/m.so libx.so => /system/lib64/libx.so (default directory)", "d/m.so liby.so => /odm/lib64/liby.so (default directory)", "d/m.so libz.so => /vendor/lib64/libz.so (default directory)"}},
		{"32-bit x86, too",
			world{"d/m.so i686 needed=libx.so", "system/lib/libx.so elf i686\nsystem/lib64/libx.so elf i686", android(linkage.Options{})},
			[]string{"d/m.so libx.so => /system/lib/libx.so (default directory)"}},
		{"what is loaded answers to its soname",
			world{"d/m.so aarch64 needed=liby.so,libx.so runpath=$ORIGIN/l\nd/l/liby.so aarch64 soname=libx.so", lib, android(linkage.Options{})},
			[]string{"d/m.so liby.so => d/l/liby.so (DT_RUNPATH $ORIGIN/l of d/m.so)", "d/m.so libx.so => d/l/liby.so (already loaded)"}},
		{"32-bit libraries have a folder of their own",
			world{"d/m.so armv7l needed=libx.so", "system/lib/libx.so elf armv7l\nsystem/lib64/libx.so elf armv7l", android(linkage.Options{})},
			[]string{"d/m.so libx.so => /system/lib/libx.so (default directory)"}},
		{"neither the folders of Linux nor LD_LIBRARY_PATH",
			world{"d/m.so aarch64 needed=libx.so", "lib/libx.so elf aarch64\nusr/lib/libx.so elf aarch64\nopt/libx.so elf aarch64", android(linkage.Options{LibraryPath: []string{"@/opt"}})},
			[]string{"d/m.so libx.so => missing ()"}},
		{"folders of the user",
			world{"d/m.so aarch64 needed=libx.so", "opt/libx.so elf aarch64", android(linkage.Options{SearchPath: []string{"@/opt"}})},
			[]string{"d/m.so libx.so => /opt/libx.so (given search path)"}},
		{"Python's library is an ordinary one",
			world{"d/m.so aarch64 needed=libpython3.13.so", "", android(linkage.Options{})},
			[]string{"d/m.so libpython3.13.so => missing ()"}},
	})
}

// TestBionicWithoutRoot: a path of the machine that builds is no path of Android.
func TestBionicWithoutRoot(t *testing.T) {
	dir := t.TempDir()
	if err := wheeltest.WriteLibs(dir, "lib/libx.so elf aarch64"); err != nil {
		t.Fatal(err)
	}
	list := members(t, "d/m.so aarch64 needed=libx.so runpath="+dir+"/lib")
	for libc, want := range map[string]linkage.Status{linkage.Bionic: linkage.Missing, linkage.Glibc: linkage.Found} {
		g, err := linkage.Resolve(t.Context(), list, linkage.Options{Libc: libc})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Members[0].Images[0].Needs[0]; got.Status != want {
			t.Errorf("%s: %v (%v), want %v", libc, got.Status, got.Rule, want)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
