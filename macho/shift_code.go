package macho

import "encoding/binary"

// moveHeaderReferences corrects the instructions that take the address of the
// header (___dso_handle, __mh_dylib_header): it does not move, and they do. All
// other references from code are to what moves along.
func (h *shift) moveHeaderReferences() error {
	const instructions = 0x80000000 | 0x400 // S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS
	for _, seg := range h.s.Segments {
		for _, x := range seg.Sections {
			if x.Flags&instructions == 0 || x.empty() {
				continue
			}
			code, err := readExact(h.s.r, x.Off, int64(x.Size), h.s.Size)
			if err != nil {
				return err
			}
			move := h.moveX86
			if h.s.Arch.CPU == cpuARM64 {
				move = h.moveARM64
			}
			if err := move(code, &x); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveX86 looks for RIP-relative addresses of the header: in LEA they are
// corrected, elsewhere they would read the header as data, which is refused.
func (h *shift) moveX86(code []byte, x *Section) error {
	for i := 2; i+4 <= len(code); i++ {
		modrm, op := code[i-1], code[i-2]
		if modrm&0xc7 != 0x05 { // not RIP-relative
			continue
		}
		disp := int64(int32(binary.LittleEndian.Uint32(code[i:])))
		end := x.Addr + uint64(i) + 4 // of the instruction, if no immediate follows
		into := end + uint64(disp) - h.base
		switch {
		case op == 0x8d && into == 0:
			h.patch32(x.Off+int64(i), uint32(int32(disp-h.delta)))
		case op == 0x8d && into < uint64(h.s.headerSize()): // of a field of the header
			return refuseShift(x.Off+int64(i), "an instruction takes an address inside the header")
		case op != 0x8d && (into+immediateX86(op, modrm) < uint64(h.s.headerSize())):
			return refuseShift(x.Off+int64(i), "an instruction %#x refers to the header", op)
		}
	}
	return nil
}

// immediateX86 returns the size of what follows the displacement of an instruction
// in 64-bit code: RIP counts from behind it (Intel SDM, volume 2, appendix A).
func immediateX86(op, modrm byte) uint64 {
	switch op {
	case 0x80, 0x83, 0xc0, 0xc1, 0xc6, 0x6b: // groups 1, 2 and 11, IMUL: 8 bits
		return 1
	case 0x81, 0xc7, 0x69: // 32 bits, if no prefix says 16
		return 4
	case 0xf6, 0xf7: // TEST alone of group 3 has one
		if modrm&0x38 == 0 && op == 0xf6 {
			return 1
		}
		if modrm&0x38 == 0 {
			return 4
		}
	}
	return 0
}

// moveARM64 looks for ADRP of the header's page with an ADD of nothing, and for
// ADR of the header (Arm Architecture Reference Manual, C6.2.10, ADR and ADRP).
func (h *shift) moveARM64(code []byte, x *Section) error {
	for i := 0; i+4 <= len(code); i += 4 {
		op := binary.LittleEndian.Uint32(code[i:])
		pc := x.Addr + uint64(i)
		immediate := int64(int32(op>>5<<13)>>11) &^ 3 // immhi, sign-extended
		immediate |= int64(op >> 29 & 3)
		switch {
		case op&0x9f000000 == 0x10000000 && pc+uint64(immediate) == h.base: // ADR
			if err := h.patchADR(op, immediate-h.delta, x.Off+int64(i)); err != nil {
				return err
			}
		case op&0x9f000000 == 0x90000000 && pc&^0xfff+uint64(immediate<<12) == h.base: // ADRP
			used, err := h.usesHeader(code, i, op&0x1f, x)
			if err != nil {
				return err
			}
			if !used {
				continue
			}
			if err := h.patchADR(op, immediate-h.delta>>12, x.Off+int64(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// usesHeader tells what the page in a register is used for. The header begins
// it: an ADD of 0 gives its address. Low bits behind the load commands are of what
// moves along.
func (h *shift) usesHeader(code []byte, i int, register uint32, x *Section) (bool, error) {
	const window = 64 // instructions
	for k := i + 4; k+4 <= len(code) && k <= i+4*window; k += 4 {
		op := binary.LittleEndian.Uint32(code[k:])
		if op>>5&0x1f != register {
			continue
		}
		switch {
		case op&0xffc00000 == 0x91000000: // ADD Xd, Xn, #imm12
			into := op >> 10 & 0xfff
			if into > 0 && int64(into) < h.from {
				return false, refuseShift(x.Off+int64(k), "an instruction takes an address inside the header")
			}
			return into == 0, nil
		case op&0x3b000000 == 0x39000000: // LDR or STR with an unsigned offset, in units of its size
			size := op >> 30
			if op>>26&1 != 0 && op>>23&1 != 0 { // 128 bits
				size = 4
			}
			if int64(op>>10&0xfff)<<size < h.from {
				return false, refuseShift(x.Off+int64(k), "an instruction reads the header")
			}
			return false, nil
		}
	}
	// Nothing follows within the page, so that the page itself is what is wanted:
	// is it the header's, or that of what lies behind it?
	return false, refuseShift(x.Off+int64(i), "an instruction takes the page of the header, and what for is not clear")
}

// patchADR writes the immediate of an ADR or ADRP.
func (h *shift) patchADR(op uint32, immediate int64, off int64) error {
	if immediate < -1<<20 || immediate >= 1<<20 {
		return refuseShift(off, "the header would be out of reach of an instruction")
	}
	op = op&^(3<<29|0x7ffff<<5) | uint32(immediate&3)<<29 | uint32(immediate>>2&0x7ffff)<<5
	h.patch32(off, op)
	return nil
}
