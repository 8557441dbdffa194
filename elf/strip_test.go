package elf

import (
	"bytes"
	"context"
	"debug/elf"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/overlay"
)

func TestStripRemovesWhatIsNotMapped(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		o, err := f.Edit(context.Background(), Strip())
		if err != nil {
			t.Fatal(err)
		}
		after := parse(t, contents(t, o))
		for i, s := range after.Sections {
			if i > 0 && !s.Alloc() && s.Name != ".shstrtab" {
				t.Errorf("section %d %s is left", i, s.Name)
			}
		}
		if o.Edited() && o.Size() >= f.Size() {
			t.Errorf("strip made %d bytes of %d", o.Size(), f.Size())
		}
		checkTables(t, f, after)
		again, err := after.Edit(context.Background(), Strip())
		if err != nil || again.Edited() {
			t.Errorf("a second strip edits: %v, %v", again.Edited(), err)
		}
	})
}

func TestStripWithOtherEdits(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		apart := edit(t, edit(t, f, SetRPath(longPath), AddNeeded("libnew.so")), Strip())
		together := edit(t, f, Strip(), SetRPath(longPath), AddNeeded("libnew.so"))
		if got, want := texts(together), texts(apart); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("dynamic strings = %q, want %q", got, want)
		}
		if len(apart.Sections) != len(together.Sections) {
			t.Errorf("%d sections in one edit, %d in two", len(together.Sections), len(apart.Sections))
		}
		checkTables(t, f, together)
		checkTables(t, f, apart)
	})
}

// A program finds its payload by its distance from the end of the file, or behind
// the section headers, as the runtime of an AppImage does.
func TestStripKeepsAnAppendedPayload(t *testing.T) {
	payload := []byte("PK payload that the program reads from its own file, with zeros\x00\x00")
	for _, tt := range []struct {
		name  string
		edits []Edit
	}{
		{"alone", []Edit{Strip()}},
		{"with an edit that needs room", []Edit{Strip(), SetRPath(longPath)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := parse(t, append(image(t, "x86_64 symtab"+fullSpec), payload...))
			o, err := before.Edit(context.Background(), tt.edits...)
			if err != nil {
				t.Fatal(err)
			}
			data := contents(t, o)
			after := parse(t, data)
			end := after.Shoff + uint64(after.Shnum)*after.sectSize()
			if got := data[end:]; !bytes.Equal(got, payload) {
				t.Errorf("behind the section headers lie %q, want %q", got, payload)
			}
			checkNothingLeft(t, after)
			if again, err := after.Edit(context.Background(), Strip()); err != nil || again.Edited() {
				t.Errorf("a second strip edits, %v", err)
			}
		})
	}
}

// patchelf puts the last segment behind the debug information.
func TestStripClearsWhatLiesBetweenSegments(t *testing.T) {
	secret := []byte("name of a folder on the builder's machine")
	data := image(t, "x86_64 symtab nosections bss=100 page=4096"+fullSpec)
	f := parse(t, data)
	at := uint64(len(data))
	data = append(data, secret...)
	data = append(data, make([]byte, 2*4096-len(data)%4096)...)
	end, size := uint64(0), uint64(64)
	for _, p := range f.maps {
		end = max(end, p.Vaddr+p.Memsz)
	}
	segment := Prog{Type: elf.PT_LOAD, Flags: elf.PF_R, Off: uint64(len(data)), Vaddr: roundUp(end, 4096), Filesz: size, Memsz: size, Align: 4096}
	data = append(data, bytes.Repeat([]byte{7}, int(size))...)
	i := slices.IndexFunc(f.Progs, func(p Prog) bool { return p.Type == elf.PT_GNU_STACK })
	progs := append(slices.Delete(slices.Clone(f.Progs), i, i+1), segment)
	copy(data[f.Phoff:], (&plan{f: f, progs: progs}).progBytes())
	f.Order.PutUint64(data[40:], uint64(len(data)))
	f.Order.PutUint16(data[58:], sectSize64)
	f.Order.PutUint16(data[60:], 2)
	data = append(data, f.sectionBytes([]Section{{}, {Type: elf.SHT_PROGBITS, Off: at, Size: uint64(len(secret))}})...)
	before := parse(t, data)
	after := edit(t, before, Strip())
	checkTables(t, before, after)
	if got := bytesOf(t, after); bytes.Contains(got, secret) || !bytes.Contains(got, bytes.Repeat([]byte{7}, int(size))) {
		t.Error("the debug information is left, or the segment behind it is not")
	}
}

