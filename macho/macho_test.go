package macho

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/overlay"
)

// fixture returns the bytes of a file of testdata; testdata/make made it.
func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// fatOf joins thin files, each aligned to 16 KiB.
func fatOf(tb testing.TB, wide bool, thin ...[]byte) []byte {
	tb.Helper()
	f := &File{Fat: true, fat64: wide}
	var all []byte
	var images []*overlay.Overlay
	for _, b := range thin {
		s, err := newSlice(bytes.NewReader(b), 0, int64(len(b)))
		if err != nil {
			tb.Fatal(err)
		}
		s.Off, s.fat = int64(len(all)), fatArch{cpu: s.Arch.CPU, sub: s.Arch.Sub, align: 14}
		f.Slices = append(f.Slices, s)
		image := overlay.NewBuilder(nil)
		image.Bytes(b)
		images = append(images, image.Overlay(true))
		all = append(all, b...)
	}
	o, err := f.join(images)
	if err != nil {
		tb.Fatal(err)
	}
	return contents(tb, o)
}

func contents(tb testing.TB, o *overlay.Overlay) []byte {
	tb.Helper()
	b, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func open(tb testing.TB, b []byte) *File {
	tb.Helper()
	f, err := NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func edit(tb testing.TB, b []byte, edits ...Edit) []byte {
	tb.Helper()
	o, err := open(tb, b).Edit(context.Background(), edits...)
	if err != nil {
		tb.Fatal(err)
	}
	return contents(tb, o)
}

func names(s *Slice) []string {
	var all []string
	for _, d := range s.Dylibs {
		all = append(all, d.Name)
	}
	return all
}

const (
	libdep = "@rpath/libdep.1.dylib"
	system = "/usr/lib/libSystem.B.dylib"
)

var fixtures = []string{
	"zig-arm64-libdep.dylib", "zig-arm64-mod.so", "zig-arm64-nopad.so",
	"zig-x86_64-libdep.dylib", "zig-x86_64-mod.so", "zig-x86_64-nopad.so",
	"lld19-arm64-chained.so", "lld19-x86_64-chained.so",
	"lld19-arm64-throws.so", "lld19-x86_64-throws.so", "zig-arm64-throws.so", "zig-x86_64-throws.so",
}

func TestRead(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		t.Run(arch, func(t *testing.T) {
			f := open(t, fixture(t, "zig-"+arch+"-mod.so"))
			s := f.Slices[0]
			got := map[string]any{
				"fat": f.Fat, "arch": s.Arch.String(), "type": s.Type.String(), "id": s.ID, "dylibs": names(s),
				"rpaths": s.RPaths, "min": s.MinOS.String(), "sdk": s.SDK.String(), "platform": s.Platform,
			}
			want := map[string]any{
				"fat": false, "arch": arch, "type": "MH_DYLIB", "id": "@rpath/mod.so", "dylibs": []string{system, libdep},
				"rpaths": []string{"/opt/build/lib"}, "min": "12.0", "sdk": "27.0", "platform": uint32(PlatformMacOS),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(s.UUID) != 36 {
				t.Errorf("UUID is %q", s.UUID)
			}
			used, err := s.importsOf([]int{2})
			if err != nil || !slices.Equal(used, []string{"_dep_pointer", "_dep_value"}) {
				t.Errorf("imports of library 2: %q, %v", used, err)
			}
		})
	}
}

func TestFatFiles(t *testing.T) {
	arm, intel := fixture(t, "zig-arm64-mod.so"), fixture(t, "zig-x86_64-mod.so")
	for _, wide := range []bool{false, true} {
		f := open(t, fatOf(t, wide, intel, arm))
		if !f.Fat || f.fat64 != wide || len(f.Slices) != 2 {
			t.Fatalf("fat %v, fat64 %v, %d slices", f.Fat, f.fat64, len(f.Slices))
		}
		for arch, want := range map[string][]byte{"x86_64": intel, "arm64": arm} {
			s := f.Slice(arch)
			got, err := io.ReadAll(io.NewSectionReader(s.r, 0, s.Size))
			if err != nil || !bytes.Equal(got, want) || s.Off%0x4000 != 0 {
				t.Errorf("%s slice at %#x: differs from the thin file (%v)", arch, s.Off, err)
			}
		}
	}
}

func TestNoEditSameBytes(t *testing.T) {
	for _, name := range fixtures {
		b := fixture(t, name)
		if !bytes.Equal(edit(t, b), b) {
			t.Errorf("%s: changed by no edit", name)
		}
		if s := open(t, b).Slices[0]; !bytes.Equal(edit(t, b, SetID(s.ID), ReplaceDylib(system, system)), b) {
			t.Errorf("%s: changed by names that it has", name)
		}
	}
}

func TestEdits(t *testing.T) {
	const long = "@loader_path/../a_package_with_quite_a_long_name/.dylibs/libdep.1.2.3.dylib"
	for _, tt := range []struct {
		name   string
		edits  []Edit
		id     string
		dylibs []string
		rpaths []string
	}{
		{"id", []Edit{SetID("/DLC/mod.so")}, "/DLC/mod.so", []string{system, libdep}, []string{"/opt/build/lib"}},
		{"longer library", []Edit{ReplaceDylib(libdep, long)}, "@rpath/mod.so", []string{system, long}, []string{"/opt/build/lib"}},
		{"shorter library", []Edit{ReplaceDylib(libdep, "a")}, "@rpath/mod.so", []string{system, "a"}, []string{"/opt/build/lib"}},
		{"no rpath", []Edit{RemoveRPath("/opt/build/lib")}, "@rpath/mod.so", []string{system, libdep}, nil},
		{"clear rpaths", []Edit{ClearRPaths()}, "@rpath/mod.so", []string{system, libdep}, nil},
		{"another rpath", []Edit{AddRPath("@loader_path")}, "@rpath/mod.so", []string{system, libdep}, []string{"/opt/build/lib", "@loader_path"}},
		{"replaced rpath", []Edit{ReplaceRPath("/opt/build/lib", long)}, "@rpath/mod.so", []string{system, libdep}, []string{long}},
		{"rpath that is there", []Edit{AddRPath("b"), ReplaceRPath("/opt/build/lib", "b")}, "@rpath/mod.so", []string{system, libdep}, []string{"b"}},
		{"another library", []Edit{AddDylib("libz.dylib")}, "@rpath/mod.so", []string{system, libdep, "libz.dylib"}, []string{"/opt/build/lib"}},
		{"added and removed", []Edit{AddDylib("libz.dylib"), RemoveDylib("libz.dylib"), ClearRPaths()}, "@rpath/mod.so", []string{system, libdep}, nil},
		{"two of one name", []Edit{ReplaceDylib(libdep, system)}, "@rpath/mod.so", []string{system}, []string{"/opt/build/lib"}},
	} {
		for _, arch := range []string{"arm64", "x86_64"} {
			t.Run(tt.name+" "+arch, func(t *testing.T) {
				before := fixture(t, "zig-"+arch+"-mod.so")
				after := edit(t, before, tt.edits...)
				s := open(t, after).Slices[0]
				got := []any{s.ID, names(s), s.RPaths}
				if diff := cmp.Diff([]any{tt.id, tt.dylibs, tt.rpaths}, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				checkRest(t, open(t, before).Slices[0], s)
			})
		}
	}
}

// checkRest makes sure that an edit left the content alone and that what was
// signed is signed again.
func checkRest(t *testing.T, before, after *Slice) {
	t.Helper()
	for i, seg := range before.Segments {
		now := after.Segments[i]
		if now.Addr != seg.Addr || now.Off != seg.Off {
			t.Errorf("segment %s moved from %#x (%#x) to %#x (%#x)", seg.Name, seg.Addr, seg.Off, now.Addr, now.Off)
		}
		for k, x := range seg.Sections {
			if diff := cmp.Diff(x, now.Sections[k]); diff != "" {
				t.Errorf("section %s: (-before +after)\n%s", x.Name, diff)
			}
		}
	}
	g, err := before.Signature()
	if err != nil {
		t.Fatal(err)
	}
	if g == nil {
		return
	}
	if err := after.VerifySignature(context.Background(), 2); err != nil {
		t.Error(err)
	}
}

func TestMergedLibrariesAreRenumbered(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		s := open(t, edit(t, fixture(t, "zig-"+arch+"-mod.so"), ReplaceDylib(libdep, system))).Slices[0]
		used, err := s.importsOf([]int{1})
		if err != nil || !slices.Contains(used, "_dep_value") {
			t.Errorf("%s: imports of library 1: %q, %v; want _dep_value among them", arch, used, err)
		}
		if used, err = s.importsOf([]int{2}); err != nil || len(used) > 0 {
			t.Errorf("%s: imports of library 2, which is gone: %q, %v", arch, used, err)
		}
	}
}

func TestRefusedEdits(t *testing.T) {
	for _, tt := range []struct {
		name string
		file string
		edit Edit
		want string
	}{
		{"library in use", "zig-arm64-mod.so", RemoveDylib(libdep), "_dep_pointer is imported from it"},
		{"library that is not loaded", "zig-arm64-mod.so", ReplaceDylib("libx.dylib", "a"), "the arm64 slice loads " + system},
		{"rpath that is not there", "zig-arm64-mod.so", RemoveRPath("/x"), `it has ["/opt/build/lib"]`},
		{"NUL in a name", "zig-arm64-mod.so", SetID("a\x00b"), "NUL byte"},
		{"no name", "zig-arm64-mod.so", AddRPath(""), "empty rpath"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(t, fixture(t, tt.file)).Edit(context.Background(), tt.edit)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line with %q", err, tt.want)
			}
		})
	}
}

