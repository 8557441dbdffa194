package macho

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/blacktop/go-macho/types"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// maxCommands bounds the load commands of a slice, in bytes. The largest real
// ones, with a command for each of hundreds of libraries, have some 100 KiB.
const maxCommands = 4 << 20

// A Slice is the image of one architecture.
type Slice struct {
	Arch  Arch
	Type  FileType // of the others than [FileType.Loadable] nothing more is read
	Flags uint32   // MH_…
	Off   int64    // of the slice in the file, 0 in a thin one
	Size  int64    // in bytes

	ID       string    // install name of a library (LC_ID_DYLIB), else ""
	Dylibs   []Dylib   // libraries that it loads, in the order of the commands
	RPaths   []string  // LC_RPATH, in order
	Segments []Segment // LC_SEGMENT or LC_SEGMENT_64, in order
	UUID     string    // LC_UUID, as eight-four-four-four-twelve hex digits; "" if there is none
	MinOS    Version   // oldest macOS (or what Platform says) that it says it runs on, 0 if it does not say
	SDK      Version   // macOS that it was built against, 0 if it does not say
	Platform uint32    // PLATFORM_…, 0 if it does not say

	header   []byte // mach_header or mach_header_64, as in the file
	order    binary.ByteOrder
	commands []command
	room     int64    // bytes between the header and the first byte of content
	signed   *command // LC_CODE_SIGNATURE, nil if there is none
	fat      fatArch  // entry in the fat header
	r        io.ReaderAt
}

// A FileType is what an image is for (filetype of the mach header).
type FileType uint32

// The file types that dyld loads ([FileType.Loadable]), and some that lie beside
// them.
const (
	Object  FileType = 1  // MH_OBJECT
	Execute FileType = 2  // MH_EXECUTE, a program
	DyLib   FileType = 6  // MH_DYLIB
	Bundle  FileType = 8  // MH_BUNDLE, what Python extensions are
	Core    FileType = 4  // MH_CORE
	Stub    FileType = 9  // MH_DYLIB_STUB
	DSYM    FileType = 10 // MH_DSYM
	Kext    FileType = 11 // MH_KEXT_BUNDLE
)

var fileTypes = map[FileType]string{
	Object: "MH_OBJECT", Execute: "MH_EXECUTE", Core: "MH_CORE", DyLib: "MH_DYLIB", 7: "MH_DYLINKER",
	Bundle: "MH_BUNDLE", Stub: "MH_DYLIB_STUB", DSYM: "MH_DSYM", Kext: "MH_KEXT_BUNDLE", 3: "MH_FVMLIB", 5: "MH_PRELOAD", 12: "MH_FILESET",
}

// Loadable reports whether dyld could be asked to load an image of the type: a
// program, library or bundle. Of others, such as object files, debug symbols, core
// files and kernel extensions, nothing but the header is read.
func (t FileType) Loadable() bool { return t == Execute || t == DyLib || t == Bundle }

// String returns the name in <mach-o/loader.h>.
func (t FileType) String() string {
	if name, ok := fileTypes[t]; ok {
		return name
	}
	return fmt.Sprintf("file type %d", uint32(t))
}

// A command is a load command as it stands in the file.
type command struct {
	cmd  types.LoadCmd
	off  int64 // in the slice
	data []byte
}

// A Version is that of macOS or of a library, as xxxx.yy.zz in nibbles
// (<mach-o/loader.h>).
type Version uint32

// MakeVersion returns the version of these numbers.
func MakeVersion(major, minor, patch int) Version {
	return Version(major<<16 | minor<<8 | patch)
}

// Major returns the first number, Minor the second and Patch the third.
func (v Version) Major() int { return int(v >> 16) }
func (v Version) Minor() int { return int(v >> 8 & 0xff) }
func (v Version) Patch() int { return int(v & 0xff) }

// String returns two numbers, or three when the last is not 0.
func (v Version) String() string {
	if v.Patch() == 0 {
		return fmt.Sprintf("%d.%d", v.Major(), v.Minor())
	}
	return fmt.Sprintf("%d.%d.%d", v.Major(), v.Minor(), v.Patch())
}

// newSlice reads the header and the load commands of an image.
func newSlice(r io.ReaderAt, off, size int64) (*Slice, error) {
	s := &Slice{Off: off, Size: size, r: io.NewSectionReader(r, off, size)}
	if err := s.readHeader(); err != nil {
		return nil, s.locate(err)
	}
	if !s.Type.Loadable() {
		return s, nil
	}
	for _, step := range []func() error{s.readCommands, s.readSegments, s.findSignature} {
		if err := step(); err != nil {
			return nil, s.locate(err)
		}
	}
	s.decode()
	return s, nil
}