func TestWithout(t *testing.T) {
	got := without([]span{{50, 60}, {10, 30}, {20, 40}, {70, 70}, {80, 90}}, []span{{85, 86}, {0, 12}, {15, 16}, {39, 55}})
	want := []span{{12, 15}, {16, 30}, {30, 39}, {55, 60}, {80, 85}, {86, 90}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Most sections of a file with very many are not mapped: one for each function,
// or for the parts of debug information.
func TestStripVeryManySections(t *testing.T) {
	data := image(t, "x86_64 symtab"+fullSpec)
	f := parse(t, data)
	shoff, count := uint64(len(data)), elf.SHN_LORESERVE+10
	zero := f.Sections[0]
	zero.Size, zero.Link = uint64(count), uint32(f.Shstrndx)
	many := append([]Section{zero}, f.Sections[1:]...)
	for len(many) < int(count) {
		many = append(many, Section{Type: elf.SHT_PROGBITS, Off: f.ehdrSize()})
	}
	data = append(data, f.sectionBytes(many)...)
	f.Order.PutUint64(data[40:], shoff)
	f.Order.PutUint16(data[60:], 0)
	f.Order.PutUint16(data[62:], uint16(elf.SHN_XINDEX))
	f = parse(t, data)
	if f.SectionErr != nil || len(f.Sections) != int(count) {
		t.Fatalf("%d sections, %v", len(f.Sections), f.SectionErr)
	}
	after := edit(t, f, Strip())
	checkTables(t, f, after)
	if want := parse(t, contents(t, stripped(t, image(t, "x86_64 symtab"+fullSpec)))); len(after.Sections) != len(want.Sections) || after.Sections[0] != want.Sections[0] {
		t.Errorf("%d sections, the first is %+v; want %d and %+v", len(after.Sections), after.Sections[0], len(want.Sections), want.Sections[0])
	}
	for i := range many {
		if many[i].Size == 0 {
			many[i].Flags |= elf.SHF_ALLOC
		}
	}
	copy(data[shoff:], f.sectionBytes(many))
	if _, err := parse(t, data).Edit(context.Background(), Strip()); err == nil || !strings.Contains(err.Error(), "mapped sections; stripping needs fewer") {
		t.Errorf("error is %v, want the number of mapped sections named", err)
	}
}

// patchelf leaves a zero behind the section header table.
func TestStripDropsPadding(t *testing.T) {
	want := contents(t, stripped(t, image(t, "x86_64 symtab"+fullSpec)))
	got := contents(t, stripped(t, append(image(t, "x86_64 symtab"+fullSpec), 0)))
	if !bytes.Equal(got, want) {
		t.Errorf("with padding the result has %d bytes, without %d", len(got), len(want))
	}
}

func stripped(t *testing.T, data []byte) *overlay.Overlay {
	t.Helper()
	o, err := parse(t, data).Edit(context.Background(), Strip())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestStripKeepsSectionNames(t *testing.T) {
	f := open(t, "x86_64 symtab"+fullSpec)
	after := edit(t, f, Strip())
	var was, now []string
	for _, s := range f.Sections {
		if s.Alloc() {
			was = append(was, s.Name)
		}
	}
	for _, s := range after.Sections {
		if s.Alloc() {
			now = append(now, s.Name)
		}
	}
	if strings.Join(was, " ") != strings.Join(now, " ") {
		t.Errorf("mapped sections = %q, want %q", now, was)
	}
	if bytes.Contains(bytesOf(t, after), []byte(".symtab")) {
		t.Error("the name .symtab is left")
	}
}
