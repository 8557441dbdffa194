package elf

import (
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A reference is one dynamic symbol, and what the result says of it.
type reference struct {
	Symbol                         // as it was
	name, library, version string  // as it shall be
	to                     *wanted // the version of the result, nil for none
}

func (r *reference) renamed() bool { return r.name != r.Symbol.Name }

func (r *reference) relabelled() bool {
	return r.version != r.Symbol.Version || r.library != r.Symbol.Library
}

// maxEditedSymbols bounds the dynamic symbols of a file whose symbols are edited: each
// takes some two hundred bytes, and one in the file as few as 24, of zeros.
const maxEditedSymbols = 1 << 20

// symbols returns the dynamic symbols of a draft, read for the first edit that asks. More
// than maxEditedSymbols are a [FormatError].
func (d *draft) symbols() ([]*reference, error) {
	if d.refs != nil {
		return d.refs, nil
	}
	count, err := d.f.symbolCount()
	if err != nil {
		return nil, err
	}
	if count > maxEditedSymbols {
		return nil, formatErr(d.f.tagAt(elf.DT_SYMTAB), "there are %d dynamic symbols, and those of a file are edited up to %d", count, maxEditedSymbols)
	}
	d.refs = make([]*reference, 0, count)
	for s, err := range d.f.Symbols() {
		if err != nil {
			return nil, err
		}
		d.refs = append(d.refs, &reference{Symbol: s, name: s.Name, library: s.Library, version: s.Version})
	}
	return d.refs, nil
}

// named returns the dynamic symbols of a name, and of a version unless that is "". It is
// an error if there is none.
func (d *draft) named(name, version string) ([]*reference, error) {
	if err := errors.Join(d.dynamic(), checkText("symbol name", name)); err != nil {
		return nil, err
	}
	all, err := d.symbols()
	if err != nil {
		return nil, err
	}
	var found []*reference
	for _, r := range all {
		if r.name == name && (version == "" || r.version == version) {
			found = append(found, r)
		}
	}
	if len(found) == 0 && version != "" {
		return nil, fmt.Errorf("there is no dynamic symbol %s@%s", name, version)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no dynamic symbol %s", name)
	}
	return found, nil
}

// undefinedNamed returns those that are looked up in other files.
func (d *draft) undefinedNamed(name, version string) ([]*reference, error) {
	found, err := d.named(name, version)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		if !r.Undefined() {
			return nil, fmt.Errorf("the symbol %s is the file's own, not one that it looks up in others", name)
		}
	}
	return found, nil
}

// RenameSymbol has the file look up another symbol in the place of one that it does not
// define, with the version that the old one had. Undefined symbols are in no hash table
// (gABI chapter 5, Hash Table; DT_GNU_HASH leaves them out), so nothing else changes. A
// name that the file does not look up is an error.
func RenameSymbol(old, name string) Edit {
	return func(d *draft) error {
		if err := checkText("symbol name", name); err != nil {
			return err
		}
		found, err := d.undefinedNamed(old, "")
		if err != nil {
			return err
		}
		for _, r := range found {
			if r.Type == elf.STT_SECTION {
				return fmt.Errorf("the symbol %s stands for a section", old)
			}
			r.name = name
		}
		return nil
	}
}

// SetSymbolVersion has the file look up a symbol that it does not define with another
// version, of a library that it needs: DT_VERNEED gets it, and loses the version that no
// symbol has any more. With from, only the symbol of that version is meant. A symbol that
// the file does not look up is an error, and so is a library that the result does not
// need, on which ld.so would abort.
func SetSymbolVersion(name, from, library, version string) Edit {
	return func(d *draft) error {
		if err := errors.Join(checkText("library name", library), checkText("version", version)); err != nil {
			return err
		}
		found, err := d.undefinedNamed(name, from)
		if err != nil {
			return err
		}
		if !d.f.has(elf.DT_VERSYM) {
			return fmt.Errorf("the file has no versions of symbols (DT_VERSYM) to set that of %s", name)
		}
		for _, r := range found {
			r.library, r.version = library, version
		}
		return nil
	}
}

// ClearSymbolVersion takes the version from every symbol of a name, as patchelf
// --clear-symbol-version does: it is looked up without one, or offered so. A name that
// the file does not have is an error.
func ClearSymbolVersion(name string) Edit {
	return func(d *draft) error {
		found, err := d.named(name, "")
		if err != nil {
			return err
		}
		for _, r := range found {
			r.library, r.version = "", ""
		}
		return nil
	}
}

