package audit_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/machotest"
)

// lied builds an image and lets change at it; it returns the words for its content.
func lied(t *testing.T, text string, change func(le binary.ByteOrder, b []byte)) string {
	t.Helper()
	spec, err := machotest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b := machotest.Build(spec)
	change(binary.LittleEndian, b)
	return "raw " + strconv.Quote(string(b))
}

// What dyld and the kernel refuse is found, with the place of it.
func TestVerifyWhatDyldRefuses(t *testing.T) {
	const (
		intel   = "arch=x86_64 type=bundle minos=10.9"
		new26   = "arch=x86_64 type=bundle minos=10.9 sdk=26.0 loads=" + libSystem
		text    = 32           // __TEXT, the first load command
		section = text + 72    // its section
		link    = section + 80 // __LINKEDIT
		prot    = 60           // initprot of a segment
	)
	set := func(values ...uint32) func(binary.ByteOrder, []byte) { // offset, value, ...
		return func(le binary.ByteOrder, b []byte) {
			for i := 0; i < len(values); i += 2 {
				le.PutUint32(b[values[i]:], values[i+1])
			}
		}
	}
	for _, tt := range []struct{ name, spec, want string }{
		{"load commands over the code", lied(t, intel+" pad=0", set(section+48, 0x100)), "demo/a.so: offset 0x14: the load commands end at 0x"},
		{"segments that share addresses", lied(t, intel, set(link+24, 0x800)), `demo/a.so: offset 0xb8: segments "__TEXT" and "__LINKEDIT" share addresses`},
		{"segments that share bytes", lied(t, intel, set(link+40, 0xff0)), `demo/a.so: offset 0xb8: segments "__TEXT" and "__LINKEDIT" share bytes of the file`},
		{"a slice that is not aligned as it says", lied(t, intel+" arch=i386 type=bundle minos=10.9", func(_ binary.ByteOrder, b []byte) {
			binary.BigEndian.PutUint32(b[8+16:], 15)
		}), "demo/a.so (x86_64): offset 0x8: the slice begins at 0x4000, which is no multiple of 2^15"},
		{"a slice that is not aligned to pages", lied(t, intel+" arch=i386 type=bundle minos=10.9", func(_ binary.ByteOrder, b []byte) {
			off := binary.BigEndian.Uint32(b[28+8:])
			copy(b[off-16:], b[off:])
			binary.BigEndian.PutUint32(b[28+8:], off-16)
			binary.BigEndian.PutUint32(b[28+16:], 4)
		}), "demo/a.so (i386): offset 0x1c: the slice begins at 0x7ff0, which is no multiple of a page (0x1000 bytes)"},
		{"__TEXT without the header", lied(t, intel, set(text+40, 0x10, section+48, 0x390)), "__TEXT begins at 0x10, not with the header"},
		{"no __TEXT", lied(t, intel, set(text+8, 0x5a5a5f5f)), "demo/a.so: offset 0x14: there is no segment __TEXT"},
		{"writable code", lied(t, "arch=x86_64 type=bundle minos=10.15", set(text+prot, 7)), "demo/a.so: offset 0x20: the protection of __TEXT is 0x7, not r-x"},
		{"writable tables", lied(t, "arch=x86_64 type=bundle minos=10.11", set(link+prot, 3)), "demo/a.so: offset 0xb8: the protection of __LINKEDIT is 0x3, not r--"},
		{"a section in front of its segment", lied(t, intel, set(text+24, 0x1000, link+24, 0x4000)), `demo/a.so: offset 0x20: section "__TEXT,__text" has the address 0x`},
		{"one segment twice", lied(t, new26, set(link+8, 0x45545f5f, link+12, 0x5458, link+16, 0)), `a second segment "__TEXT"`},
		{"an unknown command that is required", lied(t, new26, set(link+72, 0x800000f0)), "demo/a.so: offset 0x100: load command 0x800000f0 is marked as one that dyld has to understand"},
		{"a library twice", "macho " + new26 + ",reexport:" + libSystem, `"/usr/lib/libSystem.B.dylib" is loaded twice, which dyld refuses in an image of SDK 26.0`},
		{"a search path twice", "macho " + new26 + " rpaths=@loader_path,/usr/lib,@loader_path", `LC_RPATH "@loader_path" is there twice, which dyld refuses in an image of SDK 26.0`},
		{"no UUID", "macho " + new26 + " uuid=none", "demo/a.so: offset 0x20: there is no LC_UUID, which dyld asks of an image of SDK 26.0"},
		{"nothing that is loaded", "macho arch=x86_64 type=bundle minos=10.9 sdk=15.4", "demo/a.so: offset 0x20: it loads no library, and dyld asks an image of SDK 15.4 to load libSystem at least"},
		{"an install name of a bundle", "macho " + intel + " id=a.so", "LC_ID_DYLIB, which only a library may have, in a MH_BUNDLE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := verify(t, "demo-1.0-cp312-cp312-macosx_10_15_x86_64.whl", "demo/a.so "+tt.spec, audit.VerifyOptions{})
			var failed []string
			for _, c := range p.Failed() {
				for i := range c.Faults {
					failed = append(failed, fmt.Sprintf("%s: %s", c.Topic, &c.Faults[i]))
				}
			}
			all := strings.Join(failed, "\n")
			if len(failed) == 0 || strings.Count(all, "binaries: demo/a.so") != len(failed) || !strings.Contains(all, tt.want) {
				t.Errorf("got %q, want %q", failed, tt.want)
			}
		})
	}
}

