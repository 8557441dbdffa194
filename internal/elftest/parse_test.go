package elftest

import (
	"bytes"
	"debug/elf"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	with := func(arch string, change func(*Spec)) Spec {
		s := ForArch(arch)
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name, line string
		want       Spec
	}{
		{"an architecture alone", "riscv64", ForArch("riscv64")},
		{"lists keep their order and may be repeated", "s390x needed=b.so,a.so needed=c.so",
			with("s390x", func(s *Spec) { s.Needed = []string{"b.so", "a.so", "c.so"} })},
		{"paths keep colons and dollars", "i686 soname=libx.so rpath=$ORIGIN:/a runpath=${ORIGIN}/../lib:/b",
			with("i686", func(s *Spec) { s.Soname, s.RPath, s.RunPath = "libx.so", "$ORIGIN:/a", "${ORIGIN}/../lib:/b" })},
		{"imports with and without version and library", "x86_64 import=a@V_1:l.so,b@V_2,c weak=d",
			with("x86_64", func(s *Spec) {
				s.Symbols = []Symbol{
					{Name: "a", Version: "V_1", Library: "l.so", Func: true},
					{Name: "b", Version: "V_2", Func: true},
					{Name: "c", Func: true},
					{Name: "d", Func: true, Weak: true},
				}
			})},
		{"exports", "x86_64 export=PyInit__core,bar@V1 data=table def=V2,V3",
			with("x86_64", func(s *Spec) {
				s.Symbols = []Symbol{
					{Name: "PyInit__core", Func: true, Defined: true},
					{Name: "bar", Version: "V1", Func: true, Defined: true},
					{Name: "table", Defined: true},
				}
				s.Defs = []string{"V2", "V3"}
			})},
		{"versions without symbols", "x86_64 need=libc.so.6:GLIBC_2.17+GLIBC_2.2.5,libm.so.6:GLIBC_2.29",
			with("x86_64", func(s *Spec) {
				s.Versions = []Need{
					{Library: "libc.so.6", Versions: []string{"GLIBC_2.17", "GLIBC_2.2.5"}},
					{Library: "libm.so.6", Versions: []string{"GLIBC_2.29"}},
				}
			})},
		{"numbers and flags", "x86_64 bss=0x1000 spare=3 page=65536 flags=7 osabi=3 isa=v3 type=exec interp=/ld hash=both nosections symtab execstack",
			with("x86_64", func(s *Spec) {
				s.Bss, s.SpareDynamic, s.PageSize, s.Flags, s.OSABI, s.ISA = 4096, 3, 65536, 7, 3, 4
				s.Type, s.Interp, s.Hash = uint16(elf.ET_EXEC), "/ld", HashBoth
				s.NoSections, s.Symtab, s.ExecStack = true, true, true
			})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.line)
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.line, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tt.line, diff)
			}
			Build(got)
		})
	}
}

func TestParseNamesTheWrongWord(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"", "no architecture"},
		{"sparc needed=a", `"sparc" is not one of x86_64`},
		{"x86_64 need", `"need": unknown word`},
		{"x86_64 colour=red", `"colour=red": unknown word`},
		{"x86_64 needed=", `"needed=": no value`},
		{"x86_64 needed=a,,b", "empty item"},
		{"x86_64 import=@V", "has no name"},
		{"x86_64 import=a@", "no version after @"},
		{"x86_64 export=a@V:lib", "takes no library"},
		{"x86_64 need=libc.so.6", "want LIBRARY:VERSION+VERSION"},
		{"x86_64 isa=v9", `unknown value "v9"`},
		{"x86_64 bss=-1", `"-1" is no number`},
		{"x86_64 osabi=256", `"256" is no number`},
		{"x86_64 page=1000", "not a power of two"},
		{"x86_64 hash=md5", `hash "md5"`},
		{"i686 bss=0x100000000", "does not fit a 32-bit image"},
	} {
		if _, err := Parse(tt.line); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%q) = %v, want an error with %q", tt.line, err, tt.want)
		}
	}
}

func TestBuildLeavesItsSpecAlone(t *testing.T) {
	s := fullSpec("x86_64")
	s.Versions = []Need{{Library: "libc.so.6", Versions: make([]string, 0, 8)}}
	s.Symbols = append(s.Symbols[:0:0], s.Symbols...)
	before := fullSpec("x86_64").Symbols
	first, second := Build(s), Build(s)
	if !bytes.Equal(first, second) {
		t.Error("two builds of one Spec differ")
	}
	if diff := cmp.Diff(before, s.Symbols); diff != "" {
		t.Errorf("Build changed Symbols (-before +after):\n%s", diff)
	}
	if got := s.Versions[0].Versions[:1][0]; got != "" {
		t.Errorf("Build wrote %q into the caller's spare capacity", got)
	}
}

func TestBuildPanicsOnTheImpossible(t *testing.T) {
	defer func() {
		if got, want := recover(), "elftest: class 16 is neither 32 nor 64"; got != want {
			t.Errorf("Build panicked with %v, want %q", got, want)
		}
	}()
	Build(Spec{Class: 16})
}
