package deflate

import (
	"os"
	"strconv"
	"testing"
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
