package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// Eight bytes of packed relocations stand for 63, and 1,512 bytes when they are expanded: a
// wheel of a few kilobytes must not ask for gigabytes.
func TestPackedRelocationsThatExpandBeyondTheFile(t *testing.T) {
	const bytesOfTable = 1 << 16
	ones := bytes.Repeat([]byte{0xff}, bytesOfTable)
	image := elftest.Build(elftest.Spec{Relr: true, Symbols: []elftest.Symbol{{Name: string(ones), Defined: true}}})
	f, err := NewFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	at := uint64(bytes.Index(image, ones))
	for _, l := range f.maps {
		if at >= l.Off && at < l.Off+l.Filesz {
			setDyn(f, image, dtRelr, l.Vaddr+at-l.Off)
			setDyn(f, image, dtRelrSize, bytesOfTable)
			break
		}
	}
	if f, err = NewFile(bytes.NewReader(image), int64(len(image))); err != nil {
		t.Fatal(err)
	}
	_, err = f.packedCount() // asked before the table is made
	if fe := (*FormatError)(nil); !errors.As(err, &fe) || !strings.Contains(err.Error(), "more packed relocations than the file has words") {
		t.Errorf("error %v, want a FormatError", err)
	}
}

// setDyn writes the value of a dynamic entry of a 64-bit image.
func setDyn(f *File, image []byte, tag elf.DynTag, v uint64) {
	binary.LittleEndian.PutUint64(image[f.tagAt(tag)+8:], v)
}