// locate turns the offset of an error from the slice's into the file's, and
// names the slice.
func (s *Slice) locate(err error) error {
	if e, ok := err.(*FormatError); ok && s.Off > 0 {
		return &FormatError{Off: e.Off + s.Off, Arch: s.Arch.String(), Rule: e.Rule}
	}
	return err
}

// headerSize returns the size of the mach header in bytes.
func (s *Slice) headerSize() int64 {
	if s.Arch.Is64() {
		return 32
	}
	return 28
}

func (s *Slice) readHeader() error {
	head, err := readExact(s.r, 0, 28, s.Size)
	if err != nil {
		return err
	}
	s.order = binary.LittleEndian
	magic := s.order.Uint32(head)
	if magic != magic32 && magic != magic64 {
		s.order = binary.BigEndian
		magic = s.order.Uint32(head)
	}
	if magic != magic32 && magic != magic64 {
		return formatErr(0, "the slice begins with %q, not with a mach header", head[:8])
	}
	s.Arch = Arch{s.order.Uint32(head[4:]), s.order.Uint32(head[8:]) & subtypeMask}
	if (magic == magic64) != s.Arch.Is64() {
		return formatErr(4, "cputype is %v, which does not go with the magic number %#x", s.Arch, magic)
	}
	s.Type = FileType(s.order.Uint32(head[12:]))
	s.Flags = s.order.Uint32(head[24:])
	s.header, err = readExact(s.r, 0, s.headerSize(), s.Size)
	return err
}

// readCommands cuts the load-command table into its commands.
func (s *Slice) readCommands() error {
	count, length := int64(s.order.Uint32(s.header[16:])), int64(s.order.Uint32(s.header[20:]))
	if length > maxCommands {
		return formatErr(20, "sizeofcmds is %d, more than the %d that a real file can have", length, maxCommands)
	}
	if count*8 > length {
		return formatErr(16, "ncmds is %d, which sizeofcmds (%d bytes) has no room for", count, length)
	}
	table, err := readExact(s.r, s.headerSize(), length, s.Size)
	if err != nil {
		return err
	}
	s.commands = make([]command, 0, count) // not more than there are bytes for
	at := int64(0)
	for i := range count {
		off := s.headerSize() + at
		if length-at < 8 {
			return formatErr(off, "load command %d of %d is past sizeofcmds (%d bytes)", i, count, length)
		}
		size := int64(s.order.Uint32(table[at+4:]))
		if size < 8 || size%4 != 0 || size > length-at {
			return formatErr(off+4, "cmdsize is %d; a multiple of 4 from 8 to %d was expected", size, length-at)
		}
		c := command{types.LoadCmd(s.order.Uint32(table[at:])), off, table[at : at+size : at+size]}
		if err := s.checkCommand(&c); err != nil {
			return err
		}
		s.commands = append(s.commands, c)
		at += size
	}
	return nil
}

// CommandCount returns how many load commands the slice has.
func (s *Slice) CommandCount() int { return len(s.commands) }

// u32 reads a field of a command.
func (s *Slice) u32(c *command, at int) uint32 { return s.order.Uint32(c.data[at:]) }

// checkCommand holds a command that is read later to its own size.
func (s *Slice) checkCommand(c *command) error {
	kind, ok := commandKinds[c.cmd]
	if !ok {
		return nil
	}
	if int64(len(c.data)) < kind.size {
		return formatErr(c.off+4, "cmdsize of %v is %d, at least %d was expected", c.cmd, len(c.data), kind.size)
	}
	if kind.text > 0 {
		return s.checkText(c, kind)
	}
	return nil
}

// checkText makes sure that the string of a command lies in it and ends there,
// as dyld demands.
func (s *Slice) checkText(c *command, kind commandKind) error {
	at := int64(s.u32(c, kind.text))
	if at < kind.size || at >= int64(len(c.data)) {
		return formatErr(c.off+int64(kind.text), "the string of %v is at %d, outside the command (%d bytes)", c.cmd, at, len(c.data))
	}
	if text := c.data[at:]; len(cString(text)) == len(text) {
		return formatErr(c.off+at, "the string of %v does not end within the command", c.cmd)
	}
	return nil
}

// A Segment is a part of the image that is mapped as one.
type Segment struct {
	Name     string
	Addr     uint64 // virtual address
	MemSize  uint64 // bytes in memory
	Off      int64  // of its bytes in the slice
	FileSize int64  // bytes in the slice
	Prot     uint32 // VM_PROT_… at first
	Sections []Section

	at int64 // of its load command in the slice
}

// unmapped reports whether dyld leaves the segment alone: it has bytes, and neither
// memory nor protection (UnsafeHeader::validSegment). Go's linker puts debug
// information into one, and compilers bitcode.
func (seg *Segment) unmapped() bool { return seg.FileSize > 0 && seg.MemSize == 0 && seg.Prot == 0 }

