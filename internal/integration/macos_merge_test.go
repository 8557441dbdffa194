//go:build integration

package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMergeNumpy makes a universal2 wheel of the two that numpy publishes. They
// differ in two generated files, which somebody has to look at.
func TestMergeNumpy(t *testing.T) {
	halves := map[string]string{}
	for arch, name := range map[string]string{"x86_64": "macosx_10_13_x86_64", "arm64": "macosx_11_0_arm64"} {
		halves[arch] = repair(t, cached(t, "macos", "numpy-2.5.5-cp312-cp312-"+name+".whl"))
	}
	out := t.TempDir()
	refused := wheelmend(t, "merge", "-w", out, halves["x86_64"], halves["arm64"])
	const differing = "no code that can be joined: numpy/__config__.py, numpy/_core/include/numpy/_numpyconfig.h;"
	if refused.code != 1 || !strings.Contains(refused.stderr, differing) || len(filesIn(t, out)) > 0 {
		t.Fatalf("exit %d, left %q, said %q, want 1, nothing and %q", refused.code, filesIn(t, out), refused.stderr, differing)
	}
	wheelmend(t, "merge", "--prefer", "second", "-w", out, halves["x86_64"], halves["arm64"]).must(t)
	const name = "numpy-2.5.5-cp312-cp312-macosx_10_13_universal2.whl"
	if files := filesIn(t, out); len(files) != 1 || files[0] != name {
		t.Fatalf("left %q, want %s", files, name)
	}
	merged := filepath.Join(out, name)
	checkContainer(t, merged)
	wheelmend(t, "verify", merged).must(t)
	intel, arm, both := members(t, halves["x86_64"]), members(t, halves["arm64"]), members(t, merged)
	joined, equal := 0, 0
	for name, content := range both {
		switch {
		case strings.HasSuffix(name, ".dist-info/RECORD"):
		case strings.HasSuffix(name, ".dist-info/WHEEL"):
			if want := "Tag: cp312-cp312-macosx_10_13_universal2\n"; !strings.Contains(string(content), want) || strings.Count(string(content), "Tag:") != 1 {
				t.Errorf("WHEEL says\n%s", content)
			}
		case strings.HasSuffix(name, ".so"), isDylib(name):
			joined++
			apart := thin(t, writeFile(t, "joined.so", content))
			if len(apart) != 2 || !bytes.Equal(apart["x86_64"], intel[name]) || !bytes.Equal(apart["arm64"], arm[name]) {
				t.Errorf("%s is not made of the two files", name)
			}
		case bytes.Equal(intel[name], arm[name]):
			equal++
			if !bytes.Equal(content, arm[name]) {
				t.Errorf("%s is the same in both wheels, and another in the result", name)
			}
		case intel[name] != nil && arm[name] != nil && !strings.HasSuffix(name, ".a") && !bytes.Equal(content, arm[name]):
			t.Errorf("%s is not that of the second wheel", name)
		}
	}
	if joined < 15 || equal < 800 {
		t.Errorf("%d libraries and modules joined, %d files equal", joined, equal)
	}
}

// TestMergedWheelRuns joins two wheels that were repaired, each with a library of
// its own, and runs the slices of the result.
func TestMergedWheelRuns(t *testing.T) {
	var halves []string
	for _, arch := range []string{"arm64", "x86_64"} {
		root, wheel := macSystem(t, arch, "zig-ARCH-nopad.so")
		halves = append(halves, repair(t, wheel, "--sysroot", root))
	}
	out := t.TempDir()
	wheelmend(t, append([]string{"merge", "-w", out}, halves...)...).must(t)
	merged := filepath.Join(out, filesIn(t, out)[0])
	checkContainer(t, merged)
	wheelmend(t, "verify", merged).must(t)
	inside := members(t, merged)
	module := thin(t, writeFile(t, "mod.so", inside["made/mod.so"]))
	library := thin(t, writeFile(t, "libdep.dylib", inside["made/.dylibs/libdep.1.0.dylib"]))
	for _, arch := range []string{"arm64", "x86_64"} {
		files := []string{writeFile(t, "mod.so", module[arch]), writeFile(t, "libdep.1.0.dylib", library[arch])}
		machoScript(t, "check_image.py", files...)
		if got := machoScript(t, "run_image.py", append([]string{"mod_value"}, files...)...); got != "83\n" {
			t.Errorf("%s: mod_value is %q, want 83", arch, got)
		}
	}
	// Whichever is named first, and after another repair, it is the same.
	again := t.TempDir()
	wheelmend(t, "merge", "-w", again, halves[1], halves[0]).must(t)
	sameBytes(t, filepath.Join(again, filesIn(t, again)[0]), merged)
	sameBytes(t, repair(t, merged), merged)
	if boms := inFolder(inside, "/sboms"); len(boms) != 2 {
		t.Errorf("bills of materials: %q, want one for each architecture", boms)
	}
}

