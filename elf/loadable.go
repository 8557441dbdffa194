package elf

import (
	"debug/elf"
	"fmt"
)

// Unloadable tells why no loader takes the file as a shared library, whatever its
// machine: "" when one may. A static program is no library either. See
// elf/dl-load.c in glibc and ldso/dynlink.c in musl.
func (f *File) Unloadable() string {
	switch {
	case f.Type == elf.ET_REL:
		return "it is an object file, which has not been linked"
	case f.Type == elf.ET_CORE:
		return "it is a core dump"
	case f.Type != elf.ET_DYN && f.Type != elf.ET_EXEC:
		return fmt.Sprintf("its e_type is %v, want ET_DYN", f.Type)
	case f.separate:
		return "it holds only the debug information of another file"
	case f.xnum:
		return "its e_phnum is 0xffff (PN_XNUM), which loaders take for the count"
	case len(f.maps) == 0:
		return "it has no PT_LOAD, so nothing of it is mapped"
	case !f.Dynamic():
		return "it has no dynamic table (PT_DYNAMIC)"
	}
	return ""
}

// ForeignABI tells why ld.so of glibc refuses the file for what e_ident says of
// the operating system, "" if it does not; musl does not look at it. See
// open_verify in elf/dl-load.c and ldsodefs.h.
func (f *File) ForeignABI() string {
	switch {
	case f.OSABI != elf.ELFOSABI_NONE && f.OSABI != elf.ELFOSABI_LINUX && (f.OSABI != osabiARM || f.Machine != elf.EM_ARM):
		return fmt.Sprintf("EI_OSABI is %v, want ELFOSABI_NONE or ELFOSABI_LINUX", f.OSABI)
	case f.ABIVersion != 0 && (f.OSABI != elf.ELFOSABI_LINUX || f.ABIVersion >= maxABIVersion):
		return fmt.Sprintf("EI_ABIVERSION is %d, want 0", f.ABIVersion)
	case f.padded:
		return "e_ident has bytes behind EI_ABIVERSION that are not zero"
	}
	return ""
}

const osabiARM elf.OSABI = 64 // ELFOSABI_ARM_AEABI

// maxABIVersion is more than glibc knows (LIBC_ABI_MAX in libc-abis).
const maxABIVersion = 8

// processors are the machines that a loader of Linux exists for, as far as
// wheels may meet them. Code for others (GPU, eBPF, signal processors) is data to
// whoever loads it.
var processors = map[elf.Machine]bool{
	elf.EM_386: true, elf.EM_X86_64: true, elf.EM_ARM: true, elf.EM_AARCH64: true,
	elf.EM_PPC: true, elf.EM_PPC64: true, elf.EM_S390: true, elf.EM_RISCV: true, elf.EM_LOONGARCH: true,
	elf.EM_MIPS: true, elf.EM_MIPS_RS3_LE: true, elf.EM_SPARC: true, elf.EM_SPARC32PLUS: true, elf.EM_SPARCV9: true,
	elf.EM_PARISC: true, elf.EM_IA_64: true, elf.EM_ALPHA: true, elf.EM_ALPHA_STD: true, elf.EM_68K: true,
	elf.EM_SH: true, elf.EM_OPENRISC: true, elf.EM_MICROBLAZE: true,
}

// Processor reports whether Linux runs, with a dynamic loader, on the machine that
// the file is for.
func (h *Header) Processor() bool { return processors[h.Machine] }

// A target is what the loader of an architecture asks of an ELF header.
type target struct {
	machine   elf.Machine
	class     elf.Class // 0 for either
	bigEndian int       // 1, or -1 for little endian; 0 for either
}

// targets are the architectures that "uname -m" and so sysconfig.get_platform()
// may name on Linux, beside those in machines.
var targets = map[string]target{
	"armv5tel": {elf.EM_ARM, elf.ELFCLASS32, -1}, "armv6l": {elf.EM_ARM, elf.ELFCLASS32, -1}, "armv8l": {elf.EM_ARM, elf.ELFCLASS32, -1},
	"i386": {elf.EM_386, elf.ELFCLASS32, -1}, "i586": {elf.EM_386, elf.ELFCLASS32, -1},
	"ppc": {elf.EM_PPC, elf.ELFCLASS32, 1}, "ppcle": {elf.EM_PPC, elf.ELFCLASS32, -1},
	"mips": {elf.EM_MIPS, elf.ELFCLASS32, 0}, "mipsel": {elf.EM_MIPS, elf.ELFCLASS32, -1},
	"mips64": {elf.EM_MIPS, 0, 0}, "mips64el": {elf.EM_MIPS, 0, -1},
	"riscv32": {elf.EM_RISCV, elf.ELFCLASS32, -1}, "aarch64_be": {elf.EM_AARCH64, elf.ELFCLASS64, 1},
	"sparc": {elf.EM_SPARC, elf.ELFCLASS32, 1}, "sparc64": {elf.EM_SPARCV9, elf.ELFCLASS64, 1},
	"parisc": {elf.EM_PARISC, elf.ELFCLASS32, 1}, "parisc64": {elf.EM_PARISC, 0, 1},
	"alpha": {elf.EM_ALPHA, elf.ELFCLASS64, -1}, "ia64": {elf.EM_IA_64, elf.ELFCLASS64, -1},
	"s390": {elf.EM_S390, elf.ELFCLASS32, 1}, "m68k": {elf.EM_68K, elf.ELFCLASS32, 1},
	"sh4": {elf.EM_SH, elf.ELFCLASS32, -1}, "loongarch32": {elf.EM_LOONGARCH, elf.ELFCLASS32, -1},
}

