package steady

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// contentsOf makes a file of so many random bytes.
func contentsOf(t *testing.T, size int) (string, []byte) {
	t.Helper()
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func TestReadAtIsThatOfTheFile(t *testing.T) {
	for _, size := range []int{0, 1, blockSize - 1, blockSize, 3*blockSize + 7, maxStep + 3*blockSize} {
		path, _ := contentsOf(t, size)
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		for range 200 {
			off := rand.Int64N(int64(size) + 10)
			p := make([]byte, rand.IntN(size+20))
			q := make([]byte, len(p))
			n, err := f.ReadAt(p, off)
			m, err2 := want.ReadAt(q, off)
			if n != m || err != err2 || !bytes.Equal(p[:n], q[:m]) {
				t.Fatalf("%d bytes at %d of %d: %d, %v, want %d, %v", len(p), off, size, n, err, m, err2)
			}
		}
		if err := errors.Join(f.Check(), f.Close()); err != nil {
			t.Error(err)
		}
	}
}

// A changing reader has other bytes from the n-th read on.
type changing struct {
	data []byte
	at   int64
	left int
}

func (c *changing) ReadAt(p []byte, off int64) (int, error) {
	if c.left--; c.left < 0 {
		c.data[c.at] ^= 1
		c.left = 1 << 30
	}
	return bytes.NewReader(c.data).ReadAt(p, off)
}

func TestWhatIsReadTwiceIsTheSame(t *testing.T) {
	data := make([]byte, 5*blockSize)
	for n := range 12 {
		r := NewReader(&changing{bytes.Clone(data), 2*blockSize + 5, n}, int64(len(data)))
		var seen []byte
		var failed error
		for range 6 {
			got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
			if err != nil {
				failed = err
				break
			}
			if seen == nil {
				seen = got
			}
			if !bytes.Equal(seen, got) {
				t.Fatalf("change at read %d: two reads differ", n)
			}
		}
		if failed != nil && !errors.Is(failed, ErrChanged) {
			t.Errorf("change at read %d: %v", n, failed)
		}
	}
}

func TestWritesAreNoticed(t *testing.T) {
	for name, change := range map[string]func(path string, data []byte) error{
		"other bytes": func(path string, data []byte) error { data[10] ^= 1; return os.WriteFile(path, data, 0o600) },
		"shorter":     func(path string, data []byte) error { return os.Truncate(path, 100) },
		"longer": func(path string, data []byte) error {
			return os.WriteFile(path, append(data, 1), 0o600)
		},
	} {
		path, data := contentsOf(t, 4*blockSize)
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(path, data); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(make([]byte, 10), 0); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: a read gives %v, want %v", name, err, ErrChanged)
		}
		if err := f.Check(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: Check = %v, want %v", name, err, ErrChanged)
		}
		f.Close()
	}
}

func TestPoolKeepsFewDescriptors(t *testing.T) {
	p := NewPool(2)
	var files []*File
	open := 0
	for range 20 {
		path, _ := contentsOf(t, 10)
		f, err := p.Open(func() (*os.File, error) {
			if open++; open > 1000 {
				return nil, errors.New("opened without end")
			}
			return OpenRegular(path)
		})
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for range 3 {
		for _, f := range files {
			if _, err := f.ReadAt(make([]byte, 10), 0); err != nil {
				t.Fatal(err)
			}
			if n := p.idle.Len(); n > 2 {
				t.Fatalf("%d descriptors are open", n)
			}
		}
	}
	if err := p.Close(); err != nil || p.idle.Len() != 0 {
		t.Errorf("Close: %v, %d are open", err, p.idle.Len())
	}
}

// Another file under the name is not the one that was opened.
func TestAReplacedFileHasChanged(t *testing.T) {
	path, data := contentsOf(t, 10)
	p := NewPool(0)
	f, err := p.Open(func() (*os.File, error) { return OpenRegular(path) })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path+"2", data, 0o600), os.Rename(path+"2", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(make([]byte, 10), 0); !errors.Is(err, ErrChanged) {
		t.Errorf("%v, want %v", err, ErrChanged)
	}
}

func TestErrorsAreThoseOfTheFile(t *testing.T) {
	p := NewPool(0)
	fail := false
	path, _ := contentsOf(t, 10)
	f, err := p.Open(func() (*os.File, error) {
		if fail {
			return nil, syscall.EMFILE
		}
		return OpenRegular(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	fail = true
	if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("%v, want %v", err, syscall.EMFILE)
	}
}
