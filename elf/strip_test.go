package elf

import (
	"bytes"
	"strings"
	"testing"
)

func TestStripRemovesWhatIsNotMapped(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		o, err := f.Edit(Strip())
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
		again, err := after.Edit(Strip())
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

func TestStripRefusesAnAppendedPayload(t *testing.T) {
	data := append(image(t, "x86_64 symtab"+fullSpec), "payload that the program reads from its own file"...)
	_, err := parse(t, data).Edit(Strip())
	if err == nil || !strings.Contains(err.Error(), "48 bytes follow the last section") {
		t.Errorf("error is %v, want the 48 bytes named", err)
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

func stripped(t *testing.T, data []byte) *Overlay {
	t.Helper()
	o, err := parse(t, data).Edit(Strip())
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
