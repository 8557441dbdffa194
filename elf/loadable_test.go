package elf

import (
	"debug/elf"
	"strings"
	"testing"
)

func TestRefusedByTheLoaderOfAnArchitecture(t *testing.T) {
	for _, tt := range []struct{ name, spec, arch, want string }{
		{"hard-float ARM", "armv7l", "armv7l", ""},
		{"ARM of a linker that does not say which floats (mold)", "armv7l flags=0x05000000", "armv7l", ""},
		{"soft-float ARM", "armv7l flags=0x05000200", "armv7l", "it is for the ARM soft-float ABI (EF_ARM_ABI_FLOAT_SOFT), which hard-float loaders refuse, the wheel for armv7l"},
		{"soft-float ARM in a wheel for any ARM", "armv7l flags=0x05000200", "armv6l", ""},
		{"an old ARM EABI", "armv7l flags=0x04000000", "armv7l", "ARM EABI version 4"},
		{"the first PowerPC ABI in a wheel for the second", "ppc64le flags=1", "ppc64le", "version 1 of the ABI (EF_PPC64_ABI), want 2"},
		{"PowerPC that does not say which", "ppc64le flags=0", "ppc64le", ""},
		{"the second PowerPC ABI, big endian", "ppc64 flags=2", "ppc64", "want 1"},
		{"big endian PowerPC", "ppc64", "ppc64le", "it is for ppc64, the wheel for ppc64le"},
		{"RISC-V without floats", "riscv64 flags=1", "riscv64", "without double-precision floats"},
		{"RISC-V with single-precision floats", "riscv64 flags=3", "riscv64", "without double-precision floats"},
		{"RISC-V of embedded systems", "riscv64 flags=0xc", "riscv64", "EF_RISCV_RVE"},
		{"LoongArch without floats", "loongarch64 flags=0x41", "loongarch64", "without double-precision floats"},
		{"x32", "i686 machine=62", "x86_64", "it is for x32 (EM_X86_64, ELFCLASS32), the wheel for x86_64"},
		{"MIPS", "s390x machine=8", "x86_64", "it is for EM_MIPS (64-bit, big endian), the wheel for x86_64"},
		{"MIPS in a wheel for MIPS", "s390x machine=8", "mips64", ""},
		{"MIPS, little endian, in a wheel for 32 bits", "i686 machine=8", "mips", ""},
		{"x86 under an old name", "i686", "i586", ""},
		{"AArch64 with 32-bit pointers", "i686 machine=183", "aarch64", "EM_AARCH64 (32-bit, little endian)"},
		{"an architecture that nobody knows", "x86_64", "vax", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := open(t, tt.spec).Refused(tt.arch)
			if got == "" != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("says %q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnloadable(t *testing.T) {
	data := image(t, "x86_64"+fullSpec)
	sized := lie(t, data, "phdr[3].p_filesz", 0) // PT_DYNAMIC
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"a library", data, ""},
		{"a program", image(t, "x86_64 type=exec interp=/lib/ld.so"+fullSpec), ""},
		{"an object file", typed(data, elf.ET_REL), "object file"},
		{"a core dump", typed(data, elf.ET_CORE), "core dump"},
		{"another type", typed(data, 7), "its e_type is"},
		{"no dynamic table", image(t, "x86_64 nodynamic"), "no dynamic table"},
		{"a dynamic table without bytes", sized, "no dynamic table"},
		{"nothing that is mapped", image(t, "x86_64 nodynamic")[:64], "no PT_LOAD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "no PT_LOAD" {
				tt.data = append([]byte(nil), tt.data...)
				tt.data[40], tt.data[41], tt.data[56], tt.data[60] = 0, 0, 0, 0 // e_shoff, e_phnum, e_shnum
			}
			got := parse(t, tt.data).Unloadable()
			if got == "" != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("says %q, want %q", got, tt.want)
			}
		})
	}
}

// Loaders take e_phnum as it stands. Only where section 0 has the count can the
// program headers be read at all.
func TestExtendedNumberingOfProgramHeaders(t *testing.T) {
	data := image(t, "x86_64"+fullSpec)
	data[56], data[57] = 0xff, 0xff // e_phnum
	f := parse(t, image(t, "x86_64"+fullSpec))
	withCount := append([]byte(nil), data...)
	f.Order.PutUint32(withCount[f.Shoff+44:], uint32(f.Phnum)) // sh_info
	if why := parse(t, withCount).Unloadable(); !strings.Contains(why, "PN_XNUM") {
		t.Errorf("with the count in section 0: %q", why)
	}
	without := append([]byte(nil), data...)
	copy(without[40:48], make([]byte, 8)) // e_shoff
	if _, err := newFile(without); err == nil || !strings.Contains(err.Error(), "no section header 0") {
		t.Errorf("without section 0: %v", err)
	}
}

func TestForeignABI(t *testing.T) {
	for _, tt := range []struct{ spec, want string }{
		{"x86_64", ""}, {"x86_64 osabi=3", ""}, {"armv7l osabi=64", ""},
		{"x86_64 osabi=64", "EI_OSABI is"}, {"x86_64 osabi=9", "EI_OSABI is ELFOSABI_FREEBSD"},
	} {
		if got := open(t, tt.spec).ForeignABI(); got == "" != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.spec, got, tt.want)
		}
	}
	for at, want := range map[int]string{8: "EI_ABIVERSION is 1", 12: "not zero"} {
		data := image(t, "x86_64")
		data[at] = 1
		if got := parse(t, data).ForeignABI(); !strings.Contains(got, want) {
			t.Errorf("byte %d: %q, want %q", at, got, want)
		}
	}
}

// typed returns a little-endian image with another e_type.
func typed(data []byte, kind elf.Type) []byte {
	data = append([]byte(nil), data...)
	data[16], data[17] = byte(kind), byte(kind>>8)
	return data
}
