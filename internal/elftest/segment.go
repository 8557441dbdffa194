package elftest

import "debug/elf"

// A segment is one program header.
type segment struct {
	kind          elf.ProgType
	flags         elf.ProgFlag
	off, addr     uint64
	filesz, memsz uint64
	align         uint64
}

func (e *encoder) programHeader(s segment) {
	if e.wide {
		e.u32(uint32(s.kind), uint32(s.flags))
		e.word(s.off, s.addr, s.addr, s.filesz, s.memsz, s.align)
		return
	}
	e.u32(uint32(s.kind))
	e.word(s.off, s.addr, s.addr, s.filesz, s.memsz)
	e.u32(uint32(s.flags))
	e.word(s.align)
}

// segments returns the program headers, true once the sections are placed;
// their number never changes.
func (m *image) segments() []segment {
	var segs []segment
	if m.spec.Interp != "" {
		// gABI ch. 5: PT_PHDR and PT_INTERP stand before any PT_LOAD.
		table := m.spec.phdrSize() * uint64(len(m.segs))
		segs = append(segs,
			segment{elf.PT_PHDR, elf.PF_R, m.spec.ehdrSize(), m.base() + m.spec.ehdrSize(), table, table, m.word},
			m.segmentOf(elf.PT_INTERP, elf.PF_R, ".interp"))
	}
	segs = append(segs,
		m.load(0, elf.PF_R),
		m.load(1, elf.PF_R|elf.PF_X),
		m.load(2, elf.PF_R|elf.PF_W))
	if !m.spec.NoDynamic {
		segs = append(segs, m.segmentOf(elf.PT_DYNAMIC, elf.PF_R|elf.PF_W, ".dynamic"))
	}
	if m.spec.ISA != 0 {
		segs = append(segs,
			m.segmentOf(elf.PT_NOTE, elf.PF_R, ".note.gnu.property"),
			m.segmentOf(elf.PT_GNU_PROPERTY, elf.PF_R, ".note.gnu.property"))
	}
	if m.spec.Android != 0 {
		segs = append(segs, m.segmentOf(elf.PT_NOTE, elf.PF_R, ".note.android.ident"))
	}
	if m.spec.NoStack {
		return segs
	}
	stack := segment{kind: elf.PT_GNU_STACK, flags: elf.PF_R | elf.PF_W, align: 16}
	if m.spec.ExecStack {
		stack.flags |= elf.PF_X
	}
	return append(segs, stack)
}

// segmentOf returns a program header that covers one section.
func (m *image) segmentOf(kind elf.ProgType, flags elf.ProgFlag, section string) segment {
	s := m.secs[m.byName[section]]
	return segment{kind, flags, s.off, s.addr, s.size, s.size, s.align}
}

// load returns the PT_LOAD of a group of sections. The first starts with the
// ELF header.
func (m *image) load(group int, flags elf.ProgFlag) segment {
	seg := segment{kind: elf.PT_LOAD, flags: flags, align: m.spec.PageSize}
	started := group == 0
	if started {
		seg.addr = m.base()
	}
	for _, s := range m.secs {
		if s.loadGroup() != group {
			continue
		}
		if !started {
			seg.off, seg.addr, started = s.off, s.addr, true
		}
		if s.kind != elf.SHT_NOBITS {
			seg.filesz = s.off + s.size - seg.off
		}
		seg.memsz = s.addr + s.size - seg.addr
	}
	return seg
}
