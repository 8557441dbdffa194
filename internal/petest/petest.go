// Package petest builds small Windows images from a description, for tests that need a
// table, a machine or a flaw that no compiler at hand makes. The images have no code
// worth running. Start with [Build].
package petest

import (
	"bytes"
	"encoding/binary"
)

// A Spec describes one image. Its sections are .text, .rdata with all tables, and .data.
type Spec struct {
	Machine   uint16 // 0 means x64
	Imports   []Import
	Delay     []Import
	Exports   []Export
	Flags     uint16 // DependentLoadFlags
	NoConfig  bool   // leave the load configuration out
	Hybrid    bool   // the load configuration points at the description of a hybrid image
	DLLFlags  uint16 // DllCharacteristics
	CheckSum  bool   // set a checksum, which is not true
	Tight     bool   // fill .rdata and .data to the last byte
	NoRoom    bool   // headers without room for one more section
	Symbols   int    // COFF symbols behind the sections
	Overlay   []byte // bytes behind the sections and symbols
	Signature []byte // certificate behind all that
	PDB       string // path in a debug directory
	Program   bool   // no library
	Linker    uint8  // minor version of a linker 14
	Version   uint16 // minor version of a file 14, in the resources; 0 for none
}

// An Import is one library that an image loads.
type Import struct {
	Name     string
	Symbols  []string
	Ordinals []uint16
	Bound    bool
	VA       bool   // a delay import that holds addresses
	Share    string // the name is stored in front of this text, so that both share bytes
}

// An Export is a function that an image offers.
type Export struct {
	Name    string // "" for an ordinal only
	Forward string
}

const (
	textRVA  = 0x1000
	rdataRVA = 0x2000
	page     = 0x1000
	sector   = 0x200
	base     = 0x10000000
	x86      = 0x14c
	arm      = 0x1c4
	x64      = 0x8664
	lfanew   = 0x80
)

// A builder fills .rdata.
type builder struct {
	spec *Spec
	wide bool
	data []byte
	dirs [16][2]uint32
}

func (b *builder) rva() uint32 { return rdataRVA + uint32(len(b.data)) }

func (b *builder) add(data []byte) uint32 {
	at := b.rva()
	b.data = append(b.data, data...)
	return at
}

func (b *builder) align(n int) {
	for len(b.data)%n != 0 {
		b.data = append(b.data, 0)
	}
}

func (b *builder) text(s string) uint32 { return b.add(append([]byte(s), 0)) }

