package wheel

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
)

// discard takes everything.
type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// library is 16 MiB of machine code: the test's own, as often as it takes.
// Deflate does not see the repetition, it is too far away.
func library(b *testing.B) []byte {
	b.Helper()
	name, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	code, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	const size = 16 << 20
	return bytes.Repeat(code, 1+size/len(code))[:size]
}

// BenchmarkWrite writes a wheel with one new library.
func BenchmarkWrite(b *testing.B) {
	lib := library(b)
	b.SetBytes(int64(len(lib)))
	b.ReportAllocs()
	for b.Loop() {
		w := NewWriter(demoInfo, WriterOptions{})
		w.Add(Header{Name: "demo/_core.so", Mode: 0o755}, bytes.NewReader(lib))
		w.Add(Header{Name: demoInfo + "/WHEEL"}, strings.NewReader(demoWheel))
		if _, err := w.Write(context.Background(), discard{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScan reads and checks that wheel.
func BenchmarkScan(b *testing.B) {
	lib := library(b)
	w := NewWriter(demoInfo, WriterOptions{})
	w.Add(Header{Name: "demo/_core.so", Mode: 0o755}, bytes.NewReader(lib))
	w.Add(Header{Name: demoInfo + "/WHEEL"}, strings.NewReader(demoWheel))
	w.Add(Header{Name: demoInfo + "/METADATA"}, strings.NewReader(demoMetadata))
	r := mustRead(b, mustWrite(b, w))
	b.SetBytes(int64(len(lib)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Scan(context.Background(), 1, func(*Member, io.Reader) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
