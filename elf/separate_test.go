package elf

import (
	"context"
	"debug/elf"
	"strings"
	"testing"
)

// separateDebug returns what objcopy --only-keep-debug leaves of an image. eu-strip
// -f keeps the sizes in the program headers, which then exceed the file.
func separateDebug(t testing.TB, data []byte, keepSizes bool) []byte {
	t.Helper()
	f := parse(t, data)
	at := f.Phoff + uint64(f.Phnum)*f.progSize()
	out := append([]byte(nil), data[:at]...)
	progs := append([]Prog(nil), f.Progs...)
	for i := range progs {
		if !keepSizes && progs[i].Type != elf.PT_NOTE {
			progs[i].Filesz = 0
			progs[i].Off += uint64(len(data)) // past the end of what is left
		}
	}
	copy(out[f.Phoff:], f.encodeProgs(progs))
	sections := append([]Section(nil), f.Sections...)
	for i := range sections {
		s := &sections[i]
		switch {
		case s.Alloc() && s.Type != elf.SHT_NOTE:
			s.Type, s.Off = elf.SHT_NOBITS, at
		case s.fileSize() > 0:
			body := data[s.Off:][:s.Size]
			s.Off = uint64(len(out))
			out = append(out, body...)
		}
	}
	f.Order.PutUint64(out[f.shoffAt():], uint64(len(out)))
	return append(out, f.sectionBytes(sections)...)
}

func TestSeparateDebugFilesAreData(t *testing.T) {
	whole := image(t, "x86_64 isa=v2 symtab bss=100"+fullSpec)
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"objcopy", separateDebug(t, whole, false)},
		{"eu-strip", separateDebug(t, whole, true)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := parse(t, tt.data)
			if !f.SeparateDebug() || f.Dynamic() {
				t.Errorf("separate %v, dynamic %v; want a separate debug file", f.SeparateDebug(), f.Dynamic())
			}
			if why := f.Unloadable(); !strings.Contains(why, "debug information") {
				t.Errorf("unloadable: %q", why)
			}
			for _, e := range []Edit{Strip(), SetRPath("$ORIGIN")} {
				if _, err := f.Edit(context.Background(), e); err == nil || !strings.Contains(err.Error(), "debug information of another file") {
					t.Errorf("an edit says %v", err)
				}
			}
		})
	}
}

// What is cut off is an error, wherever: its section headers are at the end.
func TestTruncatedIsNotSeparateDebug(t *testing.T) {
	whole := image(t, "x86_64 isa=v2 symtab bss=100"+fullSpec)
	debug := separateDebug(t, whole, true)
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"a module", whole[:len(whole)/2]},
		{"a module without its last section header", whole[:len(whole)-64]},
		{"a debug file", debug[:len(debug)-1]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := newFile(tt.data)
			if err == nil && (f.SeparateDebug() || !f.Dynamic()) {
				t.Errorf("taken for data, separate %v", f.SeparateDebug())
			}
		})
	}
	if f := parse(t, whole); f.SeparateDebug() || f.Unloadable() != "" {
		t.Errorf("the whole module: separate %v, %q", f.SeparateDebug(), f.Unloadable())
	}
}

// A loader does not read section headers: saying that nothing has bytes makes no
// data of what it loads.
func TestSectionHeadersMakeNoDebugFile(t *testing.T) {
	data := image(t, "x86_64"+fullSpec)
	f := parse(t, data)
	sections := append([]Section(nil), f.Sections...)
	for i := range sections {
		if sections[i].Alloc() {
			sections[i].Type = elf.SHT_NOBITS
		}
	}
	copy(data[f.Shoff:], f.sectionBytes(sections))
	if f := parse(t, data); f.SeparateDebug() || !f.Dynamic() {
		t.Errorf("separate %v, dynamic %v; want what a loader loads", f.SeparateDebug(), f.Dynamic())
	}
}
