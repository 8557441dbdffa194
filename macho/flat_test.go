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
