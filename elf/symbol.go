package elf

import (
	"debug/elf"
	"iter"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A Symbol is one entry of the dynamic symbol table. See gABI chapter 4,
// Symbol Table.
type Symbol struct {
	Name    string
	Version string // "" for an unversioned symbol
	Library string // for an undefined one: the library of its version need, "" if it has none
	// VersionIndex is its entry in .gnu.version without the hidden bit: 0 and 1
	// stand for no version, as does a file without that table.
	VersionIndex uint16
	Hidden       bool // the version is not the default one: only a reference to that version finds it
	Bind         elf.SymBind
	Type         elf.SymType
	Section      elf.SectionIndex
	Value        uint64
	Size         uint64
	Index        int
}

// Undefined reports whether the symbol is looked up in other files.
func (s *Symbol) Undefined() bool { return s.Section == elf.SHN_UNDEF }

// symbolBlock is how many symbols are decoded from one read.
const symbolBlock = 4096

// symbolVersion is what one index of .gnu.version stands for.
type symbolVersion struct{ name, library string }

// Symbols iterates over the dynamic symbol table, without the null symbol. A
// broken rule of the format ends the iteration with the error.
func (f *File) Symbols() iter.Seq2[Symbol, error] {
	return func(yield func(Symbol, error) bool) {
		if err := f.eachSymbol(func(s Symbol) bool { return yield(s, nil) }); err != nil {
			yield(Symbol{}, err)
		}
	}
}

func (f *File) eachSymbol(visit func(Symbol) bool) error {
	count, err := f.symbolCount()
	if err != nil || count <= 1 {
		return err
	}
	symtab, ok, err := f.table(elf.DT_SYMTAB, uint64(count)*f.symSize())
	if !ok || err != nil {
		return err
	}
	versions, err := f.symbolVersions()
	if err != nil {
		return err
	}
	versym, hasVersym, err := f.table(elf.DT_VERSYM, uint64(count)*versymSize)
	if err != nil {
		return err
	}
	names, err := f.dynamic.strings.names()
	if err != nil {
		return err
	}
	for first := 0; first < count; first += symbolBlock {
		n := min(symbolBlock, count-first)
		buf, err := f.read("dynamic symbol table", symtab+uint64(first)*f.symSize(), uint64(n)*f.symSize())
		if err != nil {
			return err
		}
		var vers []byte
		if hasVersym {
			if vers, err = f.read(".gnu.version", versym+uint64(first)*versymSize, uint64(n)*versymSize); err != nil {
				return err
			}
		}
		more, err := f.symbols(f.cursor(buf, symtab+uint64(first)*f.symSize()), names, vers, versions, first, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// symbols decodes one block. It reports whether visit wants more.
func (f *File) symbols(c *binread.Cursor, names *names, vers []byte, versions []symbolVersion, first int, visit func(Symbol) bool) (bool, error) {
	for i := first; c.Len() > 0; i++ {
		at := uint64(c.Off())
		s, name := decodeSymbol(c, f.Is64())
		if i == 0 {
			continue
		}
		var err error
		if s.Name, err = names.get(uint64(name), "st_name", at); err != nil {
			return false, err
		}
		s.Index = i
		if vers != nil {
			raw := f.Order.Uint16(vers[(i-first)*versymSize:])
			s.VersionIndex, s.Hidden = raw&^versymHidden, raw&versymHidden != 0
			if index := int(s.VersionIndex); index < len(versions) {
				s.Version, s.Library = versions[index].name, versions[index].library
			}
		}
		if !visit(s) {
			return false, nil
		}
	}
	return true, nil
}

func decodeSymbol(c *binread.Cursor, wide bool) (s Symbol, name uint32) {
	name = c.U32()
	if !wide {
		s.Value, s.Size = uint64(c.U32()), uint64(c.U32())
	}
	info := c.U8()
	c.U8() // st_other
	s.Section = elf.SectionIndex(c.U16())
	if wide {
		s.Value, s.Size = c.U64(), c.U64()
	}
	s.Bind, s.Type = elf.ST_BIND(info), elf.ST_TYPE(info)
	return s, name
}

// symbolVersions maps the indexes of .gnu.version to names.
func (f *File) symbolVersions() ([]symbolVersion, error) {
	needs, err := f.VersionNeeds()
	if err != nil {
		return nil, err
	}
	defs, err := f.VersionDefs()
	if err != nil {
		return nil, err
	}
	top := 0
	for _, n := range needs {
		for _, v := range n.Versions {
			top = max(top, int(v.Index))
		}
	}
	for _, d := range defs {
		top = max(top, int(d.Index))
	}
	versions := make([]symbolVersion, top+1)
	for _, d := range defs {
		if !d.Base {
			versions[d.Index].name = d.Name
		}
	}
	for _, n := range needs {
		for _, v := range n.Versions {
			versions[v.Index] = symbolVersion{v.Name, n.Library}
		}
	}
	return versions, nil
}

// symbolCount returns the number of entries of the dynamic symbol table. The
// gABI records it nowhere but in the hash tables. A DT_GNU_HASH that covers no
// symbol does not tell; then DT_HASH does, or else what relocations refer to,
// which is all that the loader looks at.
func (f *File) symbolCount() (int, error) {
	if !f.has(elf.DT_SYMTAB) {
		return 0, nil
	}
	for _, count := range []func() (int, error){f.gnuHashCount, f.sysvHashCount, f.relocatedCount} {
		n, err := count()
		if err != nil || n > 0 {
			return n, err
		}
	}
	return 0, nil
}

// gnuHashCount counts symbols through DT_GNU_HASH. It returns 0 when no bucket
// is used.
func (f *File) gnuHashCount() (int, error) {
	h, err := f.gnuHash()
	return h.count, err
}

// A hashTable is what a hash table takes and tells; the zero value is one that
// the file does not have.
type hashTable struct {
	off, size uint64 // of the whole table in the file
	count     int    // symbols, with the null symbol; 0 when it does not tell
}

// gnuHash measures DT_GNU_HASH: the chain of the highest bucket ends with the
// last symbol, and with it the table.
func (f *File) gnuHash() (hashTable, error) {
	off, ok, err := f.table(elf.DT_GNU_HASH, gnuHashHead)
	if !ok || err != nil {
		return hashTable{}, err
	}
	buf, err := f.read("DT_GNU_HASH", off, gnuHashHead)
	if err != nil {
		return hashTable{}, err
	}
	c := f.cursor(buf, off)
	buckets, symoffset, bloom := uint64(c.U32()), uint64(c.U32()), uint64(c.U32())
	start := off + gnuHashHead + bloom*f.pick(4, 8)
	end := f.mapEnd(off)
	last, err := f.highestBucket(start, buckets, end)
	if err != nil {
		return hashTable{}, err
	}
	chain := start + buckets*4
	if last < symoffset || last == 0 {
		return hashTable{off: off, size: chain - off}, nil
	}
	count, err := f.gnuChainEnd(chain-symoffset*4, last, end)
	return hashTable{off: off, size: chain + (uint64(count)-symoffset)*4 - off, count: count}, err
}

// gnuHashHead is the size of the four numbers that DT_GNU_HASH begins with.
const gnuHashHead = 16

// hashBlock is how many bytes of a hash table are read at once.
const hashBlock = 4096

// highestBucket returns the highest symbol index in the buckets at off.
func (f *File) highestBucket(off, buckets, end uint64) (uint64, error) {
	if off > end || buckets*4 > end-off {
		return 0, formatErr(off, "DT_GNU_HASH says %d buckets, which run past the end of its segment (%#x)", buckets, end)
	}
	last := uint64(0)
	for end = off + buckets*4; off < end; {
		buf, err := f.read("DT_GNU_HASH buckets", off, min(hashBlock, end-off))
		if err != nil {
			return 0, err
		}
		for c := f.cursor(buf, off); c.Len() > 0; {
			last = max(last, uint64(c.U32()))
		}
		off += uint64(len(buf))
	}
	return last, nil
}

// gnuChainEnd walks hash values from symbol i on, to the one whose lowest bit
// ends the chain, and returns the index behind it.
func (f *File) gnuChainEnd(base, i, end uint64) (int, error) {
	for {
		off := base + i*4
		if off+4 > end {
			return 0, formatErr(off, "DT_GNU_HASH chain runs past the end of its segment (%#x)", end)
		}
		buf, err := f.read("DT_GNU_HASH chain", off, min(hashBlock, end-off)&^3)
		if err != nil {
			return 0, err
		}
		for c := f.cursor(buf, off); c.Len() > 0; i++ {
			if c.U32()&1 != 0 {
				return int(i) + 1, nil
			}
		}
	}
}

// sysvHashCount returns nchain of DT_HASH, 0 without one.
func (f *File) sysvHashCount() (int, error) {
	h, err := f.sysvHash()
	return h.count, err
}

// sysvHash measures DT_HASH. GNU tools write 8-byte entries on s390x and alpha,
// other linkers 4-byte ones; no table has 0 buckets, which is what the wrong
// width reads.
func (f *File) sysvHash() (hashTable, error) {
	off, ok, err := f.table(elf.DT_HASH, 8)
	if !ok || err != nil {
		return hashTable{}, err
	}
	buf, err := f.read("DT_HASH", off, 8)
	if err != nil {
		return hashTable{}, err
	}
	c := f.cursor(buf, off)
	buckets, chains := uint64(c.U32()), uint64(c.U32())
	entry := uint64(4)
	wide := f.Is64() && (f.Machine == elf.EM_S390 || f.Machine == elf.EM_ALPHA)
	if wide && (buckets == 0) != (chains == 0) {
		if buf, err = f.read("DT_HASH", off, 16); err != nil {
			return hashTable{}, err
		}
		c, entry = f.cursor(buf, off), 8
		buckets, chains = c.U64(), c.U64()
	}
	size := (2 + min(buckets, uint64(f.size)) + min(chains, uint64(f.size))) * entry
	if end := f.mapEnd(off); size > end-off {
		return hashTable{}, formatErr(off, "DT_HASH says %d buckets and %d symbols, which run past the end of its segment (%#x)", buckets, chains, end)
	}
	return hashTable{off: off, size: size, count: int(chains)}, nil
}
