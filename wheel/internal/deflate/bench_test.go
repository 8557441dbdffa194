package deflate

import (
	"bytes"
	"compress/flate"
	"io"
	"os"
	"strconv"
	"testing"

	klauspost "github.com/klauspost/compress/flate"
)

// BenchmarkAppend compresses the test binary itself, a program of some MB, in
// chunks of one MiB.
func BenchmarkAppend(b *testing.B) {
	name, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	for _, level := range []int{1, 4, 6, 9} {
		b.Run(strconv.Itoa(level), func(b *testing.B) {
			e := New(level)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			size := 0
			var out []byte
			for b.Loop() {
				size = 0
				for off := 0; off < len(src); off += 1 << 20 {
					dict := min(off, windowSize)
					end := min(off+1<<20, len(src))
					out = e.Append(out[:0], src[off-dict:end], dict, end == len(src))
					size += len(out)
				}
			}
			b.ReportMetric(float64(size)/float64(len(src)), "ratio")
		})
	}
}

// BenchmarkInflate inflates the test binary, as level 6 compresses it, with this
// package and with klauspost's.
func BenchmarkInflate(b *testing.B) {
	name, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, 6)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Write(src); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	in, buf := bytes.NewReader(nil), make([]byte, 64<<10)
	bench := func(name string, once func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				in.Reset(packed.Bytes())
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	drain := func(r io.Reader) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
		return err
	}
	own := NewReader(in)
	bench("reader", func() error { own.Reset(in); return drain(own) })
	decoder, dst := Decoder{}, make([]byte, len(src))
	bench("decoder", func() error { _, _, err := decoder.Decode(dst, packed.Bytes(), 0); return err })
	peer := klauspost.NewReader(in)
	bench("klauspost", func() error {
		if err := peer.(klauspost.Resetter).Reset(in, nil); err != nil {
			return err
		}
		return drain(peer)
	})
}
