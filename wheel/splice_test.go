package wheel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// sourceText is content with repeats, words and noise, so that its blocks are of
// every type.
func sourceText(size int) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < size {
		switch random.IntN(40) {
		case 0:
			noise := make([]byte, 1<<random.IntN(14))
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			b.Write(noise)
		default:
			fmt.Fprintf(&b, "symbol_%d@VERS_%d ", random.IntN(5000), random.IntN(9))
		}
	}
	return b.Bytes()[:size]
}

// A change replaces size bytes at off with text.
type change struct {
	off, size int
	text      string
}

// edit carries out changes, which are in order, and tells what stays.
func edit(old []byte, changes []change) (content []byte, runs []Run) {
	at := 0
	keep := func(end int) {
		if end > at {
			runs = append(runs, Run{At: int64(len(content)), From: int64(at), Size: int64(end - at)})
			content = append(content, old[at:end]...)
		}
	}
	for _, c := range changes {
		keep(c.off)
		content = append(content, c.text...)
		at = c.off + c.size
	}
	keep(len(old))
	return content, runs
}

// An editedWheel is one whose member demo/lib.so was made from that of another.
type editedWheel struct {
	writer *Writer
	source *Member
}

// newEdited returns a wheel to write. With read, the source has been read before, as
// it is by a repair: its blocks are known then.
func newEdited(t *testing.T, old, content []byte, runs []Run, opts WriterOptions, read bool) editedWheel {
	t.Helper()
	source := mustRead(t, zipBytes(wheelParts(part{name: "demo/lib.so", content: string(old)})...))
	if read {
		if err := source.Scan(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	m, ok := source.Lookup("demo/lib.so")
	if !ok {
		t.Fatal("the source has no demo/lib.so")
	}
	w := NewWriter(source.DistInfo(), opts)
	record, err := source.Record()
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range source.Members() {
		if row, _ := record.Row(other.Name); other != m && other.Name != source.DistInfo()+"/RECORD" {
			w.Copy(other, row)
		}
	}
	w.AddEdited(Header{Name: m.Name, Mode: 0o755, Modified: time.Unix(0, 0)}, bytes.NewReader(content), m, runs)
	return editedWheel{w, m}
}

// writeEdited writes a wheel whose member demo/lib.so was made from that of another, and
// returns it with the compressed bytes of both. Whether the source was read before makes
// no difference to the bytes; if it was, the member needs no reading back.
func writeEdited(t *testing.T, old, content []byte, runs []Run, opts WriterOptions) (got, before, after []byte) {
	t.Helper()
	unread := mustWrite(t, newEdited(t, old, content, runs, opts, false).writer)
	edited := newEdited(t, old, content, runs, opts, true)
	written := mustWrite(t, edited.writer)
	if !bytes.Equal(unread, written) {
		t.Fatal("a source that was read before makes other bytes")
	}
	r := mustRead(t, written)
	if err := r.Scan(t.Context(), 1, nil); err != nil {
		t.Fatalf("the edited wheel is damaged: %v", err)
	}
	m, _ := r.Lookup(edited.source.Name)
	record, err := r.Record()
	if err != nil {
		t.Fatal(err)
	}
	row, _ := record.Row(m.Name)
	if ok, err := edited.writer.Confirm(m, row); err != nil || !ok {
		t.Errorf("Confirm: %v, %v, want true: all of the member was inflated when it was written", ok, err)
	}
	return []byte(contents(t, r)[m.Name]), readAll(t, edited.source.Raw()), readAll(t, m.Raw())
}

// TestAddEditedProvesRuns has content that is not what the runs say.
func TestAddEditedProvesRuns(t *testing.T) {
	old := sourceText(2 << 20)
	content := bytes.Clone(old)
	content[1<<20] ^= 1
	edited := newEdited(t, old, content, []Run{{Size: int64(len(old))}}, WriterOptions{}, true)
	if _, err := edited.writer.Write(t.Context(), new(memory)); !errors.Is(err, errUnequal) {
		t.Errorf("Write: %v, want that the bytes do not inflate to the content", err)
	}
}

// TestAddEditedOddBlocks has a source of more blocks than are noted, or of one block that
// is too large to inflate at once: it is read back then.
func TestAddEditedOddBlocks(t *testing.T) {
	text := sourceText(1 << 20)
	for name, old := range map[string][]byte{"large": make([]byte, 8<<20), "usual": text} {
		edited := newEdited(t, old, old, []Run{{Size: int64(len(old))}}, WriterOptions{}, true)
		if name == "usual" {
			edited.source.blocks.Store(nil) // as if there had been too many
		}
		r := mustRead(t, mustWrite(t, edited.writer))
		record, err := r.Record()
		if err != nil {
			t.Fatal(err)
		}
		m, _ := r.Lookup("demo/lib.so")
		row, _ := record.Row(m.Name)
		if ok, err := edited.writer.Confirm(m, row); ok || err != nil {
			t.Errorf("%s: Confirm: %v, %v, want false", name, ok, err)
		}
		if err := r.Scan(t.Context(), 1, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// common returns how many of the last bytes of a and b are equal.
func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

func TestAddEditedTakesCompressedBytesOver(t *testing.T) {
	old := sourceText(3 << 20)
	content, runs := edit(old, []change{{off: 5000, size: 40, text: "$ORIGIN/../demo.libs"}})
	got, before, after := writeEdited(t, old, content, runs, WriterOptions{})
	if !bytes.Equal(got, content) {
		t.Fatal("the content differs from what was added")
	}
	if n := common(before, after); n < len(before)/2 {
		t.Errorf("%d of %d compressed bytes were taken over, want more than half", n, len(before))
	}
	// A level that was asked for goes for the whole member.
	got, before, after = writeEdited(t, old, content, runs, WriterOptions{Level: 6})
	if n := common(before, after); !bytes.Equal(got, content) || n > len(before)/100 {
		t.Errorf("level 6: %d of %d compressed bytes were taken over, want none", n, len(before))
	}
}

func TestAddEditedKeepsTheContent(t *testing.T) {
	old := sourceText(2 << 20)
	size := len(old)
	for name, changes := range map[string][]change{
		"nothing":                  nil,
		"first byte":               {{0, 1, "x"}},
		"last byte":                {{size - 1, 1, "x"}},
		"appended":                 {{size, 0, "a tail that the source does not have"}},
		"cut short":                {{size - 300000, 300000, ""}},
		"inserted in the middle":   {{size / 2, 0, string(sourceText(100000))}},
		"all but the middle":       {{0, 600000, "head"}, {size - 600000, 600000, "tail"}},
		"many, near to each other": {{100, 10, "a"}, {40000, 10, "b"}, {90000, 0, "c"}, {1 << 20, 99, ""}, {1<<20 + 70000, 5, "12345"}},
		"everything":               {{0, size, "short"}},
	} {
		content, runs := edit(old, changes)
		for _, jobs := range []int{1, 4} {
			if got, _, _ := writeEdited(t, old, content, runs, WriterOptions{Jobs: jobs}); !bytes.Equal(got, content) {
				t.Errorf("%s, %d jobs: the content differs from what was added", name, jobs)
			}
		}
	}
}

func TestAddEditedKeepsTheContentOfRandomEdits(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	old := sourceText(1 << 20)
	for n := range 30 {
		var changes []change
		for off := random.IntN(1 << 19); off < len(old); {
			c := change{off: off, size: random.IntN(min(5000, len(old)-off) + 1), text: string(sourceText(random.IntN(3000)))}
			changes = append(changes, c)
			off += c.size + random.IntN(1<<19)
		}
		content, runs := edit(old, changes)
		if got, _, _ := writeEdited(t, old, content, runs, WriterOptions{}); !bytes.Equal(got, content) {
			t.Fatalf("edit %d (%d changes): the content differs from what was added", n, len(changes))
		}
	}
}
