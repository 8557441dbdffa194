package macho

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var roomy = strings.Repeat("@loader_path/a_folder_with_a_name/", 4)

// addresses returns what counts from the header in a slice, by name.
func addresses(t *testing.T, s *Slice) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	table, _, err := s.extent("symbol table")
	if err != nil {
		t.Fatal(err)
	}
	names, _, err := s.extent("string table")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+16 <= len(table); i += 16 {
		if table[i+5] != 0 {
			all["symbol "+cString(names[s.order.Uint32(table[i:]):])] = s.order.Uint64(table[i+8:])
		}
	}
	trie, off, err := s.extent("export trie")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := readTrie(trie, off)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		if len(n.terminal) > 0 {
			addr, _ := uleb(n.terminal[1:])
			all[fmt.Sprint("export ", i)] = addr
		}
	}
	for _, seg := range s.Segments {
		for _, x := range seg.Sections {
			all["section "+x.Name] = x.Addr
		}
		if seg.Off > 0 {
			all["segment "+seg.Name] = seg.Addr
		}
	}
	return all
}

func TestFullHeaderMovesTheImage(t *testing.T) {
	for _, name := range []string{"zig-arm64-nopad.so", "zig-x86_64-nopad.so", "lld19-arm64-chained.so", "lld19-x86_64-chained.so"} {
		t.Run(name, func(t *testing.T) {
			before := fixture(t, name)
			b := edit(t, before, ReplaceDylib(libdep, roomy+"libdep.1.dylib"), AddRPath(roomy), Sign(""))
			old, s := open(t, before).Slices[0], open(t, b).Slices[0]
			if delta := s.room - old.room; delta != s.Arch.Page() {
				t.Errorf("the content moved by %#x, want a page of %#x", delta, s.Arch.Page())
			}
			want := addresses(t, old)
			for name := range want {
				want[name] += uint64(s.Arch.Page())
			}
			if diff := cmp.Diff(want, addresses(t, s)); diff != "" {
				t.Errorf("addresses (-want +got)\n%s", diff)
			}
			if err := s.VerifySignature(context.Background(), 1); err != nil {
				t.Error(err)
			}
			if got := slices.Sorted(slices.Values(names(s))); !slices.Equal(got, []string{system, roomy + "libdep.1.dylib"}) {
				t.Errorf("libraries %q", names(s))
			}
			if last := s.linkedit(); last == nil || last.Off+last.FileSize != s.Size {
				t.Errorf("__LINKEDIT %+v does not end the image (%#x bytes)", last, s.Size)
			}
		})
	}
}

func TestOptionalCommandsMakeWayFirst(t *testing.T) {
	before := fixture(t, "zig-arm64-nopad.so")
	s := open(t, before).Slices[0]
	spare := s.room - s.commandsSize()
	// Longer by what LC_SOURCE_VERSION takes up, and no more.
	name := libdep + strings.Repeat("x", int(spare)/8*8+8)
	after := open(t, edit(t, before, ReplaceDylib(libdep, name))).Slices[0]
	if after.room != s.room || after.UUID != s.UUID {
		t.Errorf("room %#x to %#x, UUID %s to %s", s.room, after.room, s.UUID, after.UUID)
	}
}

// shiftOf returns a shift of a slice with the content one page away.
func shiftOf(t *testing.T, arch string) *shift {
	t.Helper()
	s := open(t, fixture(t, "zig-"+arch+"-nopad.so")).Slices[0]
	return &shift{s: s, from: 0x800, base: 0x10000, delta: 0x4000}
}

func words(s *Slice, ops ...uint32) []byte {
	var b []byte
	for _, op := range ops {
		b = s.appendU32(b, op)
	}
	return b
}

func TestReferencesToTheHeaderAreCorrected(t *testing.T) {
	const adrpBack2, addZero, addHigh = 0xd0ffffe0, 0x91000000, 0x91240000 // at 0x12000: page 0x10000
	for _, tt := range []struct {
		name string
		arch string
		addr uint64
		code func(*Slice) []byte
		want []uint32 // the code afterwards, nil for no change
	}{
		{"adrp and add of the header", "arm64", 0x12000, func(s *Slice) []byte { return words(s, adrpBack2, addZero) }, []uint32{0xd0ffffc0, addZero}},
		{"adrp and add of what moves", "arm64", 0x12000, func(s *Slice) []byte { return words(s, adrpBack2, addHigh) }, nil},
		{"adr of the header", "arm64", 0x10010, func(s *Slice) []byte { return words(s, 0x10ffff80) }, []uint32{0x10fdff80}},
		{"adr of another place", "arm64", 0x10010, func(s *Slice) []byte { return words(s, 0x10ffffa0) }, nil},
		{"lea of the header", "x86_64", 0x12000, func(*Slice) []byte { return []byte{0x48, 0x8d, 0x3d, 0xf9, 0xdf, 0xff, 0xff, 0x90} }, []uint32{0xf93d8d48, 0x90ffff9f}},
		{"lea of another place", "x86_64", 0x12000, func(*Slice) []byte { return []byte{0x48, 0x8d, 0x3d, 0xf8, 0xdf, 0xff, 0xff, 0x90} }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := shiftOf(t, tt.arch)
			code := tt.code(h.s)
			move := h.moveARM64
			if tt.arch == "x86_64" {
				move = h.moveX86
			}
			if err := move(code, &Section{Addr: tt.addr}); err != nil {
				t.Fatal(err)
			}
			if tt.want == nil && len(h.patches) > 0 {
				t.Fatalf("changed by %v", h.patches)
			}
			got := slices.Clone(code)
			for _, x := range h.patches {
				copy(got[x.off:], x.data)
			}
			if tt.want != nil && !slices.Equal(got, words(h.s, tt.want...)) {
				t.Errorf("got % x, want % x", got, words(h.s, tt.want...))
			}
		})
	}
}

