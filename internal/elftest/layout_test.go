package elftest

import (
	"debug/elf"
	"testing"
)

func TestSegmentsMeetTheLoadersRules(t *testing.T) {
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			f := readBack(t, Build(s))
			end := uint64(0)
			for i, p := range f.Progs {
				if p.Type == elf.PT_LOAD {
					if p.Vaddr < end {
						t.Errorf("PT_LOAD %d at 0x%x starts before 0x%x, where the last one ends", i, p.Vaddr, end)
					}
					if (p.Vaddr-p.Off)%p.Align != 0 {
						t.Errorf("PT_LOAD %d: p_vaddr 0x%x and p_offset 0x%x differ modulo 0x%x", i, p.Vaddr, p.Off, p.Align)
					}
					end = p.Vaddr + p.Memsz
				}
			}
			if want := len(f.Sections) == 0; s.NoSections != want {
				t.Errorf("NoSections is %v, and there are %d sections", s.NoSections, len(f.Sections))
			}
		})
	}
}

func TestBssTakesNoRoomInTheFile(t *testing.T) {
	s := ForArch("x86_64")
	small := len(Build(s))
	s.Bss = 1 << 30
	if got := len(Build(s)); got > small+200 {
		t.Errorf("a .bss of 1 GiB makes the file %d bytes long, without it %d", got, small)
	}
}

func TestHashesOfKnownNames(t *testing.T) {
	if got, want := sysvHash("GLIBC_2.2.5"), uint32(0x09691a75); got != want {
		t.Errorf("sysvHash of GLIBC_2.2.5, as it stands in every glibc binary: 0x%x, want 0x%x", got, want)
	}
	if got, want := gnuHash("printf"), uint32(0x156b2bb8); got != want {
		t.Errorf("gnuHash of printf: 0x%x, want 0x%x", got, want)
	}
}
