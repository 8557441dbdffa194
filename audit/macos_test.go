package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// macName names a wheel of these platform tags.
func macName(platforms string) string { return "demo-1.0-cp312-cp312-" + platforms + ".whl" }

// mac returns a line of a wheel with one extension module.
func mac(name, words string) string { return "demo/" + name + " macho " + words + "\n" }

func TestMacOSTags(t *testing.T) {
	const intel, arm = "arch=x86_64 type=bundle minos=10.9", "arch=arm64 type=bundle minos=11.0"
	for _, tt := range []struct {
		name, platforms, wheel, libs string
		archs, tag, repaired         string
	}{
		{"as named", "macosx_11_0_arm64", mac("a.so", arm), "", "arm64", "macosx_11_0_arm64", "macosx_11_0_arm64"},
		{"minor versions of 11 and later round up", "macosx_11_0_arm64", mac("a.so", "arch=arm64 minos=11.3"), "", "arm64", "macosx_12_0_arm64", "macosx_12_0_arm64"},
		{"arm64 begins with 11.0", "macosx_11_0_arm64", mac("a.so", "arch=arm64 minos=10.15"), "", "arm64", "macosx_11_0_arm64", "macosx_11_0_arm64"},
		{"a tag is never lowered", "macosx_12_0_x86_64", mac("a.so", intel), "", "x86_64", "macosx_10_9_x86_64", "macosx_12_0_x86_64"},
		{"a tag that no installer asks for", "macosx_11_3_arm64", mac("a.so", arm), "", "arm64", "macosx_11_0_arm64", "macosx_12_0_arm64"},
		{"no version in the file", "macosx_10_12_x86_64", mac("a.so", "arch=x86_64"), "", "x86_64", "macosx_10_4_x86_64", "macosx_10_12_x86_64"},
		{"universal2 goes by x86_64", "macosx_10_9_universal2", mac("a.so", intel+" "+arm), "", "arm64 x86_64", "macosx_10_9_universal2", "macosx_10_9_universal2"},
		{"universal2 with a newer arm64 slice", "macosx_10_9_universal2", mac("a.so", intel+" arch=arm64 minos=12.0"), "", "arm64 x86_64", "macosx_12_0_universal2", "macosx_12_0_universal2"},
		{"universal2 with a newer x86_64 slice", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 minos=10.13 "+arm), "", "arm64 x86_64", "macosx_10_13_universal2", "macosx_10_13_universal2"},
		{"two tags", "macosx_10_9_x86_64.macosx_11_0_arm64", mac("a.so", "arch=x86_64 minos=10.13 "+arm), "", "arm64 x86_64", "macosx_10_13_universal2", "macosx_10_13_x86_64.macosx_11_0_arm64"},
		{"intel", "macosx_10_6_intel", mac("a.so", "arch=i386 minos=10.6 arch=x86_64 minos=10.6"), "", "i386 x86_64", "macosx_10_6_intel", "macosx_10_6_intel"},
		{"a slice more than the tag", "macosx_10_9_x86_64", mac("a.so", intel+" arch=arm64 minos=14.0"), "", "x86_64", "macosx_10_9_x86_64", "macosx_10_9_x86_64"},
		{"any becomes what it is", "any", mac("a.so", arm), "", "arm64", "macosx_11_0_arm64", "macosx_11_0_arm64"},
		{"a graft counts after the repair", "macosx_11_0_arm64", mac("a.so", arm+" loads=/opt/b.dylib"), "opt/b.dylib macho arch=arm64 id=/opt/b.dylib minos=13.1", "arm64", "macosx_11_0_arm64", "macosx_14_0_arm64"},
		{"not its slice for another architecture", "macosx_11_0_arm64", mac("a.so", arm+" loads=/opt/b.dylib"), "opt/b.dylib macho arch=arm64 minos=11.0 arch=x86_64 minos=14.0", "arm64", "macosx_11_0_arm64", "macosx_11_0_arm64"},
		{"a missing library", "macosx_11_0_arm64", mac("a.so", "arch=arm64 minos=12.0 loads=/opt/b.dylib"), "", "arm64", "macosx_12_0_arm64", "macosx_12_0_arm64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, _ := assess(t, macName(tt.platforms), tt.wheel, tt.libs, audit.Options{})
			if rep.Format != audit.MachO {
				t.Fatalf("format %q", rep.Format)
			}
			got := []string{strings.Join(rep.Archs, " "), rep.Tag(), rep.RepairableTag()}
			if diff := cmp.Diff([]string{tt.archs, tt.tag, tt.repaired}, got); diff != "" {
				t.Errorf("architectures, tag, repairable tag (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMacOSBlockers(t *testing.T) {
	const arm = "arch=arm64 type=bundle minos=11.0"
	for _, tt := range []struct {
		name, platforms, wheel, libs string
		opts                         audit.Options
		want                         []string
	}{
		{"none", "macosx_11_0_arm64", mac("a.so", arm+" loads=/usr/lib/libSystem.B.dylib,@loader_path/b.dylib,weak:/opt/gone.dylib") + mac("b.dylib", "arch=arm64 minos=11.0"), "", audit.Options{}, nil},
		{"a newer macOS", "macosx_11_0_arm64", mac("a.so", "arch=arm64 minos=12.3.1"), "", audit.Options{}, []string{
			"version demo/a.so arm64: it needs macOS 12.3.1 on arm64, the tag promises 11.0"}},
		{"the slice of a universal2 wheel", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 minos=10.13 "+arm), "", audit.Options{}, []string{
			"version demo/a.so x86_64: it needs macOS 10.13 on x86_64, the tag promises 10.9"}},
		{"a thin file in a universal2 wheel", "macosx_10_9_universal2", mac("a.so", arm), "", audit.Options{}, []string{
			"architecture demo/a.so x86_64: it has no slice for x86_64, only for arm64; build it for arm64 and x86_64"}},
		{"the same, allowed", "macosx_10_9_universal2", mac("a.so", arm), "", audit.Options{MacOS: audit.MacOptions{RequireArchs: []string{"arm64"}}}, nil},
		{"another architecture", "macosx_11_0_arm64", mac("a.so", "arch=x86_64"), "", audit.Options{}, []string{
			"architecture demo/a.so arm64: it has no slice for arm64, only for x86_64; build it for arm64"}},
		{"a library from outside", "macosx_11_0_arm64", mac("a.so", arm+" loads=/opt/b.dylib"), "opt/b.dylib macho arch=arm64 minos=12.0 loads=@loader_path/c.dylib", audit.Options{}, []string{
			"version ROOT/opt/b.dylib arm64: it needs macOS 12.0 on arm64, the tag promises 11.0",
			"missing ROOT/opt/b.dylib: @loader_path/c.dylib was not found; searched ROOT/opt (install name @loader_path/c.dylib), ROOT/usr/local/lib (dyld's fallback /usr/local/lib)",
			"library demo/a.so: /opt/b.dylib is not part of macOS"}},
		{"a thin library for a universal2 wheel", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 loads=@rpath/b.dylib rpaths=/opt/lib arch=arm64 loads=@rpath/b.dylib rpaths=/opt/lib"), "opt/lib/b.dylib macho arch=x86_64", audit.Options{}, []string{
			"missing demo/a.so arm64: its arm64 slice: @rpath/b.dylib was not found; searched ROOT/opt/lib (LC_RPATH /opt/lib of demo/a.so (arm64): x86_64, not arm64), ROOT/usr/local/lib (dyld's fallback /usr/local/lib)",
			"library demo/a.so x86_64: @rpath/b.dylib is not part of macOS"}},
		{"a library for one slice alone", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 loads=@loader_path/b.dylib arch=arm64") + mac("b.dylib", "arch=x86_64"), "", audit.Options{}, nil},
		{"the same, when the other slice loads it too", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 loads=@loader_path/b.dylib arch=arm64 loads=@loader_path/b.dylib") + mac("b.dylib", "arch=x86_64"), "", audit.Options{}, []string{
			"missing demo/a.so arm64: its arm64 slice: @loader_path/b.dylib was not found; searched demo (install name @loader_path/b.dylib: x86_64, not arm64), ROOT/usr/local/lib (dyld's fallback /usr/local/lib)"}},
		{"helpers for one architecture each", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 arch=arm64") + mac("h_x86_64.dylib", "arch=x86_64") + mac("h_arm64.dylib", "arch=arm64") + mac("tool", "arch=x86_64 type=execute"), "", audit.Options{}, nil},
		{"a module for one architecture is no helper", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 arch=arm64") + mac("b.so", "arch=x86_64"), "", audit.Options{}, []string{
			"architecture demo/b.so arm64: it has no slice for arm64, only for x86_64; build it for arm64 and x86_64"}},
		{"nor is a library that nothing stands beside", "macosx_10_9_universal2", mac("b.dylib", "arch=x86_64"), "", audit.Options{}, []string{
			"architecture demo/b.dylib arm64: it has no slice for arm64, only for x86_64; build it for arm64 and x86_64"}},
		{"what is not asked for", "macosx_10_9_universal2", mac("a.so", "arch=x86_64 loads=/opt/i.dylib arch=arm64 loads=/opt/m.dylib"), "opt/i.dylib macho arch=x86_64", audit.Options{MacOS: audit.MacOptions{RequireArchs: []string{"x86_64"}}}, []string{
			"library demo/a.so x86_64: /opt/i.dylib is not part of macOS"}},
		{"no name leads to a library of the wheel", "macosx_11_0_arm64", mac("a.so", arm+" loads=libb.dylib,@rpath/libc.dylib,@rpath/libd.dylib") + mac("libb.dylib", "arch=arm64") + mac("x/libc.dylib", "arch=arm64 id=@rpath/libc.dylib") + mac("libd.dylib", "arch=arm64 id=@rpath/libd.dylib") + mac("o.so", arm+" loads=@loader_path/libd.dylib"), "", audit.Options{}, []string{
			"library demo/a.so: libb.dylib does not lead to demo/libb.dylib of the wheel",
			"library demo/a.so: @rpath/libc.dylib does not lead to demo/x/libc.dylib of the wheel"}},
		{"Python of the build machine", "macosx_11_0_arm64", mac("a.so", arm+" loads=/opt/Python.framework/Versions/3.12/Python,weak:@rpath/libpython3.12.dylib") + mac("tool", "arch=arm64 type=execute loads=@rpath/libpython3.12.dylib"), "", audit.Options{}, []string{
			"library demo/a.so: /opt/Python.framework/Versions/3.12/Python is Python of the machine that built it",
			"missing demo/tool: a program that needs @rpath/libpython3.12.dylib cannot be made portable"}},
		{"left out", "macosx_11_0_arm64", mac("a.so", arm+" loads=/opt/b.dylib"), "", audit.Options{Options: linkage.Options{Exclude: []string{"b.dyl*"}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, root := assess(t, macName(tt.platforms), tt.wheel, tt.libs, tt.opts)
			var got []string
			repairable := true
			for _, b := range rep.Verdicts[0].Blockers {
				file := b.File
				if b.Arch != "" {
					file += " " + b.Arch
				}
				got = append(got, fmt.Sprintf("%s %s: %s", b.Kind, file, b.Reason))
				repairable = repairable && (b.Kind == audit.KindVersion || b.Kind == audit.KindLibrary)
				if b.Tag != tt.platforms {
					t.Errorf("the blocker is for %s", b.Tag)
				}
			}
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], root, "ROOT")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("blockers (-want +got):\n%s", diff)
			}
			if rep.Verdicts[0].Repairable() != repairable {
				t.Errorf("repairable: %v", rep.Verdicts[0].Repairable())
			}
		})
	}
}

// judge holds a wheel to a tag.
func judge(t *testing.T, rep *audit.Report, tag string) *audit.Verdict {
	t.Helper()
	p, err := policy.ParsePlatform(tag)
	if err != nil {
		t.Fatal(err)
	}
	v := rep.Judge(p)
	return &v
}

func TestMacOSMeets(t *testing.T) {
	rep, _ := assess(t, macName("macosx_10_9_universal2"), mac("a.so", "arch=x86_64 minos=10.13 arch=arm64 minos=11.0"), "", audit.Options{})
	for tag, want := range map[string]bool{
		"macosx_10_13_universal2": true, "macosx_10_9_universal2": false, "macosx_10_13_x86_64": true, "macosx_10_12_x86_64": false,
		"macosx_11_0_arm64": true, "macosx_10_6_intel": false, "macosx_14_0_i386": false, "manylinux_2_28_x86_64": false,
	} {
		if got := judge(t, rep, tag).Meets(); got != want {
			t.Errorf("%s: %v", tag, got)
		}
	}
}

// A tag for other architectures than those of the name is held to their slices.
func TestMacOSJudge(t *testing.T) {
	rep, _ := assess(t, macName("macosx_10_9_x86_64"), mac("a.so", "arch=x86_64 minos=10.9 arch=arm64 minos=12.0 loads=/opt/gone.dylib"), "", audit.Options{})
	for tag, want := range map[string][]audit.Kind{
		"macosx_10_9_x86_64":     nil,
		"macosx_12_0_arm64":      {audit.KindMissing},
		"macosx_11_0_universal2": {audit.KindVersion, audit.KindMissing},
		"macosx_10_9_intel":      {audit.KindArchitecture},
	} {
		var got []audit.Kind
		for _, b := range judge(t, rep, tag).Blockers {
			if b.Tag != tag || b.File != "demo/a.so" {
				t.Errorf("%s: blocker %+v", tag, b)
			}
			got = append(got, b.Kind)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tag, got, want)
		}
	}
}

