package elf

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// ErrNotELF reports bytes that do not begin with the ELF magic number.
var ErrNotELF = errors.New("not an ELF image")

// A FormatError reports bytes that break a rule of the format.
type FormatError struct {
	Off  int64  // offset of the offending field, in bytes from the start of the image
	Rule string // what was found, and what the specification asks for
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("offset %#x: %s", e.Off, e.Rule)
}

// because puts what follows from a broken rule in front of it.
func because(err error, what string) error {
	var rule *FormatError
	if !errors.As(err, &rule) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return &FormatError{Off: rule.Off, Rule: what + ": " + rule.Rule}
}

func formatErr(off uint64, format string, args ...any) error {
	return &FormatError{Off: int64(off), Rule: fmt.Sprintf(format, args...)}
}

// Header is the ELF header, decoded into the widest fields of both classes.
// See gABI chapter 4, ELF Header.
type Header struct {
	Class      elf.Class
	Order      binary.ByteOrder
	OSABI      elf.OSABI
	ABIVersion uint8
	Type       elf.Type
	Machine    elf.Machine
	Flags      uint32
	Entry      uint64 // virtual address
	Phoff      uint64 // file offset of the program header table
	Shoff      uint64 // file offset of the section header table, 0 if there is none
	Phnum      int    // number of program headers (PN_XNUM resolved)
	Shnum      int    // number of section headers (extended numbering resolved)
	Shstrndx   int    // index of the section that holds the section names
}

// Is64 reports whether the image is of class ELFCLASS64.
func (h *Header) Is64() bool { return h.Class == elf.ELFCLASS64 }

// A Prog is one program header. See gABI chapter 5, Program Header.
type Prog struct {
	Type   elf.ProgType
	Flags  elf.ProgFlag
	Off    uint64 // file offset of the segment
	Vaddr  uint64 // virtual address
	Paddr  uint64 // physical address; kept, not used
	Filesz uint64 // bytes in the file
	Memsz  uint64 // bytes in memory
	Align  uint64 // p_align; 0 and 1 mean none
}

// A File is an ELF image that has been read and checked.
type File struct {
	Header
	Progs    []Prog
	Sections []Section // nil when the file has none, or none that are true: see SectionErr

	// SectionErr says why the section headers of the file are not used; the
	// loader never reads them, so they do not make a file invalid.
	SectionErr error

	r       *binread.Watched
	size    int64
	maps    []Prog // the PT_LOAD segments, in the order of the table
	runs    []run  // what the loader maps for them, by address
	entsize uint16 // e_shentsize
	dynamic dynamic

	separate bool // see SeparateDebug
	xnum     bool // e_phnum is PN_XNUM
	padded   bool // e_ident has something where its padding should be

	needs  once[[]VersionNeed]
	defs   once[[]VersionDef]
	notes  once[[]Note]
	interp once[string]
	module once[extension]
}

// NewFile reads the headers and the dynamic table of the image in r, which is
// size bytes long. It keeps r for later reads and never seeks. The error is
// [ErrNotELF] when the magic number is missing, a [*FormatError] when a rule of
// the format is broken, and otherwise the error of r.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: binread.Watch(r, size), size: size}
	if err := f.r.Over(f.parse(), "elf"); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadError returns the error of the first read that failed since the file was opened, nil
// if none has: what cannot be read is not there to several questions.
func (f *File) ReadError() error { return f.r.Over(nil, "elf") }

// parse reads the tables one after the other.
func (f *File) parse() error {
	if err := f.readHeader(); err != nil {
		return err
	}
	if err := f.readProgs(); err != nil {
		return err
	}
	err := f.readLoaded()
	if (err != nil || !f.has(elf.DT_STRTAB)) && f.onlyDebug() {
		f.separate, f.maps, f.runs, f.dynamic = true, nil, nil, dynamic{}
		f.SectionErr = formatErr(f.Shoff, "the sections are those of another file, whose debug information this one holds")
		return nil
	}
	if err != nil {
		return err
	}
	f.Sections, f.SectionErr = f.readSections()
	return nil
}

// readLoaded reads what the loader maps, and the dynamic table.
func (f *File) readLoaded() error {
	if err := f.checkLoads(); err != nil {
		return err
	}
	return f.readDynamic()
}

// Size returns the length of the image in bytes.
func (f *File) Size() int64 { return f.size }

// ReadAt reads the bytes of the image, as [io.ReaderAt] does.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadAt(p, off) }

// Sizes of the fixed records, by class. See gABI chapter 4 and 5.
const (
	identSize    = 16
	ehdrSize32   = 52
	ehdrSize64   = 64
	progSize32   = 32
	progSize64   = 56
	sectSize32   = 40
	sectSize64   = 64
	dynSize32    = 8
	dynSize64    = 16
	symSize32    = 16
	symSize64    = 24
	pnXnum       = 0xffff // e_phnum: the count is in sh_info of section 0
	maxTableSize = 1 << 26
)