func TestEditOfFatFile(t *testing.T) {
	b := fatOf(t, true, fixture(t, "zig-x86_64-mod.so"), fixture(t, "zig-arm64-mod.so"))
	f := open(t, b)
	o, err := f.EditSlices(context.Background(), Options{}, [][]Edit{{ClearRPaths()}, nil})
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, contents(t, o))
	if len(g.Slice("x86_64").RPaths) != 0 || len(g.Slice("arm64").RPaths) != 1 || !g.fat64 {
		t.Errorf("rpaths %q and %q, fat64 %v", g.Slice("x86_64").RPaths, g.Slice("arm64").RPaths, g.fat64)
	}
	was, _ := io.ReadAll(io.NewSectionReader(f.Slices[1].r, 0, f.Slices[1].Size))
	now, _ := io.ReadAll(io.NewSectionReader(g.Slices[1].r, 0, g.Slices[1].Size))
	if !bytes.Equal(was, now) {
		t.Error("the slice without an edit changed")
	}
}

func TestNotMachO(t *testing.T) {
	for _, b := range []string{"", "\x7fELF\x02\x01\x01", "\xca\xfe\xba\xbe\x00\x00\x00\x34", "!<arch>\nfoo"} {
		if _, err := NewFile(strings.NewReader(b), int64(len(b))); !errors.Is(err, ErrNotMachO) {
			t.Errorf("%q: got %v, want ErrNotMachO", b, err)
		}
	}
}
