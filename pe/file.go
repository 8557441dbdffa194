package pe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// ErrNotPE reports bytes that are no PE image: there is no MZ at the start, or the
// header that it leads to is that of another format, as in programs for DOS.
var ErrNotPE = errors.New("not a PE image")

// A FormatError reports bytes that break a rule of the format.
type FormatError struct {
	Off  int64  // offset of the offending field, in bytes from the start of the image
	Rule string // what was found, and what the specification asks for
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("offset %#x: %s", e.Off, e.Rule)
}

func formatErr(off uint64, format string, args ...any) error {
	return &FormatError{Off: int64(off), Rule: fmt.Sprintf(format, args...)}
}

// Header is the COFF file header and the optional header, decoded into the widest
// fields of both classes. See PE Format, COFF File Header and Optional Header.
type Header struct {
	Machine          Machine
	Wide             bool // PE32+
	Sections         int  // NumberOfSections
	TimeDateStamp    uint32
	SymbolsOff       uint32 // PointerToSymbolTable, a file offset; 0 if there is none
	SymbolsCount     uint32 // NumberOfSymbols
	Characteristics  uint16
	LinkerMajor      uint8
	LinkerMinor      uint8
	InitializedData  uint32 // SizeOfInitializedData in bytes
	Entry            uint32 // AddressOfEntryPoint, relative to the image base
	ImageBase        uint64
	SectionAlignment uint32
	FileAlignment    uint32
	SizeOfImage      uint32
	SizeOfHeaders    uint32
	CheckSum         uint32 // 0 when the linker set none
	Subsystem        uint16
	DLLFlags         uint16 // DllCharacteristics
}

const (
	fileIsDLL        = 0x2000 // IMAGE_FILE_DLL
	forceIntegrity   = 0x0080 // IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY
	lfanewAt         = 0x3c
	dosSize          = 0x40
	coffSize         = 20
	sectionSize      = 40
	directorySize    = 8
	maxDirectories   = 16
	pageSize         = 0x1000
	optionalFixed32  = 96
	optionalFixed64  = 112
	magicPE32        = 0x10b
	magicPE32Plus    = 0x20b
	maxSectionsNamed = 96 // what every Windows loads; PE Format, COFF File Header
)

// IsDLL reports whether the image is a library rather than a program.
func (h *Header) IsDLL() bool { return h.Characteristics&fileIsDLL != 0 }

// A Directory is one entry of the data directories.
type Directory struct {
	RVA  uint32 // relative to the image base; of the certificate a file offset
	Size uint32 // in bytes
}

// Numbers of the data directories. See PE Format, Optional Header Data Directories.
const (
	dirExport      = 0
	dirImport      = 1
	dirCertificate = 4
	dirDebug       = 6
	dirLoadConfig  = 10
	dirBoundImport = 11
	dirDelayImport = 13
	dirCLR         = 14
)

// A File is a PE image that has been read and checked.
type File struct {
	Header
	Directories []Directory // as many as the file has, at most 16
	Sections    []Section

	r           *binread.Watched
	size        int64
	coffAt      uint64 // file offset of the COFF header
	optionalAt  uint64 // file offset of the optional header
	directoryAt uint64
	sectionsAt  uint64
	regions     []region

	imports, delayed func() ([]Import, error)
}

// NewFile reads the headers of the image in r, which is size bytes long. It keeps r for
// later reads and never seeks. The error is [ErrNotPE] when the bytes are something else,
// a [*FormatError] when a rule of the format is broken, and otherwise the error of r.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: binread.Watch(r, size), size: size}
	if err := f.r.Over(f.parse(), "pe"); err != nil {
		return nil, err
	}
	f.imports, f.delayed = sync.OnceValues(f.readImports), sync.OnceValues(f.readDelayImports)
	return f, nil
}

// ReadError returns the error of the first read that failed since the file was opened,
// nil if none has.
func (f *File) ReadError() error { return f.r.Over(nil, "pe") }

// Size returns the length of the image in bytes.
func (f *File) Size() int64 { return f.size }

// ReadAt reads the bytes of the image, as [io.ReaderAt] does.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadAt(p, off) }

func (f *File) parse() error {
	optional, err := f.readHeaders()
	if err != nil {
		return err
	}
	if err := f.readOptional(optional); err != nil {
		return err
	}
	if err := f.readSections(); err != nil {
		return err
	}
	return f.mapSections()
}

// read returns the n bytes at off, naming what they are when they are missing.
func (f *File) read(what string, off, n uint64) ([]byte, error) {
	buf, err := binread.ReadAt(f.r, off, n, f.size)
	var short *binread.ShortError
	if errors.As(err, &short) {
		return nil, formatErr(min(off, uint64(f.size)), "%s of %d bytes at %#x runs past the end of the file (%d bytes); the file looks truncated", what, n, off, f.size)
	}
	if err != nil {
		return nil, fmt.Errorf("offset %#x: %s: %w", off, what, err)
	}
	return buf, nil
}

