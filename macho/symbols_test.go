package macho

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImportsAndExports(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		t.Run(arch, func(t *testing.T) {
			module, library := open(t, fixture(t, "zig-"+arch+"-mod.so")).Slices[0], open(t, fixture(t, "zig-"+arch+"-libdep.dylib")).Slices[0]
			imports, err := module.Imports()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range imports {
				if module.Dylibs[x.Library].Name == libdep {
					got = append(got, x.Symbol)
				}
			}
			if diff := cmp.Diff([]string{"_dep_pointer", "_dep_value"}, got); diff != "" {
				t.Errorf("imports (-want +got)\n%s", diff)
			}
			exports, err := library.Exports()
			if err != nil {
				t.Fatal(err)
			}
			for symbol, want := range map[string]bool{
				"_dep_pointer": true, "_dep_value": true, "_dep_valu": false, "_dep_value2": false, "_dep_": false, "": false, "x": false,
			} {
				x, err := exports.Lookup(symbol)
				if err != nil || (x != nil) != want {
					t.Errorf("%q: got %+v, %v; want it to be there: %v", symbol, x, err, want)
				}
				if x != nil && (x.Library != -1 || x.Name != symbol) {
					t.Errorf("%q: %+v", symbol, x)
				}
			}
		})
	}
	if exports, err := open(t, made(t, "arch=x86_64")).Slices[0].Exports(); err != nil || exports != nil {
		t.Errorf("an image without a trie: %v, %v", exports, err)
	}
}

// A symbol that no library is named for is looked for in all images.
func TestFlatImports(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		image := fixture(t, "zig-"+arch+"-mod.so")
		s := open(t, image).Slices[0]
		if flat, err := s.FlatImports(); err != nil || flat != nil {
			t.Errorf("%s: got %q, %v; want none", arch, flat, err)
		}
		err := s.undefined(func(name string, _ int, at int64) {
			if name == "_dep_value" {
				image[at] = dynamicLookup
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if flat, err := open(t, image).Slices[0].FlatImports(); err != nil || !slices.Equal(flat, []string{"_dep_value"}) {
			t.Errorf("%s: got %q, %v; want _dep_value", arch, flat, err)
		}
		s.Flags &^= flagTwoLevel
		if flat, err := s.FlatImports(); err != nil || !slices.Contains(flat, "_dep_pointer") {
			t.Errorf("%s: without a namespace of two levels: %q, %v", arch, flat, err)
		}
	}
}

func TestBoundSymbols(t *testing.T) {
	ops := slices.Concat([]byte{0x12, 0x41}, []byte("_weak\x00"), []byte{0x90, 0x90, 0x40}, []byte("_a\x00"), []byte{0x20, 0x81, 0x00, 0xa0, 0x08, 0x3e}, []byte{0x40}, []byte("_flat\x00"), []byte{0x90})
	got, err := appendBound(nil, ops, 0, true)
	want := []Import{{"_weak", 1, true, true}, {"_a", 0, false, true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestTrieLookup(t *testing.T) {
	// Root with one edge "_re" to a symbol that library 2 has under another name.
	node := append([]byte{6, exportReexport, 2}, "_up\x00"...)
	trie := append([]byte{0, 1}, "_re\x00"...)
	trie = append(trie, byte(len(trie)+1))
	trie = append(append(trie, node...), 0)
	e := &Exports{trie: trie, s: &Slice{Dylibs: make([]Dylib, 2)}}
	x, err := e.Lookup("_re")
	if diff := cmp.Diff(&Export{"_re", 1, "_up"}, x); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for _, tt := range []struct {
		name string
		trie []byte
		want string
	}{
		{"library that is not there", bytes.Replace(trie, []byte{exportReexport, 2}, []byte{exportReexport, 3}, 1), "is exported out of library 3 of 2"},
		{"cut", trie[:9], "cut off"},
		{"child outside", bytes.Replace(trie, []byte{0, byte(7)}, []byte{0, 0x70}, 1), "cut off"},
	} {
		e := &Exports{trie: tt.trie, s: e.s}
		if _, err := e.Lookup("_re"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	// As ld64 writes "_a" and "_ab": the first behind an edge without letters.
	e = &Exports{trie: slices.Concat([]byte{0, 1}, []byte("_a\x00"), []byte{6}, []byte{0, 2, 0, 13, 'b', 0, 13}, []byte{1, 0, 0}), s: e.s}
	for symbol, want := range map[string]bool{"_a": true, "_": false, "_abc": false} {
		if x, err := e.Lookup(symbol); err != nil || (x != nil) != want {
			t.Errorf("%q: %+v, %v; want it to be there: %v", symbol, x, err, want)
		}
	}
	// A circle without letters ends.
	circle := &Exports{trie: []byte{0, 1, 0, 0, 0}, s: e.s}
	if x, err := circle.Lookup("_a"); x != nil || err != nil {
		t.Errorf("circle: %v, %v", x, err)
	}
}
