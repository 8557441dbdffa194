package report_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/report"
)

// macTree is a wheel for macOS: what one of two slices lacks, and each way to
// load a library.
func macTree() *audit.Tree {
	inner := &audit.Node{Path: "demo/.dylibs/libx.dylib", InWheel: true, Soname: "/DLC/libx.dylib"}
	core := &linkage.Image{File: &linkage.File{Path: "demo/_core.so", Universal: true}, Arch: "x86_64"}
	tried := []linkage.Place{{Dir: "/opt/lib", Rule: linkage.Rule{Kind: linkage.ByLCRPath, Text: "/opt/lib", Of: core}, Why: "arm64, not x86_64"}}
	needs := []audit.Need{
		{Name: "@rpath/libx.dylib", Status: "found", To: inner, Rule: "LC_RPATH @loader_path/.dylibs of demo/_core.so (arm64)"},
		{Name: "/usr/lib/libSystem.B.dylib", Status: "system", Rule: "part of macOS", System: "macOS"},
		{Name: "/opt/lib/libnew.dylib", Status: audit.StatusAbsent, Kind: "weak", Tried: tried},
		{Name: "/opt/lib/libleft.dylib", Status: "excluded", Kind: "reexport"},
	}
	arm := &audit.Node{Path: "demo/_core.so", InWheel: true, Universal: true, RPath: "@loader_path/.dylibs:/opt/lib", Needs: needs}
	intel := &audit.Node{Path: "demo/_core.so", InWheel: true, Universal: true, Needs: []audit.Need{{Name: "@rpath/libx.dylib", Status: "missing", Tried: tried}}}
	return &audit.Tree{
		Name: "demo-1.0-cp312-cp312-macosx_11_0_universal2.whl", Kind: audit.TreeOfWheel,
		Processes: []audit.Process{
			{Format: audit.MachO, System: "macOS", Arch: "arm64", Roots: []*audit.Node{arm}, Nodes: []*audit.Node{arm, inner}},
			{Format: audit.MachO, System: "macOS", Arch: "x86_64", Roots: []*audit.Node{intel}, Nodes: []*audit.Node{intel}},
		},
	}
}

// trees are a wheel with a diamond, a circle and what is left out, a program
// that lacks its interpreter and a library, and a directory of files that cannot
// be read.
func trees() []*audit.Tree {
	libc := &audit.Node{Path: "/usr/lib/libc.so.6", Found: "/lib/libc.so.6", Soname: "libc.so.6"}
	ring := &audit.Node{Path: "demo.libs/libring.so", InWheel: true, RPath: "$ORIGIN"}
	dep := &audit.Node{Path: "demo.libs/libdep.so", InWheel: true}
	core := &audit.Node{Path: "demo/_core.so", InWheel: true, RunPath: "$ORIGIN/../demo.libs"}
	found := func(name string, to *audit.Node, rule string) audit.Need {
		return audit.Need{Name: name, Status: "found", To: to, Rule: rule}
	}
	core.Needs = []audit.Need{found("libdep.so", dep, "DT_RUNPATH $ORIGIN/../demo.libs of demo/_core.so"), {Name: "libpython3.12.so.1.0", Status: "libpython"}, found("libc.so.6", libc, "default directory")}
	dep.Needs = []audit.Need{found("libring.so", ring, "in the wheel under this name"), found("libc.so.6", libc, "already loaded")}
	ring.Needs = []audit.Need{found("libdep.so", dep, "already loaded"), {Name: "libcuda.so.1", Status: "excluded"}}
	tried := []linkage.Place{{Dir: "/lib", Rule: linkage.Rule{Kind: linkage.ByDefault}, Why: "not there"}, {Dir: "/usr/lib", Rule: linkage.Rule{Kind: linkage.ByDefault}, Why: "i686, not aarch64"}}
	program := &audit.Node{
		Path: "bin/\"odd\" & \\name", Found: "bin/\"odd\" & \\name",
		Interp: &audit.Need{Name: "/lib/ld-linux-aarch64.so.1", Status: "missing", Tried: tried[:1]},
		Needs:  []audit.Need{{Name: "libgone.so.1", Status: "missing", Tried: tried}},
	}
	broken := &audit.Node{Path: "dir/tool", Found: "dir/tool", Static: true}
	return []*audit.Tree{
		{Name: "dist/demo-1.0-cp312-cp312-linux_x86_64.whl", Kind: audit.TreeOfWheel,
			Processes: []audit.Process{{Format: audit.ELF, Arch: "x86_64", Libc: "glibc", Roots: []*audit.Node{core}, Nodes: []*audit.Node{core, dep, libc, ring}}},
			Foreign:   []audit.Foreign{{Path: "demo/x.dylib", Kind: "Mach-O"}},
			Unlinked:  []audit.Foreign{{Path: "demo/kernel.o", Kind: "object file"}}},
		{Name: program.Path, Kind: audit.TreeOfFile,
			Processes: []audit.Process{{Format: audit.ELF, Arch: "aarch64", Libc: "glibc", Roots: []*audit.Node{program}, Nodes: []*audit.Node{program}}}},
		{Name: "dir", Kind: audit.TreeOfDirectory,
			Processes: []audit.Process{{Format: audit.ELF, Arch: "", Libc: "glibc", Roots: []*audit.Node{broken}, Nodes: []*audit.Node{broken}}},
			Damaged:   []audit.Damage{{Path: "dir/cut.so", Err: errors.New("offset 0x0: cut")}}},
	}
}

func TestTreeGolden(t *testing.T) {
	all := append(trees(), macTree())
	for i, name := range []string{"wheel", "file", "directory", "macos"} {
		var plain, color bytes.Buffer
		if err := errors.Join(report.WriteTree(&plain, all[i], report.Style{}), report.WriteTree(&color, all[i], report.Style{Color: true})); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".tree.txt", plain.String())
		golden(t, name+".tree-color.txt", color.String())
		golden(t, name+".tree.json", indented(t, report.NewTree(all[i])))
	}
	var dot bytes.Buffer
	// The members of two wheels are different files, the system's are the same.
	if err := report.WriteTreeDOT(&dot, append(all, all[0])); err != nil {
		t.Fatal(err)
	}
	golden(t, "all.tree.dot", dot.String())
}
