package macho

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestMerge(t *testing.T) {
	arm, intel := fixture(t, "zig-arm64-mod.so"), fixture(t, "zig-x86_64-mod.so")
	o, err := Merge(open(t, intel), open(t, arm))
	if err != nil {
		t.Fatal(err)
	}
	b := contents(t, o)
	if err := iotest.TestReader(io.NewSectionReader(o, 0, o.Size()), b); err != nil {
		t.Error(err)
	}
	f := open(t, b)
	for arch, want := range map[string][]byte{"x86_64": intel, "arm64": arm} {
		s := f.Slice(arch)
		if s == nil || s.Off%(1<<lipoAlign) != 0 || s.Off+s.Size > int64(len(b)) || !bytes.Equal(b[s.Off:s.Off+s.Size], want) {
			t.Errorf("%s: the slice is not what went in", arch)
		}
	}
	again, err := Merge(f, open(t, arm))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, again), b) {
		t.Error("a slice that is there already changes the file")
	}
	other := open(t, edit(t, arm, ClearRPaths()))
	if _, err := Merge(f, other); err == nil || !strings.Contains(err.Error(), "both files have arm64 code, and it differs") {
		t.Errorf("two different arm64 slices: got error %v", err)
	}
}
