package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	klauspost "github.com/klauspost/compress/flate"
)

// A verdict is what a decoder makes of a stream.
type verdict struct {
	out   []byte
	taken int // bytes of the stream, of a whole one
	kind  string
}

const (
	kindWhole   = "whole"
	kindCorrupt = "corrupt"
	kindCut     = "cut"
	kindLong    = "more than the limit"
)

// kindOf names an error of any decoder.
func kindOf(t testing.TB, err error) string {
	var std flate.CorruptInputError
	var other klauspost.CorruptInputError
	switch {
	case err == nil:
		return kindWhole
	case errors.As(err, &std), errors.As(err, &other), errors.Is(err, ErrCorrupt):
		return kindCorrupt
	case err == io.ErrUnexpectedEOF:
		return kindCut
	case err == ErrRoom:
		return kindLong
	}
	t.Fatalf("unexpected error %v", err)
	return ""
}

// limited reads at most limit bytes, and tells whether there are more.
func limited(t testing.TB, r io.Reader, limit int) ([]byte, string) {
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if len(out) > limit {
		return out[:limit], kindLong
	}
	return out, kindOf(t, err)
}

// judge is the standard library.
func judge(t testing.TB, stream, dict []byte, limit int) verdict {
	in := bytes.NewReader(stream)
	out, kind := limited(t, flate.NewReaderDict(in, dict), limit)
	return verdict{out, len(stream) - in.Len(), kind}
}

// second is klauspost's, which this program used before.
func second(t testing.TB, stream, dict []byte, limit int) verdict {
	in := bytes.NewReader(stream)
	out, kind := limited(t, klauspost.NewReaderDict(in, dict), limit)
	return verdict{out, len(stream) - in.Len(), kind}
}

// decoded is Decode, with room for limit bytes.
func decoded(t testing.TB, z *Decoder, stream, dict []byte, limit int) verdict {
	dst := make([]byte, len(dict)+limit)
	copy(dst, dict)
	n, taken, err := z.Decode(dst, stream, len(dict))
	if !bytes.Equal(dst[:len(dict)], dict) {
		t.Fatal("Decode changes the dictionary")
	}
	return verdict{dst[len(dict):n], taken, kindOf(t, err)}
}

// read is Reader, from a reader that gives the stream in its own pieces.
func read(t testing.TB, z *Reader, r io.Reader, limit int) verdict {
	z.Reset(r)
	out, kind := limited(t, z, limit)
	return verdict{out, int(z.Taken()), kind}
}

// same holds a decoder to the judge: the same kind of end; for a whole stream, the
// same bytes and the same length; else the same bytes as far as both came. A stream
// that is both damaged and cut may be either, and one that is damaged in a match for which
// there is no room may be too long.
func same(t testing.TB, who string, got, want verdict) {
	t.Helper()
	refused := func(kind string) bool { return kind == kindCorrupt || kind == kindCut }
	if got.kind != want.kind && !(refused(want.kind) && (refused(got.kind) || got.kind == kindLong)) {
		t.Fatalf("%s: the stream is %s, want %s", who, got.kind, want.kind)
	}
	n := min(len(got.out), len(want.out))
	if !bytes.Equal(got.out[:n], want.out[:n]) || want.kind == kindWhole && len(got.out) != len(want.out) {
		t.Fatalf("%s: %d bytes of output differ from %d", who, len(got.out), len(want.out))
	}
	if want.kind == kindWhole && got.taken != want.taken {
		t.Fatalf("%s: the stream has %d bytes, want %d", who, got.taken, want.taken)
	}
}

// decoders are used again and again, as they are in the program.
type decoders struct {
	decoder Decoder
	reader  *Reader
}

func newDecoders() *decoders { return &decoders{reader: NewReader(nil)} }

// compare asks all decoders about a stream.
func (d *decoders) compare(t testing.TB, stream []byte, limit int) {
	t.Helper()
	want := judge(t, stream, nil, limit)
	same(t, "klauspost", second(t, stream, nil, limit), want)
	same(t, "Decode", decoded(t, &d.decoder, stream, nil, limit), want)
	same(t, "Reader", read(t, d.reader, bytes.NewReader(stream), limit), want)
	if len(stream) < 4<<10 {
		same(t, "Reader of halves", read(t, d.reader, iotest.HalfReader(bytes.NewReader(stream)), limit), want)
		same(t, "Reader of bytes", read(t, d.reader, iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(stream))), limit), want)
	}
}

func TestInflateSamples(t *testing.T) {
	d := newDecoders()
	samples := inputs()
	for name, content := range scanSamples() {
		samples["scan: "+name] = content
	}
	for _, content := range samples {
		for _, stream := range streams(t, content) {
			d.compare(t, append(stream, 1, 2, 3), len(content))
		}
	}
}

// TestInflateCut cuts a stream everywhere.
func TestInflateCut(t *testing.T) {
	d := newDecoders()
	for _, stream := range streams(t, scanSamples()["mixed"][88<<10:][:4<<10]) {
		for n := 0; n < len(stream); n += 1 + n/50 {
			d.compare(t, stream[:n], 4<<10)
		}
	}
}

