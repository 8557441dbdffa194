package elf

import (
	"context"
	"debug/elf"
	"slices"
	"strings"
	"testing"
)

func TestSetExecutableStack(t *testing.T) {
	for _, spec := range []string{
		"x86_64", "x86_64 execstack", "x86_64 nostack", "x86_64 nostack nosections", "x86_64 nostack symtab bss=100000000",
		"x86_64 nostack type=exec interp=/lib64/ld-linux-x86-64.so.2", "i686 nostack", "armv7l nostack isa=v1", "s390x nostack symtab", "aarch64 nostack", "ppc64le nostack",
	} {
		t.Run(spec, func(t *testing.T) {
			before := open(t, spec+fullSpec)
			for _, executable := range []bool{true, false} {
				want := StackPlain
				if executable {
					want = StackExecutable
				}
				after := edit(t, before, SetExecutableStack(executable))
				got := after.Stack()
				if got == StackUnsaid {
					got = after.DefaultStack()
				}
				if got != want {
					t.Errorf("executable %v: stack %d, want %d", executable, got, want)
				}
				if !slices.Equal(texts(after), texts(before)) {
					t.Errorf("executable %v: dynamic strings %q, want %q", executable, texts(after), texts(before))
				}
				checkTables(t, before, after)
				if n := len(after.Progs) - len(before.Progs); before.Stack() != StackUnsaid && n != 0 || n > 2 {
					t.Errorf("executable %v: %d program headers more", executable, n)
				}
				again, err := after.Edit(context.Background(), SetExecutableStack(executable))
				if err != nil || again.Edited() {
					t.Errorf("executable %v: a second edit edits, %v", executable, err)
				}
				both := edit(t, before, SetExecutableStack(executable), SetRPath(longPath), AddNeeded("libnew.so"))
				if both.RPath() != longPath || both.Stack() != after.Stack() {
					t.Errorf("executable %v: together with others: %q, stack %d", executable, both.RPath(), both.Stack())
				}
				checkTables(t, before, both)
			}
		})
	}
}

// A header that means nothing serves before the table grows.
func TestStackHeaderInAFreeSlot(t *testing.T) {
	before := open(t, "x86_64"+fullSpec)
	i := slices.IndexFunc(before.Progs, func(p Prog) bool { return p.Type == elf.PT_GNU_STACK })
	data := image(t, "x86_64"+fullSpec)
	before.Order.PutUint32(data[before.progAt(i):], uint32(elf.PT_NULL))
	free := parse(t, data)
	after := edit(t, free, SetExecutableStack(false))
	if after.Stack() != StackPlain || len(after.Progs) != len(free.Progs) || after.Size() != free.Size() {
		t.Errorf("stack %d, %d program headers, %d bytes; want the slot filled", after.Stack(), len(after.Progs), after.Size())
	}
}

func TestStackLastHeaderCounts(t *testing.T) {
	if got := open(t, "x86_64 execstack").Stack(); got != StackExecutable {
		t.Errorf("stack %d, want executable", got)
	}
	data := image(t, "x86_64 execstack isa=v1") // phdr[4] and [5] have the note, [6] is PT_GNU_STACK
	f := parse(t, data)
	f.Order.PutUint32(data[f.progAt(5):], uint32(elf.PT_GNU_STACK))
	if got := parse(t, data); got.Stack() != StackExecutable {
		t.Errorf("stack %d, want that of the last header", got.Stack())
	}
	after := edit(t, parse(t, data), SetExecutableStack(false))
	for _, p := range after.Progs {
		if p.Type == elf.PT_GNU_STACK && strings.Contains(p.Flags.String(), "PF_X") {
			t.Error("one of two headers still asks for it")
		}
	}
}
