package elf

import (
	"context"
	"debug/elf"
	"errors"
	"strings"
	"testing"
)

// at returns where a field of an image lies, and what it holds.
func at(t testing.TB, data []byte, name string) (off, value uint64) {
	t.Helper()
	f := parse(t, data)
	for _, x := range fieldsOf(t, f) {
		if x.name == name {
			return x.off, x.get(f.Order, data)
		}
	}
	t.Fatalf("the image has no field %s", name)
	return 0, 0
}

// Files in which one structure lies in another load, as long as nobody writes to
// either. An edit would.
func TestEditRefusesWhatSharesBytes(t *testing.T) {
	data := image(t, "x86_64 symtab hash=both"+fullSpec)
	for _, tt := range []struct {
		name, field string
		value       uint64
		edit        Edit
		want        string
	}{
		{"the name of a version in a version need", "verdef[2].vd_aux", mustAt(t, data, "verneed[1].vn_file") - mustAt(t, data, "verdef[2].vd_version"), SetRPath(longPath), "name of a version definition"},
		{"the section names in the dynamic table", "shdr[14].sh_offset", mustAt(t, data, "dynamic[0].d_tag"), SetRPath(longPath), "share bytes"},
		{"a hash table that reaches into .dynstr", "hash.nchain", 100, SetRPath(longPath), "share bytes"},
		{"one index for two versions", "verneed[0].aux[0].vna_other", value(t, data, "verneed[1].aux[0].vna_other"), RemoveNeeded("libdep.so.3"), "stands for two versions"},
		{"a version under the index of unversioned symbols", "verneed[0].aux[0].vna_other", 1, RemoveNeeded("libdep.so.3"), "stands for two versions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := parse(t, lie(t, data, tt.field, tt.value))
			_, err := f.Edit(context.Background(), tt.edit)
			var rule *FormatError
			if !errors.As(err, &rule) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want a FormatError with %q", err, tt.want)
			}
			checkError(t, err)
		})
	}
}

// The loader believes less than the file says, or more: what it would read after
// an edit is not what it has read before.
func TestEditRefusesWhatTheLoaderReadsElsewhere(t *testing.T) {
	data := image(t, "x86_64 isa=v2"+fullSpec) // phdr[4] and [5] have the note, [6] is PT_GNU_STACK
	text := value(t, data, "phdr[1].p_offset")
	type lies map[string]uint64
	for _, tt := range []struct {
		name string
		lies lies
		want string
	}{
		{"more thread-local data than room", lies{"phdr[6].p_filesz": 4, "phdr[6].p_memsz": 1, "phdr[6].p_type": uint64(elf.PT_TLS)}, "PT_TLS has p_filesz 0x4, more than its p_memsz 0x1"},
		{"thread-local data behind a segment", lies{"phdr[6].p_filesz": 4, "phdr[6].p_memsz": 4, "phdr[6].p_offset": text, "phdr[6].p_vaddr": text + 0x100000, "phdr[6].p_type": uint64(elf.PT_TLS)}, "where no PT_LOAD maps its 0x4 bytes"},
		{"a note that is the interpreter, too", lies{"phdr[4].p_type": uint64(elf.PT_INTERP)}, "and PT_INTERP share bytes"},
		{"the name of a symbol behind .dynstr", lies{"dynsym[2].st_name": 0x8000}, "st_name 0x8000, past the end of .dynstr"},
		{"a .dynstr whose last string goes on behind it", lies{"dynstr.last": 'x'}, "has no end within .dynstr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := data
			for field, v := range tt.lies {
				data = lie(t, data, field, v)
			}
			_, err := parse(t, data).Edit(context.Background(), SetRPath(longPath))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
			checkError(t, err)
		})
	}
}

func TestEditRefusesAStringTableWithoutEnd(t *testing.T) {
	f := parse(t, lie(t, image(t, "x86_64 export=f"), "dynstr.last", 'x'))
	_, err := f.Edit(context.Background(), SetRPath(longPath))
	if err == nil || !strings.Contains(err.Error(), `.dynstr ends with "x", not with a NUL`) {
		t.Errorf("error is %v", err)
	}
}