func TestReadingTheHeaderIsRefused(t *testing.T) {
	arm, intel := shiftOf(t, "arm64"), shiftOf(t, "x86_64")
	const adrpBack2 = 0xd0ffffe0 // at 0x12000: x0 becomes 0x10000, the header
	for _, tt := range []struct {
		name string
		code []byte // at 0x12000
		move func([]byte, *Section) error
	}{
		{"load from the header", words(arm.s, adrpBack2, 0xf9400001), arm.moveARM64},
		{"load of 8 bytes from the load commands", words(arm.s, adrpBack2, 0xf943fc01), arm.moveARM64},
		{"address of a field", words(arm.s, adrpBack2, 0x91002000), arm.moveARM64},
		{"page alone", words(arm.s, adrpBack2, 0xd65f03c0), arm.moveARM64},
		{"mov of the magic number", []byte{0x8b, 0x05, 0xfa, 0xdf, 0xff, 0xff}, intel.moveX86},
		{"lea of a field", []byte{0x48, 0x8d, 0x05, 0x09, 0xe0, 0xff, 0xff}, intel.moveX86},
		{"cmp of the magic number", []byte{0x81, 0x3d, 0xf6, 0xdf, 0xff, 0xff, 0xcf, 0xfa, 0xed, 0xfe}, intel.moveX86},
		{"test of a flag", []byte{0xf6, 0x05, 0x11, 0xe0, 0xff, 0xff, 0x01}, intel.moveX86},
	} {
		if err := tt.move(tt.code, &Section{Addr: 0x12000}); err == nil || !strings.Contains(err.Error(), "cannot be moved with certainty") {
			t.Errorf("%s: got %v, want a refusal", tt.name, err)
		}
	}
	if err := arm.moveARM64(words(arm.s, adrpBack2, 0xf9440001), &Section{Addr: 0x12000}); err != nil {
		t.Errorf("load from behind the load commands: %v", err)
	}
}

func TestTrieIsWrittenAsItWasRead(t *testing.T) {
	for _, name := range fixtures {
		s := open(t, fixture(t, name)).Slices[0]
		data, off, err := s.extent("export trie")
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := readTrie(data, off)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readTrie(appendTrie(nil, nodes), 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(spell(nodes[0], ""), spell(again[0], "")); diff != "" || len(nodes) < 2 {
			t.Errorf("%s: %d nodes; (-want +got)\n%s", name, len(nodes), diff)
		}
	}
}

// spell returns the symbols of a trie with what is said of them.
func spell(n *trieNode, prefix string) []string {
	var all []string
	if len(n.terminal) > 0 {
		all = append(all, fmt.Sprintf("%s % x", prefix, n.terminal))
	}
	for _, e := range n.edges {
		all = append(all, spell(e.child, prefix+e.label)...)
	}
	return all
}

// Rebase opcodes that come back to where they were end: an image has room for as many
// pointers as it has numbers.
func TestRebaseOpcodesInACircle(t *testing.T) {
	back := binary.AppendUvarint(nil, 1<<64-8) // skipped behind each pointer of 8 bytes
	for _, extra := range []int64{0, 1} {
		h := shiftOf(t, "x86_64")
		index := slices.IndexFunc(h.s.Segments, func(s Segment) bool { return s.Name == "__DATA_CONST" || s.Name == "__DATA" })
		if index < 0 {
			t.Fatal("no segment with data")
		}
		n := uint64(h.s.Size/4 + extra)
		r := &rebaser{h: h, code: append(append([]byte{rebaseType | rebasePointer, rebaseSegment | byte(index), 0, rebaseTimesSkipping}, binary.AppendUvarint(nil, n)...), back...)}
		var err error
		for err == nil && r.i < len(r.code) {
			op := r.code[r.i]
			r.i++
			err = r.step(op)
		}
		refused := err != nil && strings.Contains(err.Error(), "its tables name more places than it has")
		if refused != (extra > 0) || !refused && err != nil {
			t.Errorf("%d pointers at one place in %d bytes: %v", n, h.s.Size, err)
		}
	}
}

// Initialisers count from the header: each of them moves, and nothing else does.
func TestInitOffsetsMove(t *testing.T) {
	h := shiftOf(t, "arm64")
	text := &h.s.Segments[0].Sections[0]
	text.Flags, text.Size = text.Flags&^sectionTypeMask|0x16, 11 // two, and three bytes that are none
	data, err := readExact(h.s.r, text.Off, 8, h.s.Size)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.moveInitOffsets(); err != nil {
		t.Fatal(err)
	}
	var want []patch
	for i := 0; i < 8; i += 4 {
		v := h.s.order.Uint32(data[i:]) + 0x4000
		want = append(want, patch{off: text.Off + int64(i), size: 4, data: words(h.s, v)})
	}
	if diff := cmp.Diff(want, h.patches, cmp.AllowUnexported(patch{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
