package macho

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/blacktop/go-macho/types"
)

func TestDuplicatesGo(t *testing.T) {
	for _, tt := range []struct {
		name, spec    string
		edits         []Edit
		names, rpaths []string
		kinds         []DylibKind
	}{
		{"rpaths", "arch=arm64 loads=/a rpaths=@loader_path,/x,@loader_path,/x,@loader_path", []Edit{DedupeRPaths()},
			[]string{"/a"}, []string{"@loader_path", "/x"}, []DylibKind{Load}},
		{"nothing twice", "arch=arm64 loads=/a,/b rpaths=/x", []Edit{DedupeRPaths(), DedupeDylibs()},
			[]string{"/a", "/b"}, []string{"/x"}, []DylibKind{Load, Load}},
		{"loaded and re-exported", "arch=arm64 loads=/a,/b,reexport:/a,/c", []Edit{DedupeDylibs()},
			[]string{"/a", "/b", "/c"}, nil, []DylibKind{Reexport, Load, Load}},
		{"weak and strong", "arch=x86_64 loads=weak:/a,upward:/b,/a,weak:/b", []Edit{DedupeDylibs()},
			[]string{"/a", "/b"}, nil, []DylibKind{Load, Upward}},
		{"renamed wherever it is", "arch=x86_64 loads=/a,/b,reexport:/a,weak:/a", []Edit{ReplaceDylib("/a", "/new")},
			[]string{"/new", "/b"}, nil, []DylibKind{Reexport, Load}},
		{"renamed to one that is there twice", "arch=x86_64 loads=/a,/b,/b,/a", []Edit{ReplaceDylib("/a", "/b")},
			[]string{"/b"}, nil, []DylibKind{Load}},
		{"others keep theirs", "arch=x86_64 loads=/a,/b,/b", []Edit{ReplaceDylib("/a", "/c")},
			[]string{"/c", "/b", "/b"}, nil, []DylibKind{Load, Load, Load}},
		{"rpath replaced", "arch=x86_64 rpaths=/a,/b,/a", []Edit{ReplaceRPath("/a", "/c")}, nil, []string{"/c", "/b"}, nil},
		{"rpath replaced by one that is there", "arch=x86_64 rpaths=/a,/b,/a", []Edit{ReplaceRPath("/a", "/b")}, nil, []string{"/b"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, edit(t, made(t, tt.spec), tt.edits...)).Slices[0]
			var kinds []DylibKind
			for _, l := range s.Dylibs {
				kinds = append(kinds, l.Kind)
			}
			if got := names(s); !slices.Equal(got, tt.names) || !slices.Equal(kinds, tt.kinds) || !slices.Equal(s.RPaths, tt.rpaths) {
				t.Errorf("got %q %v, rpaths %q; want %q %v, %q", got, kinds, s.RPaths, tt.names, tt.kinds, tt.rpaths)
			}
		})
	}
}

// What was bound to the second command of a library is bound to the first one.
func TestDuplicateLibrariesKeepTheirSymbols(t *testing.T) {
	for _, name := range []string{"zig-arm64-mod.so", "zig-x86_64-mod.so", "lld19-arm64-chained.so", "lld19-x86_64-chained.so"} {
		t.Run(name, func(t *testing.T) {
			b := loadTwice(t, fixture(t, name))
			twice := open(t, b).Slices[0]
			if got, _ := twice.DuplicateDylibs(); !slices.Equal(got, []string{libdep}) {
				t.Fatalf("the fixture loads %q twice", got)
			}
			want := providers(t, twice)
			for _, edits := range [][]Edit{{DedupeDylibs()}, {ReplaceDylib(libdep, "@loader_path/x.dylib"), ReplaceDylib("@loader_path/x.dylib", libdep)}} {
				once := open(t, edit(t, b, edits...)).Slices[0]
				if got, _ := once.DuplicateDylibs(); got != nil {
					t.Errorf("loads %q twice", got)
				}
				if got := providers(t, once); !slices.Equal(got, want) {
					t.Errorf("symbols come from\n%q, want\n%q", got, want)
				}
			}
		})
	}
}

