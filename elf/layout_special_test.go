//go:build integration

package elf

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// specialLayouts are ordinary but for one trait that not every linker has, or
// that is too slow to be combined.
func specialLayouts() []layout {
	ordinary := layout{}
	for _, t := range layoutTraits() {
		ordinary[t.name] = t.values[0]
	}
	var list []layout
	add := func(special string, kinds []string, linkers ...string) {
		for _, kind := range kinds {
			for _, linker := range linkers {
				l := maps.Clone(ordinary)
				l["special"], l["kind"], l["linker"] = special, kind, linker
				list = append(list, l)
			}
		}
	}
	library, programs := []string{"library"}, []string{"pie", "non-pie"}
	all := append(programs, library...)
	add("more than 0xff00 sections", library, "bfd")
	add("no DT_NULL", all, "bfd")
	add("relocations kept", all, "bfd", "gold", "lld", "mold")
	add("compressed debug sections", library, "bfd", "gold", "lld", "mold")
	add("another base address", []string{"library", "non-pie"}, "bfd", "gold")
	add("segments on pages of their own", all, "lld", "mold")
	add("read-only segment apart", library, "gold")
	add("executable stack", library, "bfd")
	add("no unwind table", library, "bfd", "lld")
	add("ten edits by patchelf", all, "bfd", "lld", "mold")
	add("by lief", all, "bfd", "gold", "lld")
	add("by auditwheel", library, "bfd", "gold", "lld", "mold")
	add("by repairwheel", library, "bfd", "lld")
	for _, l := range list {
		if l["special"] == "no DT_NULL" { // its place is the first word of .got
			l["slots"], l["relro"] = "no spare", "full relro"
		}
	}
	return list
}

// mustRefuse reports whether the layout is broken: lief puts the program header
// table of these over the section names.
func (o layout) mustRefuse() bool {
	return o["special"] == "by lief" && o["linker"] == "lld" && o["kind"] == "non-pie"
}

// specialOptions are what the linker is asked for besides.
func (l *lab) specialOptions(t *testing.T, o layout) []string {
	switch o["special"] {
	case "more than 0xff00 sections":
		return []string{l.manySections(t)}
	case "relocations kept":
		return []string{"-Wl,--emit-relocs"}
	case "compressed debug sections":
		return []string{"-Wl,--compress-debug-sections=zlib"}
	case "another base address":
		return []string{"-Wl,-Ttext-segment=0x10000000"}
	case "segments on pages of their own":
		return []string{"-Wl,-z,separate-loadable-segments"}
	case "read-only segment apart":
		return []string{"-Wl,--rosegment"}
	case "executable stack":
		return []string{"-Wl,-z,execstack"}
	case "no unwind table":
		return []string{"-Wl,--no-eh-frame-hdr"}
	}
	return nil
}

// manySections returns a source with more sections than a 16-bit index can count.
func (l *lab) manySections(t *testing.T) string {
	path := filepath.Join(l.dir, "sections.s")
	var text strings.Builder
	for i := range 0xff00 + 100 {
		fmt.Fprintf(&text, ".section .many%d\n.byte 1\n", i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// editSpecial lets tools edit the image that are too slow for every layout.
func (l *lab) editSpecial(t *testing.T, o layout, path string) {
	t.Helper()
	switch o["special"] {
	case "ten edits by patchelf":
		for i := range 10 {
			must(t, peerTool("patchelf"), "--set-rpath", strings.Repeat("$ORIGIN/x:", i)+l.needed(o["machine"]), path)
			must(t, peerTool("patchelf"), "--add-needed", more()[i%3], path)
			must(t, peerTool("patchelf"), "--remove-needed", more()[i%3], path)
		}
	case "by lief":
		must(t, peerTool("python"), "testdata/lief_edit.py", path, "$ORIGIN/what/lief/writes:"+l.needed(o["machine"]))
	case "by auditwheel", "by repairwheel":
		must(t, peerTool("python"), "testdata/wheel_edit.py", strings.TrimPrefix(o["special"], "by "), path, l.needed(o["machine"]))
		// The new search path leads to grafts alone.
		if err := os.Symlink(filepath.Join(l.needed(o["machine"]), "m.so"), filepath.Join(l.dir, "demo.libs", "m.so")); err != nil && !os.IsExist(err) {
			t.Error(err)
		}
	}
}
