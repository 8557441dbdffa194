package elf

import (
	"debug/elf"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A Dyn is one entry of the dynamic table. See gABI chapter 5, Dynamic Section.
type Dyn struct {
	Tag elf.DynTag
	Val uint64
}

// dynamic is the dynamic table as the loader sees it.
type dynamic struct {
	present bool
	prog    int                // index of PT_DYNAMIC
	addr    uint64             // virtual address
	off     uint64             // file offset
	slots   int                // entries that may be written: those in use, the DT_NULL, and the empty ones behind it
	open    bool               // the DT_NULL that ends the table lies behind PT_DYNAMIC
	entries []Dyn              // up to, not including, the first DT_NULL
	last    map[elf.DynTag]int // index of the last entry with a tag
	strings strtab
	needed  []string
	soname  string
	rpath   string
	runpath string
}

// maxDynamic bounds the entries of a dynamic table; real ones have below 200.
const maxDynamic = 1 << 20

// readDynamic finds PT_DYNAMIC and decodes what the loader takes from it.
func (f *File) readDynamic() error {
	for i, p := range f.Progs {
		// A separate debug file keeps its program headers, but not their bytes.
		if p.Type != elf.PT_DYNAMIC || p.Filesz == 0 {
			continue
		}
		f.dynamic.present, f.dynamic.prog = true, i
		if err := f.readDynamicEntries(p, f.progAt(i)); err != nil {
			return err
		}
		if err := f.readStrtab(); err != nil {
			return err
		}
		return f.readDynamicStrings()
	}
	return nil
}

func (f *File) readDynamicEntries(p Prog, at uint64) error {
	d := &f.dynamic
	off, ok := f.offsetOf(p.Vaddr, p.Filesz)
	if !ok {
		return formatErr(at, "PT_DYNAMIC (%#x bytes at address %#x) is not mapped by any PT_LOAD", p.Filesz, p.Vaddr)
	}
	if off != p.Off {
		return formatErr(at, "PT_DYNAMIC has p_offset %#x, but its address %#x is mapped from %#x", p.Off, p.Vaddr, off)
	}
	n := p.Filesz / f.dynSize()
	if n > maxDynamic {
		return formatErr(at, "PT_DYNAMIC has room for %d entries, more than any real file", n)
	}
	d.addr, d.off = p.Vaddr, off
	buf, err := f.read("dynamic table", off, n*f.dynSize())
	if err != nil {
		return err
	}
	c := f.cursor(buf, off)
	d.last = map[elf.DynTag]int{}
	for range n {
		e := Dyn{Tag: elf.DynTag(f.signed(c.Word())), Val: c.Word()}
		if e.Tag == elf.DT_NULL {
			d.slots = len(d.entries) + 1 + emptyEntries(c)
			return nil
		}
		d.last[e.Tag] = len(d.entries)
		d.entries = append(d.entries, e)
	}
	d.slots, d.open = int(n), true
	if !f.endsAt(p.Vaddr + n*f.dynSize()) {
		return formatErr(off, "the dynamic table of %d entries does not end with DT_NULL", n)
	}
	return nil
}

// Tags between those of the gABI and the first that belongs to an operating
// system mean nothing to ld.so of glibc and musl, which pass over them.
const (
	firstIgnoredTag = 0x100
	endIgnoredTags  = uint64(elf.DT_LOOS)
	maxIgnored      = 4 // entries that are passed over behind PT_DYNAMIC
)

// endsAt reports whether the loader, which reads on to a DT_NULL wherever
// PT_DYNAMIC ends, finds one from addr on, and in front of it nothing that means
// anything. GNU ld with --spare-dynamic-tags=0 leaves the DT_NULL to what follows
// the table. That is .got where it is read-only after relocation, and its first
// word is the address of the table.
func (f *File) endsAt(addr uint64) bool {
	for range maxIgnored {
		off, ok := f.offsetOf(addr, f.pick(4, 8))
		if !ok {
			return slices.ContainsFunc(f.maps, func(p Prog) bool {
				return addr >= p.Vaddr+p.Filesz && addr < p.Vaddr+p.Memsz // .bss
			})
		}
		buf, err := f.read("dynamic table", off, f.pick(4, 8))
		if err != nil {
			return false
		}
		tag := f.cursor(buf, off).Word()
		if tag == 0 {
			return true
		}
		if tag < firstIgnoredTag || tag >= endIgnoredTags {
			return false
		}
		addr += f.dynSize()
	}
	return false
}

// emptyEntries counts the entries behind the first DT_NULL that are all zero.
// Anything else there is not known to be free.
func emptyEntries(c *binread.Cursor) int {
	n := 0
	for c.Len() > 0 && c.Word() == 0 && c.Word() == 0 {
		n++
	}
	return n
}

// signed widens a d_tag, which is signed in both classes.
func (f *File) signed(v uint64) int64 {
	if f.Is64() {
		return int64(v)
	}
	return int64(int32(v))
}

// DynValue returns the value of the last entry with that tag, as ld.so takes it.
func (f *File) DynValue(tag elf.DynTag) (uint64, bool) {
	if i, ok := f.dynamic.last[tag]; ok {
		return f.dynamic.entries[i].Val, true
	}
	return 0, false
}

// tagAt returns the file offset of the entry that [File.DynValue] takes.
func (f *File) tagAt(tag elf.DynTag) uint64 {
	if i, ok := f.dynamic.last[tag]; ok {
		return f.entryOff(i)
	}
	return f.dynamic.off
}

// entryOff returns the file offset of dynamic entry i.
func (f *File) entryOff(i int) uint64 { return f.dynamic.off + uint64(i)*f.dynSize() }

func (f *File) readStrtab() error {
	d := &f.dynamic
	addr, ok := f.DynValue(elf.DT_STRTAB)
	if !ok {
		return nil
	}
	size, ok := f.DynValue(elf.DT_STRSZ)
	if !ok {
		return formatErr(f.tagAt(elf.DT_STRTAB), "the dynamic table has DT_STRTAB but no DT_STRSZ")
	}
	off, ok := f.offsetOf(addr, size)
	if !ok {
		return formatErr(f.tagAt(elf.DT_STRTAB), "DT_STRTAB (%#x bytes at address %#x) is not mapped by any PT_LOAD", size, addr)
	}
	d.strings.r, d.strings.addr, d.strings.off, d.strings.size = f.r, addr, off, size
	return nil
}

// stringTags are the tags whose value is an offset in the string table.
var stringTags = map[elf.DynTag]string{
	elf.DT_NEEDED:    "DT_NEEDED",
	elf.DT_SONAME:    "DT_SONAME",
	elf.DT_RPATH:     "DT_RPATH",
	elf.DT_RUNPATH:   "DT_RUNPATH",
	elf.DT_AUXILIARY: "DT_AUXILIARY",
	elf.DT_FILTER:    "DT_FILTER",
	elf.DT_CONFIG:    "DT_CONFIG",
	elf.DT_DEPAUDIT:  "DT_DEPAUDIT",
	elf.DT_AUDIT:     "DT_AUDIT",
}

func (f *File) readDynamicStrings() error {
	d := &f.dynamic
	names := d.strings.probes()
	for i, e := range d.entries {
		name, ok := stringTags[e.Tag]
		if !ok {
			continue
		}
		s, err := names.get(e.Val, name, f.entryOff(i))
		if err != nil {
			return err
		}
		switch e.Tag {
		case elf.DT_NEEDED:
			d.needed = append(d.needed, s)
		case elf.DT_SONAME:
			d.soname = s
		case elf.DT_RPATH:
			d.rpath = s
		case elf.DT_RUNPATH:
			d.runpath = s
		}
	}
	return nil
}

// Dynamic reports whether the file takes part in dynamic linking: it has a
// dynamic table.
func (f *File) Dynamic() bool { return f.dynamic.present }

// DynEntries returns a copy of the dynamic table, without the final DT_NULL.
func (f *File) DynEntries() []Dyn { return append([]Dyn(nil), f.dynamic.entries...) }

// Needed returns the DT_NEEDED names in their order, which decides symbol lookup.
func (f *File) Needed() []string { return append([]string(nil), f.dynamic.needed...) }

// NeededCount returns how many DT_NEEDED there are.
func (f *File) NeededCount() int { return len(f.dynamic.needed) }

// NeededBytes returns how many bytes their names have.
func (f *File) NeededBytes() (bytes int) {
	for _, name := range f.dynamic.needed {
		bytes += len(name)
	}
	return bytes
}

// Soname returns DT_SONAME, "" if there is none.
func (f *File) Soname() string { return f.dynamic.soname }

// RPath returns DT_RPATH as it stands, "" if there is none. ld.so ignores it
// when there is a DT_RUNPATH.
func (f *File) RPath() string { return f.dynamic.rpath }

// RunPath returns DT_RUNPATH as it stands, "" if there is none.
func (f *File) RunPath() string { return f.dynamic.runpath }

// SearchPath returns the search path in force: DT_RUNPATH, else DT_RPATH, ""
// if there is none (ld.so(8)).
func (f *File) SearchPath() string {
	if f.has(elf.DT_RUNPATH) {
		return f.dynamic.runpath
	}
	return f.dynamic.rpath
}

// fits reports whether a table of n entries and its end can be written in place.
func (d *dynamic) fits(n int) bool { return n < d.slots || d.open && n == d.slots }

// has reports whether the dynamic table has an entry with that tag.
func (f *File) has(tag elf.DynTag) bool {
	_, ok := f.DynValue(tag)
	return ok
}

// table translates the dynamic entry tag, an address, into the file offset of
// n bytes. It returns ok false when the file has no such entry.
func (f *File) table(tag elf.DynTag, n uint64) (off uint64, ok bool, err error) {
	addr, ok := f.DynValue(tag)
	if !ok {
		return 0, false, nil
	}
	off, mapped := f.offsetOf(addr, n)
	if !mapped {
		return 0, true, formatErr(f.tagAt(tag), "%v says address %#x, where no PT_LOAD maps %#x bytes", tag, addr, n)
	}
	return off, true, nil
}