func u32(values ...uint32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

func (b *builder) thunk(v uint64) []byte {
	if b.wide {
		return binary.LittleEndian.AppendUint64(nil, v)
	}
	return u32(uint32(v))
}

// thunks adds the hints and names of an import, and two tables that point at them.
func (b *builder) thunks(d Import) (lookup, table uint32) {
	var out []byte
	flag := uint64(1) << 31
	if b.wide {
		flag = 1 << 63
	}
	for _, s := range d.Symbols {
		b.align(2)
		b.add([]byte{7, 0})
		at := uint64(b.text(s)) - 2
		if d.VA {
			at += base
		}
		out = append(out, b.thunk(at)...)
	}
	for _, o := range d.Ordinals {
		out = append(out, b.thunk(flag|uint64(o))...)
	}
	out = append(out, b.thunk(0)...)
	b.align(8)
	lookup = b.add(out)
	if d.Bound {
		out = bytes.Repeat([]byte{0x11}, len(out)-len(b.thunk(0)))
		out = append(out, b.thunk(0)...)
	}
	return lookup, b.add(out)
}

func (b *builder) imports() {
	var table []byte
	for _, d := range b.spec.Imports {
		lookup, addresses := b.thunks(d)
		name := b.text(d.Name)
		stamp := uint32(0)
		if d.Bound {
			stamp = 0xffffffff
		}
		table = append(table, u32(lookup, stamp, 0, name, addresses)...)
		if d.Share != "" {
			lookup, addresses = b.thunks(Import{Symbols: []string{"shared"}})
			tail := uint32(len(d.Name) - len(d.Share))
			table = append(table, u32(lookup, 0, 0, name+tail, addresses)...)
		}
	}
	if table == nil {
		return
	}
	b.align(4)
	b.dirs[1] = [2]uint32{b.add(append(table, make([]byte, 20)...)), uint32(len(table) + 20)}
}

func (b *builder) delays() {
	var table []byte
	for _, d := range b.spec.Delay {
		lookup, addresses := b.thunks(d)
		name, attributes, shift := b.text(d.Name), uint32(1), uint32(0)
		if d.VA {
			attributes, shift = 0, base
		}
		table = append(table, u32(attributes, name+shift, 0, addresses+shift, lookup+shift, 0, 0, 0)...)
	}
	if table == nil {
		return
	}
	b.align(4)
	b.dirs[13] = [2]uint32{b.add(append(table, make([]byte, 32)...)), uint32(len(table) + 32)}
}

func (b *builder) exports() {
	if b.spec.Exports == nil {
		return
	}
	b.align(4)
	start := b.add(make([]byte, 40))
	var functions, names, ordinals []byte
	for i, e := range b.spec.Exports {
		at := uint32(textRVA)
		if e.Forward != "" {
			at = b.text(e.Forward)
		}
		functions = append(functions, u32(at)...)
		if e.Name != "" {
			names = append(names, u32(b.text(e.Name))...)
			ordinals = binary.LittleEndian.AppendUint16(ordinals, uint16(i))
		}
	}
	own := b.text("made.dll")
	b.align(4)
	count, named := uint32(len(functions)/4), uint32(len(names)/4)
	head := u32(0, 0, 0, own, 1, count, named, b.add(functions), b.add(names), b.add(ordinals))
	copy(b.data[start-rdataRVA:], head)
	b.dirs[0] = [2]uint32{start, b.rva() - start}
}

func (b *builder) config() {
	if b.spec.NoConfig {
		return
	}
	size, flags, hybrid := 148, 54, 124
	if b.wide {
		size, flags, hybrid = 256, 78, 200
	}
	data := make([]byte, size)
	binary.LittleEndian.PutUint32(data, uint32(size))
	binary.LittleEndian.PutUint16(data[flags:], b.spec.Flags)
	if b.spec.Hybrid {
		binary.LittleEndian.PutUint32(data[hybrid:], base+rdataRVA)
	}
	b.align(8)
	b.dirs[10] = [2]uint32{b.add(data), uint32(size)}
}

func (b *builder) debug() {
	if b.spec.PDB == "" {
		return
	}
	data := append([]byte("RSDS"), make([]byte, 20)...)
	data = append(append(data, b.spec.PDB...), 0)
	b.align(4)
	at := b.add(data)
	b.align(4)
	b.dirs[6] = [2]uint32{b.add(u32(0, 0, 0, 2, uint32(len(data)), at, at-rdataRVA+2*sector+headerRoom)), 28}
}

// headerRoom is what headers with room take beside the two sectors of a full one.
const headerRoom = 0x200

// Build returns the image that a description asks for.
func Build(spec Spec) []byte {
	if spec.Machine == 0 {
		spec.Machine = x64
	}
	b := &builder{spec: &spec, wide: spec.Machine != x86 && spec.Machine != arm}
	b.imports()
	b.delays()
	b.exports()
	b.config()
	b.debug()
	b.version()
	b.add([]byte("end"))
	if spec.Tight {
		for len(b.data)%sector != 0 {
			b.data = append(b.data, 0xee)
		}
	}
	return b.file()
}

// A section is a header of the section table.
type section struct {
	name         string
	size         int
	rva, flags   uint32
	raw, rawSize int
}

func up(n, to int) int { return (n + to - 1) / to * to }

// file lays out the headers, the sections, and what follows them.
func (b *builder) file() []byte {
	headers := sector + headerRoom
	dataRVA := rdataRVA + uint32(up(len(b.data), page))
	text := section{".text", 16, textRVA, 0x60000020, headers, sector}
	rdata := section{".rdata", len(b.data), rdataRVA, 0x40000040, headers + sector, up(len(b.data), sector)}
	data := section{".data", 32, dataRVA, 0xc0000040, rdata.raw + rdata.rawSize, sector}
	if b.spec.Tight {
		data.size = sector
	}
	end := data.raw + data.rawSize
	out := make([]byte, end)
	copy(out[text.raw:], bytes.Repeat([]byte{0xc3}, text.size))
	copy(out[rdata.raw:], b.data)
	symbols := b.symbols()
	out = append(append(out, symbols...), b.spec.Overlay...)
	if b.spec.Signature != nil {
		out = append(out, make([]byte, up(len(out), 8)-len(out))...)
		b.dirs[4] = [2]uint32{uint32(len(out)), uint32(up(8+len(b.spec.Signature), 8))}
		out = append(append(out, u32(uint32(8+len(b.spec.Signature)), 0x00020200)...), b.spec.Signature...)
		out = append(out, make([]byte, up(len(out), 8)-len(out))...)
	}
	b.headers(out, []section{text, rdata, data}, end)
	return out
}

// symbols returns a COFF symbol table with an empty string table.
func (b *builder) symbols() []byte {
	if b.spec.Symbols == 0 {
		return nil
	}
	var out []byte
	for range b.spec.Symbols {
		symbol := make([]byte, 18)
		copy(symbol, "symbol")
		symbol[12], symbol[16] = 1, 2
		out = append(out, symbol...)
	}
	return append(out, u32(4)...)
}

func (b *builder) headers(out []byte, sections []section, end int) {
	optional := 224
	if b.wide {
		optional = 240
	}
	at := lfanew
	if b.spec.NoRoom { // the table of sections ends where the headers do
		at = sector + headerRoom - 24 - optional - 40*len(sections)
	}
	copy(out, "MZ")
	binary.LittleEndian.PutUint32(out[0x3c:], uint32(at))
	copy(out[at:], "PE\x00\x00")
	le := binary.LittleEndian
	le.PutUint16(out[at+4:], b.spec.Machine)
	le.PutUint16(out[at+6:], uint16(len(sections)))
	if b.spec.Symbols > 0 {
		le.PutUint32(out[at+12:], uint32(end))
		le.PutUint32(out[at+16:], uint32(b.spec.Symbols))
	}
	le.PutUint16(out[at+20:], uint16(optional))
	characteristics := uint16(0x2022)
	if b.spec.Program {
		characteristics = 0x0022
	}
	le.PutUint16(out[at+22:], characteristics)
	last := sections[len(sections)-1]
	copy(out[at+24:], b.optional(last.rva+page))
	for i, s := range sections {
		h := out[at+24+optional+40*i:]
		copy(h, s.name)
		copy(h[8:], u32(uint32(s.size), s.rva, uint32(s.rawSize), uint32(s.raw), 0, 0, 0, s.flags))
	}
}

// optional returns the optional header with the directories.
func (b *builder) optional(image uint32) []byte {
	var out []byte
	if b.wide {
		out = append([]byte{0x0b, 0x02, 14, b.spec.Linker}, u32(sector, 2*sector, 0, 0, textRVA, base, 0)...)
	} else {
		out = append([]byte{0x0b, 0x01, 14, b.spec.Linker}, u32(sector, 2*sector, 0, 0, textRVA, 0, base)...)
	}
	sum := uint32(0)
	if b.spec.CheckSum {
		sum = 0x1234
	}
	out = append(out, u32(page, sector, 6, 0, 6, 0, image, sector+headerRoom, sum)...)
	out = binary.LittleEndian.AppendUint16(out, 3)
	out = binary.LittleEndian.AppendUint16(out, b.spec.DLLFlags)
	for range 4 {
		out = append(out, b.thunk(0x1000)...)
	}
	out = append(out, u32(0, 16)...)
	for _, d := range b.dirs {
		out = append(out, u32(d[0], d[1])...)
	}
	return out
}
