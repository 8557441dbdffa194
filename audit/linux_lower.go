package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/policy/lower"
)

// ErrNoLowering reports that nothing is known of how the wheel's symbols could be lowered.
var ErrNoLowering = errors.New("only Linux wheels for glibc can be lowered: the symbols of other systems have no versions")

// ErrNoTable reports that a wheel is for an architecture without a table of older symbols.
var ErrNoTable = errors.New("no older symbols are known for its architecture")

// A Lowering is how the files of a wheel, and those that a repair copies in, come to meet
// an older policy than they were built for: other symbols stand in for those that the
// policy does not promise.
type Lowering struct {
	// Verdict is that on the policy. Its blockers are those that remain: what nothing
	// stands in for, and what a lowering does not touch.
	Verdict   Verdict
	Files     []LoweredFile   // those that change, in the order of the graph
	Libraries []*linkage.File // compatibility libraries that come in
	Licenses  []string        // their licence texts, beside them
	Notes     []LoweringNote  // what works otherwise afterwards, each once
}

// A LoweredFile is what changes in one file.
type LoweredFile struct {
	File    *linkage.File
	Symbols []LoweredSymbol // sorted
	Needed  []string        // libraries that it needs besides, in front of libc.so.6
	// ExpandRelr and PlainPLT: see [elf.ExpandRelr] and [elf.PlainPLT].
	ExpandRelr, PlainPLT bool
}

// A LoweredSymbol is one symbol that another one stands in for. To has neither a library nor
// a version where a weak reference loses them.
type LoweredSymbol struct {
	From, To lower.Symbol
	Class    lower.Class
	Note     string
}

// A LoweringNote says what works otherwise than the code was built for.
type LoweringNote struct {
	Text, Source string
	Symbols      []string // sorted
}

// Reaches reports whether the wheel meets the policy after a repair that carries the
// lowering out.
func (l *Lowering) Reaches() bool { return l.Verdict.Repairable() }

// Equal reports whether two lowerings change the same in the same files, and copy in the
// same libraries.
func (l *Lowering) Equal(m *Lowering) bool {
	same := func(a, b LoweredFile) bool {
		return a.File == b.File && a.ExpandRelr == b.ExpandRelr && a.PlainPLT == b.PlainPLT && slices.Equal(a.Symbols, b.Symbols) && slices.Equal(a.Needed, b.Needed)
	}
	return slices.EqualFunc(l.Files, m.Files, same) && slices.Equal(l.Verdict.Grafts, m.Verdict.Grafts)
}

// Of returns what changes in a file, nil for nothing.
func (l *Lowering) Of(f *linkage.File) *LoweredFile {
	for i := range l.Files {
		if l.Files[i].File == f {
			return &l.Files[i]
		}
	}
	return nil
}

// Count returns how many symbols get a stand-in of one of the classes.
func (l *Lowering) Count(classes ...lower.Class) int {
	n := 0
	for _, f := range l.Files {
		for _, s := range f.Symbols {
			if slices.Contains(classes, s.Class) {
				n++
			}
		}
	}
	return n
}

// lowerings works out which policies a lowering reaches.
func (r *Report) lowerings() {
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v == r.repairable {
			break
		}
		l, err := r.Lower(v.Policy)
		if err != nil {
			return // nothing is known of its symbols
		}
		r.Lowerings = append(r.Lowerings, l)
	}
}

// Lowers returns nil if the symbols of the wheel can be lowered at all: it is for glibc, on an
// architecture that has a table. Else it is [ErrNoLowering] or wraps [ErrNoTable].
func (r *Report) Lowers() error {
	if _, ok := r.system.(*linux); !ok || r.OS != OSLinux || r.Libc == policy.MUSL {
		return ErrNoLowering
	}
	if lower.For(r.Arch) == nil {
		return fmt.Errorf("%w, %s", ErrNoTable, r.Arch)
	}
	return nil
}

// Lower works out how the wheel comes to meet a policy. It changes nothing. What has no
// known stand-in stays a blocker.
func (r *Report) Lower(p *policy.Policy) (*Lowering, error) {
	if err := r.Lowers(); err != nil {
		return nil, err
	}
	if p == nil || p.Libc != policy.GLIBC {
		return nil, ErrNoLowering
	}
	l := r.system.(*linux)
	w := &lowerer{linux: l, policy: p, table: lower.For(r.Arch), libraries: map[string]*linkage.File{}, notes: map[string]*LoweringNote{}}
	return w.run(), nil
}

