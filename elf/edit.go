package elf

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/overlay"
)

// An Edit is one change to an image, made by one of the constructors below and
// carried out by [File.Edit].
type Edit func(*draft) error

// ErrNotDynamic reports an edit of dynamic linking data on a file without any:
// a static program, an object file, a separate debug file.
var ErrNotDynamic = errors.New("no dynamic table (PT_DYNAMIC); there is nothing to edit")

// A draft is what the edited file shall say, without a word about where.
type draft struct {
	f        *File
	entries  []entry
	needs    []need
	interp   string // new interpreter, "" to keep the old one
	strip    bool
	expand   bool                // packed relocations become ordinary ones
	plainPLT bool                // the marks of the PLT go
	refs     []*reference        // the dynamic symbols, nil until an edit asks for them
	wants    []*wantedLibrary    // DT_VERNEED of the result where symbols change, else nil
	unmarked map[wantedName]bool // versions without symbols that go from DT_VERNEED
	stack    Stack               // what PT_GNU_STACK shall say; StackUnsaid to leave it
}

// An entry is one dynamic entry of the result. With a text it is a string
// entry whose value has yet to be found a place.
type entry struct {
	Dyn
	text    string
	newText bool
}

// A need is one DT_VERNEED record of the result.
type need struct {
	VersionNeed
	renamed bool
	dropped bool
}

func newDraft(f *File) (*draft, error) {
	d := &draft{f: f}
	names, err := f.dynamic.strings.names()
	if err != nil {
		return nil, err
	}
	for _, e := range f.dynamic.entries {
		d.entries = append(d.entries, entry{Dyn: e})
	}
	for i, e := range f.dynamic.entries {
		name, ok := stringTags[e.Tag]
		if !ok {
			continue
		}
		s, err := names.get(e.Val, name, f.entryOff(i))
		if err != nil {
			return nil, err
		}
		d.entries[i].text = s
	}
	needs, err := f.VersionNeeds()
	if err != nil {
		return nil, err
	}
	for _, n := range needs {
		d.needs = append(d.needs, need{VersionNeed: n})
	}
	return d, nil
}

// checkText rejects what a string table cannot hold.
func checkText(what, s string) error {
	if s == "" {
		return fmt.Errorf("empty %s", what)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return fmt.Errorf("%s %q has a NUL byte", what, s)
	}
	return nil
}

func (d *draft) dynamic() error {
	if !d.f.Dynamic() {
		return ErrNotDynamic
	}
	return nil
}

func (d *draft) index(tag elf.DynTag, text string) int {
	return slices.IndexFunc(d.entries, func(e entry) bool { return e.Tag == tag && e.text == text })
}

func (d *draft) indexTag(tag elf.DynTag) int {
	return slices.IndexFunc(d.entries, func(e entry) bool { return e.Tag == tag })
}

func (d *draft) setText(i int, tag elf.DynTag, text string) {
	if e := &d.entries[i]; e.Tag != tag || e.text != text {
		*e = entry{Dyn: Dyn{Tag: tag}, text: text, newText: true}
	}
}

func (d *draft) insert(i int, tag elf.DynTag, text string) {
	d.entries = slices.Insert(d.entries, i, entry{Dyn: Dyn{Tag: tag}, text: text, newText: true})
}

func (d *draft) remove(drop func(entry) bool) {
	d.entries = slices.DeleteFunc(d.entries, drop)
}

// keepOnly removes the entries with one of the tags, except entry i: ld.so takes
// the last of several.
func (d *draft) keepOnly(i int, tags ...elf.DynTag) {
	n := -1
	d.remove(func(e entry) bool {
		n++
		return n != i && slices.Contains(tags, e.Tag)
	})
}

// SetSoname sets DT_SONAME, which a shared library is known by. Programs have
// none, also position-independent ones: setting it there is an error.
func SetSoname(name string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("soname", name)); err != nil {
			return err
		}
		if d.f.Type != elf.ET_DYN {
			return fmt.Errorf("a file of type %v has no soname", d.f.Type)
		}
		if d.f.pie() {
			return errors.New("a program has no soname, and this is one (DF_1_PIE)")
		}
		if i := d.indexTag(elf.DT_SONAME); i >= 0 {
			d.setText(i, elf.DT_SONAME, name)
			d.keepOnly(i, elf.DT_SONAME)
			return nil
		}
		d.insert(d.afterNeeded(), elf.DT_SONAME, name)
		return nil
	}
}

// afterNeeded returns the place behind the last DT_NEEDED, where linkers put
// DT_SONAME and the search paths.
func (d *draft) afterNeeded() int {
	for i := len(d.entries) - 1; i >= 0; i-- {
		if d.entries[i].Tag == elf.DT_NEEDED {
			return i + 1
		}
	}
	return 0
}