// TestTagRealWheels gives published wheels other tags: true ones alone, and nothing
// but the tags changes.
func TestTagRealWheels(t *testing.T) {
	const (
		bcrypt   = "bcrypt-5.0.0-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
		lxml     = "lxml-6.1.3-cp312-cp312-macosx_10_13_x86_64.whl"
		protobuf = "protobuf-7.36.2-cp310-abi3-macosx_10_9_universal2.whl"
	)
	for _, tt := range []struct {
		name, folder, wheel string
		flags               []string
		want                string // platform tags, or the beginning of the reason why not
	}{
		{"the best is there already", "corpus", bcrypt, nil, "manylinux2014_x86_64.manylinux_2_17_x86_64"},
		{"one more", "corpus", bcrypt, []string{"--plat", "manylinux_2_34_x86_64"}, "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_34_x86_64"},
		{"another one alone", "corpus", bcrypt, []string{"--replace", "--plat", "manylinux_2_28"}, "manylinux_2_28_x86_64"},
		{"one that is not true", "corpus", bcrypt, []string{"--plat", "manylinux_2_12_x86_64"}, "!does not meet manylinux_2_12_x86_64: bcrypt/_bcrypt.abi3.so: "},
		{"another macOS", "macos", lxml, []string{"--replace", "--plat", "macosx_14_0_x86_64"}, "macosx_14_0_x86_64"},
		{"an older macOS than it runs on", "macos", lxml, []string{"--plat", "macosx_10_9_x86_64"}, "!does not meet macosx_10_9_x86_64: lxml/_elementpath.cpython-312-darwin.so: it needs macOS 10.13"},
		{"a tag that was not true", "macos", protobuf, nil, "macosx_12_0_universal2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, out := cached(t, tt.folder, tt.wheel), t.TempDir()
			r := wheelmend(t, append(append([]string{"tag", "-w", out}, tt.flags...), before)...)
			if reason, refused := strings.CutPrefix(tt.want, "!"); refused {
				if files := filesIn(t, out); r.code != 1 || len(files) > 0 || !strings.Contains(r.stderr, reason) {
					t.Errorf("exit %d, left %q, said %q; want 1, nothing and %q", r.code, files, r.stderr, reason)
				}
				return
			}
			r.must(t)
			stem := tt.wheel[:strings.LastIndexByte(tt.wheel, '-')+1]
			after := filepath.Join(out, stem+tt.want+".whl")
			if _, err := os.Stat(after); err != nil {
				t.Fatalf("left %q, want %s", filesIn(t, out), tt.want)
			}
			checkContainer(t, after)
			checkSameMembers(t, before, after)
		})
	}
}

// checkSameMembers compares the members of two wheels, but for WHEEL and RECORD.
func checkSameMembers(t *testing.T, before, after string) {
	t.Helper()
	was, is := members(t, before), members(t, after)
	for name, content := range was {
		if tagged := strings.HasSuffix(name, ".dist-info/WHEEL") || strings.HasSuffix(name, ".dist-info/RECORD"); !tagged && !bytes.Equal(is[name], content) {
			t.Errorf("%s has changed", name)
		}
	}
	if len(was) != len(is) {
		t.Errorf("%d members, were %d", len(is), len(was))
	}
}