// RemoveVersionNeed takes a version of a library out of DT_VERNEED that no symbol has: a
// mark such as GLIBC_ABI_DT_RELR. One that is not there, or that a symbol has, is an error.
func RemoveVersionNeed(library, version string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("library name", library), checkText("version", version)); err != nil {
			return err
		}
		mark := wantedName{library, version}
		asked, owner, err := d.unmark(func(w wantedName) bool { return w == mark })
		switch {
		case err != nil:
			return err
		case asked == 0:
			return fmt.Errorf("the version %s of %s is not needed", version, library)
		case owner != nil:
			return owned(owner)
		}
		return nil
	}
}

// owned is the error about a version that is to go, and that a symbol has.
func owned(r *reference) error {
	return fmt.Errorf("the symbol %q has the version %q of %q", r.name, r.version, r.library)
}

// A wantedName is a version and the library that is to have it.
type wantedName struct{ library, version string }

// unmark has versions go from DT_VERNEED, but for those that a symbol has: it returns how many
// were meant, and a symbol that has one of them.
func (d *draft) unmark(is func(wantedName) bool) (meant int, owner *reference, err error) {
	marks := map[wantedName]bool{}
	for _, n := range d.needs {
		for _, v := range n.Versions {
			if w := (wantedName{n.Library, v.Name}); !n.dropped && is(w) {
				marks[w] = true
			}
		}
	}
	if meant = len(marks); meant == 0 {
		return 0, nil, nil
	}
	all, err := d.symbols()
	if err != nil {
		return 0, nil, err
	}
	for _, r := range all {
		if w := (wantedName{r.library, r.version}); marks[w] {
			delete(marks, w)
			owner = r
		}
	}
	if d.unmarked == nil {
		d.unmarked = map[wantedName]bool{}
	}
	maps.Copy(d.unmarked, marks)
	return meant, owner, nil
}

// InsertNeeded adds a DT_NEEDED in front of another one. A name that is needed already
// stays where it is; one to stand in front of that is not needed is an error.
func InsertNeeded(name, before string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("library name", name), checkText("library name", before)); err != nil {
			return err
		}
		at := d.index(elf.DT_NEEDED, before)
		if at < 0 {
			return notNeeded(d.f, before)
		}
		if d.index(elf.DT_NEEDED, name) < 0 {
			d.insert(at, elf.DT_NEEDED, name)
		}
		return nil
	}
}

// edited reports whether an edit of symbols or their versions changes anything.
func (d *draft) edited() bool {
	return len(d.unmarked) > 0 || slices.ContainsFunc(d.refs, func(r *reference) bool { return r.renamed() || r.relabelled() })
}

// A wanted version is one row of DT_VERNEED in the result (Elf_Vernaux).
type wanted struct {
	library, name string
	weak          bool
	index         uint16
	text          uint64 // string index of name
	newText       bool   // it has yet to be found a place
	asked         bool   // a symbol gets it, of a library that the result needs
}

// A wantedLibrary is one record of DT_VERNEED in the result (Elf_Verneed).
type wantedLibrary struct {
	name     string
	text     uint64
	newText  bool
	versions []*wanted
}