// ld.so follows the chains of version records to their end, whatever the counts
// say; so the audit must.
func TestVersionsAreReadAsTheLoaderDoes(t *testing.T) {
	data := image(t, "x86_64"+fullSpec)
	want := open(t, "x86_64"+fullSpec)
	for _, field := range []string{"verneed[0].vn_cnt", "verneed[1].vn_cnt", "verdef[1].vd_cnt"} {
		for _, count := range []uint64{0, 1, 0xffff} {
			got := parse(t, lie(t, data, field, count))
			checkMeaning(t, meaningOf(want), got)
		}
	}
}

func mustAt(t testing.TB, data []byte, name string) uint64 {
	off, _ := at(t, data, name)
	return off
}

func value(t testing.TB, data []byte, name string) uint64 {
	_, v := at(t, data, name)
	return v
}

// A section header table that was cut off must not come back as something else
// when the file grows again.
func TestEditForgetsSectionsThatWereCutOff(t *testing.T) {
	whole := image(t, "x86_64 symtab"+fullSpec)
	shoff := parse(t, whole).Shoff
	f := parse(t, whole[:shoff+10])
	if f.SectionErr == nil {
		t.Fatal("half a section header table is believed")
	}
	after := edit(t, f, SetRPath(longPath))
	if after.Shoff != 0 || after.Shnum != 0 || after.Shstrndx != 0 || after.SectionErr != nil {
		t.Errorf("e_shoff %#x, e_shnum %d, e_shstrndx %d, %v; want none", after.Shoff, after.Shnum, after.Shstrndx, after.SectionErr)
	}
	checkTables(t, f, after)
}

func TestSectionsOfAnotherSizeAreNotRead(t *testing.T) {
	f := parse(t, lie(t, image(t, "i686"+fullSpec), "ehdr.e_shentsize", 64))
	if f.Sections != nil || f.SectionErr == nil || !strings.Contains(f.SectionErr.Error(), "offset 0x2e: e_shentsize is 64, want 40") {
		t.Errorf("%d sections, %v", len(f.Sections), f.SectionErr)
	}
}

func TestSectionNamesLieInAStringTable(t *testing.T) {
	f := parse(t, lie(t, image(t, "x86_64"+fullSpec), "ehdr.e_shstrndx", 1))
	if f.Sections != nil || f.SectionErr == nil || !strings.Contains(f.SectionErr.Error(), "the section names lie in section 1, of type SHT_GNU_HASH") {
		t.Errorf("%d sections, %v", len(f.Sections), f.SectionErr)
	}
}

// Edits that cancel out leave every byte as it is.
func TestEditsThatCancelOut(t *testing.T) {
	f := open(t, "x86_64 interp=/lib64/ld.so"+fullSpec)
	for name, edits := range map[string][]Edit{
		"interpreter":  {SetInterpreter("/elsewhere/ld.so"), SetInterpreter("/lib64/ld.so")},
		"search path":  {SetRPath("/a"), SetRunPath("$ORIGIN/../lib")},
		"name":         {SetSoname("other"), SetSoname("libx.so.1")},
		"needed":       {AddNeeded("libnew.so"), RemoveNeeded("libnew.so")},
		"renamed":      {ReplaceNeeded("libdep.so.3", "a"), ReplaceNeeded("a", "libdep.so.3")},
		"said already": {SetSoname("libx.so.1"), AddNeeded("libc.so.6")},
	} {
		o, err := f.Edit(context.Background(), edits...)
		if err != nil || o.Edited() || !sameBytes(t, f, o) {
			t.Errorf("%s: edited (%v)", name, err)
		}
	}
}

// ld.so takes the last of several entries, so no other may be left to say
// something else.
func TestSetSonameOfTwo(t *testing.T) {
	data := image(t, "x86_64 spare=2"+fullSpec)
	f := parse(t, data)
	at := f.entryOff(len(f.dynamic.entries))
	f.Order.PutUint64(data[at:], uint64(elf.DT_SONAME))
	f.Order.PutUint64(data[at+8:], f.dynamic.entries[0].Val)
	before := parse(t, data)
	after := edit(t, before, SetSoname("libnew.so.1"))
	if after.Soname() != "libnew.so.1" {
		t.Errorf("soname is %q", after.Soname())
	}
}
