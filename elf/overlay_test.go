package elf

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func TestOverlayReadsTheSameAnywhere(t *testing.T) {
	for _, spec := range []string{"x86_64", "i686 nosections", "s390x bss=5000 symtab", "aarch64 bss=4000000"} {
		t.Run(spec, func(t *testing.T) {
			o, err := open(t, spec+fullSpec).Edit(context.Background(), SetRPath(longPath), SetSoname("libother.so"), RemoveNeeded("libdep.so.3"))
			if err != nil {
				t.Fatal(err)
			}
			whole := contents(t, o)
			random := rand.New(rand.NewPCG(1, 2))
			for range 2000 {
				off := random.IntN(len(whole) + 10)
				p := make([]byte, random.IntN(300))
				n, err := o.ReadAt(p, int64(off))
				want := whole[min(off, len(whole)):min(off+len(p), len(whole))]
				if !bytes.Equal(p[:n], want) || (n < len(p)) != (err == io.EOF) {
					t.Fatalf("ReadAt of %d bytes at %#x = %d, %v; want %d bytes of the whole", len(p), off, n, err, len(want))
				}
			}
			for off := 1; off < len(whole); off += 2 {
				var p [1]byte
				if _, err := o.ReadAt(p[:], int64(off)); err != nil || p[0] != whole[off] {
					t.Fatalf("byte at %#x = %#x, %v; want %#x", off, p[0], err, whole[off])
				}
			}
			if _, err := o.ReadAt(make([]byte, 1), -1); err == nil {
				t.Error("a negative offset is accepted")
			}
			if err := iotest.TestReader(io.NewSectionReader(o, 0, o.Size()), whole); err != nil {
				t.Error(err)
			}
		})
	}
}

// shrinkingReader loses its end after it has been read once.
type shrinkingReader struct {
	data []byte
	cut  int64
}

func (r *shrinkingReader) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(r.data[:r.cut]).ReadAt(p, off)
}

func TestOverlayOfAFileThatShrinks(t *testing.T) {
	r := &shrinkingReader{data: image(t, "x86_64"+fullSpec)}
	r.cut = int64(len(r.data))
	f, err := NewFile(r, r.cut)
	if err != nil {
		t.Fatal(err)
	}
	o, err := f.Edit(context.Background(), SetRPath(longPath))
	if err != nil {
		t.Fatal(err)
	}
	r.cut /= 2
	if _, err := io.Copy(io.Discard, io.NewSectionReader(o, 0, o.Size())); err != io.ErrUnexpectedEOF {
		t.Errorf("error is %v, want %v: the output would be short", err, io.ErrUnexpectedEOF)
	}
}
