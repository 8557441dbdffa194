package audit_test

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

// FuzzVerify damages an ELF file of a sound wheel. What verify says holds has to
// hold for the reader of the standard library too; nothing may panic.
func FuzzVerify(f *testing.F) {
	for _, line := range []string{
		"x86_64 needed=libx.so,libc.so.6 import=f@X_1:libx.so,memcpy@GLIBC_2.14:libc.so.6,PyList_New rpath=$ORIGIN export=PyInit__core",
		"x86_64 needed=libc.so.6 execstack nosections hash=sysv rpath=/build import=malloc weak=gone",
		"x86_64 soname=libx.so needed=libx.so export=f@X_1,g@X_2 def=X_3 symtab interp=/lib64/ld-linux-x86-64.so.2",
		"aarch64 needed=libc.so.6 runpath=$ORIGIN/../x",
	} {
		spec, err := elftest.Parse(line)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(elftest.Build(spec))
	}
	f.Fuzz(func(t *testing.T, image []byte) {
		archive, err := wheeltest.Build(glibcWheel, "demo/_core.so store raw "+strconv.Quote(string(image))+"\n"+
			"demo/libx.so store elf x86_64 soname=libx.so needed=libc.so.6 export=f@X_1,g@X_2")
		if err != nil {
			t.Fatal(err)
		}
		r, err := wheel.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := audit.Verify(context.Background(), glibcWheel, r, audit.VerifyOptions{Load: audit.LoadOptions{Jobs: 1}})
		if err != nil {
			t.Fatalf("Verify: %v; a damaged file is a claim that fails", err)
		}
		defer p.Close()
		for _, c := range p.Claims {
			if (c.Outcome == audit.Fails) != (len(c.Faults) > 0 && c.Outcome != audit.Unchecked) || c.Text == "" {
				t.Errorf("claim %+v: outcome and faults contradict each other", c)
			}
		}
		if why := notSound(image); p.Holds() && why != "" {
			t.Errorf("every claim holds, but %s", why)
		}
	})
}

// notSound tells what the standard library sees in an image that verify would
// have to tell too, "" for what it cannot read.
func notSound(image []byte) string {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil || f.Machine != elf.EM_X86_64 || f.Class != elf.ELFCLASS64 || f.Type != elf.ET_DYN || !sectionsAreTrue(f) {
		return ""
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_GNU_STACK {
			if p.Flags&elf.PF_X != 0 {
				return "its stack is executable"
			}
			break
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := f.DynString(tag)
		if err != nil || len(values) == 0 || values[len(values)-1] == "" {
			continue
		}
		value := values[len(values)-1] // the one that the loader takes
		for entry := range strings.SplitSeq(value, ":") {
			if entry == "" || path.IsAbs(entry) {
				return fmt.Sprintf("it has the search path %q", value)
			}
		}
	}
	return ""
}

// sectionsAreTrue reports whether the sections, which debug/elf goes by, lead to
// what the loader sees.
func sectionsAreTrue(f *elf.File) bool {
	section := f.SectionByType(elf.SHT_DYNAMIC)
	i := slices.IndexFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_DYNAMIC && p.Filesz > 0 })
	if section == nil || i < 0 || section.Offset != f.Progs[i].Off || section.Size != f.Progs[i].Filesz || int(section.Link) >= len(f.Sections) {
		return false
	}
	table, err := f.DynValue(elf.DT_STRTAB)
	return err == nil && len(table) == 1 && table[0] == f.Sections[section.Link].Addr && table[0] == f.Sections[section.Link].Offset
}

// The law of the fuzz target has to be able to fail.
func TestNotSound(t *testing.T) {
	for line, sound := range map[string]bool{
		"x86_64 needed=libc.so.6 rpath=$ORIGIN/x":      true,
		"x86_64 needed=libc.so.6 rpath=$ORIGIN:/build": false,
		"x86_64 needed=libc.so.6 runpath=$ORIGIN::x":   false,
		"x86_64 needed=libc.so.6 execstack":            false,
	} {
		spec, err := elftest.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if why := notSound(elftest.Build(spec)); (why == "") != sound {
			t.Errorf("%s: %q, want it to be sound: %v", line, why, sound)
		}
	}
}
