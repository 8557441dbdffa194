package deflate

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// inflate decodes a stream that follows dict.
func inflate(t testing.TB, stream, dict []byte) []byte {
	t.Helper()
	r := flate.NewReaderDict(bytes.NewReader(stream), dict)
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("the stream does not inflate: %v", err)
	}
	return b
}

// inputs are named for what they try.
func inputs() map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 200<<10)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	skewed := make([]byte, 300<<10)
	for i := range skewed {
		skewed[i] = byte(rng.ExpFloat64() * 3)
	}
	fib := []byte{} // Fibonacci frequencies want words longer than 15 bits
	a, b := 1, 1
	for s := byte(0); s < 26; s++ {
		fib = append(fib, bytes.Repeat([]byte{s}, a)...)
		a, b = b, a+b
	}
	rng.Shuffle(len(fib), func(i, j int) { fib[i], fib[j] = fib[j], fib[i] })
	far := append(append(bytes.Clone(noise[:1000]), make([]byte, windowSize-1000)...), noise[:1000]...)
	return map[string][]byte{
		"empty": {}, "one byte": {7}, "seven bytes": []byte("abcabca"), "eight bytes": []byte("abcabcab"),
		"zeros": make([]byte, 1<<20), "noise": noise, "skewed": skewed, "words at the length limit": fib,
		"match at the window's edge": far, "text then noise then text": append(append(bytes.Repeat([]byte("shared library "), 4000), noise...), bytes.Repeat([]byte("shared library "), 4000)...),
		"runs of 258": bytes.Repeat(append(make([]byte, 258), 1), 300),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, in := range inputs() {
		for level := 1; level <= MaxLevel; level++ {
			e := New(level)
			for range 2 { // the second time with buffers that were used
				out := e.Append(nil, in, 0, true)
				if got := inflate(t, out, nil); !bytes.Equal(got, in) {
					t.Fatalf("%s, level %d: comes back changed", name, level)
				}
			}
		}
	}
}

// chunks compresses in with one encoder, size bytes at a time, each chunk with
// what comes before it as its dictionary.
func chunks(e *Encoder, in []byte, size int) []byte {
	var out []byte
	for off := 0; off == 0 || off < len(in); off += size {
		dict, end := min(off, windowSize), min(off+size, len(in))
		out = e.Append(out, in[off-dict:end], dict, end == len(in))
	}
	return out
}

func TestChunksJoinIntoOneStream(t *testing.T) {
	for name, in := range inputs() {
		for _, size := range []int{5000, windowSize, 100_000} {
			out := chunks(New(4), in, size)
			if got := inflate(t, out, nil); !bytes.Equal(got, in) {
				t.Errorf("%s in chunks of %d: comes back changed", name, size)
			}
		}
	}
}

func TestDictionaryIsUsed(t *testing.T) {
	noise := inputs()["noise"][:20_000]
	src := append(bytes.Clone(noise), noise...)
	out := New(4).Append(nil, src, len(noise), true)
	if len(out) > 1000 {
		t.Errorf("a repetition of the dictionary takes %d bytes, want some hundred", len(out))
	}
	if got := inflate(t, out, noise); !bytes.Equal(got, noise) {
		t.Error("comes back changed")
	}
}

func TestNoiseGrowsByStoredHeadersOnly(t *testing.T) {
	noise := inputs()["noise"]
	out := New(9).Append(nil, noise, 0, true)
	if limit := len(noise) + storedHeader*(1+len(noise)/maxStored) + 1; len(out) > limit {
		t.Errorf("%d bytes of noise take %d, want at most %d", len(noise), len(out), limit)
	}
}

// The output is part of what wheelmend promises: a change of it changes the
// bytes of every wheel, and has to be meant.
func TestOutputIsPinned(t *testing.T) {
	h := sha256.New()
	all := inputs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for level := 1; level <= MaxLevel; level++ {
			h.Write(chunks(New(level), all[name], 64<<10))
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != Version {
		t.Errorf("output has the digest %s, want %s", got, Version)
	}
}

// FuzzRoundTrip wants back what went in, whatever the chunks, and the same
// bytes from a fresh encoder as from a used one.
func FuzzRoundTrip(f *testing.F) {
	for _, in := range inputs() {
		f.Add(in[:min(len(in), 4000)], uint16(1000), uint8(4))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint16, level uint8) {
		e := New(int(level % 12))
		out := chunks(e, in, int(size)+1)
		if got := inflate(t, out, nil); !bytes.Equal(got, in) {
			t.Fatal("comes back changed")
		}
		if again := chunks(e, in, int(size)+1); !bytes.Equal(again, out) {
			t.Fatal("a used encoder gives other bytes")
		}
	})
}