func (f *File) pick(narrow, wide uint64) uint64 {
	if f.Is64() {
		return wide
	}
	return narrow
}

func (f *File) ehdrSize() uint64 { return f.pick(ehdrSize32, ehdrSize64) }
func (f *File) progSize() uint64 { return f.pick(progSize32, progSize64) }
func (f *File) sectSize() uint64 { return f.pick(sectSize32, sectSize64) }
func (f *File) dynSize() uint64  { return f.pick(dynSize32, dynSize64) }
func (f *File) symSize() uint64  { return f.pick(symSize32, symSize64) }

// read returns the n bytes at off, naming what they are when they are missing.
func (f *File) read(what string, off, n uint64) ([]byte, error) {
	buf, err := binread.ReadAt(f.r, off, n, f.size)
	var short *binread.ShortError
	if errors.As(err, &short) {
		return nil, f.pastEnd(what, off, n)
	}
	if err != nil {
		return nil, fmt.Errorf("offset %#x: %s: %w", off, what, err)
	}
	return buf, nil
}

// pastEnd reports what is not, or not all, in the file. An offset beyond all
// bytes is part of the rule, no place to look at.
func (f *File) pastEnd(what string, off, n uint64) error {
	if off > uint64(f.size) {
		return formatErr(uint64(f.size), "%s of %d bytes would lie at %#x, past the end of the file (%d bytes); the file looks truncated", what, n, off, f.size)
	}
	return formatErr(off, "%s of %d bytes runs past the end of the file (%d bytes); the file looks truncated", what, n, f.size)
}

func (f *File) cursor(buf []byte, off uint64) *binread.Cursor {
	return binread.NewCursor(buf, int64(off), f.Order, f.Is64())
}

