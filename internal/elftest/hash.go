package elftest

import (
	"debug/elf"
	"slices"
)

// sysvHash is the hash of DT_HASH and of version names. gABI ch. 5, Hash Table.
func sysvHash(name string) uint32 {
	var h uint32
	for i := range len(name) {
		h = h<<4 + uint32(name[i])
		h ^= h >> 24 & 0xf0
		h &= 0x0fffffff
	}
	return h
}

// gnuHash is the hash of DT_GNU_HASH, Bernstein's with 5381 and 33.
func gnuHash(name string) uint32 {
	h := uint32(5381)
	for i := range len(name) {
		h = h*33 + uint32(name[i])
	}
	return h
}

// bucketsFor returns a bucket count that makes chains of about two symbols.
func bucketsFor(symbols int) uint32 { return uint32(max(1, symbols/2)) }

// sortForGNUHash puts imports first and exports in the order of their buckets,
// which is what DT_GNU_HASH asks of .dynsym. It returns the count of imports.
func sortForGNUHash(syms []Symbol) int {
	imports := 0
	for _, s := range syms {
		if !s.Defined {
			imports++
		}
	}
	nbuckets := bucketsFor(len(syms) - imports)
	rank := func(s Symbol) int {
		if !s.Defined {
			return -1
		}
		return int(gnuHash(s.Name) % nbuckets)
	}
	slices.SortStableFunc(syms, func(a, b Symbol) int { return rank(a) - rank(b) })
	return imports
}

// sysvHashTable returns the contents of .hash for the .dynsym of syms, which
// excludes the null symbol at index 0. Entries are entry bytes long.
func sysvHashTable(s *Spec, syms []Symbol, entry uint64) []byte {
	nbuckets := bucketsFor(len(syms) + 1)
	buckets := make([]uint32, nbuckets)
	chains := make([]uint32, len(syms)+1)
	for i, sym := range syms {
		n, b := uint32(i+1), sysvHash(sym.Name)%nbuckets
		chains[n], buckets[b] = buckets[b], n
	}
	e := newEncoder(s)
	e.wide = entry == 8
	each(slices.Concat([]uint32{nbuckets, uint32(len(chains))}, buckets, chains), func(v uint32) { e.word(uint64(v)) })
	return e.b
}

// gnuBloomShift is the second hash's shift, as GNU ld uses it for small tables.
const gnuBloomShift = 6

// gnuHashTable returns the contents of .gnu.hash for syms as sortForGNUHash
// left them, of which the first imports are not in the table.
func gnuHashTable(s *Spec, syms []Symbol, imports int) []byte {
	defined := syms[imports:]
	nbuckets, symoffset := bucketsFor(len(defined)), uint32(imports+1)
	buckets := make([]uint32, nbuckets)
	chains := make([]uint32, len(defined))
	var bloom uint64
	for i, sym := range defined {
		h := gnuHash(sym.Name)
		bloom |= 1<<(h%uint32(s.Class)) | 1<<(h>>gnuBloomShift%uint32(s.Class))
		if b := h % nbuckets; buckets[b] == 0 {
			buckets[b] = symoffset + uint32(i)
		}
		chains[i] = h &^ 1
		if i+1 == len(defined) || gnuHash(defined[i+1].Name)%nbuckets != h%nbuckets {
			chains[i] |= 1 // the last of its bucket
		}
	}
	e := newEncoder(s)
	e.u32(nbuckets, symoffset, 1, gnuBloomShift)
	e.word(bloom)
	e.u32(buckets...)
	e.u32(chains...)
	return e.b
}

// sysvHashEntry returns the bytes of one DT_HASH entry: 8 on s390x, whose
// psABI differs there from the gABI, else 4.
func (s *Spec) sysvHashEntry() uint64 {
	if s.Class == 64 && elf.Machine(s.Machine) == elf.EM_S390 && s.Hash != HashSysV32 {
		return 8
	}
	return 4
}
