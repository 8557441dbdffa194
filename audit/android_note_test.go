package audit

import (
	"bytes"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
)

// A note that is too short for a level tells none.
func TestNotesOfTheNDK(t *testing.T) {
	spec := elftest.ForArch("aarch64")
	spec.Android = 26
	image := elftest.Build(spec)
	header := func(size byte) []byte {
		return []byte("\x08\x00\x00\x00" + string(size) + "\x00\x00\x00\x01\x00\x00\x00Android\x00")
	}
	for size, want := range map[byte]int{4: 26, 3: 0, 0: 0} {
		data := bytes.Replace(bytes.Clone(image), header(4), header(size), 1)
		f, err := elf.NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if got := builtFor(f); got != want {
			t.Errorf("a note of %d bytes: level %d, want %d", size, got, want)
		}
	}
	f, err := elf.NewFile(bytes.NewReader(elftest.Build(elftest.ForArch("aarch64"))), int64(len(elftest.Build(elftest.ForArch("aarch64")))))
	if err != nil || builtFor(f) != 0 {
		t.Errorf("without a note: %v, level %d", err, builtFor(f))
	}
}
