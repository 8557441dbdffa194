package wheel

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

func TestProveFindsEveryFlippedBit(t *testing.T) {
	content := bytes.Repeat([]byte("soname needed rpath runpath "), 40)
	const dict = 100
	for _, last := range []bool{true, false} {
		c := &chunk{in: content, dict: dict, last: last}
		c.out = deflate.New(defaultLevel).Append(nil, c.in, c.dict, c.last)
		f := &prover{}
		if err := f.prove(c); err != nil {
			t.Fatalf("last %v: %v", last, err)
		}
		good := bytes.Clone(c.out)
		for bit := range 8 * len(good) {
			c.out = bytes.Clone(good)
			c.out[bit/8] ^= 1 << (bit % 8)
			// The bits that pad a block to a byte stand for nothing.
			if err := f.prove(c); err == nil && !paddingBit(good, bit) {
				t.Errorf("last %v: bit %d of %d flipped, and no error", last, bit, 8*len(good))
			}
		}
		for _, out := range [][]byte{good[:len(good)-1], append(bytes.Clone(good), 0), nil} {
			if c.out = out; f.prove(c) == nil {
				t.Errorf("last %v: %d bytes instead of %d, and no error", last, len(out), len(good))
			}
		}
		c.out = good
		if c.in = append(bytes.Clone(content[:dict]), bytes.ToUpper(content[dict:])...); !errors.Is(f.prove(c), errUnequal) {
			t.Errorf("last %v: other content, and no error", last)
		}
	}
}

// paddingBit reports whether a bit is one of those behind the last code of the
// stream, or in front of the length of its last, empty block.
func paddingBit(out []byte, bit int) bool {
	if bytes.HasSuffix(out, []byte{0, 0, 0xff, 0xff}) {
		return bit/8 == len(out)-5
	}
	return bit/8 == len(out)-1
}

func TestConfirm(t *testing.T) {
	noise := make([]byte, 3*chunkSize+7)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	w := NewWriter("demo-1.0.dist-info", WriterOptions{})
	w.Add(Header{Name: "demo/a.bin", Modified: time.Time{}}, bytes.NewReader(noise))
	w.Add(Header{Name: "demo-1.0.dist-info/WHEEL"}, bytes.NewReader([]byte("Wheel-Version: 1.0\n")))
	w.Add(Header{Name: "demo-1.0.dist-info/METADATA"}, bytes.NewReader([]byte("Name: demo\n")))
	var out memory
	if _, err := w.Write(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	confirm := func(b []byte, change func(*RecordRow)) bool {
		r := mustRead(t, b)
		record, err := r.Record()
		if err != nil {
			t.Fatal(err)
		}
		m, _ := r.Lookup("demo/a.bin")
		row, _ := record.Row(m.Name)
		change(&row)
		ok, err := w.Confirm(m, row)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !confirm(out.b, func(*RecordRow) {}) {
		t.Error("what was written is not confirmed")
	}
	if confirm(out.b, func(row *RecordRow) { row.Hash = "sha256=AAAA" }) {
		t.Error("another digest in RECORD is confirmed")
	}
	out.b[len(out.b)/2] ^= 1
	if confirm(out.b, func(*RecordRow) {}) {
		t.Error("other compressed bytes are confirmed")
	}
}