// AddNeeded adds a DT_NEEDED in front of the others, so that its symbols are
// found first, as patchelf does. A name that is needed already stays where it is.
func AddNeeded(name string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("library name", name)); err != nil {
			return err
		}
		if d.index(elf.DT_NEEDED, name) < 0 {
			d.insert(max(d.indexTag(elf.DT_NEEDED), 0), elf.DT_NEEDED, name)
		}
		return nil
	}
}

// RemoveNeeded removes a DT_NEEDED and the versions that were wanted of that
// library: ld.so aborts on a version need without its library. The symbols
// concerned are then looked up without a version. A name that is not needed is
// an error.
func RemoveNeeded(name string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("library name", name)); err != nil {
			return err
		}
		if d.index(elf.DT_NEEDED, name) < 0 {
			return notNeeded(d.f, name)
		}
		d.remove(func(e entry) bool { return e.Tag == elf.DT_NEEDED && e.text == name })
		for i := range d.needs {
			if d.needs[i].Library == name {
				d.needs[i].dropped = true
			}
		}
		return nil
	}
}

// ReplaceNeeded renames a DT_NEEDED where it stands, and the version needs of
// that library with it. A name that is not needed is an error.
func ReplaceNeeded(old, name string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("library name", old), checkText("library name", name)); err != nil {
			return err
		}
		if d.index(elf.DT_NEEDED, old) < 0 {
			return notNeeded(d.f, old)
		}
		if old == name {
			return nil
		}
		for i := range d.entries {
			if e := d.entries[i]; e.Tag == elf.DT_NEEDED && e.text == old {
				d.setText(i, elf.DT_NEEDED, name)
			}
		}
		for i := range d.needs {
			if d.needs[i].Library == old {
				d.needs[i].Library, d.needs[i].renamed = name, true
			}
		}
		for _, r := range d.refs {
			if r.relabelled() && r.library == old {
				r.library = name
			}
		}
		return nil
	}
}

func notNeeded(f *File, name string) error {
	if len(f.dynamic.needed) == 0 {
		return fmt.Errorf("%q is not needed: the file needs no library", name)
	}
	return fmt.Errorf("%q is not needed: the file needs %s", name, strings.Join(f.dynamic.needed, ", "))
}

// SetInterpreter sets PT_INTERP, the loader that the kernel starts for a
// program. A file without PT_INTERP is refused.
func SetInterpreter(path string) Edit {
	return func(d *draft) error {
		if err := checkText("interpreter", path); err != nil {
			return err
		}
		old, err := d.f.Interpreter()
		if err != nil {
			return err
		}
		if old == "" {
			return errors.New("no interpreter (PT_INTERP) to replace; this is a shared library or a static program")
		}
		if d.interp = path; path == old {
			d.interp = ""
		}
		return nil
	}
}

// Strip removes what is not mapped at run time: .symtab, .strtab, .debug_*,
// .comment and all other sections without SHF_ALLOC, and rewrites the section
// header table. Mapped bytes keep their place. A file with nothing to remove
// stays as it is.
func Strip() Edit {
	return func(d *draft) (err error) {
		d.strip, err = d.f.strippable()
		return err
	}
}

// Edit carries out the edits in their order and returns the edited image, which
// reads from the same source as f. Edits that change nothing give the original
// bytes. A file that cannot be edited with certainty is refused with the
// reason, as a [*FormatError]. The result has been read back and says what the
// edits ask for.
func (f *File) Edit(ctx context.Context, edits ...Edit) (*overlay.Overlay, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, err := f.edit(edits)
	if err = f.r.Over(err, "elf"); err != nil {
		return nil, err
	}
	return o, nil
}

func (f *File) edit(edits []Edit) (*overlay.Overlay, error) {
	if err := f.checkLinked(); err != nil {
		return nil, err
	}
	d, err := newDraft(f)
	if err != nil {
		return nil, err
	}
	for _, edit := range edits {
		if err := edit(d); err != nil {
			return nil, err
		}
	}
	if same, err := d.same(); err != nil || same {
		return f.unchanged(), err
	}
	wide, err := f.widened()
	if err != nil {
		return nil, err
	}
	o, err := newPlan(wide, d).run()
	if err != nil {
		return nil, err
	}
	return o, d.check(o)
}

// checkLinked refuses files that no linker has finished, and memory images.
func (f *File) checkLinked() error {
	if f.separate {
		return formatErr(f.Shoff, "only the debug information of another file is in this one (its sections have no bytes); nothing of it is loaded, and nothing is left to strip")
	}
	switch f.Type {
	case elf.ET_EXEC, elf.ET_DYN:
		return nil
	case elf.ET_REL:
		return formatErr(0x10, "e_type is ET_REL: an object file has nothing for a loader; link it first")
	case elf.ET_CORE:
		return formatErr(0x10, "e_type is ET_CORE: a core dump is no program and no library")
	}
	return formatErr(0x10, "e_type is %v, want ET_EXEC (a program) or ET_DYN (a shared library or program)", f.Type)
}

