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
	f.Fuzz(checkCopyLaw)
}

// FuzzMember holds the reader to the same law. The archive is built around one
// member, its RECORD and checksums true, so that the fuzzer need not find them;
// then one byte of the archive is changed.
func FuzzMember(f *testing.F) {
	f.Add("demo/x.py", "content", uint16(0o100644), false, []byte(nil), []byte(nil), uint16(0), uint16(0), byte(0))
	f.Add("demo/größe", "", uint16(0), true, []byte("\x01\x00\x08\x00abcdefgh"), []byte(nil), uint16(0), uint16(9), byte(1))
	f.Add("demo/x/", "", uint16(0o40755), true, []byte{0, 0}, make([]byte, 12), uint16(flagDescriptor), uint16(300), byte(0x80))
	f.Add("../x", "abc", uint16(0o120777), true, []byte(nil), []byte("junk"), uint16(flagUTF8), uint16(20), byte(3))
	f.Fuzz(func(t *testing.T, name, content string, unix uint16, stored bool, extra, after []byte, flags, at uint16, flip byte) {
		if len(name)|len(extra) > 0xffff {
			return
		}
		p := part{name: name, content: content, unix: unix, stored: stored, after: after}
		b := with(both(p, func(h *zipHeader) { h.flags, h.extra = flags, extra }))
		b[int(at)%len(b)] ^= flip
		checkCopyLaw(t, b)
	})
}

// checkCopyLaw fails for an archive that reads and scans, but cannot be copied
// to the same members and contents, or not twice to the same bytes.
func checkCopyLaw(t *testing.T, b []byte) {
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
	first := rewrite(t, in, in.Members(), WriterOptions{Jobs: 1})
	out := mustRead(t, first)
	if err := out.Scan(context.Background(), 2, nil); err != nil {
		t.Fatalf("the copy does not scan: %v", err)
	}
	if diff := cmp.Diff(identity(t, in), identity(t, out)); diff != "" {
		t.Fatalf("the copy has other members (-in +out):\n%s", diff)
	}
	if second := rewrite(t, out, out.Members(), WriterOptions{Jobs: 3}); !bytes.Equal(first, second) {
		t.Fatal("copying the copy changes it")
	}
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