// readHeader decodes the ELF header. See gABI chapter 4, ELF Header.
func (f *File) readHeader() error {
	var ident [identSize]byte
	n, err := f.r.ReadAt(ident[:min(identSize, max(f.size, 0))], 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("offset 0x0: %w", err)
	}
	if n < len(elf.ELFMAG) || string(ident[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return ErrNotELF
	}
	if n < identSize {
		return formatErr(0, "e_ident has %d bytes, %d are wanted; the file looks truncated", n, identSize)
	}
	if err := f.readIdent(ident[:]); err != nil {
		return err
	}
	buf, err := f.read("ELF header", 0, f.ehdrSize())
	if err != nil {
		return err
	}
	c := f.cursor(buf[identSize:], identSize)
	f.Type = elf.Type(c.U16())
	f.Machine = elf.Machine(c.U16())
	if v := c.U32(); v != uint32(elf.EV_CURRENT) {
		return formatErr(0x14, "e_version is %d, want %d", v, elf.EV_CURRENT)
	}
	f.Entry, f.Phoff, f.Shoff = c.Word(), c.Word(), c.Word()
	f.Flags = c.U32()
	c.U16() // e_ehsize; the loader ignores it
	return f.readCounts(c)
}

func (f *File) readIdent(ident []byte) error {
	f.Class = elf.Class(ident[elf.EI_CLASS])
	if f.Class != elf.ELFCLASS32 && f.Class != elf.ELFCLASS64 {
		return formatErr(elf.EI_CLASS, "EI_CLASS is %d, want 1 (32-bit) or 2 (64-bit)", ident[elf.EI_CLASS])
	}
	switch elf.Data(ident[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		f.Order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.Order = binary.BigEndian
	default:
		return formatErr(elf.EI_DATA, "EI_DATA is %d, want 1 (little endian) or 2 (big endian)", ident[elf.EI_DATA])
	}
	if v := ident[elf.EI_VERSION]; v != byte(elf.EV_CURRENT) {
		return formatErr(elf.EI_VERSION, "EI_VERSION is %d, want %d", v, elf.EV_CURRENT)
	}
	f.OSABI, f.ABIVersion = elf.OSABI(ident[elf.EI_OSABI]), ident[elf.EI_ABIVERSION]
	f.padded = slices.ContainsFunc(ident[elf.EI_PAD:], func(b byte) bool { return b != 0 })
	return nil
}

// readCounts decodes the table sizes at the end of the header, and takes those
// that do not fit from section header 0 (gABI, Extended section numbering).
func (f *File) readCounts(c *binread.Cursor) error {
	at := uint64(c.Off())
	phentsize, phnum := c.U16(), c.U16()
	shentsize, shnum, shstrndx := c.U16(), c.U16(), c.U16()
	if phnum > 0 && uint64(phentsize) != f.progSize() {
		return formatErr(at, "e_phentsize is %d, want %d", phentsize, f.progSize())
	}
	f.Phnum, f.Shnum, f.Shstrndx, f.entsize, f.xnum = int(phnum), int(shnum), int(shstrndx), shentsize, phnum == pnXnum
	if f.Shoff == 0 {
		f.Shnum, f.Shstrndx = 0, 0
	}
	extended := f.Shoff != 0 && (shnum == 0 || elf.SectionIndex(shstrndx) == elf.SHN_XINDEX)
	if phnum != pnXnum && !extended {
		return nil
	}
	if f.Shoff == 0 || uint64(shentsize) != f.sectSize() || !binread.Span(f.Shoff, f.sectSize(), f.size) {
		if phnum == pnXnum {
			return formatErr(at+2, "e_phnum is PN_XNUM, but there is no section header 0 that holds the count")
		}
		f.Shnum = 0
		return nil
	}
	zero, err := f.readSection(f.Shoff)
	if err != nil {
		return err
	}
	if phnum == pnXnum {
		f.Phnum = int(zero.Info)
	}
	if shnum == 0 {
		f.Shnum = int(min(zero.Size, uint64(f.size)))
	}
	if elf.SectionIndex(shstrndx) == elf.SHN_XINDEX {
		f.Shstrndx = int(zero.Link)
	}
	return nil
}

// readProgs decodes the program header table. See gABI chapter 5.
func (f *File) readProgs() error {
	if f.Phnum == 0 {
		return nil
	}
	what, n := fmt.Sprintf("program header table (e_phnum %d)", f.Phnum), uint64(f.Phnum)*f.progSize()
	if f.Phoff > uint64(f.size) {
		return formatErr(f.phoffAt(), "e_phoff is %#x: the %s of %d bytes would lie past the end of the file (%d bytes)", f.Phoff, what, n, f.size)
	}
	buf, err := f.read(what, f.Phoff, n)
	if err != nil {
		return err
	}
	c := f.cursor(buf, f.Phoff)
	f.Progs = make([]Prog, f.Phnum)
	for i := range f.Progs {
		f.Progs[i] = decodeProg(c, f.Is64())
	}
	return nil
}

// phoffAt returns the file offset of e_phoff.
func (f *File) phoffAt() uint64 { return 24 + f.pick(4, 8) }

// progAt returns the file offset of program header i.
func (f *File) progAt(i int) uint64 { return f.Phoff + uint64(i)*f.progSize() }

func decodeProg(c *binread.Cursor, wide bool) Prog {
	p := Prog{Type: elf.ProgType(c.U32())}
	if wide {
		p.Flags = elf.ProgFlag(c.U32())
	}
	p.Off, p.Vaddr, p.Paddr = c.Word(), c.Word(), c.Word()
	p.Filesz, p.Memsz = c.Word(), c.Word()
	if !wide {
		p.Flags = elf.ProgFlag(c.U32())
	}
	p.Align = c.Word()
	return p
}

// maxLoads bounds the PT_LOAD segments: real files have below 20, and every
// address is looked up in all of them.
const maxLoads = 1024

// checkLoads collects the PT_LOAD segments and holds them to the rules that
// every loader relies on.
func (f *File) checkLoads() error {
	limit := uint64(1) << 32
	if f.Is64() {
		limit = 1 << 63
	}
	for i, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		at := f.progAt(i)
		switch {
		case !binread.Span(p.Off, p.Filesz, f.size):
			return formatErr(at, "PT_LOAD %d has %#x bytes at %#x, past the end of the file (%#x bytes); the file looks truncated", i, p.Filesz, p.Off, f.size)
		case p.Filesz > p.Memsz:
			return formatErr(at, "PT_LOAD %d has p_filesz %#x, more than its p_memsz %#x", i, p.Filesz, p.Memsz)
		case p.Vaddr >= limit || p.Memsz > limit-p.Vaddr:
			return formatErr(at, "PT_LOAD %d ends past the address space (p_vaddr %#x, p_memsz %#x)", i, p.Vaddr, p.Memsz)
		case len(f.maps) == maxLoads:
			return formatErr(at, "there are more than %d PT_LOAD segments", maxLoads)
		}
		f.maps = append(f.maps, p)
	}
	f.mapRuns()
	return nil
}

// readMapped reads n bytes at off, which must lie before end.
func (f *File) readMapped(what string, off, n, end uint64) ([]byte, error) {
	if off > end || n > end-off {
		return nil, formatErr(min(off, end), "%s of %d bytes at %#x runs past the end of its segment (%#x)", what, n, off, end)
	}
	return f.read(what, off, n)
}

// Interpreter returns the path of the program interpreter (PT_INTERP), "" if
// there is none.
func (f *File) Interpreter() (string, error) { return f.interp.get(f.readInterpreter) }

func (f *File) readInterpreter() (string, error) {
	for i, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		if p.Filesz > 4096 {
			return "", formatErr(f.progAt(i), "PT_INTERP has %d bytes, a path has at most 4096", p.Filesz)
		}
		buf, err := f.read("PT_INTERP", p.Off, p.Filesz)
		if err != nil {
			return "", err
		}
		return cString(buf), nil
	}
	return "", nil
}

// ExecutableStack reports whether the file asks for an executable stack:
// PT_GNU_STACK with PF_X. What a file without the header asks for is a matter of
// its loader, see [File.DefaultStack].
func (f *File) ExecutableStack() bool { return f.Stack() == StackExecutable }

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