// same reports whether the edits, all in all, leave the file as it is.
func (d *draft) same() (bool, error) {
	was, err := newDraft(d.f)
	if err != nil || d.strip || d.expand || d.plainPLT || d.edited() || d.interp != "" || d.stack != StackUnsaid && d.stack != d.f.Stack() {
		return false, err
	}
	sameEntry := func(x, y entry) bool {
		return x.Tag == y.Tag && x.text == y.text && (x.newText || x.Val == y.Val)
	}
	sameNeed := func(x, y need) bool { return x.Library == y.Library && !x.dropped }
	return slices.EqualFunc(d.entries, was.entries, sameEntry) && slices.EqualFunc(d.needs, was.needs, sameNeed), nil
}

// unchanged returns the original bytes as an overlay.
func (f *File) unchanged() *overlay.Overlay {
	b := overlay.NewBuilder(f.r)
	b.Original(0, f.size)
	return b.Overlay(false)
}

// check reads the result back and compares it with the draft.
func (d *draft) check(o *overlay.Overlay) error {
	got, err := NewFile(o, o.Size())
	if err != nil {
		return because(err, "the edited image is not sound, so the edit is refused")
	}
	if got.separate != d.f.separate { // an image that is not sound passes for it
		return formatErr(d.f.Shoff, "the edited image reads back as debug information of another file, so the edit is refused")
	}
	// A file that lies about its tables may pass for sound, and still have one
	// written over another. What section headers that are false say is no matter.
	sound := got.checkEditable
	if d.f.SectionErr != nil {
		sound = got.checkLayout
	}
	if err := sound(); err != nil {
		return because(err, "the edited image is not sound, so the edit is refused")
	}
	var texts []string
	for _, e := range d.entries {
		if e.text != "" {
			texts = append(texts, stringTags[e.Tag]+" "+e.text)
		}
	}
	names, err := got.dynamic.strings.names()
	if err != nil {
		return err
	}
	var gotTexts []string
	for i, e := range got.dynamic.entries {
		if name, ok := stringTags[e.Tag]; ok {
			s, err := names.get(e.Val, name, got.entryOff(i))
			if err != nil {
				return err
			}
			if s != "" {
				gotTexts = append(gotTexts, name+" "+s)
			}
		}
	}
	if !slices.Equal(texts, gotTexts) {
		return formatErr(d.f.dynamic.off, "the edited dynamic table does not read back: %s; the edit is refused", difference(gotTexts, texts))
	}
	if d.stack != StackUnsaid && got.Stack() != d.stack {
		return formatErr(d.f.Phoff, "the edited PT_GNU_STACK does not read back; the edit is refused")
	}
	if d.f.SectionErr == nil && got.SectionErr != nil {
		return because(got.SectionErr, "the edited section headers are not true, so the edit is refused")
	}
	for _, check := range []func(*File) error{d.checkNeeds, d.checkReferences, d.checkRelocations, d.checkJumps} {
		if err := check(got); err != nil {
			return err
		}
	}
	return nil
}

// checkNeeds compares the versions that the result needs and defines.
func (d *draft) checkNeeds(got *File) error {
	needs, err := got.VersionNeeds()
	if err != nil {
		return err
	}
	var want []string
	for _, n := range d.wantedNeeds() {
		want = append(want, spellNeed(n))
	}
	var have []string
	for _, n := range needs {
		have = append(have, spellNeed(n))
	}
	wasDefs, err := d.f.VersionDefs()
	if err != nil {
		return err
	}
	defs, err := got.VersionDefs()
	if err != nil {
		return err
	}
	for _, def := range wasDefs {
		want = append(want, fmt.Sprintf("defines %s as %d", def.Name, def.Index))
	}
	for _, def := range defs {
		have = append(have, fmt.Sprintf("defines %s as %d", def.Name, def.Index))
	}
	if !slices.Equal(want, have) {
		return formatErr(d.f.dynamic.off, "the edited versions do not read back: %s; the edit is refused", difference(have, want))
	}
	return nil
}

// difference tells where two lists part.
func difference(got, want []string) string {
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	at := func(list []string) string {
		if n == len(list) {
			return "none"
		}
		return fmt.Sprintf("%q", phrase.Cut(list[n], 100))
	}
	return fmt.Sprintf("entry %d is %s, want %s", n, at(got), at(want))
}

func spellNeed(n VersionNeed) string {
	var text strings.Builder
	text.WriteString(n.Library)
	for _, v := range n.Versions {
		fmt.Fprintf(&text, " %s as %d", v.Name, v.Index)
	}
	return text.String()
}
