package audit_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// about lists the claims about a topic with their outcome and basis.
func about(p *audit.Proof, topic audit.Topic) []string {
	var out []string
	for _, c := range p.Claims {
		if c.Topic == topic {
			out = append(out, string(c.Outcome)+": "+c.Text+" ("+c.Basis+")")
		}
	}
	return out
}

// What was held to a tag, and what libraries were found, is told in full for each system.
func TestClaimsTellWhatWasHeld(t *testing.T) {
	const linux = "demo/_core.so elf x86_64 export=PyInit__core needed=libc.so.6,libx.so import=f@GLIBC_2.5:libc.so.6,g@GLIBC_2.17:libc.so.6 rpath=$ORIGIN\ndemo/libx.so elf x86_64 soname=libx.so needed=libc.so.6\n"
	for _, tt := range []struct {
		name, filename, spec string
		topic                audit.Topic
		want                 []string
	}{
		{"Linux", glibcWheel, linux, audit.TopicPlatform, []string{
			"holds: what manylinux_2_17_x86_64 promises is met (2 ELF files for x86_64, glibc, 2 symbol versions of 1 library)",
		}},
		{"no versions", glibcWheel, module("needed=libc.so.6"), audit.TopicPlatform, []string{
			"holds: what manylinux_2_17_x86_64 promises is met (1 ELF file for x86_64, glibc)",
		}},
		{"any system, with binaries of one", "demo-1.0-py3-none-any.whl", module("needed=libc.so.6"), audit.TopicPlatform, []string{
			"fails: the wheel runs on any platform (it holds 1 ELF file)",
		}},
		{"another system", macName("macosx_11_0_x86_64"), module("needed=libc.so.6"), audit.TopicPlatform, []string{
			"fails: what macosx_11_0_x86_64 promises is met (it holds 1 ELF file)",
		}},
		{"a file for one of two architectures", macName("macosx_11_0_universal2"), "demo/a.so macho arch=x86_64 minos=11.0 type=bundle arch=arm64 minos=11.0 type=bundle signed=adhoc\ndemo/b.dylib macho arch=x86_64 minos=11.0", audit.TopicPlatform, []string{
			"holds: what macosx_11_0_universal2 promises is met (2 Mach-O files with 3 slices for arm64, x86_64)",
			"unchecked: files for some of the architectures are asked for on those alone (the names are Python code's)",
		}},
		{"libraries of Linux", glibcWheel, linux, audit.TopicLibraries, []string{
			"holds: each needed library is found in the wheel or promised by the tag (1 in the wheel, 1 promised by manylinux_2_17_x86_64)",
		}},
		{"libraries of macOS", macName("macosx_11_0_arm64"), "demo/a.so macho arch=arm64 minos=11.0 type=bundle signed=adhoc loads=/usr/lib/libSystem.B.dylib,/usr/lib/libz.1.dylib,@loader_path/B.dylib\ndemo/b.dylib macho arch=arm64 minos=11.0 signed=adhoc", audit.TopicLibraries, []string{
			"unchecked: volumes do not tell upper from lower case (those that do not find these files)",
			"holds: each library that is loaded is found in the wheel or part of macOS (1 in the wheel, 2 of macOS)",
		}},
		{"names in the letters of the files", macName("macosx_11_0_arm64"), "demo/a.so macho arch=arm64 minos=11.0 type=bundle signed=adhoc loads=@loader_path/b.dylib\ndemo/b.dylib macho arch=arm64 minos=11.0 signed=adhoc", audit.TopicLibraries, []string{
			"holds: each library that is loaded is found in the wheel or part of macOS (1 in the wheel, 0 of macOS)",
		}},
		{"files of other systems in a wheel for Linux", glibcWheel, module("needed=libc.so.6") + `demo/a.dll raw "MZ"`, audit.TopicBinaries, []string{
			"unchecked: files in the formats of other systems are sound (only ELF files are read)",
			"holds: each ELF file can be read (1 ELF file)",
		}},
		{"in one for macOS", macName("macosx_11_0_arm64"), "demo/a.so macho arch=arm64 minos=11.0 type=bundle signed=adhoc\n" + `demo/a.dll raw "MZ"`, audit.TopicBinaries, []string{
			"unchecked: files in the formats of other systems are sound (only programs, libraries and bundles of macOS are read)",
			"holds: each Mach-O file can be read (1 Mach-O file with 1 slice for arm64)",
			"holds: dyld takes each Mach-O file (dyld's rules for the SDK that each slice was built with)",
		}},
		{"in a pure one", "demo-1.0-py3-none-any.whl", "demo/a.a raw \"!<arch>\\n\"", audit.TopicBinaries, []string{
			"unchecked: files in the formats of other systems are sound (only ELF, Mach-O and PE files are read)",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, about(verify(t, tt.filename, tt.spec, audit.VerifyOptions{}), tt.topic)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A wheel for a system that is not served is told with what it holds and what to do.
func TestUnservedTells(t *testing.T) {
	const ours = "wheelmend repairs Linux, Android, macOS and Windows wheels"
	for _, tt := range []struct {
		filename, spec, want string
		format               audit.Format
	}{
		{"demo-1.0-cp312-cp312-ios_13_0_arm64_iphoneos.whl", "demo/a.so macho arch=arm64 minos=13.0", "this is an iOS wheel, 1 Mach-O file for macOS; " + ours + "; nothing is copied into those after the build", audit.MachO},
		{"demo-1.0-cp312-cp312-freebsd_14_amd64.whl", "demo/a.so elf x86_64 osabi=9", "this is a FreeBSD wheel, 1 ELF file; " + ours, audit.ELF},
		{"demo-1.0-cp312-cp312-haiku_1_x86_64.whl", "demo/a.so elf x86_64", "this is a wheel for haiku, 1 binary; " + ours, audit.ELF},
		{linuxWheel, `demo/a.so elf x86_64` + "\n" + `demo/b.so macho arch=arm64`, "", audit.ELF},
	} {
		rep, _ := assess(t, tt.filename, tt.spec, "", audit.Options{})
		got := ""
		if rep.Unserved != nil {
			got = rep.Unserved.Error()
		}
		if got != tt.want || rep.Format != tt.format {
			t.Errorf("%s: format %s, %q\nwant %s, %q", tt.filename, rep.Format, got, tt.format, tt.want)
		}
	}
}

// What a repair goes by is the best that it can give, else the newest policy.
func TestTarget(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"what it can give", module("needed=libc.so.6 import=f@GLIBC_2.28:libc.so.6"), "manylinux_2_28"},
		{"the newest, if it can give none", module("needed=libgone.so"), "newest"},
	} {
		rep, _ := assess(t, linuxWheel, tt.spec, "", audit.Options{})
		want := rep.Verdicts[len(rep.Verdicts)-1].Policy.Name
		if tt.want != "newest" {
			want = tt.want
		}
		if got := rep.Target(); got == nil || got.Policy.Name != want {
			t.Errorf("%s: %+v, want %s", tt.name, got, want)
		}
	}
}

// The newest Android's libraries are the system's in a tree; others are missing.
func TestTreeLeavesLibrariesToAndroid(t *testing.T) {
	const name = "demo-1.0-cp313-cp313-android_24_arm64_v8a.whl"
	image, err := wheeltest.Build(name, "demo/a.so elf aarch64 needed=libc.so,liblog.so,libgone.so android=24")
	if err != nil {
		t.Fatal(err)
	}
	s, err := tree(t, name+" raw "+strconv.Quote(string(image)), name)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range s.Processes[0].Nodes[0].Needs {
		got = append(got, strings.TrimSpace(n.Name+" "+n.Status+" "+n.System))
	}
	want := []string{"libc.so " + linkage.System.String() + " Android", "liblog.so " + linkage.System.String() + " Android", "libgone.so missing"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A circle of libraries that no module loads is loaded all the same, by somebody.
func TestCirclesAreHeldToTheirSymbols(t *testing.T) {
	const circle = "demo/libx.so elf x86_64 soname=libx.so needed=liby.so rpath=$ORIGIN import=gone@Y_1:liby.so\ndemo/liby.so elf x86_64 soname=liby.so needed=libx.so rpath=$ORIGIN export=f@Y_1"
	runVerify(t, audit.Fails, []verifyCase{{"alone", glibcWheel, circle, "symbols: demo/libx.so: Y_1 of liby.so: demo/liby.so does not define it with this version (gone)"}})
}

// No file of a wheel for macOS is refused as one for Linux would be.
func TestRefusedIsAboutLinux(t *testing.T) {
	for _, tt := range []struct {
		filename, spec string
		want           int
	}{
		{linuxWheel, module() + "demo/fake.so text x", 1},
		{linuxWheel, module(), 0},
		{macName("macosx_11_0_arm64"), "demo/a.so macho arch=arm64 minos=11.0 type=bundle signed=adhoc\ndemo/fake.so text x", 0},
		{"demo-1.0-py3-none-any.whl", "demo/fake.so text x", 0},
		{"demo-1.0-cp312-cp312-freebsd_14_amd64.whl", "demo/a.so elf x86_64 osabi=9\ndemo/fake.so text x", 0},
	} {
		rep, _ := assess(t, tt.filename, strings.ReplaceAll(tt.spec, "text x", `text "x"`), "", audit.Options{})
		if got := rep.Refused(); len(got) != tt.want {
			t.Errorf("%s: refused %v, want %d", tt.filename, got, tt.want)
		}
	}
}
