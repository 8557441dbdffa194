package elf

import "debug/elf"

// EF_ARM flags of the e_flags field. See ELF for the Arm Architecture, 4.1.
const (
	efARMEABIMask  = 0xff000000
	efARMEABIVer5  = 0x05000000
	efARMHardFloat = 0x00000400
)

// machineKey tells architectures apart that share an e_machine.
type machineKey struct {
	machine   elf.Machine
	wide      bool
	bigEndian bool
}

// machines lists the architectures of Linux platform tags.
var machines = map[machineKey]struct {
	arch    string // as platform tags spell it (PEP 600)
	maxPage uint64 // largest page size of the architecture, in bytes: where a new PT_LOAD may begin
}{
	{elf.EM_X86_64, true, false}:    {"x86_64", 4 << 10},
	{elf.EM_386, false, false}:      {"i686", 4 << 10},
	{elf.EM_AARCH64, true, false}:   {"aarch64", 64 << 10},
	{elf.EM_ARM, false, false}:      {"armv7l", 64 << 10},
	{elf.EM_PPC64, true, false}:     {"ppc64le", 64 << 10},
	{elf.EM_PPC64, true, true}:      {"ppc64", 64 << 10},
	{elf.EM_S390, true, true}:       {"s390x", 4 << 10},
	{elf.EM_RISCV, true, false}:     {"riscv64", 4 << 10},
	{elf.EM_LOONGARCH, true, false}: {"loongarch64", 64 << 10},
}

func (h *Header) machineKey() machineKey {
	return machineKey{h.Machine, h.Is64(), h.Order.String() == "BigEndian"}
}

// Arch returns the architecture as platform tags spell it, such as "x86_64" or
// "armv7l". It is "" when no platform tag serves the file; the reason is then
// not empty: e_flags may tell of an ABI that the loader of the architecture does
// not take, such as soft-float ARM. Linkers that do not say which floats an ARM
// file is for (mold) leave both flags out, and loaders take that for either.
func (h *Header) Arch() (arch, reason string) {
	m, ok := machines[h.machineKey()]
	if !ok {
		return "", "no platform tag for machine " + h.Machine.String() + ", " + h.Class.String()
	}
	if why := h.wrongFlags(); why != "" {
		return "", why
	}
	return m.arch, ""
}

// MaxPage returns the largest page size of the architecture, in bytes.
func (h *Header) MaxPage() uint64 {
	if m, ok := machines[h.machineKey()]; ok {
		return m.maxPage
	}
	return 64 << 10
}

// SameTarget reports whether ld.so would accept both files in one process: same
// class, byte order and machine, flags of one ABI, and an OS ABI that is System V
// or GNU.
func (h *Header) SameTarget(o *Header) bool {
	return h.machineKey() == o.machineKey() && h.sameFlags(o) && linuxABI(h.OSABI, o.OSABI) && linuxABI(o.OSABI, h.OSABI)
}

// sameFlags reports whether no loader takes the one file and refuses the other for
// e_flags.
func (h *Header) sameFlags(o *Header) bool {
	switch h.Machine {
	case elf.EM_ARM:
		const floats = efARMSoftFloat | efARMHardFloat
		a, b := h.Flags&floats, o.Flags&floats
		return a == b || a == 0 || b == 0
	case elf.EM_PPC64:
		a, b := h.Flags&efPPC64ABI, o.Flags&efPPC64ABI
		return a == b || a == 0 || b == 0
	case elf.EM_RISCV:
		return h.Flags&efRISCVFloatABI == o.Flags&efRISCVFloatABI
	}
	return true
}

func linuxABI(a, b elf.OSABI) bool {
	return a == b || a == elf.ELFOSABI_NONE || a == elf.ELFOSABI_LINUX
}
