package wheel

import (
	"bytes"
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

// writeEdited writes a wheel whose member demo/lib.so was made from that of
// another, and returns it with the compressed bytes of both.
func writeEdited(t *testing.T, old, content []byte, runs []Run, opts WriterOptions) (got, before, after []byte) {
	t.Helper()
	source := mustRead(t, zipBytes(wheelParts(part{name: "demo/lib.so", content: string(old)})...))
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
	r := mustRead(t, mustWrite(t, w))
	if err := r.Scan(t.Context(), 1, nil); err != nil {
		t.Fatalf("the edited wheel is damaged: %v", err)
	}
	edited, _ := r.Lookup(m.Name)
	return []byte(contents(t, r)[m.Name]), readAll(t, m.Raw()), readAll(t, edited.Raw())
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
