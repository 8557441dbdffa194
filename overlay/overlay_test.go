package overlay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wheelmend/wheelmend/overlay"
)

// original is what the images are made from: no byte repeats nearby.
func original(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// A part is one piece of an image under test.
type part struct {
	kind    string // original, bytes, zeros or late
	from, n int
}

// build makes an image of parts, and what it has to read as.
func build(base []byte, parts []part) (*overlay.Overlay, []byte) {
	b := overlay.NewBuilder(bytes.NewReader(base))
	var want []byte
	for i, p := range parts {
		fresh := bytes.Repeat([]byte{byte('a' + i%26)}, p.n)
		switch p.kind {
		case "original":
			b.Original(int64(p.from), int64(p.n))
			want = append(want, base[p.from:p.from+p.n]...)
		case "bytes":
			b.Bytes(fresh)
			want = append(want, fresh...)
		case "zeros":
			b.Zeros(int64(p.n))
			want = append(want, make([]byte, p.n)...)
		case "late":
			b.Late(int64(p.n), func() ([]byte, error) { return fresh, nil })
			want = append(want, fresh...)
		}
		if b.Size() != int64(len(want)) {
			panic(fmt.Sprintf("the builder has %d bytes, want %d", b.Size(), len(want)))
		}
	}
	return b.Overlay(true), want
}

var images = map[string][]part{
	"nothing":            nil,
	"the original":       {{"original", 0, 1000}},
	"patched":            {{"original", 0, 100}, {"bytes", 0, 10}, {"original", 110, 890}},
	"longer in front":    {{"bytes", 0, 7}, {"original", 0, 1000}},
	"shorter":            {{"original", 0, 300}, {"original", 301, 699}},
	"cut":                {{"original", 0, 300}},
	"backwards":          {{"original", 500, 500}, {"original", 0, 500}},
	"twice":              {{"original", 0, 1000}, {"original", 0, 1000}},
	"zeros in between":   {{"original", 0, 100}, {"zeros", 0, 300}, {"original", 400, 600}},
	"a hole at the end":  {{"original", 0, 100}, {"zeros", 0, 300}},
	"late":               {{"original", 0, 100}, {"late", 0, 20}, {"original", 120, 100}, {"late", 0, 5}},
	"empty pieces":       {{"bytes", 0, 0}, {"original", 0, 0}, {"original", 5, 10}, {"zeros", 0, 0}, {"late", 0, 0}},
	"new alone":          {{"bytes", 0, 3}, {"late", 0, 4}, {"zeros", 0, 5}},
	"moves and returns":  {{"original", 0, 50}, {"bytes", 0, 5}, {"original", 50, 45}, {"original", 100, 900}},
	"stays behind a gap": {{"zeros", 0, 200}, {"original", 200, 100}, {"bytes", 0, 1}, {"original", 300, 100}},
}

func TestReadAt(t *testing.T) {
	base := original(1000)
	for name, parts := range images {
		t.Run(name, func(t *testing.T) {
			o, want := build(base, parts)
			if o.Size() != int64(len(want)) || !o.Edited() {
				t.Errorf("size %d, edited %v; want %d, true", o.Size(), o.Edited(), len(want))
			}
			if err := iotest.TestReader(io.NewSectionReader(o, 0, o.Size()), want); err != nil {
				t.Error(err)
			}
			for off := range len(want) + 2 {
				for _, n := range []int{0, 1, 2, 9, 400, len(want)} {
					p := bytes.Repeat([]byte{0xee}, n)
					got, err := o.ReadAt(p, int64(off))
					left := want[min(off, len(want)):]
					if whole := n <= len(left); got != min(n, len(left)) || (err == nil) != whole || !whole && err != io.EOF || !bytes.Equal(p[:got], left[:got]) {
						t.Fatalf("%d bytes at %d: %d, %v", n, off, got, err)
					}
				}
			}
			if _, err := o.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
				t.Errorf("a negative offset: %v", err)
			}
		})
	}
}

// A brokenDisk cannot be read.
type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk on fire") }

// Where the original is shorter than it was, reading says so, and never gives zeros.
func TestOriginalThatIsCut(t *testing.T) {
	b := overlay.NewBuilder(bytes.NewReader(original(100)))
	b.Original(50, 60)
	o := b.Overlay(false)
	if n, err := o.ReadAt(make([]byte, 50), 0); n != 50 || err != nil || o.Edited() {
		t.Errorf("what is there: %d, %v", n, err)
	}
	if _, err := o.ReadAt(make([]byte, 60), 0); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	b = overlay.NewBuilder(brokenDisk{})
	b.Original(0, 1)
	if _, err := b.Overlay(false).ReadAt(make([]byte, 1), 0); err == nil || err.Error() != "disk on fire" {
		t.Errorf("of an original that cannot be read: %v", err)
	}
}

func TestRuns(t *testing.T) {
	o, _ := build(original(1000), []part{{"bytes", 0, 4}, {"original", 10, 20}, {"zeros", 0, 6}, {"original", 0, 5}})
	if want := []overlay.Run{{At: 4, From: 10, Size: 20}, {At: 30, From: 0, Size: 5}}; !slices.Equal(o.Runs(), want) {
		t.Errorf("%v, want %v", o.Runs(), want)
	}
}

