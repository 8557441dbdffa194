package audit

import (
	"bytes"
	"testing"

	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/macho"
)

// Many small files add up: each load command is kept.
func TestLoadCommandsOfAllFilesAreBounded(t *testing.T) {
	image := machotest.Build(machotest.Spec{Slices: []machotest.Slice{{Arch: "arm64", MinOS: "11.0", RPaths: []string{"@loader_path"}}}})
	f, err := macho.NewFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	var c commandCount
	if err := c.add(f); err != nil || c.n.Load() != int64(f.Slices[0].CommandCount()) || c.n.Load() < 2 {
		t.Errorf("%d commands, %v", c.n.Load(), err)
	}
	c.n.Store(maxCommands)
	const want = "more than 524288 load commands in all Mach-O files, which no real wheel needs; see docs/limits.md"
	if err := c.add(f); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
