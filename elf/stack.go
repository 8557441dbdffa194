package elf

import (
	"debug/elf"
	"slices"
)

// A Stack tells what PT_GNU_STACK says of the stack of the process.
type Stack int

// What it may say. A file without the header leaves it to the loader and the
// kernel, see [File.DefaultStack].
const (
	StackUnsaid Stack = iota
	StackPlain
	StackExecutable
)

// Stack returns what the last PT_GNU_STACK says, as loaders take it.
func (f *File) Stack() Stack {
	stack := StackUnsaid
	for _, p := range f.Progs {
		if p.Type == elf.PT_GNU_STACK {
			if stack = StackPlain; p.Flags&elf.PF_X != 0 {
				stack = StackExecutable
			}
		}
	}
	return stack
}

// plainByDefault are the machines on which glibc leaves the stack as it is for a
// library without PT_GNU_STACK (DEFAULT_STACK_PERMS in sysdeps/*/stackinfo.h). On
// all others it makes the stack executable. musl never does.
var plainByDefault = map[elf.Machine]bool{
	elf.EM_AARCH64: true, elf.EM_PPC64: true, elf.EM_RISCV: true, elf.EM_LOONGARCH: true, elf.EM_IA_64: true,
}

// DefaultStack returns what glibc takes the file to ask for if it has no
// PT_GNU_STACK.
func (f *File) DefaultStack() Stack {
	if plainByDefault[f.Machine] {
		return StackPlain
	}
	return StackExecutable
}

// SetExecutableStack makes PT_GNU_STACK ask for an executable stack, or for none. A
// file without the header gets one where its absence means something else.
func SetExecutableStack(executable bool) Edit {
	return func(d *draft) error {
		want := StackPlain
		if executable {
			want = StackExecutable
		}
		if d.stack == StackUnsaid && d.f.Stack() == StackUnsaid && d.f.DefaultStack() == want {
			return nil // that it says nothing means the same
		}
		d.stack = want
		return nil
	}
}

// addsStack reports whether the result has one program header more, for the
// stack.
func (p *plan) addsStack() bool { return p.d.stack != StackUnsaid && p.f.Stack() == StackUnsaid }

// setStack writes PT_GNU_STACK into the program headers of the result, where they
// have one. The last counts.
func (p *plan) setStack() {
	if p.d.stack == StackUnsaid {
		return
	}
	for i := range p.progs {
		if pr := &p.progs[i]; pr.Type == elf.PT_GNU_STACK {
			pr.Flags = stackFlags(pr.Flags, p.d.stack)
		}
	}
}

func stackFlags(flags elf.ProgFlag, stack Stack) elf.ProgFlag {
	if stack == StackExecutable {
		return flags | elf.PF_X
	}
	return flags &^ elf.PF_X
}

// stackProg is a new PT_GNU_STACK, as linkers write it.
func stackProg(stack Stack) Prog {
	return Prog{Type: elf.PT_GNU_STACK, Flags: stackFlags(elf.PF_R|elf.PF_W, stack), Align: 16}
}

// freeSlots returns the indexes of the program headers that mean nothing.
func (p *plan) freeSlots() []int {
	var slots []int
	for i, pr := range p.f.Progs {
		if pr.Type == elf.PT_NULL {
			slots = append(slots, i)
		}
	}
	return slots
}

// fillSlot puts the header for the stack into a free slot, if that is all that is
// wanted of the program headers.
func (p *plan) fillSlot() bool {
	slots := p.freeSlots()
	if !p.addsStack() || len(slots) == 0 {
		return false
	}
	p.progs[slots[0]] = stackProg(p.d.stack)
	return true
}

// growTable adds the header for the stack where the table is, if zeros that mean
// nothing follow it.
func (p *plan) growTable() bool {
	list, ok := p.displace(1)
	if !ok || len(list) > 0 {
		return false
	}
	p.space.tableGrows = true
	p.insertStack()
	return true
}

// insertStack puts the header for the stack at the end of the table.
func (p *plan) insertStack() {
	if p.addsStack() && !slices.ContainsFunc(p.progs, func(pr Prog) bool { return pr.Type == elf.PT_GNU_STACK }) {
		p.progs = append(p.progs, stackProg(p.d.stack))
	}
}