// A Section is a part of a segment.
type Section struct {
	Name    string
	Segment string
	Addr    uint64
	Size    uint64 // bytes
	Off     int64  // of its bytes in the slice; 0 when it has none
	Align   uint32 // as a power of two
	Flags   uint32
	RelOff  int64
	RelNum  int64
}

// Section types that have no bytes in the file (<mach-o/loader.h>).
const (
	sectionTypeMask        = 0xff
	zeroFill               = 0x1
	zeroFillLarge          = 0xc
	zeroFillThreadVariable = 0x12
)

// empty reports whether the section has no bytes in the file.
func (x *Section) empty() bool {
	switch x.Flags & sectionTypeMask {
	case zeroFill, zeroFillLarge, zeroFillThreadVariable:
		return true
	}
	return x.Size == 0
}

// readSegments reads the segments and measures the header's room.
func (s *Slice) readSegments() error {
	s.room = s.Size - s.headerSize() // what lies over the header leaves no room
	for i := range s.commands {
		c := &s.commands[i]
		if c.cmd != types.LC_SEGMENT && c.cmd != types.LC_SEGMENT_64 {
			continue
		}
		if (c.cmd == types.LC_SEGMENT_64) != s.Arch.Is64() {
			return formatErr(c.off, "%v in a file for %v", c.cmd, s.Arch)
		}
		if err := s.readSegment(c); err != nil {
			return err
		}
	}
	return nil
}

// sizes returns the sizes of a segment command and of a section in it.
func (s *Slice) sizes() (segment, section int64) {
	if s.Arch.Is64() {
		return 72, 80
	}
	return 56, 68
}

func (s *Slice) readSegment(c *command) error {
	head, each := s.sizes()
	cur := binread.NewCursor(c.data[8:], c.off+8, s.order, s.Arch.Is64())
	seg := Segment{at: c.off, Name: cString(cur.Bytes(16)), Addr: cur.Word(), MemSize: cur.Word()}
	off, fileSize := cur.Word(), cur.Word()
	cur.U32() // maxprot
	seg.Prot = cur.U32()
	count := int64(cur.U32())
	cur.U32() // flags
	if err := cur.Err(); err != nil {
		return formatErr(c.off, "%v of %d bytes is too short", c.cmd, len(c.data))
	}
	if count > (int64(len(c.data))-head)/each {
		return formatErr(c.off+head-8, "nsects of %q is %d, which cmdsize (%d) has no room for", seg.Name, count, len(c.data))
	}
	if !binread.Span(off, fileSize, s.Size) {
		return formatErr(c.off, "segment %q is %#x bytes at %#x, past the end of the image (%#x bytes); it looks truncated", seg.Name, fileSize, off, s.Size)
	}
	seg.Off, seg.FileSize = int64(off), int64(fileSize)
	if seg.Addr+seg.MemSize < seg.Addr || seg.MemSize < fileSize && !seg.unmapped() {
		return formatErr(c.off, "segment %q has vmaddr %#x and vmsize %#x, which do not hold its %#x bytes", seg.Name, seg.Addr, seg.MemSize, fileSize)
	}
	if seg.Off > 0 && seg.FileSize > 0 {
		s.room = min(s.room, max(seg.Off-s.headerSize(), 0))
	}
	for range count {
		x, err := s.readSection(cur, &seg)
		if err != nil {
			return err
		}
		seg.Sections = append(seg.Sections, x)
	}
	s.Segments = append(s.Segments, seg)
	return nil
}

func (s *Slice) readSection(cur *binread.Cursor, seg *Segment) (Section, error) {
	at := cur.Off()
	x := Section{Name: cString(cur.Bytes(16)), Segment: cString(cur.Bytes(16)), Addr: cur.Word(), Size: cur.Word()}
	x.Off, x.Align = int64(cur.U32()), cur.U32()
	x.RelOff, x.RelNum, x.Flags = int64(cur.U32()), int64(cur.U32()), cur.U32()
	cur.Bytes(8) // reserved1, reserved2
	if s.Arch.Is64() {
		cur.U32() // reserved3
	}
	if x.empty() || seg.FileSize == 0 {
		return x, nil
	}
	if x.Off < seg.Off || uint64(x.Off-seg.Off)+x.Size > uint64(seg.FileSize) || x.Size > uint64(seg.FileSize) {
		return x, formatErr(at, "section %q is %#x bytes at %#x, outside its segment (%#x bytes at %#x)", x.Segment+","+x.Name, x.Size, x.Off, seg.FileSize, seg.Off)
	}
	s.room = min(s.room, max(x.Off-s.headerSize(), 0))
	return x, nil
}

// commandsSize returns the bytes that the load commands have now (sizeofcmds).
func (s *Slice) commandsSize() int64 { return int64(s.order.Uint32(s.header[20:])) }
