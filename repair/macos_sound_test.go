package repair_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/repair"
)

// image builds a Mach-O file and lets change at it; it returns the words for its content.
func image(t *testing.T, spec string, change func([]byte)) string {
	t.Helper()
	s, err := machotest.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	b := machotest.Build(s)
	if change != nil {
		change(b)
	}
	return fmt.Sprintf("raw %q", b)
}

// stale changes a byte of the code behind the back of its signature.
func stale(b []byte) { b[len(b)/8] ^= 0x55 }

// misaligned moves the second slice of a fat file by 16 bytes, where its fat header now
// says that it lies.
func misaligned(b []byte) {
	off := binary.BigEndian.Uint32(b[28+8:])
	copy(b[off-16:], b[off:])
	binary.BigEndian.PutUint32(b[28+8:], off-16)
}

// sliceOf reads one slice of a repaired file.
func sliceOf(t *testing.T, files map[string]string, name, arch string) *macho.Slice {
	t.Helper()
	f, err := macho.NewFile(strings.NewReader(files[name]), int64(len(files[name])))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if faults := f.Faults(); len(faults) > 0 {
		t.Errorf("%s: %v", name, &faults[0].FormatError)
	}
	return f.Slice(arch)
}

// What dyld or the kernel would refuse is mended where an edit can, also in files that
// nothing else is done to.
func TestMacOSFilesAreMended(t *testing.T) {
	const new26 = "arch=arm64 type=bundle minos=11.0 sdk=26.0 signed=adhoc "
	for _, tt := range []struct {
		name, wheel, libs string
		lines             []string // of machOs, for demo/a.so
		warning           string
	}{
		{"duplicate search paths", "macho " + new26 + "loads=/usr/lib/libSystem.B.dylib rpaths=@loader_path/a,@loader_path/b,@loader_path/a", "",
			[]string{"demo/a.so arm64 /usr/lib/libSystem.B.dylib rpath=@loader_path/a rpath=@loader_path/b"}, ""},
		{"a library loaded twice", "macho " + new26 + "loads=/usr/lib/libz.1.dylib,reexport:/usr/lib/libz.1.dylib,weak:/usr/lib/libz.1.dylib", "",
			[]string{"demo/a.so arm64 /usr/lib/libz.1.dylib"}, ""},
		{"of an older SDK, and edited for another reason", "macho arch=arm64 type=bundle minos=11.0 signed=adhoc loads=/opt/x.dylib,reexport:/opt/x.dylib,/usr/lib/libz.1.dylib,/usr/lib/libz.1.dylib rpaths=/opt,@loader_path,/opt,@loader_path", "opt/x.dylib macho arch=arm64 id=/opt/x.dylib",
			[]string{"demo/a.so arm64 @loader_path/.dylibs/x.dylib /usr/lib/libz.1.dylib rpath=@loader_path"}, ""},
		{"of an older SDK, and not edited", "macho arch=arm64 type=bundle minos=11.0 signed=adhoc loads=/usr/lib/libz.1.dylib,/usr/lib/libz.1.dylib rpaths=@loader_path,@loader_path", "",
			[]string{"demo/a.so arm64 /usr/lib/libz.1.dylib /usr/lib/libz.1.dylib rpath=@loader_path rpath=@loader_path"}, ""},
		{"no UUID", "macho " + new26 + "loads=/usr/lib/libz.1.dylib uuid=none", "", []string{"demo/a.so arm64 /usr/lib/libz.1.dylib"}, ""},
		{"code that has changed since", image(t, "arch=arm64 type=bundle minos=11.0 signed=adhoc size=70000", stale), "", []string{"demo/a.so arm64"},
			"demo/a.so: its arm64 code is not as it was signed; it is signed anew"},
		{"a signature in ruins", image(t, "arch=arm64 type=bundle minos=11.0 signed=adhoc", func(b []byte) { b[len(b)-160] ^= 1; copy(b[len(b)-208:], "ruin") }), "", []string{"demo/a.so arm64"}, "it is signed anew"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, macWheel, pkg+"demo/a.so "+tt.wheel, tt.libs)
			out := w.repair(t, repair.Options{NoSBOM: true})
			var got []string
			for _, line := range machOs(t, out) {
				if strings.HasPrefix(line, "demo/a.so ") {
					got = append(got, line)
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.lines, "\n") {
				t.Errorf("got %q, want %q", got, tt.lines)
			}
			s := sliceOf(t, contents(t, out), "demo/a.so", "arm64")
			if err := s.VerifySignature(context.Background(), 1); err != nil {
				t.Error(err)
			}
			if warnings := strings.Join(w.plan(t, repair.Options{}).Warnings, "\n"); !strings.Contains(warnings, tt.warning) {
				t.Errorf("warnings %q, want %q", warnings, tt.warning)
			}
			checkMacOSAgain(t, w, out, repair.Options{NoSBOM: true})
		})
	}
}

