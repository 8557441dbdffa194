package macho

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// What cannot be moved with certainty is refused with the reason, and with what to do
// instead.
func TestRefusedMoves(t *testing.T) {
	const zig, lld = "zig-x86_64-nopad.so", "lld19-x86_64-chained.so"
	for _, tt := range []struct {
		name, image string
		lies        map[string]uint32
		want        string
	}{
		{"a huge alignment", zig, map[string]uint32{"x86_64 0 LC_SEGMENT_64+124": 20}, `section "__TEXT,__text" is aligned to 2^20, more than 2^15`},
		{"relocations", zig, map[string]uint32{"x86_64 0 LC_SEGMENT_64+132": 1}, `section "__TEXT,__text" has relocations`},
		{"debug information", zig, map[string]uint32{"x86_64 2 LC_SEGMENT_64+8": 0x57445f5f, "x86_64 2 LC_SEGMENT_64+12": 0x465241}, "it has debug information (__DWARF)"},
		{"a program at a fixed address", zig, map[string]uint32{"x86_64 header+12": 2}, "a program without MH_PIE has absolute addresses"},
		{"registers of a thread", zig, map[string]uint32{"x86_64 14 LC_UUID+0": 5}, "it has LC_UNIXTHREAD"},
		{"rebases of instructions", zig, map[string]uint32{"x86_64 rebase opcodes+0": 0x12}, "rebase type 2"},
		{"an unknown rebase opcode", zig, map[string]uint32{"x86_64 rebase opcodes+0": 0xf1}, "rebase opcodes: 0xf1 is no known opcode"},
		{"threaded binds", zig, map[string]uint32{"x86_64 bind opcodes+0": 0xd1}, "its pointers are threaded through the data"},
		{"unwind information of a new version", zig, map[string]uint32{"x86_64 __unwind_info+0": 2}, "version 2 of __unwind_info is not known"},
		{"chains of another format", lld, map[string]uint32{"starts 2+4": 0x000d1000}, "pointer format 13 of its chained fixups is not known"},
		{"chains of another segment", lld, map[string]uint32{"starts 2+8": 0x7000}, `segment_offset of "__DATA" is 0x7000 in the chained fixups`},
		{"a chain that leaves its page", lld, map[string]uint32{"starts 2+20": 0x0ffe0001}, `a chain of fixups leaves its page of segment "__DATA"`},
		{"pages without starts", lld, map[string]uint32{"starts 2+20": 0xffff}, "page_count is 65535, which the chained fixups have no room for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := bytes.Clone(fixture(t, tt.image))
			for name, v := range tt.lies {
				if rest, ok := strings.CutPrefix(name, "starts "); ok {
					tellStarts(t, data, rest, v)
					continue
				}
				tell(t, data, name, v)
			}
			_, err := open(t, data).Edit(t.Context(), full()...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			checkError(t, err)
		})
	}
}

// tellStarts changes a word of the dyld_chained_starts_in_segment of a segment; where
// is SEGMENT+OFFSET.
func tellStarts(t *testing.T, data []byte, where string, v uint32) {
	t.Helper()
	var segment, off int64
	if _, err := fmt.Sscanf(where, "%d+%d", &segment, &off); err != nil {
		t.Fatal(err)
	}
	_, at, err := open(t, data).Slices[0].extent("chained fixups")
	if err != nil {
		t.Fatal(err)
	}
	u32 := func(at int64) int64 { return int64(binary.LittleEndian.Uint32(data[at:])) }
	starts := at + u32(at+4)
	binary.LittleEndian.PutUint32(data[starts+u32(starts+4+4*segment)+off:], v)
}

// Pointers of chained fixups as <mach-o/fixup-chains.h> lays them out.
func TestChainedPointersMove(t *testing.T) {
	const base, from, delta = 0x10000, 0x800, 0x4000
	for _, tt := range []struct {
		name   string
		format uint16
		v      uint64
		want   uint64
		next   int64
	}{
		{"address", pointer64, 3<<51 | 0x12345, 3<<51 | 0x16345, 12},
		{"address with a tag in its high byte", pointer64, 0xab<<36 | 0x12345, 0xab<<36 | 0x16345, 0},
		{"offset", pointer64Offset, 1<<51 | 0x2345, 1<<51 | 0x6345, 4},
		{"offset of the header", pointer64Offset, 0, 0, 0},
		{"bind", pointer64Offset, 1<<63 | 2<<51 | 0x2345, 1<<63 | 2<<51 | 0x2345, 8},
		{"arm64e: address", pointerARM64E, 2<<51 | 0xcd<<43 | 0x12345, 2<<51 | 0xcd<<43 | 0x16345, 16},
		{"arm64e: offset", pointerARM64EUserland, 1<<51 | 0x2345, 1<<51 | 0x6345, 8},
		{"arm64e: authenticated, always an offset", pointerARM64E, 1<<63 | 1<<51 | 0xbeef<<32 | 0x2345, 1<<63 | 1<<51 | 0xbeef<<32 | 0x6345, 8},
		{"arm64e: authenticated bind", pointerARM64EUserland, 3<<62 | 1<<51 | 0xbeef<<32 | 7, 3<<62 | 1<<51 | 0xbeef<<32 | 7, 8},
		{"arm64e: bind with an addend", pointerARM64E24, 1<<62 | 5<<32 | 0x2345, 1<<62 | 5<<32 | 0x2345, 0},
	} {
		h := &shift{s: open(t, fixture(t, "zig-arm64-nopad.so")).Slices[0], from: from, base: base, delta: delta}
		got, next, err := h.chained(tt.v, tt.format, 0)
		if err != nil || got != tt.want || next != tt.next {
			t.Errorf("%s: %#x became %#x, next %d (%v); want %#x and %d", tt.name, tt.v, got, next, err, tt.want, tt.next)
		}
	}
}
