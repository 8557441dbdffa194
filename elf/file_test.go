package elf

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

func TestReadsEveryArchitectureAndLayout(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		if want := []string{"libdep.so.3", "libc.so.6"}; !slices.Equal(f.Needed(), want) {
			t.Errorf("needed = %q, want %q", f.Needed(), want)
		}
		if f.Soname() != "libx.so.1" || f.RunPath() != "$ORIGIN/../lib" || f.RPath() != "" {
			t.Errorf("soname, runpath, rpath = %q, %q, %q", f.Soname(), f.RunPath(), f.RPath())
		}
		if f.SectionErr != nil {
			t.Errorf("section headers: %v", f.SectionErr)
		}
		if got := f.ExecutableStack(); got {
			t.Errorf("executable stack = %v, want false", got)
		}
	})
}

func TestArch(t *testing.T) {
	for _, tt := range []struct{ name, spec, arch, reason string }{
		{"arm soft float is no armv7l", "armv7l flags=0x05000200", "", "soft-float"},
		{"arm without EABI 5 is no armv7l", "armv7l flags=0x04000400", "", "EABI version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			arch, reason := open(t, tt.spec).Arch()
			if arch != tt.arch || !strings.Contains(reason, tt.reason) {
				t.Errorf("arch = %q, %q; want %q, %q", arch, reason, tt.arch, tt.reason)
			}
		})
	}
	for _, want := range elftest.Arches() {
		if arch, reason := open(t, want).Arch(); arch != want || reason != "" {
			t.Errorf("arch = %q, %q; want %q", arch, reason, want)
		}
	}
	x32 := elftest.Build(elftest.Spec{Class: 32, Machine: uint16(elf.EM_X86_64)})
	if arch, reason := parse(t, x32).Arch(); arch != "" || reason == "" {
		t.Errorf("x32: arch = %q, %q; want none, with a reason", arch, reason)
	}
}

