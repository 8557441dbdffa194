package repair

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/policy/lower"
)

// A LoweredSymbol is a symbol of a file that another one stands in for.
type LoweredSymbol struct {
	Symbol    string      `json:"symbol"`
	Library   string      `json:"library"`
	Version   string      `json:"version"`
	ToSymbol  string      `json:"to_symbol"`
	ToLibrary string      `json:"to_library,omitempty"` // "" for a weak reference that loses its version
	ToVersion string      `json:"to_version,omitempty"`
	Class     lower.Class `json:"class"`
	Note      string      `json:"note,omitempty"`
}

// String spells the change, as in "pow@GLIBC_2.29 -> pow@GLIBC_2.2.5".
func (s LoweredSymbol) String() string {
	to := s.ToSymbol
	if s.ToVersion != "" {
		to += "@" + s.ToVersion
	}
	return fmt.Sprintf("%s@%s -> %s", s.Symbol, s.Version, to)
}

// A Lowered is what is done to one file so that an older C library takes it.
type Lowered struct {
	Symbols    []LoweredSymbol `json:"lowered,omitempty"`
	NewNeeded  []string        `json:"inserted_needed,omitempty"` // libraries that it needs besides, in front of libc.so.6
	ExpandRelr bool            `json:"expand_relr,omitempty"`     // packed relocations become ordinary ones
	PlainPLT   bool            `json:"plain_plt,omitempty"`       // the marks of the PLT go
}

func (l *Lowered) empty() bool {
	return len(l.Symbols)+len(l.NewNeeded) == 0 && !l.ExpandRelr && !l.PlainPLT
}

// lowerFloor is the oldest policy that files are lowered for unless another one is asked
// for: what is older has far fewer users, and asks for more.
var lowerFloor = [2]int{2, 28}

// chooseLowered has the files lowered for the policy that was asked for, or for the oldest
// from the floor on that can be reached.
func (p *Plan) chooseLowered(rep *audit.Report) error {
	plain := p.chooseStrictest
	if p.asked() {
		plain = p.chooseRequested
	}
	if err := rep.Lowers(); err != nil {
		p.tellNoLowering(err)
		return plain(rep)
	}
	goals, err := p.lowerGoals(rep)
	if err != nil {
		return err
	}
	var first *audit.Lowering
	for _, goal := range goals {
		l, err := rep.Lower(goal)
		if err != nil {
			return err
		}
		if l.Reaches() {
			p.tellLowering(first, goal)
			return p.carryLowering(rep, l)
		}
		if first == nil {
			first = l
		}
	}
	if first != nil && p.asked() {
		return unmet(rep, &first.Verdict, bestTag(rep))
	}
	if err := plain(rep); err != nil {
		return err
	}
	if first == nil {
		p.warn("no file is lowered: the wheel meets %s as it is", p.policy.Tag())
	}
	p.tellLowering(first, p.policy)
	return nil
}

// carryLowering has a lowering carried out. A stricter policy that the same changes reach is
// met as well, unless only the one is wanted.
func (p *Plan) carryLowering(rep *audit.Report, l *audit.Lowering) error {
	goal := l.Verdict.Policy
	p.lowering, p.platforms = l, goal.Tags()
	for _, q := range policy.For(policy.GLIBC, rep.Arch) {
		if p.options.OnlyPlat || !q.Older(goal) {
			break
		}
		stricter, err := rep.Lower(q)
		if err != nil {
			return err
		}
		if stricter.Reaches() && stricter.Equal(l) {
			p.lowering, p.platforms = stricter, q.Tags()
			if p.asked() {
				p.platforms = append(p.platforms, goal.Tags()...)
			}
			break
		}
	}
	p.verdict, p.policy = &p.lowering.Verdict, p.lowering.Verdict.Policy
	p.bringCompat()
	return nil
}

// tellNoLowering says why nothing can be lowered.
func (p *Plan) tellNoLowering(why error) {
	if p.options.Lower {
		p.warn("no file is lowered: %v", why)
	}
}

// lowerGoals returns the policies that a lowering may aim for, the oldest first: none if
// the wheel meets the first of them without.
func (p *Plan) lowerGoals(rep *audit.Report) ([]*policy.Policy, error) {
	if p.asked() {
		requested, err := lookup(p.options.Platform, rep)
		if err != nil {
			return nil, err
		}
		if v := rep.Judge(requested.Platform()); v.Repairable() {
			return nil, nil
		}
		return []*policy.Policy{requested}, nil
	}
	best := rep.BestRepairable()
	var goals []*policy.Policy
	for _, q := range policy.For(policy.GLIBC, rep.Arch) {
		tooOld := q.Major < lowerFloor[0] || q.Major == lowerFloor[0] && q.Minor < lowerFloor[1]
		if !tooOld && (best == nil || q.Older(best.Policy)) {
			goals = append(goals, q)
		}
	}
	return goals, nil
}

// tellLowering says what stopped an older policy than the one that is aimed for.
func (p *Plan) tellLowering(stopped *audit.Lowering, goal *policy.Policy) {
	if stopped == nil {
		return
	}
	var whys []string
	for i := range stopped.Verdict.Blockers {
		b := &stopped.Verdict.Blockers[i]
		if b.Repairable() {
			continue
		}
		why := b.Reason
		if len(b.Symbols) > 0 {
			why = phrase.Some(b.Symbols, 3) + " of " + b.Version
		}
		if why = b.File + ": " + why; !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
	}
	p.warn("the files are not lowered to %s, where nothing stands in for: %s", stopped.Verdict.Policy.Tag(), phrase.Some(whys, 3))
}

