package elf

import (
	"bytes"
	"context"
	"debug/elf"
	"math/rand/v2"
	"strings"
	"testing"
)

// randomEdit picks an edit that the file allows, with names of random length.
func randomEdit(r *rand.Rand, f *File) Edit {
	name := func(longest int) string {
		letters := make([]byte, 1+r.IntN(longest))
		for i := range letters {
			letters[i] = byte('a' + r.IntN(26))
		}
		return string(letters)
	}
	needed := f.Needed()
	switch pick := r.IntN(9); {
	case pick == 0:
		return SetRunPath("$ORIGIN/" + name(100))
	case pick == 1:
		return AddRPath("/" + name(40))
	case pick == 2:
		return RemoveRPath()
	case pick == 3 && f.Type == elf.ET_DYN && !f.pie():
		return SetSoname("lib" + name(40) + ".so")
	case pick == 4 && len(needed) < 8:
		return AddNeeded("lib" + name(30) + ".so")
	case pick == 5 && len(needed) > 2:
		return RemoveNeeded(needed[0])
	case pick == 6 && len(needed) > 0:
		return ReplaceNeeded(needed[0], "lib"+name(30)+".so")
	case pick == 7 && interpreterOf(f) != "":
		return SetInterpreter("/" + name(80))
	}
	return SetRPath("$ORIGIN/" + name(150))
}

func interpreterOf(f *File) string {
	path, _ := f.Interpreter()
	return path
}

// TestTwoHundredEdits edits one file again and again. What an edit moves takes
// the place of what the one before has moved, and strings fill the room of those
// that are gone.
func TestTwoHundredEdits(t *testing.T) {
	test := func(t *testing.T, f *File) {
		random := rand.New(rand.NewPCG(7, 7))
		// Where section headers lie, nobody knows who else reads the strings.
		limit := int64(4 << 10)
		if f.SectionErr != nil {
			limit = 32 << 10
		}
		for _, m := range f.maps {
			if bss := m.Memsz - m.Filesz; bss <= maxFill {
				limit += int64(bss) // once, it becomes zeros in the file
			}
		}
		var first int64
		now := f
		for i := range 200 {
			o, err := now.Edit(context.Background(), randomEdit(random, now))
			if err != nil {
				t.Fatalf("edit %d: %v", i, err)
			}
			now = parse(t, contents(t, o))
			if i == 0 {
				first = now.Size()
			}
		}
		if grown := now.Size() - first; grown > limit {
			t.Errorf("the file is %d bytes longer than after the first edit, want at most %d", grown, limit)
		}
		if more := len(now.maps) - len(f.maps); more > 2 {
			t.Errorf("there are %d more PT_LOAD, want at most 2: one for what is read, one for what is written", more)
		}
		checkKept(t, f, now)
	}
	for name, data := range fixtures(t) {
		t.Run(name, func(t *testing.T) { test(t, parse(t, data)) })
	}
	for _, arch := range []string{"x86_64", "i686", "s390x", "ppc64le"} {
		for name, trait := range traits() {
			t.Run(arch+"/"+name, func(t *testing.T) { test(t, open(t, arch+fullSpec+trait)) })
		}
	}
}

// TestInterpreterThereAndBack moves the path to new space and changes it there.
func TestInterpreterThereAndBack(t *testing.T) {
	for _, kind := range []string{"type=exec symtab", "bss=3000", "bss=4000000", "nosections", "type=exec spare=4"} {
		t.Run(kind, func(t *testing.T) {
			f := open(t, "x86_64 interp=/lib/ld.so"+fullSpec+kind)
			long := "/opt/" + strings.Repeat("way/", 30) + "ld.so"
			now := edit(t, f, SetInterpreter(long))
			size := now.Size()
			for range 20 {
				now = edit(t, now, SetInterpreter("/lib/ld.so"), SetRPath("/a"))
				now = edit(t, now, SetInterpreter(long+"er"), SetRPath("$ORIGIN/../lib:/a/b/c"))
			}
			if grown := now.Size() - size; grown > 256 {
				t.Errorf("forty edits made the file %d bytes longer", grown)
			}
			back := edit(t, now, SetInterpreter("/lib/ld.so"), SetRunPath("$ORIGIN/../lib"))
			if got := interpreterOf(back); got != "/lib/ld.so" {
				t.Errorf("interpreter is %q", got)
			}
			for _, p := range back.Progs {
				if p.Type != elf.PT_INTERP {
					continue
				}
				text, err := back.read("PT_INTERP", p.Off, p.Filesz)
				// The kernel wants a NUL at the end (binfmt_elf.c, load_elf_binary).
				if err != nil || text[len(text)-1] != 0 || !bytes.HasPrefix(text, []byte("/lib/ld.so\x00")) {
					t.Errorf("PT_INTERP holds %q, %v", text, err)
				}
			}
			checkKept(t, f, back)
		})
	}
}
