package elf

import (
	"debug/elf"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// ISA is an x86-64 micro-architecture level that a file needs of the processor.
// See x86-64 psABI, 3.1.1, Processor Architecture.
type ISA int

// The levels. ISABaseline is also what a file without the property needs.
const (
	ISABaseline ISA = 1
	ISAv2       ISA = 2
	ISAv3       ISA = 3
	ISAv4       ISA = 4
)

// String returns the level as glibc-hwcaps spells it, such as "x86-64-v3"; ""
// for the baseline.
func (l ISA) String() string {
	if l < ISAv2 || l > ISAv4 {
		return ""
	}
	return "x86-64-v" + string(rune('0'+l))
}

// Constants of .note.gnu.property. See Linux Extensions to gABI, 3.1, and the
// x86-64 psABI, 4.1.2.
const (
	noteGNUProperty  = 5 // NT_GNU_PROPERTY_TYPE_0
	x86ISA1Needed    = 0xc0008002
	propertyHeadSize = 8
)

// ISA returns the micro-architecture level that the file says it needs
// (GNU_PROPERTY_X86_ISA_1_NEEDED). Files of other machines need the baseline.
func (f *File) ISA() (ISA, error) {
	if f.Machine != elf.EM_X86_64 {
		return ISABaseline, nil
	}
	notes, err := f.Notes()
	if err != nil {
		return 0, err
	}
	level := ISABaseline
	for _, n := range notes {
		if n.Type == noteGNUProperty && n.Name == "GNU" {
			level = max(level, f.propertyISA(n.Desc))
		}
	}
	return level, nil
}

func (f *File) propertyISA(desc []byte) ISA {
	level := ISABaseline
	c := binread.NewCursor(desc, 0, f.Order, true)
	for c.Len() >= propertyHeadSize {
		kind, size := c.U32(), c.U32()
		data := c.Bytes(int(min(size, maxNotes)))
		if c.Err() != nil {
			break
		}
		if kind == x86ISA1Needed && size == 4 {
			switch bits := f.Order.Uint32(data); {
			case bits&8 != 0:
				level = max(level, ISAv4)
			case bits&4 != 0:
				level = max(level, ISAv3)
			case bits&2 != 0:
				level = max(level, ISAv2)
			}
		}
		c.Bytes(min(pad(int(size), 8), c.Len()))
	}
	return level
}

// pad returns how many bytes follow n to reach a multiple of align.
func pad(n, align int) int { return (align - n%align) % align }

// roundUp returns the smallest multiple of align that is at least v; align 0
// counts as 1.
func roundUp(v, align uint64) uint64 {
	if align <= 1 {
		return v
	}
	return (v + align - 1) / align * align
}