// bringCompat has the files that ask a compatibility library for something need it, as a
// graft like any other.
func (p *Plan) bringCompat() {
	libraries := map[string]*linkage.File{}
	for _, f := range p.lowering.Libraries {
		libraries[f.Path] = f
	}
	p.verdict.Grafts = append(slices.Clone(p.verdict.Grafts), p.lowering.Libraries...)
	slices.SortFunc(p.verdict.Grafts, func(a, b *linkage.File) int { return strings.Compare(a.Path, b.Path) })
	for i := range p.lowering.Files {
		file := &p.lowering.Files[i]
		for _, name := range file.Needed {
			if f := libraries[name]; f != nil {
				file.File.Images[0].AddNeed(&linkage.Need{Name: name, Status: linkage.Found, To: f.Images[0]})
			}
		}
	}
}

// compat reports whether a library is one that the program brings along, and returns its
// licence.
func (p *Plan) compat(f *linkage.File) (license string, ok bool) {
	if p.lowering == nil {
		return "", false
	}
	i := slices.Index(p.lowering.Libraries, f)
	if i < 0 {
		return "", false
	}
	return p.lowering.Licenses[i], true
}

// lowered returns what is done to a file so that an older C library takes it.
func (p *Plan) lowered(f *linkage.File) (l Lowered) {
	if p.lowering == nil {
		return l
	}
	file := p.lowering.Of(f)
	if file == nil {
		return l
	}
	l.NewNeeded, l.ExpandRelr, l.PlainPLT = file.Needed, file.ExpandRelr, file.PlainPLT
	for _, s := range file.Symbols {
		l.Symbols = append(l.Symbols, LoweredSymbol{
			Symbol: s.From.Name, Library: s.From.Library, Version: s.From.Version,
			ToSymbol: s.To.Name, ToLibrary: s.To.Library, ToVersion: s.To.Version, Class: s.Class, Note: s.Note,
		})
	}
	return l
}

// edits translates into edits of the ELF file, where f is what it is made of.
func (l *Lowered) edits(f *elf.File) []elf.Edit {
	var edits []elf.Edit
	for _, name := range l.NewNeeded {
		if slices.Contains(f.Needed(), libc) {
			edits = append(edits, elf.InsertNeeded(name, libc))
		} else {
			edits = append(edits, elf.AddNeeded(name))
		}
	}
	var all []elf.Redirection
	for _, s := range l.Symbols {
		all = append(all, elf.Redirection{
			From: elf.VersionedName{Name: s.Symbol, Library: s.Library, Version: s.Version},
			To:   elf.VersionedName{Name: s.ToSymbol, Library: s.ToLibrary, Version: s.ToVersion},
		})
	}
	if len(all) > 0 {
		edits = append(edits, elf.RedirectSymbols(all))
	}
	if l.ExpandRelr {
		edits = append(edits, elf.ExpandRelr())
	}
	if l.PlainPLT {
		edits = append(edits, elf.PlainPLT())
	}
	return edits
}

// Lowered counts what a lowering does: the files that change, the symbols that get another
// version or name, those that a compatibility library has, and the weak references that lose
// their version. All are 0 without one.
func (p *Plan) Lowered() (files, relabelled, compat, weak int) {
	if p.lowering == nil {
		return 0, 0, 0, 0
	}
	l := p.lowering
	return len(l.Files), l.Count(lower.Same, lower.Older, lower.Rename), l.Count(lower.Compat), l.Count(lower.Weak)
}

// loweredLines tells a bill of materials what was lowered.
func (p *Plan) loweredLines() []string {
	var lines []string
	add := func(member string, l *Lowered) {
		for _, s := range l.Symbols {
			text := fmt.Sprintf("%s: %v of %s (%s)", member, s, s.Library, s.Class)
			if s.ToLibrary != "" {
				text = fmt.Sprintf("%s: %v of %s (%s)", member, s, s.ToLibrary, s.Class)
			}
			if s.Note != "" {
				text += ": " + s.Note
			}
			lines = append(lines, text)
		}
		if l.ExpandRelr {
			lines = append(lines, member+": packed relocations (DT_RELR) became ordinary ones")
		}
		if l.PlainPLT {
			lines = append(lines, member+": the marks of the PLT are gone")
		}
	}
	for i := range p.Edits {
		add(p.Edits[i].Member, &p.Edits[i].Lowered)
	}
	for i := range p.Grafts {
		add(p.Grafts[i].Member, &p.Grafts[i].Lowered)
	}
	return lines
}

// libc is the soname of glibc's C library.
const libc = "libc.so.6"

// addLicenses puts the licences of compatibility libraries into the wheel (PEP 639 has
// them in the folder licenses).
func (p *Plan) addLicenses() {
	for i := range p.Grafts {
		g := &p.Grafts[i]
		license, ok := p.compat(g.file)
		if !ok {
			continue
		}
		name := p.contents.Reader.DistInfo() + "/licenses/" + strings.TrimSuffix(path.Base(g.Member), ".so") + ".txt"
		if !p.holds(name) {
			p.Added = append(p.Added, Added{Member: name, content: []byte(license)})
		}
	}
}

// tellLowered says what works otherwise once the files are lowered.
func (p *Plan) tellLowered() {
	if p.lowering == nil {
		return
	}
	for _, note := range p.lowering.Notes {
		p.warn("%s: %s (%s)", phrase.Some(note.Symbols, 5), note.Text, note.Source)
	}
}