func TestMacOSSlicesAreAligned(t *testing.T) {
	w := newWorld(t, macName("macosx_11_0_universal2"), pkg+"demo/a.so "+image(t, "arch=x86_64 type=bundle minos=11.0 arch=arm64 type=bundle minos=11.0 signed=adhoc", misaligned), "")
	sliceOf(t, contents(t, w.repair(t, repair.Options{})), "demo/a.so", "arm64")
}

// A program with the hardened runtime, signed by nobody, would load no library of its
// wheel.
func TestMacOSProgramsLoadTheirLibraries(t *testing.T) {
	const program = "macho arch=arm64 type=execute minos=11.0 signed=hardened loads="
	for _, tt := range []struct {
		name, wheel, libs string
		freed             bool
	}{
		{"a library that comes in", "demo/tool " + program + "/opt/x.dylib", "opt/x.dylib macho arch=arm64 signed=certificate", true},
		{"one of the wheel that nobody signed", "demo/tool " + program + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=adhoc", "", true},
		{"one that is edited", "demo/tool " + program + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=certificate rpaths=/opt/build", "", true},
		{"through another", "demo/tool " + program + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=certificate loads=@loader_path/y.dylib\ndemo/y.dylib macho arch=arm64 signed=adhoc", "", true},
		{"of one team", "demo/tool " + program + "@loader_path/x.dylib\ndemo/x.dylib macho arch=arm64 signed=certificate", "", false},
		{"no library but macOS's", "demo/tool " + program + "/usr/lib/libSystem.B.dylib", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, macWheel, pkg+tt.wheel, tt.libs)
			result, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			g, err := sliceOf(t, contents(t, result.Path), "demo/tool", "arm64").Signature()
			if err != nil || g.ValidatesLibraries() == tt.freed || g.Certificate == tt.freed {
				t.Errorf("signature %+v, %v", g, err)
			}
			if told := strings.Contains(strings.Join(result.Plan.Warnings, "\n"), "demo/tool: its new arm64 signature no longer asks for the hardened runtime"); told != tt.freed {
				t.Errorf("warnings %q", result.Plan.Warnings)
			}
		})
	}
}

func TestMacOSResign(t *testing.T) {
	w := newWorld(t, macName("macosx_11_0_universal2"), pkg+"demo/a.so macho arch=x86_64 arch=arm64 signed=certificate", "")
	opts := repair.Options{MacOS: repair.MacOptions{Resign: true}}
	files := contents(t, w.repair(t, opts))
	for _, arch := range []string{"x86_64", "arm64"} {
		s := sliceOf(t, files, "demo/a.so", arch)
		if g, err := s.Signature(); err != nil || g == nil || g.Flags != macho.AdHoc || g.Certificate {
			t.Errorf("%s: signature %+v, %v", arch, g, err)
		}
		if err := s.VerifySignature(context.Background(), 1); err != nil {
			t.Error(err)
		}
	}
	linux := newWorld(t, linuxWheel, module(), "")
	if got := strings.Join(linux.plan(t, opts).Warnings, "\n"); !strings.Contains(got, "nothing is signed anew: the wheel is not for macOS") {
		t.Errorf("warnings %q", got)
	}
}

// What no edit mends is an error: nobody could load the result.
func TestMacOSFaultsAreErrors(t *testing.T) {
	const vmaddr = 24 // of segment_command_64
	overlap := image(t, "arch=x86_64 type=bundle minos=11.0", func(b []byte) { b[32+72+80+vmaddr+1] = 0x8 })
	for _, opts := range []repair.Options{{}, {Audit: audit.Options{}}} {
		w := newWorld(t, macName("macosx_11_0_x86_64"), pkg+"demo/a.so "+overlap, "")
		_, err := w.repairer(t, opts).Repair(context.Background(), w.wheel, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), `demo/a.so: offset 0xb8: segments "__TEXT" and "__LINKEDIT" share addresses: dyld does not load it; build it again`) {
			t.Errorf("got %v", err)
		}
	}
}
