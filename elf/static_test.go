//go:build integration

package elf

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestStaticPrograms edits programs that have no loader. A static PIE has a
// dynamic table, which its own code finds by address, and which must have no
// search path. Both kinds can be stripped.
func TestStaticPrograms(t *testing.T) {
	l := newLab(t)
	for _, linker := range []string{"bfd", "gold", "lld", "mold"} {
		for _, kind := range []string{"-static-pie", "-static"} {
			t.Run(linker+kind, func(t *testing.T) {
				if linker == "gold" && kind == "-static-pie" {
					t.Skip("gold does not know --no-dynamic-linker")
				}
				image := filepath.Join(l.dir, linker+kind)
				must(t, "gcc", kind, "-g", "-O1", "-fuse-ld="+linker, "-o", image, "testdata/src/static.c")
				o := layout{"machine": "x86_64", "kind": "program"}
				said := l.run(t, o, image, false)
				if said != "0 a static program, 5 " {
					t.Fatalf("the program itself does not work: %s", said)
				}
				l.editStatic(t, o, image, said, kind == "-static-pie")
			})
		}
	}
}

func (l *lab) editStatic(t *testing.T, o layout, image, said string, dynamic bool) {
	stripped := image + ".stripped"
	if err := write(t, image, stripped, Strip()); err != nil {
		t.Fatal(err)
	}
	if now := l.run(t, o, stripped, false); now != said {
		t.Errorf("stripped, it says %s", now)
	}
	reason := "a static PIE has no search path"
	if !dynamic {
		reason = ErrNotDynamic.Error()
	}
	if err := write(t, image, image+".path", SetRPath("/a")); err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("error is %v, want %q", err, reason)
	}
	if !dynamic {
		return
	}
	err := write(t, image, image+".needed", append(manyNeeded(), AddNeeded("libone.so"), AddNeeded("libtwo.so"))...)
	if err == nil || !strings.Contains(err.Error(), "a static PIE finds it by its address") {
		t.Errorf("error is %v, want the reason named", err)
	}
}

// TestLoaderItself edits the loader of the system, which is only safe in place.
func TestLoaderItself(t *testing.T) {
	loader, err := filepath.EvalSymlinks("/lib64/ld-linux-x86-64.so.2")
	if err != nil {
		t.Skip(err)
	}
	out := filepath.Join(t.TempDir(), "loader")
	if err := write(t, loader, out, AddRPath("/a")); err == nil || !strings.Contains(err.Error(), "the loader has no search path") {
		t.Errorf("error is %v, want the reason named", err)
	}
	if err := write(t, loader, out, SetSoname("ld-with-a-much-longer-name-than-it-had.so.2")); err == nil || !strings.Contains(err.Error(), "behind the .bss of the loader") {
		t.Errorf("error is %v, want the reason named", err)
	}
	if err := write(t, loader, out, Strip()); err != nil {
		t.Fatal(err)
	}
	if said := must(t, out, "/bin/echo", "it works"); said != "it works\n" {
		t.Errorf("it says %q", said)
	}
}
