package elf

import (
	"debug/elf"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/overlay"
)

// A plan turns a draft into an overlay: it finds places for what is new, then
// patches everything that points there.
type plan struct {
	f *File
	d *draft
	b *builder

	placed      map[string]uint64 // string index of each new string
	freed       []room            // room in .dynstr that strings left behind, in its order
	oldStrings  []byte            // .dynstr, nil when it is too large to be kept
	stringsKept uint64            // bytes of the old .dynstr that stay; the new strings follow them
	newStrings  []byte

	moveStrings bool
	moveNeeds   bool
	relocations *relocations // those of the result, where they move
	moveDynamic bool
	moveInterp  bool
	interp      string // the interpreter of the result, where it is written
	space       space  // where what moves goes

	progs    []Prog    // the program headers of the result
	sections []Section // the section headers of the result, nil when the file has none that are true
}

func newPlan(f *File, d *draft) *plan {
	return &plan{
		f: f, d: d,
		b:           newBuilder(f.r),
		stringsKept: f.dynamic.strings.size,
		placed:      map[string]uint64{},
		progs:       slices.Clone(f.Progs),
		sections:    slices.Clone(f.Sections),
	}
}

// run goes through the steps in order; each needs what those before it found.
func (p *plan) run() (*overlay.Overlay, error) {
	if err := p.f.checkEditable(); err != nil {
		return nil, err
	}
	if err := p.layNeeds(); err != nil {
		return nil, err
	}
	if err := p.placeStrings(); err != nil {
		return nil, err
	}
	p.relinkNeeds()
	if err := p.layRelocations(); err != nil {
		return nil, err
	}
	p.moveStrings = p.stringsKept+uint64(len(p.newStrings)) > p.f.dynamic.strings.size
	p.moveDynamic = p.f.Dynamic() && !p.f.dynamic.fits(len(p.d.entries))
	if err := p.placeInterpreter(); err != nil {
		return nil, err
	}
	p.setStack()
	if err := p.placeSpace(); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		p.checkNames, p.patchStrings, p.patchDynamic, p.patchNeeds, p.patchReferences, p.patchRelocations, p.patchJumps, p.patchInterpreter,
		p.patchSections, p.clearStripped, p.patchDynamicUsers, p.patchMovedSymbols, p.renumberSymbols,
		p.displacePatches, p.patchHeaders, p.b.sortPatches,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.assemble()
}

// stringsSize returns the size of .dynstr in the result.
func (p *plan) stringsSize() uint64 {
	return max(p.f.dynamic.strings.size, p.stringsKept+uint64(len(p.newStrings)))
}

// patchStrings writes what fills the freed room. When the table moves, its copy
// is assembled with the same patches, and the old bytes are cleared so that
// they compress to nothing.
func (p *plan) patchStrings() error {
	t := &p.f.dynamic.strings
	if p.moveStrings {
		if !p.f.stringsShared() && p.stringsConfirmed() {
			p.zeroOld(t.off, t.size)
		}
		return nil
	}
	for _, r := range p.freed {
		p.b.patch(t.off+r.at, r.data)
	}
	if p.stringsKept < t.size {
		data := make([]byte, t.size-p.stringsKept)
		copy(data, p.newStrings)
		p.b.patch(t.off+p.stringsKept, data)
	}
	return nil
}

// stringsConfirmed reports whether a section header confirms the size that
// DT_STRSZ claims. Without one the table may hold more than strings.
func (p *plan) stringsConfirmed() bool {
	return slices.ContainsFunc(p.f.Sections, func(s Section) bool {
		return p.f.isStrings(&s) && s.Size == p.f.dynamic.strings.size
	})
}

// zeroOld clears bytes that have moved away, except those that the new space
// takes over.
func (p *plan) zeroOld(off, n uint64) {
	if end := p.space.headEnd; off < end {
		p.b.zero(off, min(n, end-off))
	}
}

// dynamicBytes encodes the dynamic table of the result, filled with DT_NULL up
// to the given number of slots.
func (p *plan) dynamicBytes(slots int) []byte {
	buf := make([]byte, 0, slots*int(p.f.dynSize()))
	for _, e := range p.d.entries {
		val := e.Val
		switch _, pointer := pointers[e.Tag]; {
		case e.Tag == elf.DT_STRTAB && p.moveStrings:
			val = p.space.strings.vaddr
		case e.Tag == elf.DT_STRSZ:
			val = p.stringsSize()
		case e.Tag == elf.DT_VERNEED && p.moveNeeds:
			val = p.space.needs.vaddr
		case p.relocationMoves(e.Tag):
			val = p.relocationAddr(e.Tag)
		case pointer:
			val = p.displacedAddr(val, 1)
		}
		buf = p.f.appendWord(p.f.appendWord(buf, uint64(e.Tag)), val)
	}
	return append(buf, make([]byte, slots*int(p.f.dynSize())-len(buf))...)
}

func (f *File) appendWord(b []byte, v uint64) []byte {
	if f.Is64() {
		return f.appendOrder().AppendUint64(b, v)
	}
	return f.appendOrder().AppendUint32(b, uint32(v))
}

func (p *plan) patchDynamic() error {
	dyn := &p.f.dynamic
	if !dyn.present {
		return nil
	}
	if p.moveDynamic {
		p.zeroOld(dyn.off, uint64(dyn.slots)*p.f.dynSize())
		return nil
	}
	p.b.patch(dyn.off, p.dynamicBytes(dyn.slots))
	return nil
}

// placeInterpreter decides whether a new interpreter fits where the old one is.
func (p *plan) placeInterpreter() (err error) {
	if p.interp = p.d.interp; p.interp == "" {
		p.interp, err = p.f.Interpreter()
		return err
	}
	p.moveInterp = uint64(len(p.interp))+1 > p.f.Progs[p.prog(elf.PT_INTERP)].Filesz
	return nil
}

