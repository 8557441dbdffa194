package audit

import (
	"bytes"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/linkage"
)

// imageOf returns an image of a graph with the ELF file that a spec describes.
func imageOf(t *testing.T, spec string) *linkage.Image {
	t.Helper()
	parsed, err := elftest.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	data := elftest.Build(parsed)
	f, err := elf.NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	file := &linkage.File{Path: "libx.so.1", Content: f}
	image := &linkage.Image{File: file, Code: f}
	file.Images = []*linkage.Image{image}
	return image
}

// The rules of glibc's check_match and musl's gnu_lookup for a definition, by its entry
// of .gnu.version: 2 is the first version of a library, which serves references from
// before the library had versions although it is hidden; later ones do not.
func TestDefinitionsMeetWants(t *testing.T) {
	versioned, plain := imageOf(t, "x86_64 soname=libx.so.1 export=f@V1"), imageOf(t, "x86_64 soname=libx.so.1 export=f")
	for _, tt := range []struct {
		name string
		d    definition
		want want
		musl bool
		met  bool
	}{
		{"no version asked, the default one", definition{object: versioned, version: "V2", index: 3}, want{}, false, true},
		{"no version asked, hidden and the first", definition{object: versioned, version: "V1", index: 2, hidden: true}, want{}, false, true},
		{"no version asked, hidden and a later one", definition{object: versioned, version: "V2", index: 3, hidden: true}, want{}, false, false},
		{"no version asked, hidden and without one", definition{object: versioned, index: 1, hidden: true}, want{}, false, true},
		{"no version asked of a library that has none", definition{object: plain, index: 5, hidden: true}, want{}, false, true},
		{"the version, hidden", definition{object: versioned, version: "V1", index: 2, hidden: true}, want{version: "V1"}, false, true},
		{"another version", definition{object: versioned, version: "V2", index: 3}, want{version: "V1"}, false, false},
		{"a definition without a version for any", definition{object: versioned, index: 1}, want{version: "V1"}, false, true},
		{"unless it is hidden", definition{object: versioned, index: 1, hidden: true}, want{version: "V1"}, false, false},
		{"a library without versions for any", definition{object: plain}, want{version: "V1", library: "liby.so"}, false, true},
		{"unless it is the one that shall have it", definition{object: plain}, want{version: "V1", library: "libx.so.1"}, false, false},
		{"musl: another version", definition{object: versioned, version: "V2", index: 3}, want{version: "V1"}, true, true},
		{"musl: hidden", definition{object: versioned, version: "V1", index: 2, hidden: true}, want{}, true, false},
	} {
		table := &symbolTable{musl: tt.musl}
		s := &scope{names: map[string]*linkage.Image{"libx.so.1": tt.d.object}}
		if got := table.meets(tt.d, tt.want, s); got != tt.met {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.met)
		}
	}
}
