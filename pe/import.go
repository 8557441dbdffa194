package pe

import (
	"encoding/binary"
	"slices"
)

// An Import is one library that an image loads, with what it takes from there.
type Import struct {
	Name    string   // as the file spells it; Windows looks without regard to case
	Symbols []Symbol // in the order of the table
	Bound   bool     // the addresses were filled in for one build of the library

	// VA tells that a delay import is of the first kind, that of Visual C++ 6: its
	// pointers are addresses rather than relative to the image base.
	VA bool

	at     uint64 // file offset of the descriptor, 0 when it is not in the file
	inFile bool
	name   uint64 // address of the name
	lookup uint64 // address of the names and ordinals, 0 when there is none
	table  uint64 // address of the import address table
	count  uint64 // of symbols
}

// A Symbol is a function or variable that is imported by name or by ordinal.
type Symbol struct {
	Name    string // "" when it is imported by ordinal
	Ordinal uint16
}

const (
	importSize      = 20
	delaySize       = 32
	maxLibraryName  = 512     // a path has 260 units at most
	maxSymbolName   = 1 << 16 // compilers cut theirs at 4 KiB
	maxDescriptors  = 1 << 14
	maxSymbols      = 1 << 18 // of all imports; large modules have some 20,000
	budgetBase      = 1 << 20
	budgetPerByte   = 1
	delayAttrRVA    = 1 // dlattrRva of delayimp.h
	newStyleBinding = 0xffffffff
)

// A budget bounds the work on tables that may point at the same bytes again and again.
type budget struct {
	symbols, text uint64
}

func (f *File) budget() *budget {
	return &budget{symbols: min(uint64(f.size)/4+64, maxSymbols), text: budgetBase + budgetPerByte*uint64(f.size)}
}

// Imports returns the libraries that are loaded with the image, in the order of the
// import table; a library may be there twice. As for the loader, the table ends at the
// first descriptor without name or address table, whatever its directory says of its
// size. A broken table is a [*FormatError]. The tables are read once.
func (f *File) Imports() ([]Import, error) {
	imports, err := f.imports()
	return slices.Clone(imports), err
}

func (f *File) readImports() ([]Import, error) {
	dir := f.directory(dirImport)
	if dir.RVA == 0 {
		return nil, nil
	}
	w, b := &window{f: f}, f.budget()
	dirAt := f.directoryAt + dirImport*directorySize
	var imports []Import
	for rva := uint64(dir.RVA); ; rva += importSize {
		buf, err := w.bytes("import descriptor", dirAt, rva, importSize)
		if err != nil {
			return nil, err
		}
		c := cursor(buf, 0, false)
		d := Import{lookup: uint64(c.U32())}
		d.Bound = c.U32() != 0
		c.U32() // ForwarderChain
		d.name, d.table = uint64(c.U32()), uint64(c.U32())
		if d.name == 0 || d.table == 0 {
			return imports, nil
		}
		if len(imports) == maxDescriptors {
			return nil, formatErr(dirAt, "there are more than %d import descriptors", maxDescriptors)
		}
		if err := f.readImport(&d, rva, "import", importSize, b); err != nil {
			return nil, err
		}
		imports = append(imports, d)
	}
}

// DelayImports returns the libraries that are loaded when a function of theirs is first
// called, in the order of the table. A broken table is a [*FormatError]. See delayimp.h.
// The tables are read once.
func (f *File) DelayImports() ([]Import, error) {
	imports, err := f.delayed()
	return slices.Clone(imports), err
}

func (f *File) readDelayImports() ([]Import, error) {
	dir := f.directory(dirDelayImport)
	if dir.RVA == 0 {
		return nil, nil
	}
	w, b := &window{f: f}, f.budget()
	dirAt := f.directoryAt + dirDelayImport*directorySize
	var imports []Import
	for rva := uint64(dir.RVA); ; rva += delaySize {
		buf, err := w.bytes("delay import descriptor", dirAt, rva, delaySize)
		if err != nil {
			return nil, err
		}
		c := cursor(buf, 0, false)
		attributes := c.U32()
		d := Import{VA: attributes&delayAttrRVA == 0, name: uint64(c.U32())}
		c.U32() // handle of the module
		d.table, d.lookup = uint64(c.U32()), uint64(c.U32())
		c.Bytes(8) // bound and unload tables
		d.Bound = c.U32() != 0
		if d.name == 0 {
			return imports, nil
		}
		if len(imports) == maxDescriptors {
			return nil, formatErr(dirAt, "there are more than %d delay import descriptors", maxDescriptors)
		}
		if d.VA {
			f.relative(&d)
		}
		if err := f.readImport(&d, rva, "delay import", delaySize, b); err != nil {
			return nil, err
		}
		imports = append(imports, d)
	}
}

// relative turns the addresses of an old descriptor into relative ones; what lies below
// the image base ends up where nothing is mapped.
func (f *File) relative(d *Import) {
	for _, p := range []*uint64{&d.name, &d.table, &d.lookup} {
		if *p != 0 {
			*p -= f.ImageBase
		}
	}
}

// readImport reads the name and the symbols of a descriptor at rva.
func (f *File) readImport(d *Import, rva uint64, what string, size uint64, b *budget) (err error) {
	d.at, d.inFile = f.offset(rva, size)
	names := &window{f: f}
	if d.Name, err = names.text("name of an "+what, d.at, d.name, maxLibraryName); err != nil {
		return err
	}
	if d.Name == "" {
		return formatErr(d.at, "the name of an %s is empty", what)
	}
	if d.lookup == 0 {
		d.lookup = d.table // old linkers of Borland and Watcom; a binding hides the names
		if d.Bound {
			return nil
		}
	}
	return f.readSymbols(d, what, b)
}

// readSymbols reads the lookup table. See PE Format, Import Lookup Table.
func (f *File) readSymbols(d *Import, what string, b *budget) error {
	thunks, names := &window{f: f}, &window{f: f}
	size := f.pointerSize()
	byOrdinal := uint64(1) << (8*size - 1)
	for rva := d.lookup; ; rva += size {
		buf, err := thunks.bytes(what+" lookup table of "+quote(d.Name), d.at, rva, size)
		if err != nil {
			return err
		}
		thunk := uint64(binary.LittleEndian.Uint32(buf))
		if f.Wide {
			thunk = binary.LittleEndian.Uint64(buf)
		}
		if thunk == 0 {
			return nil
		}
		if b.symbols == 0 {
			return formatErr(d.at, "the %s tables name more symbols than a file of %d bytes can have (%d at most)", what, f.size, maxSymbols)
		}
		b.symbols--
		d.count++
		if thunk&byOrdinal != 0 {
			d.Symbols = append(d.Symbols, Symbol{Ordinal: uint16(thunk)})
			continue
		}
		if d.VA && !f.Wide {
			thunk = uint64(uint32(thunk - f.ImageBase))
		}
		name, err := names.text("name of a symbol of "+quote(d.Name), d.at, thunk&0x7fffffff+2, maxSymbolName)
		if err != nil {
			return err
		}
		if uint64(len(name)) >= b.text {
			return formatErr(d.at, "the %s tables name the same bytes of a file of %d again and again", what, f.size)
		}
		b.text -= uint64(len(name)) + 1
		d.Symbols = append(d.Symbols, Symbol{Name: name})
	}
}