// TestInflateRoom ends the room everywhere.
func TestInflateRoom(t *testing.T) {
	var z Decoder
	content := scanSamples()["mixed"][88<<10:][:3<<10]
	for i, stream := range streams(t, content) {
		for room := 0; room < len(content); room += 1 + room/30 {
			got := decoded(t, &z, stream, nil, room)
			if got.kind != kindLong || !bytes.Equal(got.out, content[:len(got.out)]) || len(got.out) < room {
				t.Fatalf("stream %d, room for %d bytes: %d, %s", i, room, len(got.out), got.kind)
			}
		}
	}
}

// TestInflateDictionary refers to what comes before, and to what does not.
func TestInflateDictionary(t *testing.T) {
	var z Decoder
	noise := inputs()["noise"]
	for _, size := range []int{1, 7, 300, windowSize - 1, windowSize, windowSize + 5000} {
		dict := noise[:size]
		var b bytes.Buffer
		w, err := flate.NewWriterDict(&b, 9, dict)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(append(bytes.Clone(dict), dict...)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, have := range []int{size, size / 2, 0} {
			d := dict[size-have:]
			same(t, "Decode", decoded(t, &z, b.Bytes(), d, 2*size), judge(t, b.Bytes(), d, 2*size))
		}
	}
}

// bitsOf packs numbers, each with its count of bits.
func bitsOf(pairs ...uint64) []byte {
	w := bitWriter{}
	for i := 0; i < len(pairs); i += 2 {
		w.reserve(8)
		w.put(pairs[i], uint(pairs[i+1]))
	}
	w.reserve(8)
	w.align()
	return w.out
}

// TestInflateRules tries each rule of RFC 1951 that a stream can break.
func TestInflateRules(t *testing.T) {
	stored := func(n, check uint64, content ...byte) []byte {
		return append(bitsOf(1, 1, 0, 2, 0, 5, n, 16, check, 16), content...)
	}
	rules := map[string]struct {
		stream []byte
		want   string
	}{
		"nothing":                             {nil, kindCut},
		"a reserved type of block":            {bitsOf(1, 1, 3, 2), kindCorrupt},
		"stored":                              {stored(3, 0xfffc, 1, 2, 3), kindWhole},
		"stored, nothing":                     {stored(0, 0xffff), kindWhole},
		"stored, the complement is wrong":     {stored(3, 0xfffd, 1, 2, 3), kindCorrupt},
		"stored, cut":                         {stored(3, 0xfffc, 1, 2), kindCut},
		"fixed, nothing":                      {bitsOf(1, 1, 1, 2, 0, 7), kindWhole},
		"fixed, no end":                       {bitsOf(1, 1, 1, 2), kindCut},
		"fixed, symbol 286":                   {bitsOf(1, 1, 1, 2, 0x63, 8, 0, 32), kindCorrupt},
		"fixed, a match before the beginning": {bitsOf(1, 1, 1, 2, 0x40, 7, 0, 5, 0, 7, 0, 32), kindCorrupt},
		"fixed, distance symbol 30":           {bitsOf(1, 1, 1, 2, 0x0c, 8, 0x40, 7, 0x0f, 5, 0, 32), kindCorrupt},
		"fixed, distance of one":              {bitsOf(1, 1, 1, 2, 0x0c, 8, 0x40, 7, 0, 5, 0, 7), kindWhole},
		"dynamic, 287 literals":               {bitsOf(1, 1, 2, 2, 30, 5, 0, 5, 15, 4, 0, 57), kindCorrupt},
		"dynamic, 31 distances":               {bitsOf(1, 1, 2, 2, 0, 5, 30, 5, 15, 4, 0, 57), kindCorrupt},
		"dynamic, no codes for lengths":       {bitsOf(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 12, 0, 64), kindCorrupt},
		"dynamic, too many codes for lengths": {bitsOf(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 1, 3, 1, 3, 1, 3, 0, 3, 0, 64), kindCorrupt},
		"dynamic, too few codes for lengths":  {bitsOf(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 2, 3, 2, 3, 2, 3, 0, 3, 0, 64), kindCorrupt},
		"dynamic, repeats nothing":            {bitsOf(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 1, 3, 1, 3, 0, 3, 0, 3, 0, 64), kindCorrupt},
		"dynamic, one code of one bit":        {oneCode(0, 0), kindWhole},
		"dynamic, the other bit":              {oneCode(1, 0), kindCorrupt},
		"dynamic, repeats beyond the end":     {oneCode(0, 1), kindCorrupt},
	}
	d := newDecoders()
	for name, rule := range rules {
		if got := judge(t, rule.stream, nil, 1<<10); got.kind != rule.want {
			t.Errorf("%s: the standard library finds the stream %s, the test wants %s", name, got.kind, rule.want)
		}
		if got := decoded(t, &d.decoder, rule.stream, nil, 1<<10); got.kind != rule.want {
			t.Errorf("%s: Decode finds the stream %s, want %s", name, got.kind, rule.want)
		}
		d.compare(t, rule.stream, 1<<10)
	}
}

// oneCode is a block whose one code, of one bit, is that of its end: 256 zeros, a
// one, and a zero for distances. It then has that bit. over zeros are too many.
func oneCode(bit, over uint64) []byte {
	// Codes of lengths: 18 has "0", 0 has "10", 1 has "11".
	return bitsOf(1, 1, 2, 2, 0, 5, 0, 5, 14, 4,
		0, 3, 0, 3, 1, 3, 2, 3, 0, 39, 2, 3, // in preOrder: 18 is third, 0 fourth, 1 is eighteenth
		0, 1, 127, 7, // 138 zeros
		0, 1, 107+over*20, 7, // 118, or as many that the last repeat is too long
		3, 2, // one
		1, 2, // zero, first bit first
		bit, 1)
}

// TestDecodeBlocks decodes every block of a stream for itself, after the bytes that it
// may refer to, and refuses ends that are not those of blocks.
func TestDecodeBlocks(t *testing.T) {
	var z Decoder
	for name, content := range scanSamples() {
		for i, stream := range streams(t, content) {
			var blocks []Block
			if err := ScanBlocks(bytes.NewReader(stream), func(b Block) bool { blocks = append(blocks, b); return true }); err != nil {
				t.Fatal(err)
			}
			blocks = append(blocks, Block{8 * int64(len(stream)), int64(len(content))})
			for n, b := range blocks[:len(blocks)-1] {
				end, dict := blocks[n+1], int(min(b.Out, windowSize))
				dst := make([]byte, dict+int(end.Out-b.Out))
				copy(dst, content[int(b.Out)-dict:b.Out])
				src, last := stream[b.Bit/8:(end.Bit+7)/8], n == len(blocks)-2
				decode := func(more int64, last bool) (int, error) {
					return z.DecodeBlocks(dst, src, dict, b.Bit&7, end.Bit-b.Bit/8*8+more, last)
				}
				if got, err := decode(0, last); err != nil || got != len(dst) || !bytes.Equal(dst[dict:], content[b.Out:end.Out]) {
					t.Fatalf("%s, stream %d, block %d: %d bytes, %v, want %d", name, i, n, got, err, len(dst))
				}
				if _, err := decode(0, !last); err == nil {
					t.Fatalf("%s, stream %d, block %d: no error if it is to be the last: %v", name, i, n, !last)
				}
				if _, err := decode(-8, last); err == nil {
					t.Fatalf("%s, stream %d, block %d: no error if it is to end before", name, i, n)
				}
			}
		}
	}
}

// TestInflateDamage changes bytes of streams at random.
func TestInflateDamage(t *testing.T) {
	d := newDecoders()
	rng := rand.New(rand.NewPCG(5, 6))
	for _, stream := range streams(t, scanSamples()["mixed"][80<<10:][:20<<10]) {
		for range 40 {
			bad := bytes.Clone(stream)
			for range 1 + rng.IntN(3) {
				bad[min(rng.IntN(len(bad)), rng.IntN(len(bad)))] ^= byte(1 << rng.IntN(8))
			}
			d.compare(t, bad, 64<<10)
		}
	}
}

// TestReaderPassesErrors gives back what the reader underneath returned.
func TestReaderPassesErrors(t *testing.T) {
	stream := New(3).Append(nil, inputs()["skewed"], 0, true)
	broken := errors.New("the disk is broken")
	z := NewReader(io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(broken)))
	if _, err := io.ReadAll(z); err != broken {
		t.Errorf("got %v, want the error of the reader", err)
	}
	if _, err := z.Read(make([]byte, 1)); err != broken {
		t.Errorf("asked again: %v", err)
	}
}

