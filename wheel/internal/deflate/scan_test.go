package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// scanSamples are contents that make blocks of every type.
func scanSamples() map[string][]byte {
	random := make([]byte, 200<<10)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(source.Uint32())
	}
	text := bytes.Repeat([]byte("shared objects need one another; "), 9000)
	mixed := append(append(bytes.Clone(text[:90<<10]), random[:70<<10]...), text[:130<<10]...)
	for i := 0; i < len(mixed); i += 97 {
		mixed[i] = byte(source.Uint32())
	}
	return map[string][]byte{"empty": nil, "one byte": {7}, "random": random, "text": text, "mixed": mixed}
}

// streams returns the content compressed by different encoders.
func streams(t *testing.T, content []byte) [][]byte {
	var out [][]byte
	for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	return append(out, New(3).Append(nil, content, 0, true))
}

// TestScanBlocksFindsPlacesToCut cuts a stream in front of each block, ends the
// first part with an empty block, and puts the second behind it if it begins a
// byte: both have to inflate.
func TestScanBlocksFindsPlacesToCut(t *testing.T) {
	for name, content := range scanSamples() {
		for i, stream := range streams(t, content) {
			var blocks []Block
			if err := ScanBlocks(bytes.NewReader(stream), func(b Block) bool { blocks = append(blocks, b); return true }); err != nil {
				t.Fatalf("%s, stream %d: %v", name, i, err)
			}
			for _, b := range blocks {
				head := AppendSync(bytes.Clone(stream[:(b.Bit+7)/8]), int(b.Bit&7))
				got, err := io.ReadAll(flate.NewReader(bytes.NewReader(head)))
				if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got, content[:b.Out]) {
					t.Fatalf("%s, stream %d: %d bytes come before bit %d (%v), want %d", name, i, len(got), b.Bit, err, b.Out)
				}
				if b.Bit&7 != 0 {
					continue
				}
				got, err = io.ReadAll(flate.NewReader(bytes.NewReader(append(head, stream[b.Bit/8:]...))))
				if err != nil || !bytes.Equal(got, content) {
					t.Fatalf("%s, stream %d: cut at bit %d gives %d bytes, %v, want %d", name, i, b.Bit, len(got), err, len(content))
				}
			}
		}
	}
}

func TestScanBlocksStopsWhenAsked(t *testing.T) {
	stream := New(3).Append(nil, scanSamples()["mixed"], 0, true)
	calls := 0
	if err := ScanBlocks(bytes.NewReader(stream), func(Block) bool { calls++; return calls < 2 }); err != nil || calls != 2 {
		t.Errorf("got %d calls, %v, want 2", calls, err)
	}
}

func TestScanBlocksReportsTruncation(t *testing.T) {
	stream := New(3).Append(nil, scanSamples()["mixed"], 0, true)
	for n := 0; n < len(stream)-1; n += 1 + len(stream)/300 {
		if err := ScanBlocks(bytes.NewReader(stream[:n]), func(Block) bool { return true }); err == nil {
			t.Errorf("a stream cut to %d of %d bytes is accepted", n, len(stream))
		}
	}
}

// FuzzScanBlocks holds the scanner to the decoder: what inflates can be scanned,
// and has no block behind its end.
func FuzzScanBlocks(f *testing.F) {
	for _, content := range scanSamples() {
		f.Add(New(3).Append(nil, content[:min(len(content), 4<<10)], 0, true))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		want, err := io.Copy(io.Discard, io.LimitReader(flate.NewReader(bytes.NewReader(stream)), 1<<20))
		if err != nil || want == 1<<20 {
			want = -1
		}
		last := int64(0)
		scanErr := ScanBlocks(bytes.NewReader(stream), func(b Block) bool { last = b.Out; return b.Out <= 2<<20 })
		if want >= 0 && (scanErr != nil || last > want) {
			t.Errorf("%d bytes inflate, the scanner says %v after %d", want, scanErr, last)
		}
	})
}