// Older SDKs are not asked for what came later.
func TestVerifyOlderSDKs(t *testing.T) {
	for _, spec := range []string{
		"arch=arm64 type=bundle minos=11.0 sdk=14.5 signed=adhoc loads=/usr/lib/libz.1.dylib,/usr/lib/libz.1.dylib rpaths=@loader_path,@loader_path",
		"arch=arm64 type=bundle minos=11.0 sdk=11.3 signed=adhoc uuid=none",
		"arch=arm64 type=bundle minos=11.0 sdk=26.0 signed=adhoc loads=" + libSystem + " dwarf=5000",
	} {
		p := verify(t, armWheel, "demo/a.so macho "+spec, audit.VerifyOptions{})
		if failed := p.Failed(); len(failed) > 0 {
			t.Errorf("%s: %s: %v", spec, failed[0].Text, failed[0].Faults)
		}
	}
}

func TestVerifyProgramsLoadTheirLibraries(t *testing.T) {
	const program, reason = "demo/tool macho arch=arm64 type=execute minos=11.0 signed=hardened loads=", "it is signed with the hardened runtime or library validation"
	for _, tt := range []struct {
		name, spec string
		fails      bool
	}{
		{"a library that nobody signed", program + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=adhoc", true},
		{"one of a team", program + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=certificate", false},
		{"macOS's alone", program + libSystem, false},
		{"no hardened runtime", strings.Replace(program, "hardened", "certificate", 1) + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=adhoc", false},
	} {
		p := verify(t, armWheel, tt.spec, audit.VerifyOptions{})
		failed := p.Failed()
		if tt.fails != (len(failed) == 1 && failed[0].Topic == audit.TopicSignatures && strings.Contains(failed[0].Faults[0].Reason, reason)) || !tt.fails && len(failed) > 0 {
			t.Errorf("%s: %v", tt.name, failed)
		}
	}
}

// Chained fixups are unknown to dyld before macOS 11, whatever a file says of itself.
func TestFixupsNeedANewerMacOS(t *testing.T) {
	b, err := os.ReadFile("../macho/testdata/lld19-x86_64-chained.so")
	if err != nil {
		t.Fatal(err)
	}
	const build = "\x32\x00\x00\x00\x20\x00\x00\x00\x01\x00\x00\x00" // LC_BUILD_VERSION with one tool, for macOS
	at := strings.Index(string(b), build)
	if at < 0 {
		t.Fatal("no LC_BUILD_VERSION")
	}
	binary.LittleEndian.PutUint32(b[at+len(build):], 10<<16|13<<8)
	rep, _ := assess(t, macName("macosx_10_13_x86_64"), "demo/a.so raw "+strconv.Quote(string(b)), "", audit.Options{})
	var told []string
	for _, b := range rep.Verdicts[0].Blockers {
		if b.Kind == audit.KindVersion {
			told = append(told, b.Reason)
		}
	}
	want := "it needs macOS 11.0 on x86_64, which knows its LC_DYLD_CHAINED_FIXUPS, the tag promises 10.13"
	if len(told) != 1 || told[0] != want || rep.RepairableTag() != "macosx_11_0_x86_64" {
		t.Errorf("told %q, repairable tag %s", told, rep.RepairableTag())
	}
}
