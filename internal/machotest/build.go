package machotest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// An image is a Mach-O image under construction, of either class.
type image struct {
	arch     arch
	wide     bool
	commands []byte
	count    int
}

func (m *image) u32(values ...uint32) {
	for _, v := range values {
		m.commands = binary.LittleEndian.AppendUint32(m.commands, v)
	}
}

// word appends numbers that have 8 bytes in 64-bit images.
func (m *image) word(values ...uint64) {
	for _, v := range values {
		if m.wide {
			m.commands = binary.LittleEndian.AppendUint64(m.commands, v)
		} else {
			m.u32(uint32(v))
		}
	}
}

func (m *image) name(s string) {
	m.commands = append(m.commands, s...)
	m.commands = append(m.commands, make([]byte, 16-len(s))...)
}

// text appends a command that ends with a string.
func (m *image) text(cmd uint32, text string, fields ...uint32) {
	size := 12 + 4*len(fields) + len(text) + 1
	size += (8 - size%8) % 8
	m.u32(cmd, uint32(size), uint32(12+4*len(fields)))
	m.u32(fields...)
	m.commands = append(m.commands, text...)
	m.commands = append(m.commands, make([]byte, size-12-4*len(fields)-len(text))...)
	m.count++
}

// sizes returns the sizes of the header, a segment and a section, in bytes.
func (m *image) sizes() (header, segment, section int) {
	if m.wide {
		return 32, 72, 80
	}
	return 28, 56, 68
}

// build lays an image out: header and commands, padding, __text up to the end of
// a page, and an empty symbol table in __LINKEDIT.
func (s *Slice) build() []byte {
	head, l := s.layout()
	out := append(head, make([]byte, l.signed.limit-len(head))...)
	if s.Signed == "" {
		return out
	}
	return append(out, l.signed.sign(out)...)
}

// Write writes the image of one architecture without a signature, with its __text
// from text: for sizes that nobody wants to hold in memory.
func Write(w io.Writer, s Slice, text io.Reader) error {
	if _, err := findArch(s.Arch); err != nil || s.Signed != "" {
		return fmt.Errorf("machotest: %+v: want a known architecture and no signature", s)
	}
	head, l := s.layout()
	if _, err := w.Write(append(head, make([]byte, l.text-len(head))...)); err != nil {
		return err
	}
	if _, err := io.CopyN(w, text, int64(l.size)); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, l.signed.limit-l.text-l.size))
	return err
}

// A layout is where the parts of an image lie, in bytes.
type layout struct {
	text, size int // of __text
	end        int // of __TEXT, a whole number of pages
	debug      int // of __DWARF in the file, with its padding
	link       int // of __LINKEDIT
	signed     *signature
}

// symbols is the size of the string table, in bytes.
const symbols = 16

// layout returns the header with the commands, and where the rest is.
func (s *Slice) layout() ([]byte, layout) {
	a, err := findArch(s.Arch)
	if err != nil {
		panic("machotest: " + err.Error())
	}
	texts := &image{arch: a, wide: a.cpu&0x01000000 != 0}
	s.textCommands(texts)
	l := s.place(texts)
	m := &image{arch: a, wide: texts.wide}
	s.segments(m, l)
	m.u32(0x2, 24, 0, 0, uint32(l.end+l.debug), symbols)
	m.commands = append(m.commands, texts.commands...)
	m.count += 1 + texts.count
	if s.Signed != "" {
		m.u32(0x1d, 16, uint32(l.signed.limit), uint32(l.signed.size()))
		m.count++
	}

	const flags = 0x85 // MH_NOUNDEFS, MH_DYLDLINK, MH_TWOLEVEL
	magic := uint32(0xfeedface)
	if m.wide {
		magic = 0xfeedfacf
	}
	head := &image{}
	head.u32(magic, a.cpu, a.sub, types[s.Type], uint32(m.count), uint32(len(m.commands)), flags)
	if m.wide {
		head.u32(0)
	}
	return append(head.commands, m.commands...), l
}