func TestSameTarget(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       bool
	}{
		{"same", "x86_64", "x86_64", true},
		{"GNU OS ABI beside System V", "x86_64 osabi=3", "x86_64", true},
		{"FreeBSD OS ABI", "x86_64 osabi=9", "x86_64", false},
		{"byte order", "ppc64", "ppc64le", false},
		{"class", "x86_64", "i686", false},
		{"machine", "aarch64", "riscv64", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := open(t, tt.a), open(t, tt.b)
			if got := a.SameTarget(&b.Header); got != tt.want {
				t.Errorf("same target = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestInterpreter(t *testing.T) {
	if got, err := open(t, "x86_64 interp=/lib64/ld-linux-x86-64.so.2").Interpreter(); err != nil || got != "/lib64/ld-linux-x86-64.so.2" {
		t.Errorf("interpreter = %q, %v", got, err)
	}
	if got, err := open(t, "x86_64").Interpreter(); err != nil || got != "" {
		t.Errorf("a library has interpreter %q, %v; want none", got, err)
	}
}

func TestExecutableStack(t *testing.T) {
	if !open(t, "x86_64 execstack").ExecutableStack() {
		t.Error("PT_GNU_STACK with PF_X does not ask for an executable stack")
	}
}

// header64 is where the fields of a 64-bit ELF header lie.
const (
	atPhoff, atShoff       = 0x20, 0x28
	atPhnum                = 0x38
	atShnum, atShstrndx    = 0x3c, 0x3e
	sectionInfo64, prog64  = 0x2c, 56
	sectionSize64, sectLnk = 0x20, 0x28
)

func TestProgramHeaderCountInSection0(t *testing.T) {
	data := image(t, "x86_64"+fullSpec)
	le := binary.LittleEndian
	shoff := le.Uint64(data[atShoff:])
	le.PutUint32(data[shoff+sectionInfo64:], uint32(le.Uint16(data[atPhnum:])))
	le.PutUint16(data[atPhnum:], pnXnum)
	f := parse(t, data)
	if f.Phnum != len(f.Progs) || f.Phnum > 20 || len(f.Needed()) != 2 {
		t.Errorf("PN_XNUM: %d program headers, needed %q", f.Phnum, f.Needed())
	}
	after := edit(t, f, SetRPath("$ORIGIN/a/long/way/to/the/libraries"))
	if after.RPath() == "" || after.SectionErr != nil {
		t.Errorf("after an edit: rpath %q, section headers %v", after.RPath(), after.SectionErr)
	}
}

func TestSectionCountInSection0(t *testing.T) {
	data := image(t, "x86_64 symtab"+fullSpec)
	le := binary.LittleEndian
	shoff := le.Uint64(data[atShoff:])
	count, names := le.Uint16(data[atShnum:]), le.Uint16(data[atShstrndx:])
	le.PutUint64(data[shoff+sectionSize64:], uint64(count))
	le.PutUint32(data[shoff+sectLnk:], uint32(names))
	le.PutUint16(data[atShnum:], 0)
	le.PutUint16(data[atShstrndx:], uint16(elf.SHN_XINDEX))
	f := parse(t, data)
	if len(f.Sections) != int(count) || f.Sections[names].Name != ".shstrtab" {
		t.Errorf("extended numbering: %d sections, want %d (%v)", len(f.Sections), count, f.SectionErr)
	}
}

// manySections appends a table of n section headers, which do not fit e_shnum,
// to an image without any.
func manySections(data []byte, n int) []byte {
	le := binary.LittleEndian
	data = append(data, make([]byte, -len(data)&7)...)
	le.PutUint64(data[atShoff:], uint64(len(data)))
	le.PutUint16(data[0x3a:], sectSize64)
	table := make([]byte, n*sectSize64)
	le.PutUint64(table[sectionSize64:], uint64(n))
	for i := 1; i < n; i++ {
		le.PutUint32(table[i*sectSize64+4:], uint32(elf.SHT_NOBITS))
	}
	return append(data, table...)
}

func TestMoreSectionsThanCountsHold(t *testing.T) {
	f := parse(t, manySections(image(t, "x86_64 nosections"+fullSpec), 0xff10))
	if len(f.Sections) != 0xff10 {
		t.Fatalf("%d sections, want %d (%v)", len(f.Sections), 0xff10, f.SectionErr)
	}
	after := edit(t, f, SetSoname("a-longer-name-than-before.so"))
	if len(after.Sections) != 0xff10 || after.Soname() != "a-longer-name-than-before.so" {
		t.Errorf("after an edit: %d sections (%v), soname %q", len(after.Sections), after.SectionErr, after.Soname())
	}
	if after := edit(t, f, Strip()); len(after.Sections) != 2 {
		t.Errorf("strip leaves %d sections, want the first and .shstrtab", len(after.Sections))
	}
}

func TestFalseSectionHeadersDoNotMatter(t *testing.T) {
	le := binary.LittleEndian
	for _, tt := range []struct {
		name string
		lie  func(data []byte, shoff uint64)
	}{
		{"table behind the end", func(data []byte, _ uint64) { le.PutUint64(data[atShoff:], uint64(len(data))) }},
		{"address elsewhere", func(data []byte, shoff uint64) { le.PutUint64(data[shoff+sectSize64+0x10:], 0x123) }},
		{"offset behind the end", func(data []byte, shoff uint64) { le.PutUint64(data[shoff+sectSize64+0x18:], 1<<40) }},
		{"link to nowhere", func(data []byte, shoff uint64) { le.PutUint32(data[shoff+sectSize64+sectLnk:], 5000) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := image(t, "x86_64"+fullSpec)
			tt.lie(data, le.Uint64(data[atShoff:]))
			f := parse(t, data)
			if f.SectionErr == nil || f.Sections != nil {
				t.Errorf("section headers are believed: %d sections", len(f.Sections))
			}
			after := edit(t, f, SetRPath("$ORIGIN/a/long/way/to/the/libraries"))
			if after.RPath() != "$ORIGIN/a/long/way/to/the/libraries" {
				t.Errorf("rpath = %q", after.RPath())
			}
			if _, err := f.Edit(context.Background(), Strip()); err == nil {
				t.Error("strip trusts false section headers, want it refused")
			}
		})
	}
}

func TestNotELFAndBroken(t *testing.T) {
	whole := image(t, "x86_64"+fullSpec)
	change := func(at int, b ...byte) []byte {
		data := bytes.Clone(whole)
		copy(data[at:], b)
		return data
	}
	for _, tt := range []struct {
		name string
		data []byte
		rule string // "" for ErrNotELF
	}{
		{"empty", nil, ""},
		{"archive", []byte("!<arch>\n"), ""},
		{"magic alone", []byte("\x7fELF"), "e_ident has 4 bytes"},
		{"cut in the header", whole[:30], "ELF header of 64 bytes runs past the end of the file (30 bytes); the file looks truncated"},
		{"cut in the program headers", whole[:100], "program header table (e_phnum"},
		{"cut in a segment", whole[:0x400], "the file looks truncated"},
		{"class 3", change(4, 3), "EI_CLASS is 3"},
		{"byte order 0", change(5, 0), "EI_DATA is 0"},
		{"version 2", change(6, 2), "EI_VERSION is 2"},
		{"e_version", change(0x14, 9), "e_version is 9"},
		{"e_phentsize", change(0x36, 57), "e_phentsize is 57, want 56"},
		{"program headers behind the end", change(atPhoff, 0xff, 0xff, 0xff, 0xff), "program header table"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewFile(bytes.NewReader(tt.data), int64(len(tt.data)))
			var format *FormatError
			switch {
			case tt.rule == "" && !errors.Is(err, ErrNotELF):
				t.Errorf("error is %v, want ErrNotELF", err)
			case tt.rule != "" && (!errors.As(err, &format) || !strings.Contains(err.Error(), tt.rule)):
				t.Errorf("error is %v, want a FormatError with %q", err, tt.rule)
			}
		})
	}
}

// brokenReader fails as a disk does.
type brokenReader struct{}

func (brokenReader) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestReadErrorIsNoFormatError(t *testing.T) {
	_, err := NewFile(brokenReader{}, 1000)
	var format *FormatError
	if !errors.Is(err, io.ErrClosedPipe) || errors.As(err, &format) {
		t.Errorf("error is %v, want that of the reader", err)
	}
}
