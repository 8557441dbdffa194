package macho

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/wheelmend/wheelmend/overlay"
)

// checkError holds an error to one line that can be shown, and that names a place in
// the file if the file is to blame.
func checkError(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		t.Errorf("the error is not one printable line: %q", text)
	}
	if len(text) > 4000 {
		t.Errorf("the error has %d bytes: %.700s", len(text), text)
	}
	format := (*FormatError)(nil)
	if errors.As(err, &format) && format.Off < 0 {
		t.Errorf("the error is at %#x: %s", format.Off, text)
	}
}

// checkEdited reads an edited file back. What the plan does not declare is as it was,
// all of it moved by the same number of pages or none, and what was edited and
// signed is signed truly.
func checkEdited(t testing.TB, before *File, o *overlay.Overlay) *File {
	t.Helper()
	after, err := NewFile(o, o.Size())
	if err != nil {
		t.Fatalf("cannot read back what Edit wrote: %v", err)
	}
	if len(after.Slices) != len(before.Slices) || after.Fat != before.Fat || after.fat64 != before.fat64 {
		t.Fatalf("%d slices became %d", len(before.Slices), len(after.Slices))
	}
	for i, s := range after.Slices {
		old := before.Slices[i]
		if sameSlice(t, old, s) {
			continue
		}
		if !o.Edited() {
			t.Fatalf("the %v slice differs, and no edit is said to be one", s.Arch)
		}
		if s.signed != nil {
			if err := s.VerifySignature(context.Background(), 1); err != nil {
				t.Fatalf("edited slice: %v", err)
			}
		}
		checkKept(t, old, s)
	}
	return after
}

func sameSlice(t testing.TB, a, b *Slice) bool {
	t.Helper()
	same, err := sameContent(a.r, b.r, a.Size, b.Size)
	if err != nil {
		t.Fatal(err)
	}
	return same
}

