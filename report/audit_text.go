package report

import (
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// shownSymbols is how many symbols of one blocker the text lists.
const shownSymbols = 6

// WriteAudit writes an audit as text for people. With all, it lists what stops
// each of the stricter policies, else what stops the next one.
func WriteAudit(w io.Writer, r *audit.Report, s Style, all bool) error {
	p := &printer{w: w, style: s}
	p.linef("%s", s.bold(Clean(r.Wheel)))
	switch {
	case r.Unserved != nil:
		p.linef("  %s", p.style.bad(Clean(r.Unserved.Error())))
		p.foreign(r.Foreign)
		return p.end()
	case r.Format == audit.Pure:
		p.linef("  A pure wheel: it holds no binaries and runs on any platform.")
		p.foreign(r.Foreign)
		return p.end()
	case r.Format == audit.MachO:
		p.macOS(r, all)
		return p.end()
	}
	p.summary(r)
	p.libraryTable(r.Libraries(r.Target()))
	p.blockers(r, all)
	p.mended(r)
	p.foreign(r.Foreign)
	return p.end()
}

func (p *printer) summary(r *audit.Report) {
	modules := 0
	for _, f := range r.Files {
		if f.Extension {
			modules++
		}
	}
	libc := string(r.Libc)
	if libc == "" {
		libc = "no libc"
	}
	p.linef("  %s, %s: %s", r.Arch, libc, phrase.Count(len(r.Files), "ELF file")+", "+phrase.Count(modules, "extension module")+" among them")
	if len(r.Refused()) > 0 {
		p.linef("  meets         %s", p.style.bad("no tag: there are files that no loader takes"))
	} else if r.Tag() == "" {
		p.linef("  meets         %s", p.style.bad("no tag of its system"))
	} else {
		p.linef("  meets         %s", p.style.good(r.Tag()))
	}
	switch best := r.BestRepairable(); {
	case best == nil:
		p.linef("  after repair  %s", p.style.bad("none: it cannot be repaired as it is"))
	case best == r.Best():
		p.linef("  after repair  the same, it needs no repair for its tag")
	default:
		p.linef("  after repair  %s", p.style.good(r.RepairableTag())+", with "+graftCount(len(best.Grafts)))
	}
}

func graftCount(n int) string {
	if n == 0 {
		return "no library copied in"
	}
	return phrase.Count(n, "library") + " copied in"
}

func (p *printer) libraryTable(libraries []audit.Library) {
	if len(libraries) == 0 {
		p.linef("\nIt needs no library from outside the wheel.")
		return
	}
	p.linef("\nLibraries from outside the wheel")
	t := p.table("library", "action", "found at", "needed by")
	for _, l := range firstRows(libraries) {
		action := string(l.Action)
		if l.Action == audit.Missing {
			action = p.style.bad(action)
		}
		t.AppendRow(row(Clean(l.Soname), action, Clean(l.Path), neededBy(l.NeededBy)))
	}
	p.render(t)
	p.more(len(libraries))
	for _, l := range libraries {
		if l.Action != audit.Missing {
			continue
		}
		p.linef("\n%s was not found. Places searched:", Clean(l.Soname))
		for _, place := range l.Tried {
			p.linef("  %s  (%s: %s)", Clean(place.Dir), Clean(place.Rule.String()), Clean(place.Why))
		}
		p.linef("  Name its directory with --search-path, or leave it out with --exclude.")
	}
}

func neededBy(files []string) string {
	const shown = 2
	return Clean(phrase.Some(files, shown))
}

// A hurdle is a blocker with the newest policy that it stops. It stops the
// stricter ones as well.
type hurdle struct {
	audit.Blocker
	older bool // there are stricter policies
}

// blockers lists what stops the policies that are stricter than what the wheel
// meets, or can meet after a repair: first what stops the newest of them, which
// is what a person would remove first. The rest is for those who ask for all.
func (p *printer) blockers(r *audit.Report, all bool) {
	hurdles := hurdles(r)
	if len(hurdles) == 0 {
		return
	}
	shown := hurdles
	if !all {
		shown = nextHurdles(hurdles)
	}
	p.linef("\nWhat stops stricter policies")
	t := p.table("stops", "file", "library", "version", "symbols, or reason")
	for _, h := range firstRows(shown) {
		stops := h.Policy.Name
		if h.older {
			stops += " and stricter"
		}
		t.AppendRow(row(stops, Clean(shortName(r, h.File)), Clean(h.Library), Clean(h.Version), Clean(evidence(h.Blocker))))
	}
	p.render(t)
	p.more(len(shown))
	if more := len(hurdles) - len(shown); more > 0 {
		p.linef("  %s only still stricter ones; -v lists them, --json has all.", phrase.Count(more, "more reason")+" stop"+plural(more))
	}
}

func plural(n int) string {
	if n == 1 {
		return "s"
	}
	return ""
}

// nextHurdles returns the hurdles that stop the newest of the stricter policies.
func nextHurdles(all []hurdle) []hurdle {
	n := slices.IndexFunc(all, func(h hurdle) bool { return h.Policy != all[0].Policy })
	if n < 0 {
		return all
	}
	return all[:n]
}

// shortName leaves the folder of a library of the system out: the table of
// libraries has it.
func shortName(r *audit.Report, file string) string {
	if _, member := r.Contents.Reader.Lookup(file); member {
		return file
	}
	return path.Base(file)
}

func hurdles(r *audit.Report) []hurdle {
	type key struct{ kind, file, library, version, symbols string }
	limit := r.BestRepairable()
	if limit == nil {
		limit = r.Best()
	}
	seen := map[key]int{}
	var out []hurdle
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v == limit {
			break
		}
		for _, b := range v.Blockers {
			if b.Repairable() {
				continue
			}
			k := key{string(b.Kind), b.File, b.Library, b.Version, strings.Join(b.Symbols, " ")}
			if at, ok := seen[k]; ok {
				out[at] = hurdle{b, true}
				continue
			}
			seen[k] = len(out)
			out = append(out, hurdle{b, i > 0})
		}
	}
	slices.SortStableFunc(out, func(a, b hurdle) int {
		switch {
		case a.Policy.Older(b.Policy):
			return 1
		case b.Policy.Older(a.Policy):
			return -1
		}
		return 0
	})
	return out
}

// evidence shows the symbols of a blocker, or its reason when it has none.
func evidence(b audit.Blocker) string {
	if len(b.Symbols) == 0 {
		return b.Reason
	}
	return phrase.Some(b.Symbols, shownSymbols)
}

// mended lists what a repair sets right in files of the wheel.
func (p *printer) mended(r *audit.Report) {
	v := r.Target()
	if v == nil {
		return
	}
	first := true
	for _, b := range v.Blockers {
		if b.Kind != audit.KindInterpreter {
			continue
		}
		if first {
			p.linef("\nWhat a repair sets right")
			first = false
		}
		p.linef("  %s  %s", Clean(b.File), Clean(b.Reason))
	}
}

func (p *printer) foreign(files []audit.Foreign) {
	if len(files) == 0 {
		return
	}
	p.linef("\nLeft alone")
	for _, f := range files {
		p.linef("  %s  (%s)", Clean(f.Path), f.Kind)
	}
}
