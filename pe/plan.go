package pe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/wheelmend/wheelmend/internal/binread"
	"github.com/wheelmend/wheelmend/overlay"
)

// A patch replaces bytes of the original, where they lie.
type patch struct {
	off  uint64
	data []byte
}

// A plan says which bytes of the edited file differ.
type plan struct {
	f        *File
	draft    *draft
	patches  []patch
	cert     Extent
	end      uint64 // of what is kept of the original
	section  []byte // what a new section holds, nil for none
	sections []Section
	sized    uint32            // SizeOfImage of the result
	placed   map[string]uint64 // addresses of new names
}

func sortRegions(r []region) {
	slices.SortFunc(r, func(a, b region) int { return cmp.Compare(a.off, b.off) })
}

func (p *plan) patch(off uint64, data []byte) { p.patches = append(p.patches, patch{off, data}) }

func (p *plan) patch32(off uint64, v uint32) {
	p.patch(off, binary.LittleEndian.AppendUint32(nil, v))
}

// lay decides where everything goes.
func (p *plan) lay() error {
	p.sections, p.sized = slices.Clone(p.f.Sections), p.f.SizeOfImage
	p.placed = map[string]uint64{}
	p.end = uint64(p.f.size)
	if err := p.dropCertificate(); err != nil {
		return err
	}
	if p.draft.setFlags {
		off, ok := p.f.offset(p.draft.config.flagsAt, 2)
		if !ok {
			return refuse("DependentLoadFlags lies outside the file")
		}
		p.patch(off, binary.LittleEndian.AppendUint16(nil, p.draft.flags))
	}
	if len(p.draft.names) > 0 {
		if err := p.unbind(); err != nil {
			return err
		}
	}
	return p.placeNames()
}

// dropCertificate takes the signature away. It goes from the end of the file, where
// signing puts it; elsewhere it cannot be cut out without moving what follows.
func (p *plan) dropCertificate() error {
	cert, err := p.f.Certificate()
	if err != nil || cert.Size == 0 {
		return err
	}
	if cert.Off < p.f.sectionsEnd() || alignUp(uint64(cert.end()), 8) < uint64(p.f.size) {
		return refuse("the certificate at %#x is not the end of the file; it cannot be taken away", cert.Off)
	}
	p.cert, p.end = cert, uint64(cert.Off)
	p.patch(p.f.directoryAt+dirCertificate*directorySize, make([]byte, directorySize))
	return nil
}

// unbind takes out the addresses that a linker filled in for one build of a library:
// they are believed as long as its time stamp is the same, which that of a renamed copy
// is. See PE Format, Import Directory Table and Bound Import.
func (p *plan) unbind() error {
	if d := p.f.directory(dirBoundImport); d != (Directory{}) {
		p.patch(p.f.directoryAt+dirBoundImport*directorySize, make([]byte, directorySize))
	}
	for _, d := range p.draft.imports {
		if !d.Bound {
			continue
		}
		n := d.count * p.f.pointerSize()
		names, ok := p.f.offset(d.lookup, n)
		table, there := p.f.offset(d.table, n)
		if d.lookup == d.table || !ok || !there || !d.inFile {
			return refuse("the import of %q is bound to addresses, and the names of its symbols are gone", d.Name)
		}
		thunks, err := p.f.read("import lookup table", names, n)
		if err != nil {
			return err
		}
		p.patch(table, thunks)
		p.patch(d.at+4, make([]byte, 8)) // TimeDateStamp, ForwarderChain
	}
	return nil
}

// A renaming is a descriptor with a new name.
type renaming struct {
	d     Import
	name  string
	field uint64 // file offset of the pointer to the name
}

func (p *plan) renamings() ([]renaming, error) {
	var out []renaming
	for i, d := range p.draft.imports {
		if name, ok := p.draft.names[i]; ok {
			out = append(out, renaming{d, name, d.at + 12})
		}
	}
	for i, d := range p.draft.delay {
		if name, ok := p.draft.delayed[i]; ok {
			out = append(out, renaming{d, name, d.at + 4})
			if d.Bound {
				p.patch(d.at+28, make([]byte, 4))
			}
		}
	}
	for _, r := range out {
		if !r.d.inFile {
			return nil, refuse("the descriptor of %q lies outside the file", r.d.Name)
		}
	}
	return out, nil
}

