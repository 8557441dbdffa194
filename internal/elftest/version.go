package elftest

import "debug/elf"

// Reserved values of .gnu.version. LSB, Symbol Versioning.
const (
	verLocal  = 0
	verGlobal = 1
	verBase   = 1 // VER_FLG_BASE
)

func (m *image) versioned() bool { return len(m.spec.Versions)+len(m.spec.Defs) > 0 }

// baseName names the object in the base entry of .gnu.version_d.
func (m *image) baseName() string {
	if m.spec.Soname != "" {
		return m.spec.Soname
	}
	return "elftest.so"
}

// numberVersions gives each version its index in .gnu.version: definitions
// from 2 on, then needs.
func (m *image) numberVersions() {
	m.defIndex, m.needIndex = map[string]uint16{}, map[[2]string]uint16{}
	next := uint16(2)
	for _, v := range m.spec.Defs {
		m.defIndex[v] = next
		next++
	}
	for _, n := range m.spec.Versions {
		for _, v := range n.Versions {
			m.needIndex[[2]string{n.Library, v}] = next
			next++
		}
	}
}

// versionIndex returns the .gnu.version entry of a symbol.
func (m *image) versionIndex(s Symbol) uint16 {
	switch {
	case s.Version == "":
		return verGlobal
	case s.Defined:
		return m.defIndex[s.Version]
	}
	return m.needIndex[[2]string{s.Library, s.Version}]
}

// versionSections returns .gnu.version and what of .gnu.version_d and
// .gnu.version_r there is.
func (m *image) versionSections() []*section {
	e := newEncoder(&m.spec)
	e.u16(verLocal)
	for _, s := range m.spec.Symbols {
		e.u16(m.versionIndex(s))
	}
	secs := []*section{{name: ".gnu.version", kind: elf.SHT_GNU_VERSYM, flags: alloc, link: ".dynsym", align: 2, entsize: 2,
		render: fixed(e.b)}}
	if n := len(m.spec.Defs); n > 0 {
		secs = append(secs, &section{name: ".gnu.version_d", kind: elf.SHT_GNU_VERDEF, flags: alloc, link: ".dynstr",
			info: uint32(n + 1), align: m.word, render: fixed(m.verdef())})
	}
	if n := len(m.spec.Versions); n > 0 {
		secs = append(secs, &section{name: ".gnu.version_r", kind: elf.SHT_GNU_VERNEED, flags: alloc, link: ".dynstr",
			info: uint32(n), align: m.word, render: fixed(m.verneed())})
	}
	return secs
}

// verdef returns a list of Elf_Verdef, each followed by its one Elf_Verdaux.
func (m *image) verdef() []byte {
	const headSize, auxSize = 20, 8
	e := newEncoder(&m.spec)
	names := append([]string{m.baseName()}, m.spec.Defs...)
	for i, name := range names {
		var flags uint16
		next := uint32(headSize + auxSize)
		if i == 0 {
			flags = verBase
		}
		if i == len(names)-1 {
			next = 0
		}
		e.u16(1, flags, uint16(i+1), 1)
		e.u32(sysvHash(name), headSize, next)
		e.u32(m.dynstr.add(name), 0)
	}
	return e.b
}

// verneed returns a list of Elf_Verneed, each followed by its Elf_Vernaux.
func (m *image) verneed() []byte {
	const headSize, auxSize = 16, 16
	e := newEncoder(&m.spec)
	for i, n := range m.spec.Versions {
		next := uint32(headSize + auxSize*len(n.Versions))
		if i == len(m.spec.Versions)-1 {
			next = 0
		}
		e.u16(1, uint16(len(n.Versions)))
		e.u32(m.dynstr.add(n.Library), headSize, next)
		for j, v := range n.Versions {
			auxNext := uint32(auxSize)
			if j == len(n.Versions)-1 {
				auxNext = 0
			}
			e.u32(sysvHash(v))
			e.u16(0, m.needIndex[[2]string{n.Library, v}])
			e.u32(m.dynstr.add(v), auxNext)
		}
	}
	return e.b
}
