package macho

import (
	"encoding/binary"
	"io"
	"strings"
)

// Bitcode is what compilers leave for the linker to optimise (-flto): modules of LLVM's
// intermediate language (LLVM, BitCodeFormat.rst). Of one, its architecture alone is of
// interest here.
const (
	bitcodeMagic   = 0xdec04342 // "BC" and 0xc0de
	bitcodeWrapper = 0x0b17c0de // in front of modules for macOS: offset and size of the module
	maxBitcode     = 256 << 10  // bytes that are looked at: the target comes first
	moduleBlock    = 8
	moduleTriple   = 2 // MODULE_CODE_TRIPLE
)

// bitcodeArch returns the architecture of a module of LLVM bitcode, nil if it is none or
// says no target of macOS.
func bitcodeArch(r io.ReaderAt, size int64) *Arch {
	data := make([]byte, min(size, maxBitcode))
	if n, _ := r.ReadAt(data, 0); n < len(data) || n < 20 {
		return nil
	}
	if binary.LittleEndian.Uint32(data) == bitcodeWrapper {
		off := binary.LittleEndian.Uint32(data[8:])
		if int64(off) >= int64(len(data)) {
			return nil
		}
		data = data[off:]
	}
	if len(data) < 8 || binary.LittleEndian.Uint32(data) != bitcodeMagic {
		return nil
	}
	return tripleArch(moduleTarget(data[4:]))
}

// tripleArch returns the architecture of a target triple of Apple's.
func tripleArch(triple string) *Arch {
	name, rest, _ := strings.Cut(triple, "-")
	if !strings.HasPrefix(rest, "apple-") {
		return nil
	}
	switch name {
	case "aarch64":
		name = "arm64"
	case "i486", "i586", "i686":
		name = "i386"
	}
	for _, row := range archs {
		if row.name == name {
			return &row.arch
		}
	}
	return nil
}

// moduleTarget returns the target triple of the first module in a bitstream, "" if it is
// not found. Records in front of it are written without abbreviations; the blocks there
// are passed over.
func moduleTarget(data []byte) string {
	s := &bitstream{data: data}
	width := uint(2) // of abbreviation ids, at the top
	for inModule := false; !s.short; {
		switch s.bits(width) {
		case 1: // ENTER_SUBBLOCK
			id, inner := s.vbr(8), uint(s.vbr(4))
			s.align()
			words := s.bits(32)
			if id == moduleBlock && !inModule {
				inModule, width = true, inner
				continue
			}
			s.at += int(min(words, maxBitcode)) * 32
		case 3: // UNABBREV_RECORD
			code, count := s.vbr(6), s.vbr(6)
			text := []byte{}
			for i := uint64(0); i < count && !s.short; i++ {
				text = append(text, byte(s.vbr(6)))
			}
			if inModule && code == moduleTriple {
				return string(text)
			}
		default: // the end of the block, or what needs abbreviations to be read
			return ""
		}
	}
	return ""
}

// A bitstream reads numbers of some bits, the lowest first.
type bitstream struct {
	data  []byte
	at    int  // in bits
	short bool // more was read than is there
}

func (s *bitstream) bits(n uint) (v uint64) {
	for i := range n {
		if s.at>>3 >= len(s.data) {
			s.short = true
			return 0
		}
		v |= uint64(s.data[s.at>>3]>>(s.at&7)&1) << i
		s.at++
	}
	return v
}

// vbr reads a number in chunks of n bits, of which the highest tells whether another
// follows.
func (s *bitstream) vbr(n uint) (v uint64) {
	for shift := uint(0); shift < 64; shift += n - 1 {
		chunk := s.bits(n)
		v |= chunk &^ (1 << (n - 1)) << shift
		if chunk>>(n-1) == 0 {
			return v
		}
	}
	s.short = true
	return 0
}

func (s *bitstream) align() { s.at = (s.at + 31) &^ 31 }
