package repair_test

import (
	"context"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/repair"
)

// dylibs returns what a repaired wheel has in the folder of grafted libraries, digests
// in the names left out, and what its module loads from there.
func dylibs(t *testing.T, w *world) (members, loads []string) {
	t.Helper()
	plan := w.plan(t, repair.Options{})
	short := func(name string) string {
		for _, g := range plan.Grafts {
			name = strings.ReplaceAll(name, g.SHA256[:8], "DIGEST")
		}
		return name
	}
	out := w.repair(t, repair.Options{})
	for name := range contents(t, out) {
		if strings.HasPrefix(name, "demo/.dylibs/") {
			members = append(members, short(path.Base(name)))
		}
	}
	slices.Sort(members)
	for _, line := range machOs(t, out) {
		if words := strings.Fields(line); words[0] == "demo/a.so" {
			for _, name := range words[2:] {
				loads = append(loads, short(path.Base(name)))
			}
		}
	}
	return members, loads
}

// Names that differ in case alone are one to macOS: no graft may land on another file.
func TestMacOSNamesThatDifferInCase(t *testing.T) {
	const x = "opt/libx.dylib macho arch=arm64 minos=11.0\n"
	for _, tt := range []struct {
		name, wheel, system string
		members, loads      []string
	}{
		{"a member of the wheel", "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libx.dylib\ndemo/.dylibs/LIBX.dylib text \"mine\"", x,
			[]string{"LIBX.dylib", "libx-DIGEST.dylib"}, []string{"libx-DIGEST.dylib"}},
		{"its folder in capitals", "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libx.dylib\ndemo/.DYLIBS/libx.dylib text \"mine\"", x,
			[]string{"libx-DIGEST.dylib"}, []string{"libx-DIGEST.dylib"}},
		{"two libraries", "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libx.dylib,/usr/local/LibX.dylib", x + "usr/local/LibX.dylib macho arch=arm64 minos=11.0 size=80",
			[]string{"LibX-DIGEST.dylib", "libx-DIGEST.dylib"}, []string{"libx-DIGEST.dylib", "LibX-DIGEST.dylib"}},
		{"two spellings of one library", "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libx.dylib,/usr/local/LibX.dylib", x + "usr/local/LibX.dylib macho arch=arm64 minos=11.0",
			[]string{"libx.dylib"}, []string{"libx.dylib"}},
		{"capitals alone", "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/LibX.dylib", "opt/LibX.dylib macho arch=arm64 minos=11.0",
			[]string{"LibX.dylib"}, []string{"LibX.dylib"}},
		{"nothing of the kind", "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libx.dylib\ndemo/.dylibs/LIBX.dylib.txt text \"mine\"", x,
			[]string{"LIBX.dylib.txt", "libx.dylib"}, []string{"libx.dylib"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			members, loads := dylibs(t, newWorld(t, macWheel, pkg+tt.wheel, tt.system))
			if diff := cmp.Diff(tt.members, members); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.loads, loads); diff != "" {
				t.Errorf("loads (-want +got):\n%s", diff)
			}
		})
	}
}

// So they are in a merged wheel, where each half has one of them.
func TestMergeOfNamesThatDifferInCase(t *testing.T) {
	_, err := merge(t, "macosx_10_9_x86_64", pkg+"demo/Data.txt text \"1\"\ndemo/a.so macho arch=x86_64", "macosx_11_0_arm64", pkg+"demo/data.txt text \"1\"\ndemo/a.so macho arch=arm64", repair.MergeOptions{})
	if err == nil || !strings.Contains(err.Error(), "demo/Data.txt and demo/data.txt differ only in upper and lower case") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// A graft that lies in the wheel already, under the name with its digest, is not
// written a second time.
func TestGraftThatTheWheelHolds(t *testing.T) {
	system := lib("libx.so.1")
	w := newWorld(t, linuxWheel, module("needed=libx.so.1"), system)
	grafts := w.plan(t, repair.Options{}).Grafts
	if len(grafts) != 1 {
		t.Fatalf("grafts %+v, want one", grafts)
	}
	held := grafts[0].Member
	if w.repair(t, repair.Options{}) == "" {
		t.Fatal("no wheel")
	}
	w = newWorld(t, linuxWheel, module("needed=libx.so.1")+held+" elf x86_64 soname="+path.Base(held)+" needed=libc.so.6", system)
	if grafts := w.plan(t, repair.Options{}).Grafts; len(grafts) != 0 {
		t.Errorf("grafts %+v, want none beside the member of that name", grafts)
	}
	rep := report(t, w.repair(t, repair.Options{}))
	if rep.Tag() != "manylinux_2_5_x86_64" {
		t.Errorf("tag %s: %v", rep.Tag(), rep.Blockers())
	}
}

// The name of a file may become the identifier of its signature, so that two libraries
// of the same bytes are not the same graft.
func TestSharedMachOGraftsKeepTheirNames(t *testing.T) {
	const library = " macho arch=arm64 minos=11.0 rpaths=/opt/none,/opt/gone"
	w := newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libone.1.2.dylib",
		"opt/libone.1.2.dylib"+library+"\nopt/libother.3.4.dylib"+library)
	other := w.write(t, "other-2.0-py3-none-macosx_11_0_arm64.whl", "other/__init__.py text \"\"\nother/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libother.3.4.dylib")
	r, dir := w.repairer(t, repair.Options{}), t.TempDir()
	var shared string
	for _, path := range []string{w.wheel, other} {
		result, err := r.Repair(context.Background(), path, dir)
		if err != nil {
			t.Fatal(err)
		}
		shared = result.Path
	}
	w.wheel = other
	sameFile(t, w.repair(t, repair.Options{}), shared)
	if content := contents(t, shared)["other/.dylibs/libother.3.4.dylib"]; !strings.Contains(content, "libother.3\x00") || strings.Contains(content, "libone") {
		t.Error("the signature does not have the name of its library")
	}
}

// Tags have no room for what a damaged file may say of the macOS that it needs.
func TestMacOSThatThereIsNot(t *testing.T) {
	for _, tt := range []struct{ minos, platform, want string }{
		{"999.0", "macosx_999_0_arm64", ""},
		{"1000.0", "", "demo/a.so says that its arm64 code needs macOS 1000.0, which there is not; it looks damaged"},
		{"65535.0", "", "needs macOS 65535.0, which there is not"},
	} {
		w := newWorld(t, macWheel, pkg+"demo/a.so macho arch=arm64 type=bundle sdk=11.0 minos="+tt.minos, "")
		result, err := w.repairer(t, repair.Options{}).Plan(context.Background(), w.wheel)
		switch {
		case tt.want == "" && (err != nil || !strings.Contains(result.Plan.Output, tt.platform)):
			t.Errorf("minos %s: %v, want a wheel for %s", tt.minos, err, tt.platform)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("minos %s: %v, want %q", tt.minos, err, tt.want)
		}
	}
}
