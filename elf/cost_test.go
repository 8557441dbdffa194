package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
)

const (
	costSize    = 1 << 20  // of each hostile image
	costLimit   = 48 << 20 // bytes that asking it everything may allocate, in all
	costTables  = 0x1000   // where the tables begin; in front lie headers and the dynamic table
	costStrings = costSize / 2
)

// hostile builds an image of one segment: a dynamic table, tables at
// costTables, and half a megabyte of string in the end.
func hostile(entries []Dyn, tables []byte) []byte {
	le := binary.LittleEndian
	data := bytes.Repeat([]byte("a"), costSize)
	clear(data[:costStrings+1])
	data[costSize-1] = 0
	copy(data, "\x7fELF\x02\x01\x01")
	le.PutUint16(data[0x10:], uint16(elf.ET_DYN))
	le.PutUint16(data[0x12:], uint16(elf.EM_X86_64))
	le.PutUint32(data[0x14:], 1)
	le.PutUint64(data[atPhoff:], ehdrSize64)
	le.PutUint16(data[0x36:], progSize64)
	le.PutUint16(data[atPhnum:], 2)
	entries = append([]Dyn{{elf.DT_STRTAB, costStrings}, {elf.DT_STRSZ, costSize - costStrings}}, entries...)
	at := uint64(ehdrSize64 + 2*progSize64)
	progs := data[ehdrSize64:]
	for i, p := range []Prog{
		{Type: elf.PT_LOAD, Filesz: costSize, Memsz: costSize},
		{Type: elf.PT_DYNAMIC, Off: at, Vaddr: at, Filesz: uint64(len(entries)+1) * dynSize64, Memsz: uint64(len(entries)+1) * dynSize64},
	} {
		b := progs[i*progSize64:]
		le.PutUint32(b, uint32(p.Type))
		for j, v := range []uint64{p.Off, p.Vaddr, p.Vaddr, p.Filesz, p.Memsz} {
			le.PutUint64(b[8+8*j:], v)
		}
	}
	for i, e := range entries {
		le.PutUint64(data[at+uint64(i)*dynSize64:], uint64(e.Tag))
		le.PutUint64(data[at+uint64(i)*dynSize64+8:], e.Val)
	}
	copy(data[costTables:costStrings], tables)
	return data
}

func words(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func repeat(n int, record func(i int) []byte) []byte {
	var b []byte
	for i := range n {
		b = append(b, record(i)...)
	}
	return b
}

// Every record of a table names the same half megabyte, or a tail of it.
func TestStringsNamedOverAndOver(t *testing.T) {
	var paths []Dyn
	for i := range 20000 {
		paths = append(paths, Dyn{elf.DT_RPATH, uint64(1 + i)})
	}
	for _, tt := range []struct {
		name   string
		data   []byte
		reject string
	}{
		{"dynamic entries", hostile(paths, nil), "add up to more than"},
		{"symbols", hostile([]Dyn{{elf.DT_SYMTAB, costTables + 16}, {elf.DT_HASH, costTables}},
			append(words(1, 20000, 0, 0), repeat(20000, func(i int) []byte { return words(uint32(1+i), 0, 0, 0, 0, 0) })...)), "add up to more than"},
		{"version needs", hostile([]Dyn{{elf.DT_VERNEED, costTables}},
			repeat(15000, func(i int) []byte { return words(1|1<<16, uint32(1+i), 16, 32, 0, 0, uint32(2+i), 0) })), "add up to more than"},
		{"version definitions", hostile([]Dyn{{elf.DT_VERDEF, costTables}},
			repeat(15000, func(i int) []byte { return words(1, 2|1<<16, 0, 20, 28, uint32(1+i), 0) })), "add up to more than"},
		{"parents of one version", hostile([]Dyn{{elf.DT_VERDEF, costTables}},
			append(words(1, 2|0xffff<<16, 0, 20, 0), repeat(40000, func(int) []byte { return words(1, 8) })...)), "Elf_Verdaux: there are more than 32768 records"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			errs := askForErrors(tt.data)
			runtime.ReadMemStats(&after)
			if !strings.Contains(errs, tt.reject) {
				t.Errorf("errors are %.300q, want %q", errs, tt.reject)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > costLimit {
				t.Errorf("allocated %d MiB, want at most %d MiB", got>>20, costLimit>>20)
			}
		})
	}
}

func askForErrors(data []byte) string {
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err.Error()
	}
	var errs []string
	add := func(err error) {
		if err != nil {
			errs = append(errs, err.Error())
		}
	}
	_, err = f.VersionNeeds()
	add(err)
	_, err = f.VersionDefs()
	add(err)
	for _, err := range f.Symbols() {
		add(err)
	}
	return strings.Join(errs, "\n")
}