// place lays out the parts behind the commands, of which those with a string are given.
func (s *Slice) place(texts *image) layout {
	header, segment, section := texts.sizes()
	page := texts.arch.page
	l := layout{size: cmp.Or(s.Size, 64), debug: s.DWARF + (page-s.DWARF%page)%page, link: symbols}
	l.text = header + 2*segment + section + 24 + len(texts.commands) + max(cmp.Or(s.Pad, 512), 0)
	if s.DWARF > 0 {
		l.text += segment + section
	}
	if s.Signed != "" {
		l.text += 16
	}
	l.text += (16 - l.text%16) % 16
	l.end = l.text + l.size
	l.end += (page - l.end%page) % page
	l.signed = &signature{kind: s.Signed, page: page, limit: l.end + l.debug + symbols}
	if s.Signed != "" {
		l.link += l.signed.size()
	}
	return l
}

// segments appends the commands of __TEXT with __text, of __DWARF and of __LINKEDIT.
func (s *Slice) segments(m *image, l layout) {
	_, segment, section := m.sizes()
	page := m.arch.page
	cmd := uint32(0x1)
	if m.wide {
		cmd = 0x19
	}
	m.u32(cmd, uint32(segment+section))
	m.name("__TEXT")
	m.word(0, uint64(l.end), 0, uint64(l.end))
	m.u32(5, 5, 1, 0)
	m.name("__text")
	m.name("__TEXT")
	m.word(uint64(l.text), uint64(l.size))
	m.u32(uint32(l.text), 4, 0, 0, 0x80000400, 0, 0)
	if m.wide {
		m.u32(0)
	}
	m.count += 2
	if s.DWARF > 0 {
		m.dwarf(cmd, uint64(l.end), uint64(s.DWARF), uint32(segment+section))
		m.count++
	}
	m.u32(cmd, uint32(segment))
	m.name("__LINKEDIT")
	m.word(uint64(l.end), uint64(l.link+(page-l.link%page)%page), uint64(l.end+l.debug), uint64(l.link))
	m.u32(1, 1, 0, 0)
}

// dwarf appends the command of a segment that has bytes and no memory.
func (m *image) dwarf(cmd uint32, at, bytes uint64, size uint32) {
	m.u32(cmd, size)
	m.name("__DWARF")
	m.word(at, 0, at, bytes)
	m.u32(0, 0, 1, 0)
	m.name("__zdebug_line")
	m.name("__DWARF")
	m.word(at, bytes)
	m.u32(uint32(at), 0, 0, 0, 0x02000000, 0, 0)
	if m.wide {
		m.u32(0)
	}
}

// textCommands appends the commands that a spec asks for.
func (s *Slice) textCommands(m *image) {
	if s.ID != "" {
		m.text(0xd, s.ID, 1, 0x10000, 0x10000)
	}
	if s.MinOS != "" {
		sdk := s.SDK
		if sdk == "" {
			sdk = s.MinOS
		}
		m.u32(0x32, 24, max(s.System, 1), version(s.MinOS), version(sdk), 0)
		m.count++
	}
	if s.hasUUID() {
		m.u32(0x1b, 24, 0x11223344, 0x55664788, 0xbbaa9988, 0xffeeddcc)
		m.count++
	}
	for _, l := range s.Loads {
		m.text(kinds[l.Kind], l.Name, 2, 0x10000, 0x10000)
	}
	for _, path := range s.RPaths {
		m.text(0x8000001c, path)
	}
}

// hasUUID reports whether the image gets an LC_UUID: dyld refuses one of a newer SDK
// without it.
func (s *Slice) hasUUID() bool {
	const since = 12 << 16
	switch {
	case s.NoUUID || s.MinOS == "":
		return false
	case s.SDK != "":
		return version(s.SDK) >= since
	}
	return version(s.MinOS) >= since
}

// version encodes X.Y.Z.
func version(text string) uint32 {
	var v uint32
	for i, part := range strings.SplitN(text, ".", 3) {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			panic(fmt.Sprintf("machotest: version %q: %v", text, err))
		}
		v |= uint32(n) << (16 - 8*i)
	}
	return v
}
