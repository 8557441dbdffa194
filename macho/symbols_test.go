package macho

import (
	"bytes"
	"errors"
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
	s := &Slice{Dylibs: make([]Dylib, 2)}
	got, err := s.appendBound(nil, ops, 0, true)
	want := []Import{{"_weak", 1, true, true}, {"_a", 0, false, true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// A symbol may be bound in a million places, to two libraries in turn.
func TestBoundSymbolsAreKeptOnce(t *testing.T) {
	const places = 1000
	ops := slices.Concat([]byte{0x40}, []byte("_a\x00"), bytes.Repeat([]byte{0x11, 0x90, 0x12, 0x90}, places))
	got, err := (&Slice{Dylibs: make([]Dylib, 2)}).appendBound(nil, ops, 0, false)
	want := []Import{{"_a", 0, false, false}, {"_a", 1, false, false}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err = (&Slice{Dylibs: make([]Dylib, 1)}).appendBound(nil, ops, 0, false); err == nil {
		t.Error("a library that is not there is taken")
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

// What dyld binds when it is called, and what when the image is loaded.
func TestLazyImports(t *testing.T) {
	s := open(t, fixture(t, "zig-x86_64-mod.so")).Slices[0]
	imports, err := s.Imports()
	if err != nil {
		t.Fatal(err)
	}
	for _, lazy := range []bool{false, true} {
		what := "bind opcodes"
		if lazy {
			what = lazyBinds
		}
		data, _, err := s.extent(what)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range imports {
			if named := bytes.Contains(data, []byte(x.Symbol+"\x00")); x.Lazy == lazy && !named {
				t.Errorf("%s, lazy %v, does not stand in the %s", x.Symbol, lazy, what)
			}
		}
	}
	if !slices.ContainsFunc(imports, func(x Import) bool { return x.Lazy }) || !slices.ContainsFunc(imports, func(x Import) bool { return !x.Lazy }) {
		t.Errorf("%+v: want some of both", imports)
	}
}

// Every opcode of the format takes the operands that <mach-o/loader.h> gives it.
func TestBindOpcodesAndTheirOperands(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []byte
	}{
		{"done", []byte{opDone}},
		{"ordinal", []byte{opOrdinalImmediate | 3}},
		{"ordinal as a number", []byte{opOrdinalULEB, 0x81, 0x01}},
		{"special ordinal", []byte{opOrdinalSpecial | 0xe}},
		{"symbol", []byte{opSymbol, '_', 'a', 0}},
		{"type", []byte{opType | 1}},
		{"addend", []byte{opAddend, 0x7f}},
		{"segment", []byte{opSegment | 2, 0x80, 0x02}},
		{"address", []byte{opAddAddress, 8}},
		{"bind", []byte{opBind}},
		{"bind and go on", []byte{opBindAddULEB, 16}},
		{"bind and go on by words", []byte{opBindAddScaled | 2}},
		{"bind several times", []byte{opBindTimes, 0x81, 0x00, 8}},
		{"threaded, with a table", []byte{opThreaded | threadedTable, 0x90, 0x01}},
		{"threaded", []byte{opThreaded | 1}},
	} {
		var seen []byte
		code := append(bytes.Clone(tt.code), opSymbol|1, 'x', 0)
		err := walkBinds(code, 0, "bind opcodes", func(b bindOp) error {
			seen = append(seen, b.op)
			return nil
		})
		if err != nil || !bytes.Equal(seen, []byte{tt.code[0], opSymbol | 1}) {
			t.Errorf("%s: opcodes % x, %v; want % x and the symbol behind it", tt.name, seen, err, tt.code[0])
		}
		for n := 1; n < len(tt.code); n++ {
			if tt.code[0] == opSymbol {
				break // ends where the text ends
			}
			if err := walkBinds(tt.code[:n], 0, "bind opcodes", func(bindOp) error { return nil }); err == nil || !strings.Contains(err.Error(), "an operand is cut off") {
				t.Errorf("%s, cut to %d bytes: %v", tt.name, n, err)
			}
		}
	}
}

// An undefined symbol of a prebound image (N_PBUD) comes from a library as well; a
// defined one and one for debuggers do not.
func TestUndefinedSymbols(t *testing.T) {
	for kind, want := range map[byte]bool{0x01: true, 0x0d: true, 0x0f: false, 0x0b: false, 0x03: false, 0x21: false, 0xe1: false} {
		image := fixture(t, "zig-arm64-mod.so")
		undefined := func() (place int64) {
			err := open(t, image).Slices[0].undefined(func(name string, _ int, at int64) {
				if name == "_dep_value" {
					place = at
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			return place
		}
		at := undefined()
		if at == 0 {
			t.Fatal("_dep_value is not undefined")
		}
		image[at-3] = kind // n_type, in front of n_sect and n_desc
		if got := undefined() != 0; got != want {
			t.Errorf("type %#x: undefined %v, want %v", kind, got, want)
		}
	}
}

// Sections that have no bytes in the file (<mach-o/loader.h>, S_ZEROFILL and the like).
func TestSectionsWithoutBytes(t *testing.T) {
	for kind := range uint32(0x17) {
		want := kind == 1 || kind == 0xc || kind == 0x12
		for _, attributes := range []uint32{0, 0x80000400} {
			x := Section{Size: 8, Flags: kind | attributes}
			if x.empty() != want {
				t.Errorf("type %#x: %v, want %v", kind, x.empty(), want)
			}
		}
	}
	if x := (Section{}); !x.empty() {
		t.Error("a section of no size has bytes")
	}
}

// What many places name is bounded: each is kept.
func TestImportsAreBounded(t *testing.T) {
	if err := checkImports(maxImports, 8); err != nil {
		t.Error(err)
	}
	var rule *FormatError
	if err := checkImports(maxImports+1, 8); !errors.As(err, &rule) || rule.Off != 8 {
		t.Error(err)
	}
	ops := bytes.Repeat([]byte("\x11\x40s\x00\x90"), maxImports+1)
	if all, err := readBinds(ops[:len(ops)-5], 0, "bind opcodes"); err != nil || len(all) != maxImports {
		t.Errorf("%d, %v", len(all), err)
	}
	if _, err := readBinds(ops, 0, "bind opcodes"); !errors.As(err, &rule) {
		t.Error(err)
	}
}
