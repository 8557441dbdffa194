package report

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// shownRows is how many rows of a section the text has unless all are asked for: with ten,
// the audit of psycopg2 no longer fits the 40 lines that a person takes in at once.
const shownRows = 8

// WriteAudit writes an audit as text for people. With all, each section is complete,
// else it has the first rows, and tells how many more there are.
func WriteAudit(w io.Writer, r *audit.Report, s Style, all bool) error {
	p := &printer{w: w, style: s, all: all}
	p.linef("%s", s.bold(Clean(r.Wheel)))
	switch {
	case r.Unserved != nil:
		p.wrap("  ", p.style.bad(Clean(r.Unserved.Error())))
		p.foreign(r.Foreign)
		return p.end()
	case r.Format == audit.Pure:
		p.linef("  A pure wheel: it holds no binaries and runs on any platform.")
		p.foreign(r.Foreign)
		return p.end()
	}
	p.summary(r)
	libraries := r.Libraries(r.Target())
	p.missing(libraries)
	p.blockedPolicies(r)
	p.lowerings(r)
	p.carried(r, libraries)
	p.mended(r)
	p.foreign(r.Foreign)
	return p.end()
}

func (p *printer) summary(r *audit.Report) {
	p.verdict(r)
	switch meets := "  meets         "; {
	case len(r.Refused()) > 0:
		p.wrap(meets, p.style.bad("no tag: there are files that no loader takes"))
	case r.Tag() == "":
		p.wrap(meets, p.style.bad("no tag of its system"))
	case r.ButForLibraries():
		p.wrap(meets, explained(r.Tag(), p.style.bad)+", but for what it needs from outside the wheel")
	default:
		p.wrap(meets, explained(r.Tag(), p.style.good))
	}
	target := r.Target()
	repairable := target != nil && target.Repairable()
	switch after := "  after repair  "; {
	case !repairable:
		p.wrap(after, p.style.bad("none: it cannot be repaired as it is"))
	case r.RepairKeeps():
		p.wrap(after, "the same, no repair is needed")
	default:
		p.wrap(after, explained(r.RepairableTag(), p.style.good)+", with "+graftCount(len(target.Grafts)))
	}
	for _, need := range r.Minimums(repairable) {
		why := "the oldest there is"
		if need.File != "" {
			why = "as " + shortName(r, need.File) + " says"
		}
		p.wrap("  needs         ", fmt.Sprintf("%v %v on %s, %s", r.OS, need.Version, need.Arch, Clean(why)))
	}
	p.wrap("  holds         ", contents(r)+" for "+targetOf(r))
}

// targetOf tells what the binaries of a wheel are for.
func targetOf(r *audit.Report) string {
	if len(r.Archs) > 0 {
		return phrase.And(r.Archs)
	}
	return fmt.Sprintf("%s, %s", r.Arch, cmp.Or(string(r.Libc), "no libc"))
}

// contents counts the binaries of a wheel.
func contents(r *audit.Report) string {
	modules := 0
	for _, f := range r.Files {
		if f.Extension {
			modules++
		}
	}
	if modules == len(r.Files) {
		return phrase.Count(modules, "extension module")
	}
	return phrase.Count(modules, "extension module") + " and " + phrase.Count(len(r.Files)-modules, "other "+r.OS.Binary())
}

func graftCount(n int) string {
	if n == 0 {
		return "no library copied in"
	}
	return phrase.Count(n, "library") + " copied in"
}

// rows returns those of a section that are shown, and how many it lacks.
func rows[T any](p *printer, section []T) (shown []T, more int) {
	limit := shownRows
	if p.all {
		limit = maxRows
	}
	n := min(limit, len(section))
	if len(section) == n+1 && !p.all { // "and 1 more" would take its place
		n++
	}
	return section[:n], len(section) - n
}

// andMore tells how many rows a section lacks.
func (p *printer) andMore(n int) {
	switch {
	case n == 0:
	case p.all:
		p.linef("  and %d more; --json has all", n)
	default:
		p.linef("  and %d more (-v)", n)
	}
}

// missing names the libraries that were not found, and once the places where they were
// sought.
func (p *printer) missing(libraries []audit.Library) {
	missing := withAction(libraries, audit.Missing)
	if len(missing) == 0 {
		return
	}
	p.linef("\n%s", p.style.bad("Missing libraries"))
	shown, more := rows(p, missing)
	var table [][]string
	for _, l := range shown {
		table = append(table, []string{cmp.Or(Clean(l.Soname), `""`), p.neededBy(l.NeededBy)})
	}
	p.aligned(table)
	p.andMore(more)
	p.places(missing)
	p.wrap("  help: ", "name the folder of a library with --search-path, or leave it to the user's system with --exclude")
}

// withAction returns those libraries that a repair treats so.
func withAction(libraries []audit.Library, action audit.Action) []audit.Library {
	var out []audit.Library
	for _, l := range libraries {
		if l.Action == action {
			out = append(out, l)
		}
	}
	return out
}

