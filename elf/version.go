package elf

import (
	"debug/elf"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A VersionNeed lists the versions that the file wants of one library
// (Elf_Verneed). See LSB Core, Symbol Versioning, 10.7.4.
type VersionNeed struct {
	Library  string // the file name, which is the DT_NEEDED name
	Versions []NeededVersion
	file     uint64 // string index of Library
	off      uint64 // file offset of the Elf_Verneed record
}

// A NeededVersion is one version of a [VersionNeed] (Elf_Vernaux).
type NeededVersion struct {
	Name  string // such as "GLIBC_2.17"
	Weak  bool   // VER_FLG_WEAK: ld.so only warns when it is missing
	Index uint16 // what .gnu.version holds for symbols of this version
	name  uint64 // string index of Name
	off   uint64 // file offset of the Elf_Vernaux record
}

// A VersionDef is one version that the file defines (Elf_Verdef).
type VersionDef struct {
	Name  string
	Base  bool // VER_FLG_BASE: the name of the file itself, no version
	Index uint16
	off   uint64    // file offset of the Elf_Verdef record
	aux   []verdaux // its own name, then those of its parents
}

// A verdaux is a record that names a definition or a parent (Elf_Verdaux).
type verdaux struct {
	name uint64 // string index
	off  uint64 // file offset of the record
}

// Sizes and flags of the version records, equal in both classes.
const (
	verneedSize  = 16
	vernauxSize  = 16
	verdefSize   = 20
	verdauxSize  = 8
	versymSize   = 2
	versymHidden = 0x8000
	verFlagBase  = 1
	verFlagWeak  = 2
	versymGlobal = 1       // VER_NDX_GLOBAL
	maxVersions  = 1 << 15 // a version index has 15 bits
)

// chain walks the records of a version table. Each record tells by how many
// bytes the next one follows; 0 ends the chain. The distance is unsigned, so
// that a chain cannot turn back, and limit, what is left of maxVersions, stops one
// that only crawls.
func (f *File) chain(what string, off, size uint64, limit int, visit func(off uint64, c *binread.Cursor) (next uint32, err error)) error {
	end := f.mapEnd(off)
	for n := 0; ; n++ {
		if n == limit {
			return formatErr(off, "%s: there are more than %d records", what, maxVersions)
		}
		buf, err := f.readMapped(what, off, size, end)
		if err != nil {
			return err
		}
		next, err := visit(off, f.cursor(buf, off))
		if err != nil || next == 0 {
			return err
		}
		off += uint64(next)
	}
}

// VersionNeeds returns the versions that the file needs of other libraries, in
// the order of DT_VERNEED. They are read once, and not to be changed.
func (f *File) VersionNeeds() ([]VersionNeed, error) { return f.needs.get(f.readVersionNeeds) }

func (f *File) readVersionNeeds() ([]VersionNeed, error) {
	start, ok, err := f.table(elf.DT_VERNEED, verneedSize)
	if !ok || err != nil {
		return nil, err
	}
	names, err := f.dynamic.strings.names()
	if err != nil {
		return nil, err
	}
	var needs []VersionNeed
	total := 0
	err = f.chain("Elf_Verneed", start, verneedSize, maxVersions, func(off uint64, c *binread.Cursor) (uint32, error) {
		if v := c.U16(); v != 1 {
			return 0, formatErr(off, "vn_version is %d, want 1", v)
		}
		c.U16() // vn_cnt: ld.so follows the chain to its end
		file, aux, next := c.U32(), c.U32(), c.U32()
		need := VersionNeed{off: off, file: uint64(file)}
		if need.Library, err = names.get(uint64(file), "vn_file", off+4); err != nil {
			return 0, err
		}
		if need.Versions, err = f.neededVersions(names, off+uint64(aux), maxVersions-total); err != nil {
			return 0, err
		}
		total += len(need.Versions)
		needs = append(needs, need)
		return next, nil
	})
	return needs, err
}

// neededVersions reads a chain of Elf_Vernaux records, at most limit of them.
func (f *File) neededVersions(names *names, start uint64, limit int) ([]NeededVersion, error) {
	var versions []NeededVersion
	err := f.chain("Elf_Vernaux", start, vernauxSize, limit, func(off uint64, c *binread.Cursor) (uint32, error) {
		c.U32() // vna_hash
		flags, index, name, next := c.U16(), c.U16(), c.U32(), c.U32()
		s, err := names.get(uint64(name), "vna_name", off+8)
		if err != nil {
			return 0, err
		}
		versions = append(versions, NeededVersion{Name: s, Weak: flags&verFlagWeak != 0, Index: index &^ versymHidden, name: uint64(name), off: off})
		return next, nil
	})
	return versions, err
}

// VersionDefs returns the versions that the file defines, in the order of
// DT_VERDEF; the first one is the base, named after the file.
func (f *File) VersionDefs() ([]VersionDef, error) { return f.defs.get(f.readVersionDefs) }

func (f *File) readVersionDefs() ([]VersionDef, error) {
	start, ok, err := f.table(elf.DT_VERDEF, verdefSize)
	if !ok || err != nil {
		return nil, err
	}
	names, err := f.dynamic.strings.names()
	if err != nil {
		return nil, err
	}
	var defs []VersionDef
	total := 0
	err = f.chain("Elf_Verdef", start, verdefSize, maxVersions, func(off uint64, c *binread.Cursor) (uint32, error) {
		if v := c.U16(); v != 1 {
			return 0, formatErr(off, "vd_version is %d, want 1", v)
		}
		flags, index, count := c.U16(), c.U16(), c.U16()
		c.U32() // vd_hash
		aux, next := c.U32(), c.U32()
		def := VersionDef{Base: flags&verFlagBase != 0, Index: index &^ versymHidden, off: off}
		// ld.so takes the name without a look at vd_cnt.
		if def.aux, err = f.verdefAux(off+uint64(aux), max(int(count), 1), maxVersions-total); err != nil {
			return 0, err
		}
		total += len(def.aux)
		if def.Name, err = names.get(def.aux[0].name, "vda_name", off+uint64(aux)); err != nil {
			return 0, err
		}
		defs = append(defs, def)
		return next, nil
	})
	return defs, err
}

// verdefAux reads the Elf_Verdaux records of a definition: the first has its
// own name, those that follow name its parents. Up to count are read, and no more
// than limit.
func (f *File) verdefAux(start uint64, count, limit int) ([]verdaux, error) {
	var aux []verdaux
	err := f.chain("Elf_Verdaux", start, verdauxSize, limit, func(off uint64, c *binread.Cursor) (uint32, error) {
		name, next := c.U32(), c.U32()
		aux = append(aux, verdaux{name: uint64(name), off: off})
		if len(aux) == count {
			return 0, nil
		}
		return next, nil
	})
	return aux, err
}