// A load command that an old dyld does not know asks for a newer macOS than the slice
// says.
func TestMacOSLoadCommandsAskForMacOS(t *testing.T) {
	content, err := os.ReadFile("../macho/testdata/lld19-x86_64-chained.so")
	if err != nil {
		t.Fatal(err)
	}
	old := []byte{0x32, 0, 0, 0, 0x20, 0, 0, 0, 1, 0, 0, 0} // LC_BUILD_VERSION of macOS, with one tool
	at := bytes.Index(content, old)
	if at < 0 {
		t.Fatal("no LC_BUILD_VERSION")
	}
	copy(content[at+len(old):], []byte{0, 13, 10, 0}) // 10.13
	rep, _ := assess(t, macName("macosx_10_13_x86_64"), fmt.Sprintf("demo/a.so raw %q", content), "", audit.Options{})
	const want = "it needs macOS 11.0 on x86_64, which knows its LC_DYLD_CHAINED_FIXUPS, the tag promises 10.13"
	if got := rep.RepairableTag(); got != "macosx_11_0_x86_64" || len(rep.Verdicts[0].Blockers) == 0 || rep.Verdicts[0].Blockers[0].Reason != want {
		t.Errorf("%s: %+v", got, rep.Verdicts[0].Blockers)
	}
}

// A library that several files load comes in once, and two that load each other end.
func TestMacOSGraftsAreFoundOnce(t *testing.T) {
	rep, root := assess(t, macName("macosx_11_0_arm64"),
		mac("a.so", "arch=arm64 loads=/opt/x.dylib")+mac("b.so", "arch=arm64 loads=/opt/y.dylib,/opt/x.dylib"),
		"opt/x.dylib macho arch=arm64 loads=/opt/y.dylib\nopt/y.dylib macho arch=arm64 loads=/opt/z.dylib\nopt/z.dylib macho arch=arm64 loads=/usr/lib/libSystem.B.dylib", audit.Options{})
	var got []string
	for _, f := range rep.BestRepairable().Grafts {
		got = append(got, strings.TrimPrefix(f.Path, root))
	}
	if diff := cmp.Diff([]string{"/opt/x.dylib", "/opt/y.dylib", "/opt/z.dylib"}, got); diff != "" {
		t.Errorf("grafts (-want +got):\n%s", diff)
	}
}