// places lists where missing libraries were sought, each place once.
func (p *printer) places(missing []audit.Library) {
	const inFull = 4 // as many are told with the rule that led there
	var places, dirs []string
	for _, l := range missing {
		for _, place := range l.Tried {
			text := Clean(place.Dir) + " (" + Clean(place.Rule.String())
			if place.Why != "not there" {
				text += ": " + Clean(place.Why)
			}
			if text += ")"; !slices.Contains(places, text) {
				places = append(places, text)
			}
			if dir := Clean(place.Dir); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
		if len(places) > maxRows {
			break
		}
	}
	switch {
	case len(places) == 0:
		p.linef("  there is no directory to search")
	case p.all || len(places) <= inFull:
		p.linef("  searched:")
		for _, place := range places {
			p.wrap("    ", place)
		}
	default:
		if more := len(dirs) - inFull; more > 0 {
			dirs = append(dirs[:inFull:inFull], fmt.Sprintf("and %d more (-v)", more))
		}
		p.flow("  searched: ", dirs, "  ")
	}
}

// neededBy names the one file that needs something, or counts them.
func (p *printer) neededBy(files []string) string {
	switch {
	case len(files) == 0:
		return "needed by nothing by name"
	case p.all:
		return "needed by " + Clean(phrase.Some(files, maxRows))
	case len(files) == 1:
		return "needed by " + Clean(audit.PlainName(path.Base(files[0])))
	}
	return "needed by " + phrase.Count(len(files), "file")
}

// carried tells what comes in, what is left to the system, and what the wheel has
// already. Where something is missing that is not what a person looks for: it is counted.
func (p *printer) carried(r *audit.Report, libraries []audit.Library) {
	copied, system, bundled := withAction(libraries, audit.Graft), withAction(libraries, audit.System), r.Bundled()
	if len(libraries) == 0 {
		p.linef("\nIt needs no library from outside the wheel.")
	}
	if len(withAction(libraries, audit.Missing)) > 0 && !p.all && len(copied)+len(system)+len(bundled) > shownRows {
		p.linef("")
		p.wrap("", fmt.Sprintf("Besides, %s of this machine would be copied in, %d left to the system, and the wheel bundles %d (-v).", phrase.Count(len(copied), "library"), len(system), len(bundled)))
		return
	}
	p.copied(copied)
	p.exceptions(libraries)
	if len(system) > 0 {
		p.linef("\nLibraries left to the system, as the tag allows")
		names := make([]string, len(system))
		for i, l := range system {
			names[i] = Clean(l.Soname)
		}
		p.flow("  ", names, "  ")
	}
	p.bundled(bundled)
}

// copied lists the libraries that a repair copies in.
func (p *printer) copied(libraries []audit.Library) {
	if len(libraries) == 0 {
		return
	}
	p.linef("\nLibraries that a repair copies in")
	shown, more := rows(p, libraries)
	var table [][]string
	for _, l := range shown {
		line := []string{Clean(l.Soname), p.neededBy(l.NeededBy)}
		if p.all {
			line = []string{line[0], Clean(l.Path), line[1]}
		}
		table = append(table, line)
	}
	p.aligned(table)
	p.andMore(more)
}

// exceptions lists the libraries that are neither copied in nor the system's.
func (p *printer) exceptions(libraries []audit.Library) {
	for _, kind := range []struct {
		action audit.Action
		title  string
	}{
		{audit.Excluded, "Libraries left out, for the user to have"},
		{audit.Remove, "Libraries that Python has loaded already: a repair removes the dependency"},
	} {
		found := withAction(libraries, kind.action)
		if len(found) == 0 {
			continue
		}
		p.linef("\n%s", kind.title)
		shown, more := rows(p, found)
		for _, l := range shown {
			p.flow("  ", []string{Clean(l.Soname), p.neededBy(l.NeededBy)}, "  ")
		}
		p.andMore(more)
	}
}

// bundled lists the libraries that the wheel carries, with what is known of them.
func (p *printer) bundled(all []audit.Bundled) {
	if len(all) == 0 {
		return
	}
	p.linef("\nBundled libraries")
	shown, more := rows(p, all)
	var table [][]string
	for _, b := range shown {
		whose := strings.TrimSpace(b.Package + " " + b.Version)
		table = append(table, []string{Clean(b.Name), Clean(whose), size(b.Size), p.neededBy(b.NeededBy)})
	}
	p.aligned(table)
	p.andMore(more)
}

// size spells a number of bytes.
func size(n int64) string {
	const unit = 1000
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.0f kB", float64(n)/unit)
	case n < 100*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/unit/unit)
}

// shortName leaves the folder of a library of the system out: the list of libraries has
// it.
func shortName(r *audit.Report, file string) string {
	if _, member := r.Contents.Reader.Lookup(file); member {
		return file
	}
	return path.Base(file)
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
		p.wrap("  "+Clean(b.File)+"  ", Clean(b.Reason))
	}
}

func (p *printer) foreign(files []audit.Foreign) {
	if len(files) == 0 {
		return
	}
	p.linef("\nLeft alone")
	shown, more := rows(p, files)
	for _, f := range shown {
		p.entry("  "+Clean(f.Path)+"  ", "("+f.Kind+")")
	}
	p.andMore(more)
}
