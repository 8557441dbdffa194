package elf

import (
	"bytes"
	"debug/elf"
	"slices"
	"strings"
	"testing"
)

// GNU ld with --spare-dynamic-tags=0 leaves the end of the dynamic table to what
// follows it, which the loader reads.
func TestDynamicTableThatEndsBehind(t *testing.T) {
	for _, tt := range []struct {
		name   string
		follow []uint64 // what stands in the words behind PT_DYNAMIC
		want   string
	}{
		{"zero", []uint64{0}, ""},
		{"a tag that means nothing", []uint64{0x3d50, 7, 0}, ""},
		{"a tag that means something", []uint64{uint64(elf.DT_RUNPATH), 1, 0}, "does not end with DT_NULL"},
		{"a tag of an operating system", []uint64{uint64(elf.DT_VERSYM), 1, 0}, "does not end with DT_NULL"},
		{"no end in sight", []uint64{0x3d50, 0, 0x3d50, 0, 0x3d50, 0, 0x3d50, 0, 0x3d50, 0}, "does not end with DT_NULL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := image(t, "x86_64 spare=6"+fullSpec)
			f := parse(t, data)
			n := uint64(len(f.dynamic.entries))
			f.Progs[f.dynamic.prog].Filesz = n * f.dynSize()
			copy(data[f.Phoff:], (&plan{f: f, progs: f.Progs}).progBytes())
			for i, word := range tt.follow {
				f.Order.PutUint64(data[f.dynamic.off+n*f.dynSize()+uint64(i)*8:], word)
			}
			f, err := NewFile(bytes.NewReader(data), int64(len(data)))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error is %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			after := edit(t, f, SetRPath("$ORIGIN"))
			checkKept(t, f, after)
			if after.dynamic.addr != f.dynamic.addr || after.RPath() != "$ORIGIN" {
				t.Errorf("rpath %q, the table has moved from %#x to %#x", after.RPath(), f.dynamic.addr, after.dynamic.addr)
			}
			after = edit(t, f, AddNeeded("libone.so"))
			checkKept(t, f, after)
			if !slices.Equal(after.Needed(), append([]string{"libone.so"}, f.Needed()...)) || after.dynamic.open {
				t.Errorf("needed %q, without an end: %v", after.Needed(), after.dynamic.open)
			}
		})
	}
}