// placeNames finds a place for every new name: that of the old one, padding, or a new
// section. Equal names share one.
func (p *plan) placeNames() error {
	renamings, err := p.renamings()
	if err != nil {
		return err
	}
	var moved []renaming
	for _, r := range renamings {
		off, ok := p.f.offset(r.d.name, uint64(len(r.d.Name)))
		if !ok || len(r.name) > len(r.d.Name) || p.shared(r.d) {
			moved = append(moved, r)
			continue
		}
		data := make([]byte, len(r.d.Name))
		copy(data, r.name)
		p.patch(off, data)
	}
	for _, r := range moved {
		if _, ok := p.placed[r.name]; ok {
			continue
		}
		if err := p.place(r.name); err != nil {
			return err
		}
	}
	if err := p.addSection(); err != nil {
		return err
	}
	for _, r := range moved {
		p.patch32(r.field, uint32(p.placed[r.name]))
	}
	return nil
}

// shared reports whether something else that is known of the image reads bytes of a
// name: another descriptor, or a directory.
func (p *plan) shared(d Import) bool {
	from, to := d.name, d.name+uint64(len(d.Name))+1
	readers := 0
	for _, imports := range [][]Import{p.draft.imports, p.draft.delay} {
		for _, other := range imports {
			if other.name < to && other.name+uint64(len(other.Name))+1 > from {
				readers++
			}
		}
	}
	return readers > 1 || p.inTable(from, to)
}

// inTable reports whether a range touches a table that is not read by names: exports,
// whose texts may be shared, resources and the like. The import directories of some
// linkers reach over their names.
func (p *plan) inTable(from, to uint64) bool {
	for i, dir := range p.f.Directories {
		if i == dirImport || i == dirDelayImport || i == dirCertificate || i == dirIAT || dir.Size == 0 {
			continue
		}
		if uint64(dir.RVA) < to && uint64(dir.RVA)+uint64(dir.Size) > from {
			return true
		}
	}
	return false
}

const dirIAT = 12

// place finds room for one name. Names that find no padding go to a new section.
func (p *plan) place(name string) error {
	text := append([]byte(name), 0)
	for _, writable := range []bool{false, true} {
		for i := range p.sections {
			if p.sections[i].Characteristics&sectionWrite != 0 != writable {
				continue
			}
			rva, ok, err := p.pad(i, text)
			if err != nil {
				return err
			}
			if ok {
				p.placed[name] = rva
				return nil
			}
		}
	}
	p.placed[name] = p.newAddress() + uint64(len(p.section))
	p.section = append(p.section, text...)
	return nil
}

// pad writes text behind the end of section i, where the file has padding that is mapped
// as soon as the section says that it is longer.
func (p *plan) pad(i int, text []byte) (uint64, bool, error) {
	s := &p.sections[i]
	const want, refused = sectionRead | sectionInitialized, sectionCode | sectionExecute | sectionBSS | sectionDiscardable | sectionShared
	if s.Characteristics&want != want || s.Characteristics&refused != 0 || s.VirtualSize == 0 || s.RawOff == 0 || s.RawOff%0x200 != 0 {
		return 0, false, nil
	}
	from := uint64(s.VirtualSize)
	limit := min(uint64(s.RawSize), alignUp(uint64(p.f.Sections[i].VirtualSize), pageSize))
	if from+uint64(len(text)) > limit || !p.alone(uint64(s.RawOff)+from, uint64(len(text))) {
		return 0, false, nil
	}
	off := uint64(s.RawOff) + from
	old, err := p.f.read("padding", off, uint64(len(text)))
	if err != nil {
		return 0, false, err
	}
	if bytes.Count(old, []byte{0}) != len(old) {
		return 0, false, nil
	}
	p.patch(off, text)
	s.VirtualSize += uint32(len(text))
	p.patch32Once(p.f.sectionAt(i)+8, s.VirtualSize)
	return uint64(s.VirtualAddress) + from, true, nil
}

// patch32Once replaces what was planned for a field before.
func (p *plan) patch32Once(off uint64, v uint32) {
	p.patches = slices.DeleteFunc(p.patches, func(q patch) bool { return q.off == off && len(q.data) == 4 })
	p.patch32(off, v)
}

// alone reports whether padding is nothing else's: COFF symbols, debug data or a
// certificate may lie there.
func (p *plan) alone(off, n uint64) bool {
	symbols, err := p.f.COFFSymbols()
	if err != nil {
		return false
	}
	debug, err := p.f.Debug()
	if err != nil {
		return false
	}
	extents := []Extent{symbols, p.cert}
	for _, d := range debug {
		extents = append(extents, d.Data)
	}
	return off+n <= p.end && !slices.ContainsFunc(extents, func(e Extent) bool {
		return e.Size > 0 && uint64(e.Off) < off+n && uint64(e.end()) > off
	})
}

