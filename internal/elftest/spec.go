package elftest

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// A Spec describes one ELF image. The zero value is a small x86_64 shared
// object that needs nothing and exports nothing.
type Spec struct {
	Class     int    // 32 or 64; 0 means 64
	BigEndian bool   // byte order of everything but the code
	Machine   uint16 // EM_*; 0 means EM_X86_64
	Flags     uint32 // e_flags
	OSABI     byte   // e_ident[EI_OSABI]
	Type      uint16 // ET_DYN or ET_EXEC; 0 means ET_DYN
	Interp    string // PT_INTERP; "" means none, and no PT_PHDR either

	Needed  []string // DT_NEEDED, in this order
	Soname  string   // DT_SONAME; "" means none
	RPath   string   // DT_RPATH; "" means none
	RunPath string   // DT_RUNPATH; "" means none

	Versions []Need   // .gnu.version_r; versions that Symbols import are added
	Defs     []string // .gnu.version_d, after the base entry; versions that Symbols define are added
	Symbols  []Symbol // .dynsym, in no promised order

	ISA          uint32 // GNU_PROPERTY_X86_ISA_1_NEEDED bits; 0 means no .note.gnu.property
	Android      uint32 // API level in .note.android.ident; 0 means none
	Bss          uint64 // bytes of .bss; they take no room in the file
	SpareDynamic int    // DT_NULL entries after the one that ends .dynamic
	NoSections   bool   // no section header table, as sstrip leaves a file
	Symtab       bool   // .comment, .symtab and .strtab, as in a file that nobody stripped
	Hash         Hash   // which hash tables; "" means HashGNU
	ExecStack    bool   // PT_GNU_STACK asks for an executable stack
	NoStack      bool   // no PT_GNU_STACK
	NoDynamic    bool   // no PT_DYNAMIC, though the table is there
	Relr         bool   // a packed relative relocation (DT_RELR)
	MarkedPLT    bool   // a jump slot for the first import as GNU ld writes it with -z mark-plt (x86-64)
	PageSize     uint64 // p_align of each PT_LOAD; 0 means 4096
}

// Hash names the symbol hash tables of an image.
type Hash string

// The hash tables that linkers write. The entries of a DT_HASH have four bytes,
// except on s390x, where its psABI gives them eight; zig's linker writes four
// there too, which is [HashSysV32].
const (
	HashGNU    Hash = "gnu"
	HashSysV   Hash = "sysv"
	HashBoth   Hash = "both"
	HashSysV32 Hash = "sysv32"
)

func (h Hash) gnu() bool  { return h == "" || h == HashGNU || h == HashBoth }
func (h Hash) sysv() bool { return h == HashSysV || h == HashBoth || h == HashSysV32 }

// A Need is one entry of .gnu.version_r: the versions wanted of a library.
type Need struct {
	Library  string   // vn_file; nothing checks that it is among Spec.Needed
	Versions []string // vna_name of each
}

// A Symbol is one entry of .dynsym.
type Symbol struct {
	Name    string
	Version string // as in "GLIBC_2.17"; "" means unversioned

	// Library is the one that an imported Version is wanted from. "" means the
	// Need in Spec.Versions that lists the version, else libc.so.6.
	Library string

	Defined bool // exported from here, else imported
	Weak    bool // STB_WEAK, else STB_GLOBAL
	Func    bool // STT_FUNC, else STT_OBJECT where defined and STT_NOTYPE where not
}

// An arch is what a platform tag's architecture means in an ELF header.
type arch struct {
	name    string
	class   int
	big     bool
	machine elf.Machine
	flags   uint32 // e_flags of current compilers for the ABI that the tag names
	page    uint64 // p_align that GNU ld gives a PT_LOAD
}

func arches() []arch {
	return []arch{
		{"x86_64", 64, false, elf.EM_X86_64, 0, 4 << 10},
		{"i686", 32, false, elf.EM_386, 0, 4 << 10},
		{"aarch64", 64, false, elf.EM_AARCH64, 0, 64 << 10},
		{"armv7l", 32, false, elf.EM_ARM, 0x05000400, 64 << 10}, // EABI 5, hard float
		{"ppc64", 64, true, elf.EM_PPC64, 1, 64 << 10},          // ELFv1
		{"ppc64le", 64, false, elf.EM_PPC64, 2, 64 << 10},       // ELFv2
		{"s390x", 64, true, elf.EM_S390, 0, 4 << 10},
		{"riscv64", 64, false, elf.EM_RISCV, 0x5, 4 << 10},           // RVC, double float
		{"loongarch64", 64, false, elf.EM_LOONGARCH, 0x43, 16 << 10}, // LP64D, object ABI 1
	}
}

