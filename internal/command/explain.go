package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// Bounds on what a failure lists; the audit has all.
const (
	shownBlamed   = 3
	shownPlaces   = 4
	shownSymbols  = 8
	shownVersions = 3
)

// An unmetAdvice is a [repair.UnmetError] with the flags that help.
type unmetAdvice struct {
	*repair.UnmetError
	tool tool
}

// Unwrap gives the error of the library.
func (e unmetAdvice) Unwrap() error { return e.UnmetError }

// Error is the one line: what blockers say of flags is of wheelmend's.
func (e unmetAdvice) Error() string {
	text := e.UnmetError.Error()
	if e.Left() > 0 {
		text += "; wheelmend audit tells all"
	}
	var ways []string
	for _, b := range e.Blockers {
		if way := e.tool.wayBy(b); way != "" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	for _, way := range ways[:min(len(ways), shownBlamed)] {
		text += "; " + way
	}
	if e.OS == audit.OSMacOS {
		text += e.tool.waysAround(e.Blockers)
	}
	return text
}

// Explain tells the blockers by their cause: what is missing first, then what is too new.
func (e unmetAdvice) Explain() report.Explanation {
	groups := map[audit.Kind][]audit.Blocker{}
	for _, b := range e.Blockers {
		kind := b.Kind
		if needsPython(b) {
			kind = audit.KindPython // a program that needs its library
		}
		if kind == audit.KindVersion && (b.Version == "" || b.Library == "") {
			kind = audit.KindSystem // told by its reason
		}
		groups[kind] = append(groups[kind], b)
	}
	var x report.Explanation
	switch {
	case len(groups[audit.KindMissing]) > 0:
		x = e.missing(groups[audit.KindMissing])
	case len(groups[audit.KindVersion]) > 0:
		x = e.tooNew(groups[audit.KindVersion])
	case len(e.Blockers) > 0:
		x = e.tool.reasoned(e.Blockers)
	}
	told := max(len(groups[audit.KindMissing]), 1)
	if len(groups[audit.KindMissing]) == 0 && len(groups[audit.KindVersion]) > 0 {
		told = len(groups[audit.KindVersion])
	} else if len(groups[audit.KindMissing]) == 0 {
		told = sameReason(e.Blockers)
	}
	if more := len(e.Blockers) - told; more > 0 {
		x.Details = append(x.Details, report.Detail{Name: "besides", Lines: []string{phrase.Count(more, "more reason") + ", see wheelmend audit"}})
	}
	if ways := strings.TrimPrefix(e.tool.waysAround(e.Blockers), "; "); ways != "" && e.OS == audit.OSMacOS {
		x.Help = append(x.Help, strings.Split(ways, "; ")...)
	}
	if e.Best != "" && len(groups[audit.KindVersion]) == 0 {
		x.Help = append(x.Help, "it can become "+e.Best)
	}
	return x
}

// missing explains that libraries were not found.
func (e unmetAdvice) missing(blockers []audit.Blocker) report.Explanation {
	var names, files, dirs []string
	by := map[string][]string{}
	for _, b := range blockers {
		if by[b.Library] == nil {
			names = append(names, b.Library)
		}
		if !slices.Contains(by[b.Library], b.File) {
			by[b.Library] = append(by[b.Library], b.File)
		}
		for _, place := range b.Tried {
			text, rule := place.String(), place.Rule.String()
			if place.Why == "not there" && (strings.HasPrefix(rule, "listed in") || rule == "default directory") {
				text = place.Dir // the loader's own, which goes without saying
			}
			if !slices.Contains(dirs, text) {
				dirs = append(dirs, text)
			}
		}
	}
	x := report.Explanation{Title: cmp.Or(names[0], `""`) + " was not found"}
	if files = by[names[0]]; len(names) > 1 {
		x.Title = fmt.Sprintf("%d libraries were not found", len(names))
		var lines []string
		for _, name := range names {
			lines = append(lines, cmp.Or(name, `""`)+" (needed by "+phrase.Some(by[name], 1)+")")
		}
		x.Details = append(x.Details, report.Detail{Name: "missing", Lines: report.Listed(lines, 2*shownBlamed, "more library")})
	} else {
		x.Details = append(x.Details, report.Detail{Name: "needed by", Lines: report.Listed(files, shownBlamed, "more file")})
	}
	if arch := blockers[0].Arch; arch != "" {
		x.Details = append(x.Details, report.Detail{Name: "for", Lines: []string{arch}})
	}
	if len(dirs) == 0 {
		dirs = []string{"there is no directory to search"}
	}
	// What lies there and is not taken tells more than where nothing is.
	slices.SortStableFunc(dirs, func(a, b string) int {
		return cmp.Compare(boolInt(strings.Contains(b, ": ")), boolInt(strings.Contains(a, ": ")))
	})
	x.Details = append(x.Details, report.Detail{Name: "searched", Lines: report.Listed(dirs, shownPlaces, "more place")})
	pattern := names[0]
	if len(names) > 1 {
		pattern = "NAME"
	}
	x.Help = []string{e.tool.search + ", or leave it to the user's system with --exclude " + quoted(pattern)}
	return x
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// quoted spells an argument for a shell.
func quoted(word string) string {
	if word == "" || strings.ContainsAny(word, " \t\n'\"\\$&;|<>()*?[]`!#~") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

// tooNew explains that symbol versions are newer than a policy promises.
func (e unmetAdvice) tooNew(blockers []audit.Blocker) report.Explanation {
	slices.SortStableFunc(blockers, func(a, b audit.Blocker) int { return policy.CompareVersions(b.Version, a.Version) })
	newest := blockers[0]
	var files, symbols, also []string
	for _, b := range blockers {
		text := fmt.Sprintf("%s (%s)", b.Version, b.Library)
		switch {
		case b.Version == newest.Version && b.Library == newest.Library:
			files = append(files, b.File)
			symbols = append(symbols, b.Symbols...)
		case !slices.Contains(also, text):
			also = append(also, text)
		}
	}
	slices.Sort(symbols)
	symbols = slices.Compact(symbols)
	x := report.Explanation{Title: fmt.Sprintf("%s is too new for %s", newest.Version, e.target())}
	add := func(name string, lines []string) {
		if len(lines) > 0 {
			x.Details = append(x.Details, report.Detail{Name: name, Lines: lines})
		}
	}
	add("library", []string{newest.Library})
	for i, s := range symbols {
		symbols[i] = report.Readable(s)
	}
	if len(symbols) > 0 {
		add("symbols", []string{phrase.Some(symbols, shownSymbols)})
	}
	add("needed by", report.Listed(files, shownBlamed, "more file"))
	if len(also) > 0 {
		add("too new", []string{phrase.Some(also, shownVersions) + " as well"})
	}
	if glibc, found := strings.CutPrefix(newest.Version, "GLIBC_"); found {
		add("built for", []string{"glibc " + glibc + " or newer"})
	}
	x.Help = e.olderBuild()
	return x
}

// target names the tag that was wanted, without its architecture.
func (e unmetAdvice) target() string {
	if e.Policy == nil {
		return "the tags of its name"
	}
	return e.Policy.Name
}

// olderBuild tells the ways to a tag: an older system to build on, or a newer tag.
func (e unmetAdvice) olderBuild() []string {
	var help []string
	if e.Policy != nil && e.Policy.Image() != "" {
		help = append(help, "build in "+e.Policy.Image())
	}
	if e.Lowers {
		way := "have the symbols lowered with " + e.tool.command + "--lower, an experiment: test the result"
		if len(help) > 0 {
			way = "or " + way
		}
		help = append(help, way)
	}
	if e.Best == "" || e.Policy == nil || e.tool.plat == "" {
		return help
	}
	text := "accept " + e.Best + " (" + e.tool.plat + " " + e.Best + ")"
	if best, err := policy.ParsePlatform(e.Best); err == nil {
		if left := best.LeftOut(e.Policy.Platform()); len(left) > 0 {
			text += ", which leaves out " + phrase.And(left)
		}
	}
	if len(help) > 0 {
		text = "or " + text
	}
	return append(help, text)
}

// sameReason counts the blockers that the first one's explanation tells.
func sameReason(blockers []audit.Blocker) int {
	n := 0
	for _, b := range blockers {
		if b.Reason == blockers[0].Reason {
			n++
		}
	}
	return n
}

// reasoned explains the first reason, with all files that it is about.
func (t tool) reasoned(blockers []audit.Blocker) report.Explanation {
	first := blockers[0]
	title, help, _ := strings.Cut(first.Reason, "; ")
	if strings.HasPrefix(help, "the ") || strings.HasPrefix(help, "it ") { // a second fact
		title, help = first.Reason, ""
	}
	x := report.Explanation{Title: title}
	var files, symbols []string
	for _, b := range blockers {
		if b.Reason == first.Reason {
			files = append(files, b.File)
			symbols = append(symbols, b.Symbols...)
		}
	}
	if len(files) == 1 && !strings.Contains(title, files[0]) && files[0] != "" {
		x.Title = files[0] + ": " + title
	} else if len(files) > 1 {
		x.Details = append(x.Details, report.Detail{Name: "files", Lines: report.Listed(files, shownBlamed, "more file")})
	}
	if len(symbols) > 0 {
		slices.Sort(symbols)
		x.Details = append(x.Details, report.Detail{Name: "symbols", Lines: []string{phrase.Some(slices.Compact(symbols), shownSymbols)}})
	}
	if help != "" {
		x.Help = []string{help}
	}
	if way := t.wayBy(first); way != "" {
		x.Help = append(x.Help, way)
	}
	return x
}

// needsPython reports whether a blocker is a program that needs the library of Python.
func needsPython(b audit.Blocker) bool {
	return b.Kind == audit.KindPython && b.Library != "" || b.Kind == audit.KindMissing && strings.HasPrefix(b.Reason, "a program that needs ")
}

// wayBy tells what a flag does about a blocker, "" if none does.
func (t tool) wayBy(b audit.Blocker) string {
	switch {
	case needsPython(b):
		way := "leave Python to the user's system with --exclude " + quoted(b.Library)
		if b.Kind == audit.KindMissing && t.command == "" {
			way += ", or copy it in with --graft"
		}
		return way
	case b.Kind == audit.KindMissing:
		return t.search
	case b.Kind == audit.KindISA && t.plat != "":
		return "or accept it with --disable-isa-ext-check"
	}
	return ""
}

// Explain tells the failed claims, each with its first faults.
func (e claimAdvice) Explain() report.Explanation {
	var topics []string
	x := report.Explanation{}
	for _, topic := range e.Topics() {
		topics = append(topics, string(topic))
	}
	x.Title = "the repaired wheel would not be what it claims about " + phrase.And(topics)
	for _, c := range e.Failed {
		var faults []string
		for i := range c.Faults {
			faults = append(faults, c.Faults[i].String())
		}
		lines := report.Listed(faults, shownBlamed, "more fault")
		if slices.Contains(e.Held, c.Topic) {
			lines = append([]string{"which held before the repair"}, lines...)
		}
		x.Details = append(x.Details, report.Detail{Name: string(c.Topic), Lines: lines})
	}
	x.Help = e.ways()
	return x
}

// A recordAdvice is an error about RECORD with the flag that helps.
type recordAdvice struct {
	error
	command string // before the flag, where the tool that was called has none
}

func (e recordAdvice) Unwrap() error { return e.error }

func (e recordAdvice) Error() string { return e.error.Error() + "; " + e.way() }

func (e recordAdvice) way() string {
	return "if the members are right, have RECORD written anew with " + e.command + "--rewrite-record"
}

// Explain tells what RECORD has wrong.
func (e recordAdvice) Explain() report.Explanation {
	return report.Explanation{Title: e.error.Error(), Help: []string{e.way()}}
}
