package elf

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// slow is far above what any image of the size that fuzzing makes should take, on
// a machine that is busy with other things.
const slow = 30 * time.Second

// seeds are all fixtures, the same without section headers, and built images of
// every architecture and trait.
func seeds(f *testing.F) [][]byte {
	var images [][]byte
	for _, data := range fixtures(f) {
		images = append(images, data, sectionless(f, data))
	}
	for _, arch := range elftest.Arches() {
		for _, trait := range traits() {
			images = append(images, image(f, arch+fullSpec+trait))
		}
		whole := image(f, arch+fullSpec+" symtab nostack")
		images = append(images, whole, shortened(f, whole, 10), shortened(f, image(f, arch+fullSpec+" nosections"), 10))
		if parse(f, whole).Is64() {
			images = append(images, separateDebug(f, whole, false), separateDebug(f, whole, true))
		}
	}
	return images
}

// sectionless returns a copy of an image that has no section headers any more.
func sectionless(t testing.TB, data []byte) []byte {
	f := parse(t, data)
	data = bytes.Clone(data)
	at, width := uint64(0x20), f.pick(4, 8) // e_shoff
	if f.Is64() {
		at = 0x28
	}
	clear(data[at:][:width])
	clear(data[f.ehdrSize()-4 : f.ehdrSize()]) // e_shnum, e_shstrndx
	return data
}

// visitAll asks a file everything that can be asked. Errors are of one line and
// name a rule.
func visitAll(t testing.TB, f *File) {
	t.Helper()
	_, _ = f.Arch()
	f.Needed()
	f.DynEntries()
	f.ExecutableStack()
	f.SameTarget(&f.Header)
	_, interp := f.Interpreter()
	_, isa := f.ISA()
	_, needs := f.VersionNeeds()
	_, defs := f.VersionDefs()
	_, extension := f.Extension("_core.so")
	for _, err := range []error{f.SectionErr, interp, isa, needs, defs, extension} {
		checkError(t, err)
	}
}

// FuzzNewFile: what an image claims costs no more than its size allows, and
// asking twice gives the same answer.
func FuzzNewFile(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			checkError(t, err)
			return
		}
		visitAll(t, file)
		first, second := countSymbols(t, file), countSymbols(t, file)
		if first != second || first > len(data)/symSize32 {
			t.Errorf("%d symbols, then %d, in %d bytes", first, second, len(data))
		}
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(data))
		}
	})
}

func countSymbols(t testing.TB, f *File) int {
	n := 0
	for _, err := range f.Symbols() {
		if err == nil {
			n++
		}
		checkError(t, err)
	}
	return n
}

// FuzzEdit: an edit is refused, or the result says what was asked, and keeps
// what it was not asked to change; and so does an edit of the result. Without a
// script, all the standard ones run.
func FuzzEdit(f *testing.F) {
	for i, data := range seeds(f) {
		f.Add(data, []byte(standardScripts()[i%len(standardScripts())]))
	}
	f.Fuzz(func(t *testing.T, data, script []byte) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		start := time.Now()
		if len(script) > 0 {
			fuzzScript(script).run(t, file)
		} else {
			for _, s := range standardScripts() {
				s.run(t, file)
			}
		}
		checkRepeat(t, file)
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(data))
		}
	})
}

// checkRepeat makes edits twice: the second time there is nothing left to do.
func checkRepeat(t testing.TB, f *File) {
	t.Helper()
	edits := []Edit{SetRPath(longPath), AddNeeded("libone.so"), AddNeeded("libtwo.so")}
	o, err := f.Edit(context.Background(), edits...)
	if err != nil {
		return
	}
	after, err := NewFile(o, o.Size())
	if err != nil {
		t.Fatalf("cannot read back what Edit wrote: %v", err)
	}
	again, err := after.Edit(context.Background(), edits...)
	if err != nil || again.Edited() || !sameBytes(t, after, again) {
		t.Errorf("the same edits edit again (%v)", err)
	}
}

// FuzzStrip: strip changes no mapped byte, a second strip changes nothing, and
// it does not matter whether it comes before other edits, with them or after.
func FuzzStrip(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		o, err := file.Edit(context.Background(), Strip())
		if err != nil {
			checkRefusal(t, err)
			return
		}
		after, err := NewFile(o, o.Size())
		if err != nil {
			t.Fatalf("cannot read back what Strip wrote: %v", err)
		}
		checkMeaning(t, meaningOf(file), after)
		checkNothingLeft(t, after)
		if o.Edited() {
			checkStripped(t, file, after)
		}
		again, err := after.Edit(context.Background(), Strip())
		if err != nil || again.Edited() {
			t.Errorf("a second strip edits again (%v)", err)
		}
		for _, s := range []fuzzScript{
			{fuzzStrip, fuzzApply, fuzzRPath, 200, fuzzAdd, 1},
			{fuzzRPath, 200, fuzzAdd, 1, fuzzApply, fuzzStrip},
			{fuzzRPath, 200, fuzzAdd, 1, fuzzStrip},
		} {
			if last, ok := s.run(t, file); ok {
				checkNothingLeft(t, last)
			}
		}
	})
}

// checkStripped holds the result of a strip to keep all that is mapped where it
// was, and nothing else.
func checkStripped(t testing.TB, before, after *File) {
	t.Helper()
	if len(before.maps) != len(after.maps) {
		t.Fatalf("%d PT_LOADs became %d", len(before.maps), len(after.maps))
	}
	limit := before.Size() + 64
	for _, s := range after.Sections {
		// The header table may have been mapped, and one name the end of another.
		limit += int64(after.sectSize()) + int64(len(s.Name)+1)
	}
	if after.Size() > limit {
		t.Errorf("strip made %d bytes of %d", after.Size(), before.Size())
	}
	if err := keptBytes(before, after); err != nil {
		t.Error(err)
	}
	checkSymbols(t, before, after)
	if _, err := io.Copy(io.Discard, io.NewSectionReader(after, 0, after.Size())); err != nil {
		t.Error(err)
	}
}

// checkNothingLeft looks for sections that strip should have removed.
func checkNothingLeft(t testing.TB, f *File) {
	t.Helper()
	for i, s := range f.Sections {
		if i > 0 && i != f.Shstrndx && !s.Alloc() {
			t.Errorf("section %d %s is left by strip", i, s.Name)
		}
	}
}
