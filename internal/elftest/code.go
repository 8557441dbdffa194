package elftest

import (
	"debug/elf"
	"encoding/binary"
)

// codeSlot is the room of one function in .text, in bytes.
const codeSlot = 16

// FirstResult is what the first function of an image returns when it is
// called; the next one returns one more. Functions count in the order of
// Spec.Symbols.
const FirstResult = 40

// function returns the machine code of `int f(void) { return n; }`, n below
// 128, or zeros for a machine without a row here.
func function(machine elf.Machine, n byte) [codeSlot]byte {
	var slot [codeSlot]byte
	little := func(words ...uint32) {
		for i, w := range words {
			binary.LittleEndian.PutUint32(slot[4*i:], w)
		}
	}
	imm := uint32(n)
	switch machine {
	case elf.EM_X86_64, elf.EM_386:
		copy(slot[:], []byte{0xb8, n, 0, 0, 0, 0xc3}) // mov eax, n; ret
	case elf.EM_AARCH64:
		little(0x52800000|imm<<5, 0xd65f03c0) // mov w0, n; ret
	case elf.EM_ARM:
		little(0xe3a00000|imm, 0xe12fff1e) // mov r0, n; bx lr
	case elf.EM_S390:
		copy(slot[:], []byte{0xa7, 0x29, 0, n, 0x07, 0xfe}) // lghi %r2, n; br %r14
	case elf.EM_RISCV:
		little(0x00000513|imm<<20, 0x00008067) // li a0, n; ret
	case elf.EM_LOONGARCH:
		little(0x02800004|imm<<10, 0x4c000020) // addi.w $a0, $zero, n; ret
	}
	return slot
}

// powerFunction is function for ppc64, whose code follows the image's order.
func powerFunction(order binary.AppendByteOrder, n byte) (slot [codeSlot]byte) {
	b := order.AppendUint32(nil, 0x38600000|uint32(n)) // li r3, n
	copy(slot[:], order.AppendUint32(b, 0x4e800020))   // blr
	return slot
}

// fillBody lays out .text and .data, and records the place of each symbol.
func (m *image) fillBody(callOrder map[string]int) {
	machine, order := elf.Machine(m.spec.Machine), newEncoder(&m.spec).order
	m.place = make([]uint64, len(m.spec.Symbols))
	for i, s := range m.spec.Symbols {
		switch {
		case !s.Defined:
		case s.Func:
			n := byte((FirstResult + callOrder[s.Name]) % 128)
			code := function(machine, n)
			if machine == elf.EM_PPC64 {
				code = powerFunction(order, n)
			}
			m.place[i] = uint64(len(m.text))
			m.text = append(m.text, code[:]...)
		default:
			m.place[i] = uint64(len(m.data))
			m.data = append(m.data, make([]byte, m.word)...)
		}
	}
	if len(m.text) == 0 {
		m.text = make([]byte, codeSlot)
	}
	if len(m.data) == 0 {
		m.data = make([]byte, m.word)
	}
}