// A lowerer is one lowering in the making.
type lowerer struct {
	linux     *linux
	policy    *policy.Policy
	table     *lower.Table
	result    Lowering
	libraries map[string]*linkage.File // compatibility libraries by soname, nil for one that the policy does not allow
	used      map[string]bool
	notes     map[string]*LoweringNote
}

func (w *lowerer) run() *Lowering {
	v := w.linux.hold(w.policy)
	w.used = map[string]bool{}
	j := w.linux.newJudgement(v)
	j.graft(v.Grafts)
	var left []Blocker
	for _, b := range v.Blockers {
		if b.Kind != KindVersion {
			left = append(left, b)
		}
	}
	missed := map[string]bool{}
	for _, b := range v.Blockers {
		missed[b.File] = missed[b.File] || b.Kind == KindVersion
	}
	for _, o := range linkage.Images(w.linux.report.Graph.Members, v.Grafts) {
		if !missed[o.Path] {
			continue
		}
		file, refused := w.file(j, w.linux.facts[o])
		left = append(left, refused...)
		w.result.Files = append(w.result.Files, file)
	}
	v.Blockers = left
	w.result.Verdict = v
	for _, soname := range slices.Sorted(maps.Keys(w.used)) {
		w.result.Libraries = append(w.result.Libraries, w.libraries[soname])
		library, _ := w.table.Library(soname)
		w.result.Licenses = append(w.result.Licenses, library.License)
	}
	for _, text := range slices.Sorted(maps.Keys(w.notes)) {
		note := w.notes[text]
		slices.Sort(note.Symbols)
		note.Symbols = slices.Compact(note.Symbols)
		w.result.Notes = append(w.result.Notes, *note)
	}
	return &w.result
}

// privateVersion is that of what the parts of glibc have for each other: of one release
// alone, so that not even a weak reference may lose it.
const privateVersion = "GLIBC_PRIVATE"

// file works out what changes in one file, and what of it nothing is known to mend.
func (w *lowerer) file(j *judgement, f *facts) (LoweredFile, []Blocker) {
	out := LoweredFile{File: f.object.File}
	file := f.object.ELF()
	marks, err := file.PLTMarks()
	if err != nil {
		marks = nil // its versions are then refused
	}
	var refused []Blocker
	refuse := func(library, version, reason string, symbols ...string) {
		names := slices.Compact(slices.Sorted(slices.Values(symbols)))
		b := Blocker{Policy: w.policy, Tag: w.policy.Tag(), Kind: KindVersion, File: f.object.Path, Library: library, Version: version, Symbols: names, Reason: reason}
		refused = append(refused, b)
	}
	for _, n := range f.needs {
		if j.inside(f.object, n.Library) {
			continue
		}
		for _, v := range n.Versions {
			key := versionKey{n.Library, v.Name}
			switch {
			case w.policy.AllowsVersion(v.Name):
			case v.Name == relrMark:
				out.ExpandRelr = true
			case isMark(marks, n.Library, v.Name):
				out.PlainPLT = true
			case v.Name == privateVersion:
				refuse(n.Library, v.Name, fmt.Sprintf("%s is what the parts of one C library share, and no other one has it", v.Name), f.symbols[key]...)
			case strings.HasPrefix(v.Name, "GLIBC_ABI_"):
				refuse(n.Library, v.Name, fmt.Sprintf("%s marks something that older C libraries do not do, and that cannot be taken out", v.Name))
			case len(f.copied[key]) > 0:
				refuse(n.Library, v.Name, fmt.Sprintf("%s is newer than %s promises, and the program holds a copy of the library's data (copy relocation)", v.Name, w.policy.Name), f.copied[key]...)
			case len(f.symbols[key]) == 0:
				refuse(n.Library, v.Name, fmt.Sprintf("%s is newer than %s promises, and no symbol tells what it is needed for", v.Name, w.policy.Name))
			default:
				if symbols := w.symbols(&out, f, key); len(symbols) > 0 {
					refuse(n.Library, v.Name, fmt.Sprintf("%s is newer than %s promises, and nothing is known to stand in", v.Name, w.policy.Name), symbols...)
				}
			}
		}
	}
	glibc := [2]int{w.policy.Major, w.policy.Minor}
	if old := glibc[0] < 2 || glibc[0] == 2 && glibc[1] < 36; old {
		out.ExpandRelr = out.ExpandRelr || file.PackedRelocations()
		out.PlainPLT = out.PlainPLT || file.MarkedPLT()
	}
	for _, s := range w.always(&out, f) {
		refuse(s.Library, s.Version, fmt.Sprintf("%s of older systems answers wrongly, and for %s there is no stand-in", s.Name, w.policy.Arch), s.Name)
	}
	order.Stable(out.Symbols, func(a, b LoweredSymbol) int {
		return cmp.Or(cmp.Compare(a.From.Name, b.From.Name), cmp.Compare(a.From.Version, b.From.Version), cmp.Compare(a.From.Library, b.From.Library))
	})
	slices.Sort(out.Needed)
	return out, refused
}

