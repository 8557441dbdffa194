package linkage_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// Of a library that is left to the user's system it is kept whether the loader finds it
// without the search path of the file, and else which entry leads to it.
func TestWhereALibraryThatIsLeftOutLies(t *testing.T) {
	root := t.TempDir()
	if err := wheeltest.WriteLibs(root, "usr/lib/libsys.so.1 elf x86_64 soname=libsys.so.1\nopt/own/libown.so.1 elf x86_64 soname=libown.so.1"); err != nil {
		t.Fatal(err)
	}
	list := members(t, "m.so x86_64 needed=libsys.so.1,libown.so.1,libnone.so.1 rpath=/opt/own")
	g, err := linkage.Resolve(t.Context(), list, linkage.Options{Sysroot: root, Exclude: []string{"lib*"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	image := g.Members[0].Images[0]
	for name, want := range map[string]string{"libsys.so.1": "true <nil>", "libown.so.1": "false /opt/own", "libnone.so.1": "false <nil>"} {
		n := image.Need(name)
		entry := "<nil>"
		if n.EntryOf != nil {
			entry = n.Entry
		}
		if got := fmt.Sprint(n.OnSystem, " ", entry); n.Status != linkage.Excluded || got != want {
			t.Errorf("%s: %v, %s, want %s", name, n.Status, got, want)
		}
	}
}

// A file that lies outside the sysroot is read where it lies; its libraries are those of
// the sysroot.
func TestAFileOutsideTheSysroot(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	for dir, spec := range map[string]string{
		root:      "usr/lib/libsys.so.1 elf x86_64 soname=libsys.so.1",
		elsewhere: "m.so elf x86_64 needed=libsys.so.1",
	} {
		if err := wheeltest.WriteLibs(dir, spec); err != nil {
			t.Fatal(err)
		}
	}
	l, err := linkage.NewLoader(linkage.Options{Sysroot: root, Libc: linkage.Glibc})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Load(filepath.Join(elsewhere, "m.so"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, p := range g.Processes() {
		if n := p.Roots[0].Need("libsys.so.1"); n == nil || !n.IsFound() || !strings.HasSuffix(n.To.Found, "/usr/lib/libsys.so.1") {
			t.Errorf("libsys.so.1: %+v", n)
		}
	}
}

// A library that is added to a file with so many that they are looked up in an index is
// found there, too.
func TestAddedNeedsAreFound(t *testing.T) {
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("lib%d.so", i))
	}
	for _, needed := range []string{"lib0.so", strings.Join(names, ",")} {
		g, err := linkage.Resolve(t.Context(), members(t, "m.so x86_64 needed="+needed), linkage.Options{Sysroot: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		image, added := g.Members[0].Images[0], &linkage.Need{Name: "libnew.so"}
		image.AddNeed(added)
		if image.Need("libnew.so") != added || image.Need("lib0.so") == nil || image.Need("libgone.so") != nil {
			t.Errorf("%d libraries and one more: %v", len(image.Needs)-1, image.Need("libnew.so"))
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