func cursor(buf []byte, off uint64, wide bool) *binread.Cursor {
	return binread.NewCursor(buf, int64(off), binary.LittleEndian, wide)
}

// readHeaders decodes the DOS and COFF headers, and returns the size of the optional one.
func (f *File) readHeaders() (uint64, error) {
	var magic [2]byte
	n, err := f.r.ReadAt(magic[:min(2, max(f.size, 0))], 0)
	if err != nil && err != io.EOF {
		return 0, fmt.Errorf("offset 0x0: %w", err)
	}
	if n < 2 || string(magic[:]) != "MZ" {
		return 0, ErrNotPE
	}
	dos, err := f.read("DOS header", 0, dosSize)
	if err != nil {
		return 0, err
	}
	lfanew := uint64(binary.LittleEndian.Uint32(dos[lfanewAt:]))
	if lfanew == 0 {
		return 0, ErrNotPE // the DOS header has no more than DOS knows
	}
	head, err := f.read("PE signature and COFF header", lfanew, 4+coffSize)
	if err != nil {
		return 0, err
	}
	if string(head[:4]) != "PE\x00\x00" {
		return 0, ErrNotPE
	}
	f.coffAt = lfanew + 4
	f.optionalAt = f.coffAt + coffSize
	c := cursor(head[4:], f.coffAt, false)
	f.Machine = Machine(c.U16())
	f.Header.Sections = int(c.U16())
	f.TimeDateStamp = c.U32()
	f.SymbolsOff, f.SymbolsCount = c.U32(), c.U32()
	optional := uint64(c.U16())
	f.Characteristics = c.U16()
	return optional, nil
}

// readOptional decodes the optional header with the data directories.
func (f *File) readOptional(size uint64) error {
	buf, err := f.read("optional header", f.optionalAt, size)
	if err != nil {
		return err
	}
	c := cursor(buf, f.optionalAt, false)
	switch magic := c.U16(); magic {
	case magicPE32:
	case magicPE32Plus:
		f.Wide = true
	default:
		return formatErr(f.optionalAt, "the optional header says %#x, want 0x10b (PE32) or 0x20b (PE32+)", magic)
	}
	fixed := f.pick(optionalFixed32, optionalFixed64)
	if size < fixed {
		return formatErr(f.coffAt+16, "SizeOfOptionalHeader is %d, want at least %d", size, fixed)
	}
	f.LinkerMajor, f.LinkerMinor = c.U8(), c.U8()
	c.U32() // SizeOfCode
	f.InitializedData = c.U32()
	c.U32() // SizeOfUninitializedData
	f.Entry = c.U32()
	c.U32() // BaseOfCode
	if f.Wide {
		f.ImageBase = c.U64()
	} else {
		c.U32() // BaseOfData
		f.ImageBase = uint64(c.U32())
	}
	f.SectionAlignment, f.FileAlignment = c.U32(), c.U32()
	c.Bytes(16) // versions of system, image and subsystem, Win32VersionValue
	f.SizeOfImage, f.SizeOfHeaders, f.CheckSum = c.U32(), c.U32(), c.U32()
	f.Subsystem, f.DLLFlags = c.U16(), c.U16()
	f.directoryAt = f.optionalAt + fixed
	count := binary.LittleEndian.Uint32(buf[fixed-4:])
	return f.readDirectories(buf[fixed:], count, size)
}

func (f *File) readDirectories(buf []byte, count uint32, size uint64) error {
	count = min(count, maxDirectories)
	if uint64(count)*directorySize > uint64(len(buf)) {
		return formatErr(f.directoryAt-4, "NumberOfRvaAndSizes is %d, more than the optional header of %d bytes has room for", count, size)
	}
	c := cursor(buf, f.directoryAt, false)
	f.Directories = make([]Directory, count)
	for i := range f.Directories {
		f.Directories[i] = Directory{RVA: c.U32(), Size: c.U32()}
	}
	f.sectionsAt = f.optionalAt + size
	return f.checkAlignment()
}

// checkAlignment holds the alignments to what the loader takes: powers of two, the
// section's not below the file's. See PE Format, Optional Header Windows-Specific Fields.
func (f *File) checkAlignment() error {
	s, a := f.SectionAlignment, f.FileAlignment
	if s == 0 || s&(s-1) != 0 || a == 0 || a&(a-1) != 0 || a > s {
		return formatErr(f.optionalAt+32, "SectionAlignment is %#x and FileAlignment %#x, want powers of two, the second not above the first", s, a)
	}
	return nil
}

func (f *File) pick(narrow, wide uint64) uint64 {
	if f.Wide {
		return wide
	}
	return narrow
}

// pointerSize is the size of a thunk, in bytes.
func (f *File) pointerSize() uint64 { return f.pick(4, 8) }

// directory returns a data directory, zero when the file has no such entry.
func (f *File) directory(i int) Directory {
	if i < len(f.Directories) {
		return f.Directories[i]
	}
	return Directory{}
}
