package pe

import (
	"encoding/binary"
	"strconv"
)

// An Export is a function or variable that an image offers.
type Export struct {
	Name    string // "" when it has an ordinal only
	Ordinal uint32
	RVA     uint32 // 0 when it is forwarded
	Forward string // "LIBRARY.symbol" or "LIBRARY.#ordinal" that stands in for it
}

// Exports is what an image offers to those that load it.
type Exports struct {
	Name    string   // of the library when it was linked; Windows ignores it
	Symbols []Export // those with names in the order of the names, then the others
}

const (
	exportSize = 40
	maxExports = 1 << 16 // an ordinal has 16 bits
)

func quote(s string) string { return strconv.Quote(s) }

// exportTable is the head of the export directory.
type exportTable struct {
	dir                        Directory
	at                         uint64 // file offset of the directory entry
	name, base                 uint32
	functions, names           uint64 // how many
	functionsRVA, namesRVA     uint64
	ordinalsRVA                uint64
	addresses                  []uint32
	named                      []bool
	forwards, texts, orderings window
	budget                     *budget
}

// Exports reads the export table, nil when the image has none. A broken table is a
// [*FormatError]. See PE Format, the .edata Section.
func (f *File) Exports() (*Exports, error) {
	t := exportTable{dir: f.directory(dirExport), at: f.directoryAt, budget: f.budget()}
	if t.dir.RVA == 0 || t.dir.Size == 0 {
		return nil, nil
	}
	w := &window{f: f}
	buf, err := w.bytes("export directory", t.at, uint64(t.dir.RVA), exportSize)
	if err != nil {
		return nil, err
	}
	c := cursor(buf[12:], 0, false)
	t.name, t.base = c.U32(), c.U32()
	t.functions, t.names = uint64(c.U32()), uint64(c.U32())
	t.functionsRVA, t.namesRVA, t.ordinalsRVA = uint64(c.U32()), uint64(c.U32()), uint64(c.U32())
	if t.functions > maxExports || t.names > maxExports {
		return nil, formatErr(t.at, "the export table has %d addresses and %d names, at most %d can be", t.functions, t.names, maxExports)
	}
	out := &Exports{}
	if t.name != 0 {
		if out.Name, err = w.text("name of the library", t.at, uint64(t.name), maxLibraryName); err != nil {
			return nil, err
		}
	}
	if err := t.readAddresses(f); err != nil {
		return nil, err
	}
	if out.Symbols, err = t.readNames(f); err != nil {
		return nil, err
	}
	return t.addOrdinals(out)
}

func (t *exportTable) readAddresses(f *File) error {
	w := &window{f: f}
	t.addresses = make([]uint32, 0, min(t.functions, uint64(f.size)/4))
	t.named = make([]bool, t.functions)
	for i := range t.functions {
		buf, err := w.bytes("export address", t.at, t.functionsRVA+4*i, 4)
		if err != nil {
			return err
		}
		t.addresses = append(t.addresses, binary.LittleEndian.Uint32(buf))
	}
	t.forwards, t.texts, t.orderings = window{f: f}, window{f: f}, window{f: f}
	return nil
}

func (t *exportTable) readNames(f *File) ([]Export, error) {
	var out []Export
	pointers := &window{f: f}
	for i := range t.names {
		buf, err := pointers.bytes("export name pointer", t.at, t.namesRVA+4*i, 4)
		if err != nil {
			return nil, err
		}
		rva := binary.LittleEndian.Uint32(buf)
		if buf, err = t.orderings.bytes("export ordinal", t.at, t.ordinalsRVA+2*i, 2); err != nil {
			return nil, err
		}
		index := binary.LittleEndian.Uint16(buf)
		name, err := t.text(&t.texts, "name of an export", uint64(rva))
		if err != nil {
			return nil, err
		}
		if uint64(index) >= t.functions {
			return nil, formatErr(t.at, "export %q has address number %d of %d", name, index, t.functions)
		}
		e, err := t.export(index)
		if err != nil {
			return nil, err
		}
		e.Name, t.named[index] = name, true
		out = append(out, e)
	}
	return out, nil
}

func (t *exportTable) addOrdinals(out *Exports) (*Exports, error) {
	for i, rva := range t.addresses {
		if rva == 0 || t.named[i] {
			continue
		}
		e, err := t.export(uint16(i))
		if err != nil {
			return nil, err
		}
		out.Symbols = append(out.Symbols, e)
	}
	return out, nil
}

// export reads address number index. An address within the export directory is no code
// but the text of a forwarder.
func (t *exportTable) export(index uint16) (Export, error) {
	e := Export{Ordinal: t.base + uint32(index), RVA: t.addresses[index]}
	if e.RVA < t.dir.RVA || e.RVA-t.dir.RVA >= t.dir.Size {
		return e, nil
	}
	var err error
	e.Forward, err = t.text(&t.forwards, "forwarder of an export", uint64(e.RVA))
	e.RVA = 0
	return e, err
}

func (t *exportTable) text(w *window, what string, rva uint64) (string, error) {
	s, err := w.text(what, t.at, rva, maxSymbolName)
	if err != nil {
		return "", err
	}
	if uint64(len(s)) >= t.budget.text {
		return "", formatErr(t.at, "the export tables name the same bytes of a file of %d again and again", w.f.size)
	}
	t.budget.text -= uint64(len(s)) + 1
	return s, nil
}
