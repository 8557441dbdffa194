package elftest

import (
	"bytes"
	"debug/elf"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fullSpec exercises every table for one architecture.
func fullSpec(arch string) Spec {
	s := ForArch(arch)
	s.Needed = []string{"libdep.so.3", "libc.so.6"}
	s.Soname, s.RunPath = "libx.so.1", "$ORIGIN/../lib"
	s.Defs = []string{"V1", "V2"}
	s.Symbols = []Symbol{
		{Name: "PyInit__core", Defined: true, Func: true, Version: "V1"},
		{Name: "bar", Defined: true, Func: true, Version: "V2"},
		{Name: "table", Defined: true},
		{Name: "memcpy", Version: "GLIBC_2.14", Library: "libc.so.6", Func: true},
		{Name: "dep", Version: "DEP_1", Library: "libdep.so.3", Func: true},
		{Name: "maybe", Weak: true, Func: true},
	}
	s.Hash, s.Bss, s.Symtab = HashBoth, 4096, true
	return s
}

func readBack(t *testing.T, image []byte) *elf.File {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatalf("debug/elf cannot read the image: %v", err)
	}
	return f
}

func TestArchesReadBack(t *testing.T) {
	for _, arch := range Arches() {
		t.Run(arch, func(t *testing.T) {
			f := readBack(t, Build(fullSpec(arch)))
			for tag, want := range map[elf.DynTag][]string{
				elf.DT_NEEDED:  {"libdep.so.3", "libc.so.6"},
				elf.DT_SONAME:  {"libx.so.1"},
				elf.DT_RUNPATH: {"$ORIGIN/../lib"},
				elf.DT_RPATH:   nil,
			} {
				got, err := f.DynString(tag)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%v = %q, %v; want %q", tag, got, err, want)
				}
			}
			want := ForArch(arch)
			if uint16(f.Machine) != want.Machine || (f.Class == elf.ELFCLASS64) != (want.Class == 64) ||
				(f.Data == elf.ELFDATA2MSB) != want.BigEndian {
				t.Errorf("header is %v %v %v, want %+v", f.Machine, f.Class, f.Data, want)
			}
			checkSymbols(t, f)
		})
	}
}

func checkSymbols(t *testing.T, f *elf.File) {
	t.Helper()
	imports, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	want := []elf.ImportedSymbol{{Name: "memcpy", Version: "GLIBC_2.14", Library: "libc.so.6"}, {Name: "dep", Version: "DEP_1", Library: "libdep.so.3"}}
	if diff := cmp.Diff(want, imports); diff != "" {
		t.Errorf("imported symbols (-want +got):\n%s", diff)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF {
			continue
		}
		got[s.Name] = s.Version
		if sec := f.Sections[s.Section]; s.Value < sec.Addr || s.Value+s.Size > sec.Addr+sec.Size {
			t.Errorf("%s at 0x%x is outside %s", s.Name, s.Value, sec.Name)
		}
	}
	if diff := cmp.Diff(map[string]string{"PyInit__core": "V1", "bar": "V2", "table": ""}, got); diff != "" {
		t.Errorf("exported symbols (-want +got):\n%s", diff)
	}
}