// Arches returns the architectures that [ForArch] and [Parse] know, as
// platform tags spell them.
func Arches() []string {
	var names []string
	for _, a := range arches() {
		names = append(names, a.name)
	}
	return names
}

// ForArch returns a Spec with the class, byte order, machine, flags and page
// size of an architecture, which is spelled as in platform tags. It panics on
// one that is not in [Arches].
func ForArch(name string) Spec {
	s, err := forArch(name)
	if err != nil {
		panic("elftest: " + err.Error())
	}
	return s
}

func forArch(name string) (Spec, error) {
	for _, a := range arches() {
		if a.name == name {
			return Spec{Class: a.class, BigEndian: a.big, Machine: uint16(a.machine), Flags: a.flags, PageSize: a.page}, nil
		}
	}
	return Spec{}, fmt.Errorf("architecture %q is not one of %s", name, strings.Join(Arches(), " "))
}

// normalize fills in the defaults and collects the versions that the symbols
// use, without touching what the caller's slices hold.
func (s Spec) normalize() (Spec, error) {
	s.Class = cmp.Or(s.Class, 64)
	s.Machine = cmp.Or(s.Machine, uint16(elf.EM_X86_64))
	s.Type = cmp.Or(s.Type, uint16(elf.ET_DYN))
	s.PageSize = cmp.Or(s.PageSize, 4<<10)
	if err := s.check(); err != nil {
		return Spec{}, err
	}
	s.Versions, s.Defs, s.Symbols = slices.Clone(s.Versions), slices.Clone(s.Defs), slices.Clone(s.Symbols)
	for i := range s.Versions {
		s.Versions[i].Versions = slices.Clone(s.Versions[i].Versions)
	}
	for i := range s.Symbols {
		s.addVersion(&s.Symbols[i])
	}
	return s, nil
}

func (s *Spec) check() error {
	switch {
	case s.Class != 32 && s.Class != 64:
		return fmt.Errorf("class %d is neither 32 nor 64", s.Class)
	case s.Type != uint16(elf.ET_DYN) && s.Type != uint16(elf.ET_EXEC):
		return fmt.Errorf("type %v is neither ET_DYN nor ET_EXEC", elf.Type(s.Type))
	case bits.OnesCount64(s.PageSize) != 1 || s.PageSize < 16 || s.PageSize > 1<<30:
		return fmt.Errorf("page size %d is not a power of two from 16 B to 1 GiB", s.PageSize)
	case s.Class == 32 && s.Bss > 1<<31:
		return fmt.Errorf(".bss of %d bytes does not fit a 32-bit image", s.Bss)
	case s.SpareDynamic < 0:
		return fmt.Errorf("%d spare dynamic entries", s.SpareDynamic)
	case !s.Hash.gnu() && !s.Hash.sysv():
		return fmt.Errorf("hash %q is none of gnu, sysv, both, sysv32", string(s.Hash))
	}
	for _, sym := range s.Symbols {
		if sym.Name == "" {
			return errors.New("a symbol has no name")
		}
	}
	return nil
}

// addVersion sees to it that the version of sym stands in Defs or Versions.
func (s *Spec) addVersion(sym *Symbol) {
	switch {
	case sym.Version == "":
	case sym.Defined:
		if !slices.Contains(s.Defs, sym.Version) {
			s.Defs = append(s.Defs, sym.Version)
		}
	default:
		if sym.Library == "" {
			sym.Library = s.providerOf(sym.Version)
		}
		s.addNeed(sym.Library, sym.Version)
	}
}

func (s *Spec) providerOf(version string) string {
	for _, n := range s.Versions {
		if slices.Contains(n.Versions, version) {
			return n.Library
		}
	}
	return "libc.so.6"
}

func (s *Spec) addNeed(library, version string) {
	i := slices.IndexFunc(s.Versions, func(n Need) bool { return n.Library == library })
	if i < 0 {
		s.Versions = append(s.Versions, Need{Library: library, Versions: []string{version}})
		return
	}
	if !slices.Contains(s.Versions[i].Versions, version) {
		s.Versions[i].Versions = append(s.Versions[i].Versions, version)
	}
}