// layNeeds works out DT_VERNEED of the result, where symbols change: what has lost its
// last symbol goes, what has got its first one comes.
func (p *plan) layNeeds() error {
	if !p.d.edited() {
		return nil
	}
	was, left := map[uint16]int{}, map[uint16]int{}
	for _, r := range p.d.refs {
		was[r.VersionIndex]++
		if !r.relabelled() {
			left[r.VersionIndex]++
		}
	}
	top := uint16(versymGlobal)
	p.d.wants = []*wantedLibrary{}
	for _, n := range p.d.needs {
		l := &wantedLibrary{name: n.Library, text: n.file, newText: n.renamed}
		for _, v := range n.Versions {
			top = max(top, v.Index)
			lost := was[v.Index] > 0 && left[v.Index] == 0 || p.d.unmarked[wantedName{n.Library, v.Name}]
			if !n.dropped && !lost {
				l.versions = append(l.versions, &wanted{library: n.Library, name: v.Name, weak: v.Weak, index: v.Index, text: v.name})
			}
		}
		if len(l.versions) > 0 {
			p.d.wants = append(p.d.wants, l)
		}
	}
	defs, err := p.f.VersionDefs()
	if err != nil {
		return err
	}
	for _, v := range defs {
		top = max(top, v.Index)
	}
	rows := p.wantedRows(top)
	for _, r := range p.d.refs {
		if r.relabelled() && r.version != "" {
			if r.to, err = rows.of(p.d, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// wantedRows are the rows of DT_VERNEED in the result, to be found by name.
type wantedRows struct {
	top       uint16 // the highest index of a version
	libraries map[string]*wantedLibrary
	versions  map[wantedName]*wanted
}

// wantedRows indexes the rows that stay; the first of a name counts.
func (p *plan) wantedRows(top uint16) *wantedRows {
	rows := &wantedRows{top, map[string]*wantedLibrary{}, map[wantedName]*wanted{}}
	for _, l := range p.d.wants {
		if rows.libraries[l.name] != nil {
			continue
		}
		rows.libraries[l.name] = l
		for _, v := range l.versions {
			if w := (wantedName{l.name, v.name}); rows.versions[w] == nil {
				rows.versions[w] = v
			}
		}
	}
	return rows
}

// of returns the row of the version that a symbol gets, a new one if there is none.
func (rows *wantedRows) of(d *draft, r *reference) (*wanted, error) {
	name := wantedName{r.library, r.version}
	v := rows.versions[name]
	if (v == nil || !v.asked) && d.index(elf.DT_NEEDED, r.library) < 0 {
		return nil, fmt.Errorf("%q is to have the version %q of %q, which the file does not need", r.name, r.version, r.library)
	}
	if v == nil {
		if rows.top++; rows.top >= maxVersions {
			return nil, fmt.Errorf("there are %d versions, and no index for one more", maxVersions)
		}
		v = &wanted{library: r.library, name: r.version, weak: true, index: rows.top, newText: true}
		rows.add(d, name, v)
	}
	v.weak, v.asked = v.weak && r.Bind == elf.STB_WEAK, true
	return v, nil
}

// add puts a row in, and the library with its first one.
func (rows *wantedRows) add(d *draft, name wantedName, v *wanted) {
	l := rows.libraries[name.library]
	if l == nil {
		l = &wantedLibrary{name: name.library, newText: true}
		rows.libraries[name.library] = l
		d.wants = append(d.wants, l)
	}
	l.versions, rows.versions[name] = append(l.versions, v), v
}

// placeReferences finds places for the strings that symbols and versions get.
func (p *plan) placeReferences() {
	for _, l := range p.d.wants {
		if l.newText {
			l.text = p.place(l.name)
		}
		for _, v := range l.versions {
			if v.newText {
				v.text = p.place(v.name)
			}
		}
	}
	for _, r := range p.d.refs {
		if r.renamed() {
			p.place(r.name)
		}
	}
}

// needsExtent returns the bytes of DT_VERNEED in the original, if they lie in one piece.
func (p *plan) needsExtent() (off, size uint64, whole bool) {
	if len(p.d.needs) == 0 {
		return 0, 0, false
	}
	off = p.d.needs[0].off
	end, sum := off, uint64(0)
	for _, n := range p.d.needs {
		off, end, sum = min(off, n.off), max(end, n.off+verneedSize), sum+verneedSize
		for _, v := range n.Versions {
			off, end, sum = min(off, v.off), max(end, v.off+vernauxSize), sum+vernauxSize
		}
	}
	return off, end - off, end-off == sum && off == p.d.needs[0].off
}

// inNeeds reports whether a structure is a record of DT_VERNEED.
func (p *plan) inNeeds(x *extent) bool {
	off, size, whole := p.needsExtent()
	return whole && x.off >= off && x.off+x.n <= off+size
}

func (p *plan) wantsSize() uint64 {
	n := uint64(0)
	for _, l := range p.d.wants {
		n += verneedSize + uint64(len(l.versions))*vernauxSize
	}
	return n
}

// relinkWants makes the dynamic entries follow, and decides whether the table moves.
func (p *plan) relinkWants() {
	if len(p.d.wants) == 0 {
		p.d.remove(func(e entry) bool { return e.Tag == elf.DT_VERNEED || e.Tag == elf.DT_VERNEEDNUM })
		return
	}
	_, size, whole := p.needsExtent()
	p.moveNeeds = !whole || p.wantsSize() > size
	for _, tag := range []elf.DynTag{elf.DT_VERNEEDNUM, elf.DT_VERNEED} {
		if p.d.indexTag(tag) < 0 {
			p.d.entries = append(p.d.entries, entry{Dyn: Dyn{Tag: tag}})
		}
	}
	for i := range p.d.entries {
		if e := &p.d.entries[i]; e.Tag == elf.DT_VERNEEDNUM {
			e.Val = uint64(len(p.d.wants))
		}
	}
}

// wantedNeeds returns the version needs that the result has to read back with.
func (d *draft) wantedNeeds() []VersionNeed {
	var out []VersionNeed
	for _, n := range d.needs {
		if d.wants == nil && !n.dropped {
			out = append(out, n.VersionNeed)
		}
	}
	for _, l := range d.wants {
		n := VersionNeed{Library: l.name}
		for _, v := range l.versions {
			n.Versions = append(n.Versions, NeededVersion{Name: v.name, Weak: v.weak, Index: v.index})
		}
		out = append(out, n)
	}
	return out
}

// needBytes encodes DT_VERNEED of the result: each record, then its versions.
func (p *plan) needBytes() []byte {
	order := p.f.appendOrder()
	var out []byte
	for i, l := range p.d.wants {
		next := uint32(verneedSize + len(l.versions)*vernauxSize)
		if i == len(p.d.wants)-1 {
			next = 0
		}
		out = order.AppendUint16(order.AppendUint16(out, 1), uint16(len(l.versions)))
		out = order.AppendUint32(order.AppendUint32(order.AppendUint32(out, uint32(l.text)), verneedSize), next)
		for k, v := range l.versions {
			flags, next := uint16(0), uint32(vernauxSize)
			if v.weak {
				flags = verFlagWeak
			}
			if k == len(l.versions)-1 {
				next = 0
			}
			out = order.AppendUint16(order.AppendUint16(order.AppendUint32(out, sysvHashOf(v.name)), flags), v.index)
			out = order.AppendUint32(order.AppendUint32(out, uint32(v.text)), next)
		}
	}
	return out
}

// sysvHashOf is the hash of DT_HASH, which version records have as well (gABI chapter 5,
// Hash Table).
func sysvHashOf(name string) uint32 {
	h := uint32(0)
	for _, c := range []byte(name) {
		h = h<<4 + uint32(c)
		g := h & 0xf0000000
		h = h ^ g>>24&^g
		h &^= g
	}
	return h
}

// patchReferences writes DT_VERNEED in its place, or clears it, and what symbols get.
func (p *plan) patchReferences() error {
	if p.d.wants == nil {
		return nil
	}
	if off, size, whole := p.needsExtent(); whole && p.moveNeeds {
		p.zeroOld(off, size)
	} else if whole {
		p.b.patch(off, append(p.needBytes(), make([]byte, size-p.wantsSize())...))
	}
	if err := p.patchSymbolNames(); err != nil {
		return err
	}
	return p.patchSymbolVersions()
}

func (p *plan) patchSymbolNames() error {
	off, ok, err := p.f.table(elf.DT_SYMTAB, 0)
	if !ok || err != nil {
		return err
	}
	for _, r := range p.d.refs {
		if r.renamed() {
			p.b.patch(off+uint64(r.Index)*p.f.symSize(), p.f.appendOrder().AppendUint32(nil, uint32(p.placed[r.name])))
		}
	}
	return nil
}

func (p *plan) patchSymbolVersions() error {
	dropped, err := p.droppedVersions()
	if err != nil {
		return err
	}
	off, ok, err := p.f.table(elf.DT_VERSYM, 0)
	if !ok || err != nil {
		return err
	}
	for _, r := range p.d.refs {
		switch {
		case r.to != nil:
			p.b.patch(off+uint64(r.Index)*versymSize, p.f.appendOrder().AppendUint16(nil, r.to.index))
		case r.relabelled() || dropped[r.VersionIndex]:
			p.b.patch(off+uint64(r.Index)*versymSize, p.f.appendOrder().AppendUint16(nil, versymGlobal))
		}
	}
	return nil
}

// checkReferences compares every symbol of the result with what was asked for.
func (d *draft) checkReferences(got *File) error {
	if !d.edited() {
		return nil
	}
	n := 0
	for s, err := range got.Symbols() {
		if err != nil {
			return err
		}
		if n >= len(d.refs) {
			return formatErr(d.f.tagAt(elf.DT_SYMTAB), "the edited file has more symbols than it had; the edit is refused")
		}
		r := d.refs[n]
		n++
		same := s.Name == r.name
		if r.relabelled() {
			same = same && s.Version == r.version && s.Library == r.library
		}
		if !same {
			return formatErr(d.f.tagAt(elf.DT_SYMTAB), "symbol %d reads back as %q@%q, want %q@%q; the edit is refused", s.Index, s.Name, s.Version, r.name, r.version)
		}
	}
	if n != len(d.refs) {
		return formatErr(d.f.tagAt(elf.DT_SYMTAB), "the edited file has %d symbols, want %d; the edit is refused", n, len(d.refs))
	}
	return nil
}
