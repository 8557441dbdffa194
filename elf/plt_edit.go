package elf

import (
	"debug/elf"
	"slices"
)

// Tags of the x86-64 psABI ("Dynamic Section", DT_X86_64_PLT and its kin), which GNU ld writes
// with -z mark-plt.
const (
	dtX86PLT      elf.DynTag = 0x70000000
	dtX86PLTSize  elf.DynTag = 0x70000001
	dtX86PLTEntry elf.DynTag = 0x70000003
)

// MarkedPLT reports whether the PLT of an x86-64 file is marked (-z mark-plt): the addend
// of each R_X86_64_JUMP_SLOT is then the address of its entry. glibc passes over that addend
// from 2.36 on (sysdeps/x86_64/dl-machine.h, elf_machine_rela). Older ones add it to the
// function's address where everything is bound at the start, and musl always does
// (ldso/dynlink.c, do_relocs): the first call then crashes.
func (f *File) MarkedPLT() bool {
	return f.Machine == elf.EM_X86_64 && (f.has(dtX86PLT) || f.has(dtX86PLTEntry))
}

// PLTMarks returns the versions by which a linker has a file with a marked PLT want a glibc
// that knows the marks, and which say nothing else: GLIBC_ABI_DT_X86_64_PLT, and GLIBC_2.36 of
// binutils 2.44 and before where no symbol has that version.
func (f *File) PLTMarks() ([]VersionNeed, error) {
	if !f.MarkedPLT() {
		return nil, nil
	}
	needs, err := f.VersionNeeds()
	if err != nil {
		return nil, err
	}
	used := map[uint16]bool{}
	for s, err := range f.Symbols() {
		if err != nil {
			return nil, err
		}
		used[s.VersionIndex] = true
	}
	var marks []VersionNeed
	for _, n := range needs {
		n.Versions = slices.DeleteFunc(slices.Clone(n.Versions), func(v NeededVersion) bool {
			return used[v.Index] || v.Name != "GLIBC_2.36" && v.Name != "GLIBC_ABI_DT_X86_64_PLT"
		})
		if len(n.Versions) > 0 {
			marks = append(marks, n)
		}
	}
	return marks, nil
}

// PlainPLT takes the marks of [File.MarkedPLT] from a file, and with them the addends and the
// versions of [File.PLTMarks]. A file without them stays as it is.
func PlainPLT() Edit {
	return func(d *draft) error {
		if err := d.dynamic(); err != nil {
			return err
		}
		if !d.f.MarkedPLT() {
			return nil
		}
		if err := d.removeMarks(); err != nil {
			return err
		}
		d.plainPLT = true
		d.remove(func(e entry) bool { return e.Tag == dtX86PLT || e.Tag == dtX86PLTSize || e.Tag == dtX86PLTEntry })
		return nil
	}
}

// removeMarks has the versions of [File.PLTMarks] go.
func (d *draft) removeMarks() error {
	marks, err := d.f.PLTMarks()
	if err != nil {
		return err
	}
	going := map[wantedName]bool{}
	for _, n := range marks {
		for _, v := range n.Versions {
			going[wantedName{n.Library, v.Name}] = true
		}
	}
	_, _, err = d.unmark(func(w wantedName) bool { return going[w] })
	return err
}

// Elf64_Rela: r_offset, r_info with the type in its lower half, r_addend.
const (
	relaSize   = 24
	relaType   = 8
	relaAddend = 16
)

// plainJumps clears the addends of the jump slots of a table of Elf64_Rela, and reports
// whether there were any.
func (f *File) plainJumps(table []byte) bool {
	cleared := false
	for ; len(table) >= relaSize; table = table[relaSize:] {
		if f.Order.Uint32(table[relaType:]) == uint32(elf.R_X86_64_JMP_SLOT) {
			cleared = cleared || f.Order.Uint64(table[relaAddend:]) != 0
			clear(table[relaAddend:relaSize])
		}
	}
	return cleared
}

// patchJumps writes the table of jump slots anew, where it stays in its place.
func (p *plan) patchJumps() error {
	if !p.d.plainPLT || p.relocations != nil {
		return nil
	}
	n, _ := p.f.DynValue(elf.DT_PLTRELSZ)
	off, ok, err := p.f.table(elf.DT_JMPREL, n)
	if !ok || err != nil {
		return err
	}
	table, err := p.f.relocationTable(elf.DT_JMPREL, elf.DT_PLTRELSZ)
	if err != nil {
		return err
	}
	if p.f.plainJumps(table) {
		p.b.patch(off, table)
	}
	return nil
}

// jumps returns the targets of the jump slots of a file that loses the marks of its PLT.
func (d *draft) jumps(f *File) map[uint64]bool {
	if !d.plainPLT {
		return nil
	}
	table, err := f.relocationTable(elf.DT_JMPREL, elf.DT_PLTRELSZ)
	if err != nil {
		return nil // whoever reads it for itself says so
	}
	targets := map[uint64]bool{}
	for ; len(table) >= relaSize; table = table[relaSize:] {
		if f.Order.Uint32(table[relaType:]) == uint32(elf.R_X86_64_JMP_SLOT) {
			targets[f.Order.Uint64(table)] = true
		}
	}
	return targets
}

// checkJumps refuses a result that has kept a mark or an addend.
func (d *draft) checkJumps(got *File) error {
	if !d.plainPLT {
		return nil
	}
	table, err := got.relocationTable(elf.DT_JMPREL, elf.DT_PLTRELSZ)
	if err != nil {
		return err
	}
	if got.MarkedPLT() || got.plainJumps(table) {
		return formatErr(d.f.tagAt(elf.DT_JMPREL), "the marks of the PLT do not read back as gone; the edit is refused")
	}
	return nil
}