// checkKept compares what an edit must not change in a slice.
func checkKept(t testing.TB, before, after *Slice) {
	t.Helper()
	if err := after.checkLayout(); err != nil {
		t.Fatalf("the result: %v", err)
	}
	if before.Arch != after.Arch || before.Type != after.Type || before.Flags != after.Flags || before.UUID != "" && before.UUID != after.UUID || before.MinOS != after.MinOS || before.SDK != after.SDK || before.Platform != after.Platform {
		t.Errorf("%v %v with flags %#x became %v %v with %#x, or its versions are others", before.Arch, before.Type, before.Flags, after.Arch, after.Type, after.Flags)
	}
	delta := distance(t, before, after)
	mapped := bytesOf(t, before)
	if delta > 0 {
		h, err := newShift(before, before.room+delta)
		if err != nil {
			t.Fatalf("the image moved, and cannot be: %v", err)
		}
		applyNumbers(mapped, h)
	}
	now := bytesOf(t, after)
	for i, seg := range before.Segments {
		if seg.Name == linkeditName || seg.FileSize == 0 {
			continue
		}
		from := max(seg.Off, before.headerSize()+before.room)
		was, is := mapped[min(from, seg.Off+seg.FileSize):seg.Off+seg.FileSize], now[min(from+delta, int64(len(now))):]
		if len(was) > len(is) || !bytes.Equal(was, is[:len(was)]) {
			t.Errorf("bytes of segment %d (%q) changed, delta %#x", i, seg.Name, delta)
		}
	}
	was, is := meaningOf(t, before, 0), meaningOf(t, after, delta)
	if _, err := before.imports(); err != nil {
		is.Imports = nil // of a library that was not there; an edit may have added one
	}
	if diff := cmp.Diff(was, is); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// distance returns how far the content of an image has moved, and makes sure that all
// segments have moved as far.
func distance(t testing.TB, before, after *Slice) int64 {
	t.Helper()
	delta := after.room - before.room
	if delta < 0 || delta%after.Arch.Page() != 0 || len(before.Segments) != len(after.Segments) {
		t.Fatalf("the content moved by %#x, %d segments became %d", delta, len(before.Segments), len(after.Segments))
	}
	for k, seg := range after.Segments {
		was := before.Segments[k]
		if seg.Prot != was.Prot || len(seg.Sections) != len(was.Sections) {
			t.Fatalf("segment %+v became %+v", was, seg)
		}
		for m, x := range seg.Sections {
			was := was.Sections[m]
			was.Addr += uint64(delta)
			if was.Off > 0 {
				was.Off += delta
			}
			if was != x {
				t.Fatalf("section %+v, moved by %#x, became %+v", was, delta, x)
			}
		}
	}
	return delta
}

// applyNumbers writes what a move corrects outside of __LINKEDIT, at the places where
// it lies before the move.
func applyNumbers(b []byte, h *shift) {
	for _, x := range h.patches {
		if !x.table {
			copy(b[x.off:], x.data)
		}
	}
}

func bytesOf(t testing.TB, s *Slice) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(s.r, 0, s.Size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A meaning is what __LINKEDIT tells dyld and debuggers, with addresses as they would
// be if the image had not moved. Libraries are left out: edits rename them.
type meaning struct {
	Symbols, Exports, Imports, Starts []string
	DataInCode                        []byte
}

func meaningOf(t testing.TB, s *Slice, delta int64) meaning {
	t.Helper()
	m := meaning{}
	header := uint64(0)
	if seg := s.headerSegment(); seg != nil {
		header = seg.Addr
	}
	content := s.headerSize() + s.room
	place := func(addr uint64) uint64 {
		if addr >= header+uint64(content) {
			return addr - uint64(delta)
		}
		return addr
	}
	m.Symbols = symbolsOf(t, s, place)
	trie, off, err := s.extent("export trie")
	if err != nil {
		t.Fatal(err)
	}
	if nodes, err := readTrie(trie, off); err == nil && len(nodes) > 0 {
		m.Exports = exportsOf(nodes[0], "", func(off uint64) uint64 { return place(header+off) - header })
	}
	all, err := s.imports()
	if err == nil {
		for _, x := range all {
			m.Imports = append(m.Imports, fmt.Sprintf("%s weak %v", x.symbol, x.weak))
		}
	}
	starts, _, err := s.extent("function starts")
	if err != nil {
		t.Fatal(err)
	}
	m.Starts = startsOf(starts, uint64(delta))
	if m.DataInCode, _, err = s.extent("data in code"); err != nil {
		t.Fatal(err)
	}
	for i := 0; delta > 0 && i+8 <= len(m.DataInCode); i += 8 {
		if v := s.order.Uint32(m.DataInCode[i:]); int64(v) >= content {
			s.order.PutUint32(m.DataInCode[i:], v-uint32(delta))
		}
	}
	return m
}

// startsOf returns the numbers of LC_FUNCTION_STARTS up to the zero that ends them.
func startsOf(data []byte, delta uint64) []string {
	var all []string
	for len(data) > 0 {
		v, size := uleb(data)
		if size == 0 || v == 0 {
			break
		}
		if all == nil {
			v -= delta
		}
		all, data = append(all, fmt.Sprintf("%#x", v)), data[size:]
	}
	return all
}

// symbolsOf spells the symbol table, without the ordinals of libraries.
func symbolsOf(t testing.TB, s *Slice, place func(uint64) uint64) []string {
	t.Helper()
	table, _, err := s.extent("symbol table")
	if err != nil {
		t.Fatal(err)
	}
	names, _, err := s.extent("string table")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if !s.Arch.Is64() {
		return all
	}
	for i := 0; i+16 <= len(table); i += 16 {
		at, kind, value := s.order.Uint32(table[i:]), table[i+4], s.order.Uint64(table[i+8:])
		name := ""
		if int(at) < len(names) {
			name = cString(names[at:])
		}
		if table[i+5] != 0 && hasAddress(kind) {
			value = place(value)
		}
		all = append(all, fmt.Sprintf("%s %#x %d %#x", name, kind, table[i+5], value))
	}
	return all
}

// exportsOf spells an export trie; place is given offsets from the header.
func exportsOf(n *trieNode, prefix string, place func(uint64) uint64) []string {
	var all []string
	if len(n.terminal) > 0 {
		flags, size := uleb(n.terminal)
		rest := n.terminal[max(size, 0):]
		text := fmt.Sprintf("%q flags %#x", prefix, flags)
		for range 2 {
			v, size := uleb(rest)
			switch {
			case size == 0:
			case flags&exportReexport != 0 || flags&exportKindMask == exportAbsolute:
			default:
				text += fmt.Sprintf(" %#x", place(v))
			}
			rest = rest[size:]
			if flags&exportStubResolver == 0 {
				break
			}
		}
		all = append(all, text)
	}
	for _, e := range n.edges {
		all = append(all, exportsOf(e.child, prefix+e.label, place)...)
	}
	slices.Sort(all)
	return all
}