// KnownArch reports whether [Header.Refused] can tell about an architecture.
func KnownArch(arch string) bool {
	_, known := targets[arch]
	for _, m := range machines {
		known = known || m.arch == arch
	}
	return known
}

// Refused tells why the loader of an architecture, which is spelled as in platform
// tags, refuses the file for its machine, and "" if it takes it, or if the
// architecture is not known. Flags are looked at as glibc looks at them
// (elf_machine_matches_host in dl-machine.h).
func (h *Header) Refused(arch string) string {
	t, other := targets[arch]
	if !other {
		known := false
		for key, m := range machines {
			if m.arch == arch {
				t, known = target{key.machine, class(key.wide), -1}, true
				if key.bigEndian {
					t.bigEndian = 1
				}
			}
		}
		if !known {
			return ""
		}
	}
	big := -1
	if h.machineKey().bigEndian {
		big = 1
	}
	machine := h.Machine
	if machine == elf.EM_ALPHA_STD {
		machine = elf.EM_ALPHA
	}
	if machine != t.machine || t.class != 0 && h.Class != t.class || t.bigEndian != 0 && big != t.bigEndian {
		return fmt.Sprintf("it is for %s, the wheel for %s", h.describe(), arch)
	}
	if why := h.wrongFlags(); why != "" && arch != "armv5tel" && arch != "armv6l" && arch != "riscv32" {
		return fmt.Sprintf("it is for %s, the wheel for %s", why, arch)
	}
	return ""
}

func class(wide bool) elf.Class {
	if wide {
		return elf.ELFCLASS64
	}
	return elf.ELFCLASS32
}

// describe names the machine of the header: by its platform tag, or else by what
// people call it.
func (h *Header) describe() string {
	if m, ok := machines[h.machineKey()]; ok {
		return m.arch
	}
	bits, order := 32, "little endian"
	if h.Is64() {
		bits = 64
	}
	if h.machineKey().bigEndian {
		order = "big endian"
	}
	if h.Machine == elf.EM_X86_64 && !h.Is64() {
		return "x32 (EM_X86_64, ELFCLASS32)"
	}
	return fmt.Sprintf("%v (%d-bit, %s)", h.Machine, bits, order)
}

// Flags of e_flags, see the psABI of each machine.
const (
	efARMSoftFloat   = 0x00000200 // EF_ARM_ABI_FLOAT_SOFT
	efPPC64ABI       = 3          // EF_PPC64_ABI: 1 has function descriptors, 2 has none, 0 does not tell
	efRISCVFloatABI  = 6          // EF_RISCV_FLOAT_ABI
	efRISCVDouble    = 4          // EF_RISCV_FLOAT_ABI_DOUBLE
	efRISCVEmbedded  = 8          // EF_RISCV_RVE
	efLoongArchABI   = 7          // EF_LOONGARCH_ABI_MODIFIER_MASK
	efLoongArchHard  = 3          // EF_LOONGARCH_ABI_DOUBLE_FLOAT
	efLoongArchUnset = 0
)

// wrongFlags tells which ABI e_flags speak of, and which one the platform tags of
// the machine mean; "" when they agree.
func (h *Header) wrongFlags() string {
	switch h.Machine {
	case elf.EM_ARM:
		switch {
		case h.Flags&efARMEABIMask != efARMEABIVer5:
			return fmt.Sprintf("ARM EABI version %d, want 5", h.Flags>>24)
		case h.Flags&efARMSoftFloat != 0:
			return "the ARM soft-float ABI (EF_ARM_ABI_FLOAT_SOFT), which hard-float loaders refuse"
		}
	case elf.EM_PPC64:
		want := uint32(2)
		if h.machineKey().bigEndian {
			want = 1
		}
		if abi := h.Flags & efPPC64ABI; abi != 0 && abi != want {
			return fmt.Sprintf("version %d of the ABI (EF_PPC64_ABI), want %d", abi, want)
		}
	case elf.EM_RISCV:
		if h.Flags&efRISCVFloatABI != efRISCVDouble {
			return "a RISC-V ABI without double-precision floats (EF_RISCV_FLOAT_ABI)"
		}
		if h.Flags&efRISCVEmbedded != 0 {
			return "the RISC-V ABI of embedded systems (EF_RISCV_RVE)"
		}
	case elf.EM_LOONGARCH:
		if abi := h.Flags & efLoongArchABI; abi != efLoongArchHard && abi != efLoongArchUnset {
			return "a LoongArch ABI without double-precision floats (EF_LOONGARCH_ABI_DOUBLE_FLOAT)"
		}
	}
	return ""
}
