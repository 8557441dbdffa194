package macho

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a module imports from a library that is removed is looked for in all images,
// by symbol table, bind opcodes and chained fixups alike; the rest stays bound.
func TestLookUpFlat(t *testing.T) {
	for _, name := range []string{"zig-arm64-mod.so", "zig-x86_64-mod.so", "lld19-arm64-chained.so", "lld19-x86_64-chained.so"} {
		t.Run(name, func(t *testing.T) {
			before := fixture(t, name)
			s := open(t, edit(t, before, LookUpFlat(libdep))).Slices[0]
			for _, l := range s.Dylibs {
				if l.Name == libdep {
					t.Errorf("%s is still loaded", libdep)
				}
			}
			flat, err := s.FlatImports()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"_dep_pointer", "_dep_value"}, flat); diff != "" {
				t.Errorf("flat imports (-want +got)\n%s", diff)
			}
			was, now := boundTo(t, open(t, before).Slices[0]), boundTo(t, s)
			delete(was, libdep)
			if diff := cmp.Diff(was, now); diff != "" {
				t.Errorf("imports of others (-want +got)\n%s", diff)
			}
		})
	}
	if _, err := open(t, fixture(t, "zig-arm64-mod.so")).Edit(t.Context(), LookUpFlat("@rpath/none.dylib")); err == nil {
		t.Error("no error for a library that is not loaded")
	}
	_, err := open(t, made(t, "arch=arm64 loads=reexport:/opt/b.dylib")).Edit(t.Context(), LookUpFlat("/opt/b.dylib"))
	if err == nil || !strings.Contains(err.Error(), "re-exports it") {
		t.Errorf("a library that is re-exported: %v", err)
	}
}

// boundTo returns the symbols that come from each library.
func boundTo(t *testing.T, s *Slice) map[string][]string {
	t.Helper()
	imports, err := s.Imports()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]string{}
	for _, x := range imports {
		if x.Library >= 0 {
			by[s.Dylibs[x.Library].Name] = append(by[s.Dylibs[x.Library].Name], x.Symbol)
		}
	}
	return by
}

// An opcode with a number behind it becomes special ones of the same size, so that
// what follows keeps its place.
func TestFlatOrdinalBehindALongOpcode(t *testing.T) {
	code := []byte{opOrdinalULEB, 0x92, 0x00, opSymbol, 'a', 0, opBind, opOrdinalImmediate | 3, opBind, opDone}
	binds, err := readBinds(code, 0, "bind opcodes")
	if err != nil || len(binds) != 2 {
		t.Fatalf("%+v, %v", binds, err)
	}
	for _, x := range binds {
		copy(code[x.off:], x.encode(flatLookup))
	}
	want := []byte{0x3e, 0x3e, 0x3e, opSymbol, 'a', 0, opBind, 0x3e, opBind, opDone}
	if !bytes.Equal(code, want) {
		t.Errorf("got % x, want % x", code, want)
	}
}

// What is bound behind a special ordinal comes from no library.
func TestSpecialOrdinalsHaveNoLibrary(t *testing.T) {
	code := []byte{opOrdinalImmediate | 1, opOrdinalSpecial | 0xe, opSymbol, 'a', 0, opBind, opOrdinalImmediate | 2, opSymbol, 'b', 0, opBind, opSymbol, 'c', 0, opBind, opDone}
	binds, err := readBinds(code, 0, "bind opcodes")
	if err != nil || len(binds) != 1 || binds[0].ordinal != 2 || binds[0].symbol != "b" {
		t.Errorf("got %+v (%v), want b and c of library 2 alone, by their first", binds, err)
	}
	s := open(t, fixture(t, "lld19-arm64-chained.so")).Slices[0]
	for _, tt := range []struct {
		bytes []byte
		wide  bool
		want  int
	}{
		{[]byte{1, 0, 0, 0}, false, 1}, {[]byte{0xf0, 0, 0, 0}, false, 0xf0}, {[]byte{0xf1, 0, 0, 0}, false, 0}, {[]byte{0xfe, 1, 0, 0}, false, 0},
		{[]byte{1, 1, 0, 0}, true, 0x101}, {[]byte{0xf0, 0xff, 0, 0}, true, 0xfff0}, {[]byte{0xf1, 0xff, 0, 0}, true, 0}, {[]byte{0xfe, 0xff, 1, 0}, true, 0},
	} {
		if got := s.chainedImport(tt.bytes, tt.wide).ordinal; got != tt.want {
			t.Errorf("% x, wide %v: ordinal %d, want %d", tt.bytes, tt.wide, got, tt.want)
		}
	}
}
