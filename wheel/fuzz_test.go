package wheel

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzNewReader holds the reader to a law: what reads and scans can be copied
// member by member into an archive that reads back to the same members and
// contents, and copying that one again changes no byte.
func FuzzNewReader(f *testing.F) {
	for _, b := range fuzzSeeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var total int64
		for _, m := range in.Members() {
			total += m.Size
		}
		const enough = 8 << 20 // a larger one only takes longer
		if total > enough || in.Scan(context.Background(), 2, nil) != nil {
			return
		}
		first := rewrite(t, in, in.Members(), WriterOptions{Level: -1, Jobs: 1})
		out := mustRead(t, first)
		if err := out.Scan(context.Background(), 2, nil); err != nil {
			t.Fatalf("the copy does not scan: %v", err)
		}
		if diff := cmp.Diff(identity(t, in), identity(t, out)); diff != "" {
			t.Fatalf("the copy has other members (-in +out):\n%s", diff)
		}
		if second := rewrite(t, out, out.Members(), WriterOptions{Level: -1, Jobs: 3}); !bytes.Equal(first, second) {
			t.Fatal("copying the copy changes it")
		}
	})
}

// identity is what a copy keeps of each member.
func identity(t *testing.T, r *Reader) map[string]string {
	id := contents(t, r)
	delete(id, r.DistInfo()+"/RECORD")
	for name := range id {
		m, _ := r.Lookup(name)
		id[name] += " " + m.Mode.String() + " " + m.Modified.String()
	}
	return id
}

// fuzzSeeds are archives of every shape that the reader knows.
func fuzzSeeds() [][]byte {
	small := wheelParts(part{name: "demo/x.py", content: "1", unix: 0o100644})
	deferred := func(h *zipHeader) { h.flags |= flagDescriptor }
	descriptor := append([]byte("PK\x07\x08"), make([]byte, 12)...) // of an empty stored member
	zip64 := func(h *zipHeader) {
		h.usize, h.csize = 0xffffffff, 0xffffffff
		h.extra = []byte("\x01\x00\x10\x00\x03\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00")
	}
	seeds := [][]byte{
		zipBytes(small...),
		zipBytes(demoParts()...),
		zipBytes(append(wheelParts(
			both(part{name: "demo/e", stored: true, after: descriptor}, deferred),
			both(part{name: "demo/z", content: "abc", stored: true}, zip64),
		), part{name: demoInfo + "/RECORD.jws", content: "signed"})...),
		zipBytes(),
	}
	for _, c := range []part{
		{name: "demo/../x"}, {name: "demo/x", unix: 0o120777}, {name: "demo/x/", content: "y", stored: true},
		{name: "demo/x", raw: []byte("\x03\x00junk")},
	} {
		seeds = append(seeds, with(c))
	}
	return seeds
}

func TestFuzzSeedsCoverTheReader(t *testing.T) {
	for i, b := range fuzzSeeds()[:3] {
		if err := mustRead(t, b).Scan(context.Background(), 1, nil); err != nil {
			t.Errorf("seed %d, which is to be right: %v", i, err)
		}
	}
}
