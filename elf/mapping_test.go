package elf

import (
	"bytes"
	"debug/elf"
	"slices"
	"testing"
)

func newFile(data []byte) (*File, error) { return NewFile(bytes.NewReader(data), int64(len(data))) }

// shortened cuts the PT_LOAD that holds .dynstr short, as patchelf 0.17.2 did: the
// rest of it lies in the page that is mapped for the segment.
func shortened(t testing.TB, data []byte, by uint64) []byte {
	t.Helper()
	f := parse(t, data)
	progs := slices.Clone(f.Progs)
	end := f.dynamic.strings.off + f.dynamic.strings.size
	for i := range progs {
		if p := &progs[i]; p.Type == elf.PT_LOAD && p.Off <= f.dynamic.strings.off && end <= p.Off+p.Filesz {
			p.Filesz = end - by - p.Off
			p.Memsz = p.Filesz
		}
	}
	data = bytes.Clone(data)
	copy(data[f.Phoff:], f.encodeProgs(progs))
	return data
}

func TestTablesInThePageBehindASegment(t *testing.T) {
	for _, spec := range []string{
		"x86_64 type=exec interp=/lib64/ld-linux-x86-64.so.2", "x86_64", "x86_64 nosections", "aarch64 symtab",
		"i686 type=exec interp=/lib/ld-linux.so.2 symtab", "s390x", "ppc64le hash=both",
	} {
		t.Run(spec, func(t *testing.T) {
			whole := parse(t, image(t, spec+fullSpec))
			f := parse(t, shortened(t, image(t, spec+fullSpec), 10))
			if got, want := texts(f), texts(whole); !slices.Equal(got, want) {
				t.Fatalf("read %q, want %q", got, want)
			}
			if whole.SectionErr == nil && f.SectionErr != nil {
				t.Errorf("section headers: %v", f.SectionErr)
			}
			for _, e := range [][]Edit{{SetRPath(longPath)}, {SetRPath("$ORIGIN")}, {AddNeeded("libnew.so"), RemoveNeeded("libdep.so.3")}} {
				after := edit(t, f, e...)
				if got, want := texts(after), texts(edit(t, whole, e...)); !slices.Equal(got, want) {
					t.Errorf("edited %q, want %q", got, want)
				}
				checkTables(t, f, after)
				if _, err := after.extents(); err != nil {
					t.Error(err)
				}
				for _, x := range mustExtents(t, after) {
					if x.n > 0 && !x.header && !after.covered(x.off, x.n) {
						t.Errorf("%s at %#x is not in a segment of the result", x.name, x.off)
					}
				}
			}
			if f.Sections != nil {
				checkStripped(t, f, edit(t, f, Strip()))
			}
		})
	}
}

func mustExtents(t testing.TB, f *File) []extent {
	t.Helper()
	extents, err := f.extents()
	if err != nil {
		t.Fatal(err)
	}
	return extents
}

// progsOnly returns a file that has these segments, each with p_align 0x1000, in
// front of size bytes.
func progsOnly(t testing.TB, size int, progs ...Prog) *File {
	t.Helper()
	data := make([]byte, size)
	copy(data, image(t, "x86_64")[:64])
	f := &File{Header: parse(t, image(t, "x86_64")).Header}
	f.Order.PutUint16(data[56:], uint16(len(progs)))
	f.Order.PutUint64(data[40:], 0)
	copy(data[58:], make([]byte, 6))
	for i := range progs {
		progs[i].Type, progs[i].Align = elf.PT_LOAD, 0x1000
	}
	copy(data[64:], f.encodeProgs(progs))
	return parse(t, data)
}

func TestMapsAsTheKernelDoes(t *testing.T) {
	load := func(off, vaddr, filesz, memsz uint64) Prog {
		return Prog{Off: off, Vaddr: vaddr, Filesz: filesz, Memsz: memsz}
	}
	neighbours := []Prog{load(0, 0x400000, 0x860, 0x860), load(0x17b0, 0x4017b0, 0x100, 0x100)}
	for _, tt := range []struct {
		name  string
		progs []Prog
		addr  uint64
		n     uint64
		off   uint64
		ok    bool
	}{
		{"in the segment", neighbours, 0x400100, 16, 0x100, true},
		{"across its end, in the page", neighbours, 0x400850, 0x100, 0x850, true},
		{"across two pages into the front of the next segment", neighbours, 0x400ff0, 0x40, 0xff0, true},
		{"across into its bytes", neighbours, 0x400ff0, 0x800, 0xff0, true},
		{"behind its page", neighbours, 0x401ff0, 0x20, 0, false},
		{"zeros are not bytes of the file", []Prog{load(0, 0x400000, 0x860, 0x861)}, 0x400850, 0x20, 0, false},
		{"a gap in the file", []Prog{load(0, 0x400000, 0xff0, 0xff0), load(0x2000, 0x401000, 0x100, 0x100)}, 0x400ff8, 0x10, 0, false},
		{"the later segment has the page", []Prog{load(0, 0x400000, 0x800, 0x800), load(0x1900, 0x400900, 0x100, 0x100)}, 0x400850, 8, 0x1850, true},
		{"the end of the file ends the page", []Prog{load(0x2000, 0x400000, 0x10, 0x10)}, 0x400010, 0x800, 0, false},
		{"what no page could hold is taken as it says", []Prog{load(0x10, 0x400000, 0x20, 0x20)}, 0x400020, 4, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			off, ok := progsOnly(t, 0x2100, tt.progs...).offsetOf(tt.addr, tt.n)
			if ok != tt.ok || ok && off != tt.off {
				t.Errorf("%#x bytes at %#x lie at %#x, %v; want %#x, %v", tt.n, tt.addr, off, ok, tt.off, tt.ok)
			}
		})
	}
}
