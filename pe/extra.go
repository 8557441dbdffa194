package pe

import (
	"bytes"
	"encoding/binary"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// LoadConfig is what an image tells the loader beyond its headers. Fields that the
// structure is too short for are zero. See winnt.h, IMAGE_LOAD_CONFIG_DIRECTORY.
type LoadConfig struct {
	Size               uint32 // in bytes, as the structure says itself
	DependentLoadFlags uint16 // where its imports may be found: LOAD_LIBRARY_SEARCH_*
	HasDependent       bool   // the structure reaches as far as DependentLoadFlags
	CHPEMetadata       uint64 // address of the description of a hybrid image, 0 for others

	flagsAt uint64 // address of DependentLoadFlags
}

// LoadConfig returns the load configuration, nil when the image has none.
func (f *File) LoadConfig() (*LoadConfig, error) {
	dir := f.directory(dirLoadConfig)
	if dir.RVA == 0 || dir.Size == 0 {
		return nil, nil
	}
	at := f.directoryAt + dirLoadConfig*directorySize
	w := &window{f: f}
	head, err := w.bytes("load configuration", at, uint64(dir.RVA), 4)
	if err != nil {
		return nil, err
	}
	l := &LoadConfig{Size: binary.LittleEndian.Uint32(head)}
	flags, hybrid := f.pick(54, 78), f.pick(124, 200)
	buf, err := w.bytes("load configuration", at, uint64(dir.RVA), min(uint64(l.Size), hybrid+f.pointerSize()))
	if err != nil {
		return nil, err
	}
	if uint64(len(buf)) >= flags+2 {
		l.HasDependent, l.flagsAt = true, uint64(dir.RVA)+flags
		l.DependentLoadFlags = binary.LittleEndian.Uint16(buf[flags:])
	}
	if uint64(len(buf)) >= hybrid+f.pointerSize() {
		l.CHPEMetadata = cursor(buf[hybrid:], 0, f.Wide).Word()
	}
	return l, nil
}

// Hybrid names what an image is beside its [Machine]: "arm64ec" for x64 images that hold
// code for arm64, "arm64x" for arm64 images that x64 programs load too, "chpe" for x86
// images with code for arm64, "" for all others.
func (f *File) Hybrid() (string, error) {
	l, err := f.LoadConfig()
	if err != nil || l == nil || l.CHPEMetadata == 0 {
		return "", err
	}
	switch f.Machine {
	case MachineX64:
		return "arm64ec", nil
	case MachineARM64:
		return "arm64x", nil
	case MachineX86:
		return "chpe", nil
	}
	return "", nil
}

// An Extent is a range of the file, in bytes. It is empty when there is nothing.
type Extent struct{ Off, Size int64 }

func (e Extent) end() int64 { return e.Off + e.Size }

// Certificate returns where the attribute certificate table lies, which signs the image:
// nothing points at it but its directory, and it is not mapped.
func (f *File) Certificate() (Extent, error) {
	dir := f.directory(dirCertificate)
	if dir.RVA == 0 || dir.Size == 0 {
		return Extent{}, nil
	}
	if !binread.Span(uint64(dir.RVA), uint64(dir.Size), f.size) {
		at := f.directoryAt + dirCertificate*directorySize
		return Extent{}, formatErr(at, "the certificate table of %d bytes at %#x runs past the end of the file (%d bytes)", dir.Size, dir.RVA, f.size)
	}
	return Extent{int64(dir.RVA), int64(dir.Size)}, nil
}

// sectionsEnd returns where in the file the headers and the last section end.
func (f *File) sectionsEnd() int64 {
	end := min(int64(f.SizeOfHeaders), f.size)
	for _, s := range f.Sections {
		if s.RawOff != 0 && s.RawSize != 0 {
			end = max(end, min(int64(s.fileOff()+uint64(s.RawSize)), f.size))
		}
	}
	return end
}

// Overlay returns the bytes behind the last section, that of COFF symbols included, up to
// a certificate that ends the file: installers and self-extracting archives keep data there.
func (f *File) Overlay() (Extent, error) {
	cert, err := f.Certificate()
	if err != nil {
		return Extent{}, err
	}
	start, end := f.sectionsEnd(), f.size
	if cert.Size > 0 && cert.Off >= start && alignUp(uint64(cert.end()), 8) >= uint64(f.size) {
		end = cert.Off
	}
	return Extent{start, end - start}, nil
}

const symbolSize = 18

// COFFSymbols returns where the COFF symbol table with its strings lies, as gcc leaves it
// in images. See PE Format, COFF Symbol Table.
func (f *File) COFFSymbols() (Extent, error) {
	if f.SymbolsOff == 0 || f.SymbolsCount == 0 {
		return Extent{}, nil
	}
	n := uint64(f.SymbolsCount) * symbolSize
	if !binread.Span(uint64(f.SymbolsOff), n, f.size) {
		return Extent{}, formatErr(f.coffAt+8, "the symbol table of %d bytes at %#x runs past the end of the file (%d bytes)", n, f.SymbolsOff, f.size)
	}
	end := uint64(f.SymbolsOff) + n
	if binread.Span(end, 4, f.size) {
		buf, err := f.read("size of the string table", end, 4)
		if err != nil {
			return Extent{}, err
		}
		strings := uint64(binary.LittleEndian.Uint32(buf))
		if !binread.Span(end, strings, f.size) {
			return Extent{}, formatErr(end, "the string table of %d bytes runs past the end of the file (%d bytes)", strings, f.size)
		}
		n += strings
	}
	return Extent{int64(f.SymbolsOff), int64(n)}, nil
}

// A DebugEntry tells of debug data. See PE Format, Debug Directory.
type DebugEntry struct {
	Type uint32 // 2 is CodeView, 16 a reproducible build
	RVA  uint32 // where it is mapped, 0 when it is not
	Data Extent // where it lies in the file; empty when it does not
	PDB  string // path of the program database, of CodeView data
}

const (
	debugSize     = 28
	debugCodeView = 2
	maxDebug      = 256
)

// Debug returns the debug directory. A broken one is a [*FormatError]; the loader does
// not look at it.
func (f *File) Debug() ([]DebugEntry, error) {
	dir := f.directory(dirDebug)
	at := f.directoryAt + dirDebug*directorySize
	if dir.RVA == 0 || dir.Size == 0 {
		return nil, nil
	}
	if dir.Size/debugSize > maxDebug {
		return nil, formatErr(at, "there are more than %d debug entries", maxDebug)
	}
	w := &window{f: f}
	var out []DebugEntry
	for i := range uint64(dir.Size / debugSize) {
		buf, err := w.bytes("debug entry", at, uint64(dir.RVA)+i*debugSize, debugSize)
		if err != nil {
			return nil, err
		}
		c := cursor(buf[12:], 0, false)
		e := DebugEntry{Type: c.U32()}
		size := c.U32()
		e.RVA = c.U32()
		off := c.U32()
		if off != 0 && !binread.Span(uint64(off), uint64(size), f.size) {
			return nil, formatErr(at, "debug data of %d bytes at %#x run past the end of the file (%d bytes)", size, off, f.size)
		}
		if off != 0 {
			e.Data = Extent{int64(off), int64(size)}
		}
		if err := f.readPDB(&e); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// readPDB reads the path of a program database: signature, GUID and age stand before it.
func (f *File) readPDB(e *DebugEntry) error {
	const head, limit = 24, 4096
	if e.Type != debugCodeView || e.Data.Size <= head {
		return nil
	}
	buf, err := f.read("CodeView data", uint64(e.Data.Off), uint64(min(e.Data.Size, head+limit)))
	if err != nil {
		return err
	}
	if string(buf[:4]) == "RSDS" {
		path, _, _ := bytes.Cut(buf[head:], []byte{0})
		e.PDB = string(path)
	}
	return nil
}

// Managed reports whether the image holds code for .NET.
func (f *File) Managed() bool {
	d := f.directory(dirCLR)
	return d.RVA != 0 && d.Size != 0
}

// ILOnly reports whether the image holds no code but that of .NET, which is for every
// processor, whatever its header says. See ECMA-335, partition II, 25.3.3 CLI header.
func (f *File) ILOnly() (bool, error) {
	if !f.Managed() {
		return false, nil
	}
	flags, err := f.cliFlags()
	return err == nil && flags&cliILOnly != 0, err
}

const (
	cliILOnly     = 1
	cliStrongName = 8
)

func (f *File) cliFlags() (uint32, error) {
	const flagsAt = 16
	at := f.directoryAt + dirCLR*directorySize
	buf, err := (&window{f: f}).bytes("CLI header", at, uint64(f.directory(dirCLR).RVA)+flagsAt, 4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(buf), nil
}