// newAddress returns where a new section would begin in memory.
func (p *plan) newAddress() uint64 {
	last := uint64(p.f.SizeOfHeaders)
	for _, s := range p.f.Sections {
		last = max(last, uint64(s.VirtualAddress)+s.memory())
	}
	return alignUp(last, uint64(p.f.SectionAlignment))
}

const newSectionName = ".names"

// addSection puts names that found no padding into a section behind all that the file
// holds, so that nothing moves that something may point at.
func (p *plan) addSection() error {
	if p.section == nil {
		return nil
	}
	at := p.f.sectionAt(len(p.f.Sections))
	if err := p.checkHeaderRoom(at); err != nil {
		return err
	}
	rva, off := p.newAddress(), alignUp(p.end, uint64(p.f.FileAlignment))
	size := uint64(len(p.section))
	raw := alignUp(size, uint64(p.f.FileAlignment))
	image := alignUp(rva+size, uint64(p.f.SectionAlignment))
	if off+raw > math.MaxUint32 || image > math.MaxUint32 {
		return refuse("the image has no address left for a new section")
	}
	s := Section{newSectionName, uint32(size), uint32(rva), uint32(raw), uint32(off), sectionInitialized | sectionRead}
	p.section = append(make([]byte, off-p.end), p.section...)
	p.section = append(p.section, make([]byte, raw-size)...)
	p.sections, p.sized = append(p.sections, s), uint32(image)
	p.patch(at, s.encode())
	p.patch(p.f.coffAt+2, binary.LittleEndian.AppendUint16(nil, uint16(len(p.sections))))
	p.patch32(p.f.optionalAt+8, p.f.InitializedData+uint32(raw))
	p.patch32(p.f.optionalAt+56, p.sized)
	return nil
}

func (s *Section) encode() []byte {
	buf := make([]byte, sectionSize)
	copy(buf, s.Name)
	for i, v := range []uint32{s.VirtualSize, s.VirtualAddress, s.RawSize, s.RawOff, 0, 0, 0, s.Characteristics} {
		binary.LittleEndian.PutUint32(buf[8+4*i:], v)
	}
	return buf
}

// checkHeaderRoom refuses images whose headers have no room for one more section. Bound
// imports may lie behind the last header; they are void by now.
func (p *plan) checkHeaderRoom(at uint64) error {
	end := uint64(p.f.SizeOfHeaders)
	for _, s := range p.f.Sections {
		if s.RawOff != 0 && s.RawSize != 0 {
			end = min(end, s.fileOff())
		}
	}
	if at+sectionSize > end || len(p.f.Sections) >= maxSectionsNamed {
		return refuse("the headers have no room for one more section (%d of them up to %#x), and no section has padding for the new names", len(p.f.Sections), end)
	}
	room, err := p.f.read("room behind the section headers", at, sectionSize)
	if err != nil {
		return err
	}
	bound := p.f.directory(dirBoundImport)
	void := len(p.draft.names) > 0 && uint64(bound.RVA) <= at && uint64(bound.RVA)+uint64(bound.Size) >= at+sectionSize
	if !void && bytes.Count(room, []byte{0}) != sectionSize {
		return refuse("behind the section headers lies something else, so there is no room for one more, and no section has padding for the new names")
	}
	return nil
}

// write puts the result together, and renews its checksum.
func (p *plan) write(ctx context.Context) (*overlay.Overlay, error) {
	o, err := p.overlay()
	if err != nil || p.f.CheckSum == 0 {
		return o, err
	}
	field := p.f.optionalAt + 64
	sum, err := checkSum(ctx, o, o.Size(), field)
	if err != nil {
		return nil, err
	}
	p.patch32(field, sum)
	return p.overlay()
}

func (p *plan) overlay() (*overlay.Overlay, error) {
	slices.SortFunc(p.patches, func(a, b patch) int { return cmp.Compare(a.off, b.off) })
	b := overlay.NewBuilder(p.f.r)
	at := uint64(0)
	for _, q := range p.patches {
		if q.off < at {
			return nil, refuse("two structures share the bytes at %#x; the image cannot be edited safely", q.off)
		}
		if !binread.Span(q.off, uint64(len(q.data)), int64(p.end)) {
			return nil, refuse("a structure at %#x lies in what would be cut off", q.off)
		}
		b.Original(int64(at), int64(q.off-at))
		b.Bytes(q.data)
		at = q.off + uint64(len(q.data))
	}
	b.Original(int64(at), int64(p.end-at))
	b.Bytes(p.section)
	return b.Overlay(true), nil
}