// isMark reports whether a version of a library is one of the marks of a PLT.
func isMark(marks []elf.VersionNeed, library, version string) bool {
	return slices.ContainsFunc(marks, func(n elf.VersionNeed) bool {
		return n.Library == library && slices.ContainsFunc(n.Versions, func(v elf.NeededVersion) bool { return v.Name == version })
	})
}

// symbols finds stand-ins for the symbols of one version, and returns those without.
func (w *lowerer) symbols(out *LoweredFile, f *facts, key versionKey) (refused []string) {
	seen := map[string]bool{}
	for _, name := range f.symbols[key] {
		if seen[name] {
			continue
		}
		seen[name] = true
		from := lower.Symbol{Name: name, Library: key.library, Version: key.version}
		row, ok := w.find(from)
		switch {
		case ok:
			w.add(out, f, row)
		case !f.wants(name):
			w.add(out, f, lower.Row{From: from, To: lower.Symbol{Name: name}, Class: lower.Weak})
		default:
			refused = append(refused, name)
		}
	}
	return refused
}

// find returns the best stand-in that the policy allows.
func (w *lowerer) find(s lower.Symbol) (lower.Row, bool) {
	for _, row := range w.table.Find(s) {
		if w.allows(row) {
			return row, true
		}
	}
	return lower.Row{}, false
}

func (w *lowerer) allows(row lower.Row) bool {
	if row.Class == lower.Compat {
		return w.library(row.To.Library) != nil
	}
	return w.policy.AllowsVersion(row.To.Version) && w.policy.AllowsLibrary(row.To.Library)
}

// library returns a compatibility library, nil for one that the policy does not allow: it
// needs a C library of its own age.
func (w *lowerer) library(soname string) *linkage.File {
	if f, known := w.libraries[soname]; known {
		return f
	}
	w.libraries[soname] = nil
	library, ok := w.table.Library(soname)
	if !ok {
		return nil
	}
	file, err := elf.NewFile(bytes.NewReader(library.Content), int64(len(library.Content)))
	if err != nil {
		return nil
	}
	needs, err := file.VersionNeeds()
	if err != nil {
		return nil
	}
	for _, n := range needs {
		for _, v := range n.Versions {
			if !w.policy.AllowsVersion(v.Name) {
				return nil
			}
		}
	}
	w.libraries[soname] = linkage.NewFile(soname, file, string(w.linux.report.Arch))
	return w.libraries[soname]
}

// add notes one stand-in.
func (w *lowerer) add(out *LoweredFile, f *facts, row lower.Row) {
	out.Symbols = append(out.Symbols, LoweredSymbol{From: row.From, To: row.To, Class: row.Class, Note: row.Note})
	if library := row.To.Library; library != "" && !slices.Contains(f.object.ELF().Needed(), library) && !slices.Contains(out.Needed, library) {
		out.Needed = append(out.Needed, library)
	}
	if row.Class == lower.Compat {
		w.used[row.To.Library] = true
	}
	w.note(row.Note, row.Source, row.From.Name)
}

func (w *lowerer) note(text, source, symbol string) {
	if text == "" {
		return
	}
	if w.notes[text] == nil {
		w.notes[text] = &LoweringNote{Text: text, Source: source}
	}
	w.notes[text].Symbols = append(w.notes[text].Symbols, symbol)
}

// always replaces what older systems answer wrongly though they have it, and notes what
// they do not know of their arguments. It returns what has no stand-in.
func (w *lowerer) always(out *LoweredFile, f *facts) (refused []lower.Symbol) {
	done := map[lower.Symbol]bool{}
	for _, s := range out.Symbols {
		done[s.From] = true
	}
	keys := slices.SortedFunc(maps.Keys(f.symbols), func(a, b versionKey) int {
		return cmp.Or(cmp.Compare(a.library, b.library), cmp.Compare(a.version, b.version))
	})
	for _, key := range keys {
		for _, name := range f.symbols[key] {
			from := lower.Symbol{Name: name, Library: key.library, Version: key.version}
			if note, source, ok := w.table.Grown(from); ok {
				w.note(note, source, name)
			}
			row, ok := w.table.Always(from)
			if !ok || done[from] {
				continue
			}
			done[from] = true
			if w.library(row.To.Library) == nil {
				refused = append(refused, from)
				continue
			}
			w.add(out, f, row)
		}
	}
	return refused
}
