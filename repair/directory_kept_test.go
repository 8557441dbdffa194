package repair

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/wheelmend/wheelmend/overlay"
)

// A file that is there already is a copy only if each byte of it is that of the copy.
func TestSameAsFile(t *testing.T) {
	const size = 2<<20 + 5 // of two whole chunks and a bit
	want := bytes.Repeat([]byte("wheelmend"), size/9+1)[:size]
	changed := func(at int) []byte {
		data := bytes.Clone(want)
		data[at] ^= 1
		return data
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		data []byte
		same bool
	}{
		{"itself", want, true},
		{"the first byte differs", changed(0), false},
		{"the first byte of another chunk differs", changed(1 << 20), false},
		{"the last byte differs", changed(size - 1), false},
		{"shorter", want[:size-1], false},
		{"longer", append(bytes.Clone(want), 0), false},
		{"directory", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := filepath.Join(dir, tt.name)
			if tt.data != nil {
				if err := os.WriteFile(at, tt.data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			same, err := sameAsFile(untouched(want), at)
			if err != nil || same != tt.same {
				t.Errorf("same: %v (%v), want %v", same, err, tt.same)
			}
		})
	}
	if _, err := sameAsFile(untouched(want), filepath.Join(dir, "gone")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// untouched is an image without edits.
func untouched(data []byte) *overlay.Overlay {
	b := overlay.NewBuilder(bytes.NewReader(data))
	b.Original(0, int64(len(data)))
	return b.Overlay(false)
}