// loadTwice renames the last library of an image like the one that it needs.
func loadTwice(t *testing.T, b []byte) []byte {
	t.Helper()
	s := open(t, b).Slices[0]
	last := s.Dylibs[len(s.Dylibs)-1].Name
	if last == libdep {
		last = s.Dylibs[0].Name
	}
	d := newDraft(s)
	d.setText(d.find(last, isDylib), libdep)
	p, err := newPlan(d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return contents(t, o)
}

// providers lists each imported symbol with the name of its library.
func providers(t *testing.T, s *Slice) []string {
	t.Helper()
	all, err := s.imports()
	if err != nil || len(all) == 0 {
		t.Fatalf("%d imports, %v", len(all), err)
	}
	var lines []string
	for _, x := range all {
		lines = append(lines, x.symbol+" "+s.Dylibs[x.ordinal-1].Name)
	}
	return lines
}

func TestAddUUID(t *testing.T) {
	b := made(t, "arch=arm64 id=a.dylib minos=12.0 signed=adhoc loads=/usr/lib/libSystem.B.dylib uuid=none")
	if !open(t, b).Slices[0].LacksUUID() {
		t.Error("dyld takes a library of SDK 12 without LC_UUID")
	}
	with := edit(t, b, AddUUID())
	s := open(t, with).Slices[0]
	if s.LacksUUID() || len(s.UUID) != 36 || s.UUID[14] != '8' {
		t.Errorf("UUID %q", s.UUID)
	}
	if again := edit(t, b, AddUUID()); !bytes.Equal(again, with) {
		t.Error("another UUID for the same file")
	}
	if again := edit(t, with, AddUUID()); !bytes.Equal(again, with) {
		t.Error("a UUID that was there has changed")
	}
	other := open(t, edit(t, edit(t, b, SetID("b.dylib")), AddUUID())).Slices[0]
	if other.UUID == s.UUID {
		t.Error("one UUID for two files")
	}
}

func TestWhatDyldRefusesBySDK(t *testing.T) {
	for _, tt := range []struct {
		spec                 string
		rpaths, dylibs, uuid bool
	}{
		{"arch=arm64 minos=11.0 sdk=14.5 loads=/a,/a rpaths=/x,/x", false, false, false},
		{"arch=arm64 minos=11.0 sdk=15.0 loads=/a,weak:/a rpaths=/x,/x", false, true, false},
		{"arch=arm64 minos=11.0 sdk=15.4 loads=/a,reexport:/a rpaths=/x,/x", true, true, false},
		{"arch=arm64 minos=11.0 sdk=26.0 loads=/a,/b rpaths=/x,/y", false, false, false},
		{"arch=arm64 minos=11.0 sdk=11.3 uuid=none", false, false, false},
		{"arch=arm64 minos=11.0 sdk=12.0 uuid=none", false, false, true},
		{"arch=arm64 type=bundle minos=11.0 sdk=12.0 uuid=none", false, false, true},
		{"arch=arm64 type=execute minos=11.0 sdk=15.5 uuid=none", false, false, false},
		{"arch=arm64 type=execute minos=11.0 sdk=26.0 uuid=none", false, false, true},
		{"arch=arm64 rpaths=/x,/x loads=/a,/a", false, false, false},
	} {
		s := open(t, made(t, tt.spec)).Slices[0]
		_, rpaths := s.DuplicateRPaths()
		_, dylibs := s.DuplicateDylibs()
		if uuid := s.LacksUUID(); rpaths != tt.rpaths || dylibs != tt.dylibs || uuid != tt.uuid {
			t.Errorf("%s: refused for rpaths %v, libraries %v, LC_UUID %v; want %v, %v, %v", tt.spec, rpaths, dylibs, uuid, tt.rpaths, tt.dylibs, tt.uuid)
		}
	}
}

func TestNeedsOS(t *testing.T) {
	for _, tt := range []struct{ name, minos, want, because string }{
		{"lld19-x86_64-chained.so", "10.13", "11.0", "LC_DYLD_CHAINED_FIXUPS"},
		{"lld19-x86_64-chained.so", "12.0", "12.0", ""},
		{"zig-x86_64-mod.so", "10.13", "10.13", ""},
	} {
		b := fixture(t, tt.name)
		s := open(t, b).Slices[0]
		for i := range s.commands {
			if c := &s.commands[i]; c.cmd == types.LC_BUILD_VERSION {
				v := map[string]Version{"10.13": MakeVersion(10, 13, 0), "12.0": MakeVersion(12, 0, 0)}[tt.minos]
				binary.LittleEndian.PutUint32(b[c.off+12:], uint32(v))
			}
		}
		if v, because := open(t, b).Slices[0].NeedsOS(); v.String() != tt.want || !strings.EqualFold(because, tt.because) {
			t.Errorf("%s for %s: needs %v because of %q, want %s, %q", tt.name, tt.minos, v, because, tt.want, tt.because)
		}
	}
}

// Of two commands that ask for the same, the one that was not renamed is kept: the
// versions that it asks for are those of the library of that name.
func TestMergedLibraryKeepsItsOwnVersions(t *testing.T) {
	for _, tt := range []struct {
		name, loads string
		want        uint32 // compatibility version
	}{
		{"the renamed one first", "/a,/b", 0xb0000},
		{"the renamed one last", "/b,/a", 0xb0000},
		{"the renamed one asks for more", "/b,reexport:/a", 0xa0000},
	} {
		b := made(t, "arch=arm64 loads="+tt.loads)
		s := open(t, b).Slices[0]
		for i := range s.commands {
			c := &s.commands[i]
			if isDylib(c.cmd) {
				version := map[string]uint32{"/a": 0xa0000, "/b": 0xb0000}[s.text(c)]
				binary.LittleEndian.PutUint32(b[s.Off+c.off+20:], version)
			}
		}
		after := open(t, edit(t, b, ReplaceDylib("/a", "/b"))).Slices[0]
		if got := names(after); !slices.Equal(got, []string{"/b"}) {
			t.Fatalf("%s: loads %q", tt.name, got)
		}
		for i := range after.commands {
			if c := &after.commands[i]; isDylib(c.cmd) && after.u32(c, 20) != tt.want {
				t.Errorf("%s: version %#x, want %#x", tt.name, after.u32(c, 20), tt.want)
			}
		}
	}
}