// TestInflateAllocates makes sure that streams cost no memory each.
func TestInflateAllocates(t *testing.T) {
	content := inputs()["skewed"]
	stream := New(3).Append(nil, content, 0, true)
	d, dst, in := newDecoders(), make([]byte, len(content)), bytes.NewReader(nil)
	got := testing.AllocsPerRun(5, func() {
		if _, _, err := d.decoder.Decode(dst, stream, 0); err != nil {
			t.Fatal(err)
		}
		in.Reset(stream)
		d.reader.Reset(in)
		if _, err := io.ReadFull(d.reader, dst); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations for each stream, want none", got)
	}
}

// FuzzInflate holds all decoders to the standard library.
func FuzzInflate(f *testing.F) {
	for _, content := range scanSamples() {
		f.Add(New(3).Append(nil, content[:min(len(content), 4<<10)], 0, true), uint16(8<<10))
	}
	f.Add(oneCode(0, 0), uint16(10))
	d := newDecoders()
	f.Fuzz(func(t *testing.T, stream []byte, limit uint16) {
		d.compare(t, stream, int(limit))
		dict := stream[:len(stream)/3]
		same(t, "Decode", decoded(t, &d.decoder, stream[len(dict):], dict, int(limit)), judge(t, stream[len(dict):], dict, int(limit)))
	})
}
