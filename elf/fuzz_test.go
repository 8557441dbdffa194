package elf

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// slow is far above what any image of the size that fuzzing makes should take.
const slow = 5 * time.Second

// seed adds all fixtures and built images to the corpus.
func seed(f *testing.F) {
	for _, data := range fixtures(f) {
		f.Add(data)
	}
	for _, arch := range elftest.Arches() {
		for _, trait := range traits() {
			f.Add(image(f, arch+fullSpec+trait))
		}
	}
}

// visitAll asks a file everything that can be asked.
func visitAll(f *File) {
	f.Arch()
	_, _ = f.Interpreter()
	_, _ = f.ISA()
	_, _ = f.VersionNeeds()
	_, _ = f.VersionDefs()
	_, _ = f.Extension("_core.so")
	f.Needed()
	f.DynEntries()
	f.ExecutableStack()
	f.SameTarget(&f.Header)
}

// FuzzNewFile: what an image claims costs no more than its size allows, and
// asking twice gives the same answer.
func FuzzNewFile(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		visitAll(file)
		first, second := countSymbols(file), countSymbols(file)
		if first != second || first > len(data)/symSize32 {
			t.Errorf("%d symbols, then %d, in %d bytes", first, second, len(data))
		}
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(data))
		}
	})
}

func countSymbols(f *File) int {
	n := 0
	for _, err := range f.Symbols() {
		if err == nil {
			n++
		}
	}
	return n
}

// FuzzEdit: an edit is refused, or the result says what was asked, and keeps
// what it was not asked to change.
func FuzzEdit(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		start := time.Now()
		for _, edits := range [][]Edit{
			{SetRPath(longPath), AddNeeded("libone.so"), AddNeeded("libtwo.so"), AddNeeded("libthree.so")},
			{RemoveRPath()},
			{SetRunPath("$ORIGIN")},
			{SetSoname("libother-name.so.1.2.3"), Strip()},
			withFirstNeeded(file, func(name string) Edit { return ReplaceNeeded(name, "libnew-"+name) }),
			withFirstNeeded(file, RemoveNeeded),
		} {
			checkEdit(t, file, edits)
		}
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(data))
		}
	})
}

func withFirstNeeded(f *File, edit func(string) Edit) []Edit {
	if needed := f.Needed(); len(needed) > 0 && needed[0] != "" {
		return []Edit{edit(needed[0])}
	}
	return nil
}

// checkEdit carries out edits and holds the result to its promises. The reading
// back of the strings is Edit's own.
func checkEdit(t *testing.T, file *File, edits []Edit) {
	t.Helper()
	o, err := file.Edit(edits...)
	if err != nil {
		return
	}
	if limit := file.Size() + maxGap + 2*maxFill + 1<<20; o.Size() > limit {
		t.Fatalf("%d bytes became %d", file.Size(), o.Size())
	}
	after, err := NewFile(o, o.Size())
	if err != nil {
		t.Fatalf("cannot read back what Edit wrote: %v", err)
	}
	if o.Edited() {
		checkKept(t, file, after)
	} else if !sameBytes(t, file, o) {
		t.Error("bytes differ without an edit")
	}
}

func sameBytes(t *testing.T, f *File, o *Overlay) bool {
	return o.Size() == f.Size() && bytes.Equal(bytesOf(t, f), contents(t, o))
}

// FuzzStrip: strip changes no mapped byte, and a second strip changes nothing.
func FuzzStrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		o, err := file.Edit(Strip())
		if err != nil || !o.Edited() {
			return
		}
		after, err := NewFile(o, o.Size())
		if err != nil {
			t.Fatalf("cannot read back what Strip wrote: %v", err)
		}
		checkMapped(t, file, after)
		again, err := after.Edit(Strip())
		if err != nil || again.Edited() {
			t.Errorf("a second strip edits again (%v)", err)
		}
	})
}

// checkMapped compares all mapped bytes, except the file's own headers and the
// section numbers of dynamic symbols, which strip may renumber.
func checkMapped(t *testing.T, before, after *File) {
	t.Helper()
	if len(before.maps) != len(after.maps) {
		t.Fatalf("%d PT_LOADs became %d", len(before.maps), len(after.maps))
	}
	if err := keptBytes(before, after); err != nil {
		t.Error(err)
	}
	checkSymbols(t, before, after)
	if _, err := io.Copy(io.Discard, io.NewSectionReader(after, 0, after.Size())); err != nil {
		t.Error(err)
	}
}
