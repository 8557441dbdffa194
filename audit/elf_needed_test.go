package audit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
)

// Files that all need each other are refused while they are read, not when all are kept.
func TestNeededOfAllFilesIsBounded(t *testing.T) {
	spec, err := elftest.Parse("x86_64 needed=liba.so,libb.so")
	if err != nil {
		t.Fatal(err)
	}
	image := elftest.Build(spec)
	f, err := elf.NewFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	var c neededCount
	if err := c.add(f); err != nil || c.n.Load() != 2 {
		t.Errorf("%d libraries, %v", c.n.Load(), err)
	}
	c.n.Store(maxNeeded - 2)
	if err := c.add(f); err != nil {
		t.Error(err)
	}
	c.n.Store(0)
	c.bytes.Store(maxNeededBytes - int64(len("liba.so")))
	if err := c.add(f); err == nil || !strings.HasPrefix(err.Error(), "more than 2097152 bytes of names of libraries") {
		t.Errorf("long names: %v", err)
	}
	c.n.Store(maxNeeded)
	const want = "more than 65536 libraries (DT_NEEDED) in all files, which no real wheel needs; see docs/limits.md"
	if err := c.add(f); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
