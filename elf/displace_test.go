package elf

import (
	"context"
	"debug/elf"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// bigEdits need new space whatever an image looks like.
func bigEdits() []Edit {
	return []Edit{SetRPath(longPath), AddNeeded("libone.so"), AddNeeded("libtwo.so"), AddNeeded("libthree.so"), AddNeeded("libfour.so"), AddNeeded("libfive.so")}
}

func TestTableGrowsWhereItIs(t *testing.T) {
	for _, arch := range elftest.Arches() {
		for name, spec := range map[string]string{
			"library":             " bss=4000000 symtab" + fullSpec,
			"library, sysv hash":  " bss=4000000 hash=sysv symtab" + fullSpec,
			"library, no exports": " bss=4000000 import=memcpy@GLIBC_2.17",
			"notes":               " bss=4000000 isa=v2 symtab" + fullSpec,
			"huge bss":            " bss=0x40000000" + fullSpec,
			"program":             " bss=0x40000000 type=exec interp=/lib/ld.so symtab" + fullSpec,
			"pie":                 " bss=0x40000000 interp=/lib/ld.so isa=v3 symtab" + fullSpec,
			"2 MiB pages":         " bss=4000000 page=0x200000 interp=/lib/ld.so" + fullSpec,
		} {
			t.Run(arch+"/"+name, func(t *testing.T) {
				f := open(t, arch+spec)
				after := edit(t, f, bigEdits()...)
				checkTables(t, f, after)
				if after.Phoff != f.Phoff || after.Phnum != f.Phnum+1 {
					t.Errorf("%d program headers at %#x, want %d at %#x", after.Phnum, after.Phoff, f.Phnum+1, f.Phoff)
				}
				if grown := after.Size() - f.Size(); grown > 4096 {
					t.Errorf("the file has %d bytes more", grown)
				}
				again := edit(t, after, SetRPath(longPath+"/and/longer/still"), RemoveNeeded("libone.so"), longerSoname(f))
				checkTables(t, f, again)
				checkTables(t, f, edit(t, again, Strip()))
			})
		}
	}
}

// longerSoname sets a longer soname where there can be one.
func longerSoname(f *File) Edit {
	if f.Type == elf.ET_DYN {
		return SetSoname("libx-with-a-longer-name-than-before.so.1")
	}
	return RemoveRPath()
}

func TestInterpreterBehindTheTable(t *testing.T) {
	f := open(t, "x86_64 bss=4000000 interp=/lib/ld.so isa=v2 symtab"+fullSpec)
	short := edit(t, f, append(bigEdits(), SetInterpreter("/ld.so"))...)
	long := edit(t, f, append(bigEdits(), SetInterpreter("/some/where/else/lib64/ld-linux-x86-64.so.2"))...)
	for want, after := range map[string]*File{"/ld.so": short, "/some/where/else/lib64/ld-linux-x86-64.so.2": long} {
		if got, err := after.Interpreter(); err != nil || got != want || after.Phoff != f.Phoff {
			t.Errorf("interpreter = %q, %v; want %q, with the table at %#x, not %#x", got, err, want, f.Phoff, after.Phoff)
		}
		if level, err := after.ISA(); err != nil || level != ISAv2 {
			t.Errorf("ISA = %v, %v; the property note is lost", level, err)
		}
	}
}

func TestDroppedVersionsOfADisplacedTable(t *testing.T) {
	// lld puts the version tables near the front, where they can be displaced.
	f := open(t, "x86_64 bss=4000000"+fullSpec)
	after := edit(t, f, append(bigEdits(), RemoveNeeded("libdep.so.3"))...)
	if got := spelled(t, after)["dep"]; got != "STB_GLOBAL STT_FUNC of @" {
		t.Errorf("dep is %q", got)
	}
	if got := spelled(t, after)["PyInit__core"]; got != "STB_GLOBAL STT_FUNC@V1" {
		t.Errorf("PyInit__core is %q", got)
	}
}

func TestTableMovesWhenNothingElseIsCertain(t *testing.T) {
	for _, tt := range []struct {
		name, spec string
		spoil      func(f *File, data []byte)
	}{
		{"no section headers", "x86_64 bss=4000000 nosections" + fullSpec, func(*File, []byte) {}},
		{"code behind the table", "x86_64 bss=4000000" + fullSpec, func(f *File, data []byte) {
			f.Order.PutUint32(data[f.Shoff+sectSize64+4:], uint32(elf.SHT_PROGBITS))
		}},
		{"a relocation points there", "x86_64 bss=4000000" + fullSpec, func(f *File, data []byte) {
			rela, _ := f.DynValue(elf.DT_RELA)
			off, _ := f.offsetOf(rela, 24)
			f.Order.PutUint64(data[off+8:], 8) // R_X86_64_RELATIVE
			f.Order.PutUint64(data[off+16:], f.Sections[1].Addr+4)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := image(t, tt.spec)
			tt.spoil(parse(t, data), data)
			f := parse(t, data)
			after := edit(t, f, bigEdits()...)
			checkKept(t, f, after)
			if after.Phoff == f.Phoff {
				t.Errorf("the table stays at %#x, want it moved", f.Phoff)
			}
		})
	}
}

// Program headers tell of the interpreter and of notes, which linkers put right
// behind the table.
func TestTableGrowsWithoutSectionHeaders(t *testing.T) {
	for _, kind := range []string{"type=exec", ""} {
		for _, arch := range []string{"x86_64", "i686"} {
			f := open(t, arch+" interp=/lib64/ld-linux-x86-64.so.2 isa=v3 bss=0x40000000 nosections "+kind+fullSpec)
			after := edit(t, f, bigEdits()...)
			checkTables(t, f, after)
			if after.Phoff != f.Phoff || after.Phnum != f.Phnum+1 {
				t.Errorf("%d program headers at %#x, want %d at %#x", after.Phnum, after.Phoff, f.Phnum+1, f.Phoff)
			}
			if grown := after.Size() - f.Size(); grown > 8192 {
				t.Errorf("the file has %d bytes more", grown)
			}
			checkTables(t, after, edit(t, after, SetInterpreter("/a/longer/way/to/lib64/ld-linux-x86-64.so.2")))
		}
	}
}

func TestNoteThatASymbolPointsTo(t *testing.T) {
	data := image(t, "x86_64 interp=/lib64/ld-linux-x86-64.so.2 isa=v3 bss=0x40000000 nosections"+fullSpec)
	f := parse(t, data)
	symtab, _ := f.DynValue(elf.DT_SYMTAB)
	off, _ := f.offsetOf(symtab, 1)
	for s, err := range f.Symbols() {
		if err == nil && s.Name == "bar" {
			f.Order.PutUint64(data[off+uint64(s.Index)*symSize64+8:], notes(f)[0].Vaddr+4)
		}
	}
	if _, err := parse(t, data).Edit(context.Background(), bigEdits()...); err == nil || !strings.Contains(err.Error(), "kernels before 5.18") {
		t.Errorf("error is %v, want the reason named", err)
	}
}

func TestProgramThatOldKernelsWouldNotLoad(t *testing.T) {
	f := open(t, "x86_64 type=exec interp=/lib/ld.so bss=0x40000000 nosections needed=libc.so.6")
	_, err := f.Edit(context.Background(), bigEdits()...)
	if err == nil || !strings.Contains(err.Error(), "kernels before 5.18") {
		t.Errorf("error is %v, want the reason named", err)
	}
}