func (p *plan) patchInterpreter() error {
	if p.d.interp == "" && !p.moveInterp {
		return nil
	}
	old := p.f.Progs[p.prog(elf.PT_INTERP)]
	if p.moveInterp {
		p.zeroOld(old.Off, old.Filesz)
		return nil
	}
	buf := make([]byte, old.Filesz)
	copy(buf, p.interp)
	p.b.patch(old.Off, buf)
	return nil
}

// prog returns the index of the first program header of that type, or -1.
func (p *plan) prog(t elf.ProgType) int {
	return slices.IndexFunc(p.f.Progs, func(pr Prog) bool { return pr.Type == t })
}

// patchDynamicUsers mends what points at a dynamic table that has moved: the
// symbol _DYNAMIC, and the first word of DT_PLTGOT, which holds its address.
func (p *plan) patchDynamicUsers() error {
	if !p.moveDynamic {
		return nil
	}
	if err := p.refuseSelfRelocating(); err != nil {
		return err
	}
	if err := p.refuseRelocatedDynamic(); err != nil {
		return err
	}
	old, now := p.f.dynamic.addr, p.space.dynamic.vaddr
	if off, ok, err := p.f.table(elf.DT_PLTGOT, p.f.pick(4, 8)); err == nil && ok {
		buf, err := p.f.read("DT_PLTGOT", off, p.f.pick(4, 8))
		if err != nil {
			return err
		}
		if p.f.cursor(buf, off).Word() == old {
			p.b.patch(off, p.f.appendWord(nil, now))
		}
	}
	return p.patchDynamicSymbol(old, now)
}

// patchDynamicSymbol makes _DYNAMIC follow in a file without section headers;
// with them, symbols follow their sections.
func (p *plan) patchDynamicSymbol(old, now uint64) error {
	if p.f.Sections != nil {
		return nil
	}
	for s, err := range p.f.Symbols() {
		if err != nil {
			return err
		}
		if s.Name == "_DYNAMIC" && !s.Undefined() && s.Value == old {
			off, _ := p.f.DynValue(elf.DT_SYMTAB)
			at, _ := p.f.offsetOf(off+uint64(s.Index)*p.f.symSize(), p.f.symSize())
			p.b.patch(at+p.f.pick(4, 8), p.f.appendWord(nil, now))
		}
	}
	return nil
}

// refuseSelfRelocating refuses to move the dynamic table of code that finds its
// own by a program-counter relative reference: loaders and static programs.
func (p *plan) refuseSelfRelocating() error {
	if kind := p.f.relocatesItself(); kind != "" {
		return formatErr(p.f.dynamic.off, "the dynamic table has no free slot and cannot move: %s finds it by its address in the code", kind)
	}
	return nil
}

// refuseRelocatedDynamic refuses to move a dynamic table that relocations write
// to, as no linker makes them: they would go on writing to its old place.
func (p *plan) refuseRelocatedDynamic() error {
	d, hit := &p.f.dynamic, false
	err := p.f.eachRelocation(func(r relocation) {
		hit = hit || r.target-d.addr < uint64(d.slots)*p.f.dynSize()
	})
	if err == nil && hit {
		return formatErr(d.off, "a relocation writes to the dynamic table, which has no free slot and therefore cannot move")
	}
	return err
}

// loaderItself is what relocatesItself says of a loader. That of glibc gives out
// the memory behind its symbol _end before it has an allocator.
const loaderItself = "the loader"

// relocatesItself says what the file is when no loader relocates it: a static
// PIE, or a loader of glibc or musl. It is "" for any other file.
func (f *File) relocatesItself() string {
	if slices.ContainsFunc(f.Progs, func(p Prog) bool { return p.Type == elf.PT_INTERP }) || len(f.dynamic.needed) > 0 {
		return ""
	}
	if f.pie() {
		return "a static PIE"
	}
	for s, err := range f.Symbols() {
		if err != nil {
			return ""
		}
		if (s.Name == "_rtld_global" || s.Name == "_dlstart") && !s.Undefined() {
			return loaderItself
		}
	}
	return ""
}

// pie reports whether the file calls itself a position-independent program.
func (f *File) pie() bool {
	flags, _ := f.DynValue(elf.DT_FLAGS_1)
	return flags&uint64(elf.DF_1_PIE) != 0
}

// appendOrder returns the byte order for appending numbers.
func (f *File) appendOrder() appender { return f.Order.(appender) }

type appender interface {
	AppendUint16([]byte, uint16) []byte
	AppendUint32([]byte, uint32) []byte
	AppendUint64([]byte, uint64) []byte
}

// assemble puts the pieces of the result in order.
func (p *plan) assemble() (*overlay.Overlay, error) {
	s := &p.space
	if err := p.b.trimPatches(); err != nil {
		return nil, err
	}
	p.b.original(0, s.headEnd)
	if s.off > p.b.size() {
		p.b.zeros(s.off - p.b.size())
	}
	for _, part := range s.parts {
		if part.off < p.b.size() {
			return nil, fmt.Errorf("internal layout error: part at %#x begins before %#x", part.off, p.b.size())
		}
		p.b.zeros(part.off - p.b.size())
		part.write(p)
	}
	if s.end > p.b.size() {
		p.b.zeros(s.end - p.b.size())
	}
	if p.d.strip {
		p.writeStrippedTail()
	} else if s.tailFrom < uint64(p.f.size) {
		p.b.zeros(s.tailFrom + s.tailShift - p.b.size())
		p.b.original(s.tailFrom, uint64(p.f.size))
	}
	return p.b.out.Overlay(true), nil
}
