package pe

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/petest"
)

func TestEditFile(t *testing.T) {
	before := petest.Build(full())
	for _, tt := range []struct {
		name  string
		edit  Edit
		fails bool
		same  bool
	}{
		{"a longer name", ReplaceImport("foo.dll", long), false, false},
		{"nothing to do", ReplaceImport("foo.dll", "foo.dll"), false, true},
		{"refused", ReplaceImport("foo.dll", `..\foo.dll`), true, true},
		{"not imported", ReplaceImport("bar.dll", "baz.dll"), true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "made.dll")
			if err := os.WriteFile(path, before, 0o644); err != nil {
				t.Fatal(err)
			}
			err := EditFile(context.Background(), path, tt.edit)
			if (err != nil) != tt.fails || err != nil && !strings.Contains(err.Error(), "made.dll") {
				t.Fatalf("got %v, want an error with the path: %v", err, tt.fails)
			}
			after, err := os.ReadFile(path)
			if err != nil || bytes.Equal(after, before) != tt.same {
				t.Errorf("the file is the same: %v, want %v (%v)", !tt.same, tt.same, err)
			}
		})
	}
}

// What was asked for and what lies on the disk are compared, not assumed.
func TestCheckWrittenFindsOtherBytes(t *testing.T) {
	o, err := open(t, petest.Build(full())).Edit(context.Background(), ReplaceImport("foo.dll", long))
	if err != nil {
		t.Fatal(err)
	}
	other := edited(t, open(t, petest.Build(full())), ReplaceImport("foo.dll", strings.ToUpper(long)))
	for name, data := range map[string][]byte{"another name": other, "cut": other[:len(other)-1]} {
		f, err := os.Create(filepath.Join(t.TempDir(), "made.dll"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := CheckWritten(o, f); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A read that fails is told as that, never as a broken image.
func TestReadErrors(t *testing.T) {
	data := petest.Build(full())
	broken := errors.New("broken disk")
	for from := 0; from < len(data); from += 100 {
		f, err := NewFile(failing{data, from, broken}, int64(len(data)))
		if err == nil {
			_, err = f.Edit(context.Background(), ReplaceImport("foo.dll", long))
		}
		if err != nil && !errors.Is(err, broken) {
			t.Errorf("unreadable from %#x on: %v", from, err)
		}
	}
}

type failing struct {
	data []byte
	from int
	err  error
}

func (r failing) ReadAt(p []byte, off int64) (int, error) {
	if int(off)+len(p) > r.from {
		return 0, r.err
	}
	return copy(p, r.data[off:]), nil
}