// An image in an image reads from its own place in the original.
func TestImageInAnImage(t *testing.T) {
	base := original(1000)
	inner := overlay.NewBuilder(bytes.NewReader(base[200:]))
	inner.Original(10, 30)
	inner.Bytes([]byte("new"))
	inner.Zeros(2)
	outer := overlay.NewBuilder(bytes.NewReader(base))
	outer.Bytes([]byte("head"))
	outer.Image(inner.Overlay(true), 200)
	outer.Original(0, 5)
	want := slices.Concat([]byte("head"), base[210:240], []byte("new\x00\x00"), base[:5])
	o := outer.Overlay(true)
	if got, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size())); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// What comes late is made once, and its length and its error are looked at.
func TestLate(t *testing.T) {
	broken := errors.New("no hash today")
	for _, tt := range []struct {
		name string
		make func() ([]byte, error)
		want string
	}{
		{"as long as was said", func() ([]byte, error) { return []byte("1234"), nil }, ""},
		{"shorter", func() ([]byte, error) { return []byte("123"), nil }, "3 bytes are made, want 4"},
		{"longer", func() ([]byte, error) { return []byte("12345"), nil }, "5 bytes are made, want 4"},
		{"none", func() ([]byte, error) { return nil, broken }, broken.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			b := overlay.NewBuilder(bytes.NewReader(original(10)))
			b.Original(0, 10)
			b.Late(4, func() ([]byte, error) { calls++; return tt.make() })
			o := b.Overlay(true)
			if _, err := o.ReadAt(make([]byte, 10), 0); err != nil || calls != 0 {
				t.Errorf("in front of it: %v, made %d times", err, calls)
			}
			for range 3 {
				p := make([]byte, 2)
				_, err := o.ReadAt(p, 11)
				if failed := err != nil; failed != (tt.want != "") || failed && !strings.Contains(err.Error(), tt.want) || !failed && string(p) != "23" {
					t.Errorf("got %q, %v; want error %q", p, err, tt.want)
				}
			}
			src, dst := files(t, original(10))
			if err := o.WriteFile(context.Background(), dst, src); (err != nil) != (tt.want != "") {
				t.Errorf("WriteFile: %v, want %q", err, tt.want)
			}
			if calls != 1 {
				t.Errorf("made %d times, want 1", calls)
			}
		})
	}
}

// files returns a file with the original, and an empty one.
func files(t *testing.T, base []byte) (src, dst *os.File) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "src"), base, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(filepath.Join(dir, "src"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	dst, err = os.Create(filepath.Join(dir, "dst"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dst.Close() })
	return src, dst
}

// written is what WriteFile makes of an image.
func written(t *testing.T, base []byte, o *overlay.Overlay) []byte {
	t.Helper()
	src, dst := files(t, base)
	if err := o.WriteFile(context.Background(), dst, src); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(dst.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWriteFile(t *testing.T) {
	base := original(1000)
	for name, parts := range images {
		o, want := build(base, parts)
		if got := written(t, base, o); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes are not the %d of the image", name, len(got), len(want))
		}
	}
}

// Both ways to read an image agree, whatever it is made of.
func TestAnyImage(t *testing.T) {
	base := original(5000)
	kinds := []string{"original", "bytes", "zeros", "late", "original"}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 14))
		var parts []part
		at := 0
		for range random.IntN(12) {
			p := part{kind: kinds[random.IntN(len(kinds))], n: random.IntN(700)}
			if p.from = at; random.IntN(3) == 0 || p.from+p.n > len(base) { // else it stays where it is
				p.from = random.IntN(len(base) - p.n)
			}
			at += p.n
			parts = append(parts, p)
		}
		o, want := build(base, parts)
		got, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%+v: ReadAt gives %d bytes, %v, want %d others", parts, len(got), err, len(want))
		}
		if got := written(t, base, o); !bytes.Equal(got, want) {
			t.Fatalf("%+v: WriteFile gives %d bytes, want %d others", parts, len(got), len(want))
		}
	}
}

func TestWriteFileFails(t *testing.T) {
	base := original(1000)
	o, _ := build(base, images["patched"])
	t.Run("the original is shorter", func(t *testing.T) {
		src, dst := files(t, base[:990])
		err := o.WriteFile(context.Background(), dst, src)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "the original ends at 990 bytes, 1000 are wanted") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a run that moves is shorter", func(t *testing.T) {
		moved, _ := build(base, images["longer in front"])
		src, dst := files(t, base[:990])
		err := moved.WriteFile(context.Background(), dst, src)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "the original ends at 990 bytes, 1000 are wanted") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("called off", func(t *testing.T) {
		src, dst := files(t, base)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := o.WriteFile(ctx, dst, src); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
	for name, parts := range images {
		if len(parts) == 0 {
			continue
		}
		o, want := build(base, parts)
		src, dst := files(t, base)
		if err := dst.Close(); err != nil {
			t.Fatal(err)
		}
		if err := o.WriteFile(context.Background(), dst, src); err == nil && len(want) > 0 {
			t.Errorf("%s: no error of a file that is closed", name)
		}
	}
}
