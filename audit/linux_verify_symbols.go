package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// claimSymbols adds the claims that each symbol, and each version, that a file
// of the wheel wants is defined where the loader looks for it, as with
// LD_BIND_NOW=1: in each process that begins with a module, a program, or a
// library that no other file of the wheel needs.
func (l *linux) claimSymbols(ctx context.Context, p *Proof, promised []*policy.Policy, opts VerifyOptions) error {
	r := p.Report
	table, err := l.newSymbolTable(ctx, r.Graph, r.Libc == policy.MUSL, r.Contents.jobs)
	if err != nil {
		return err
	}
	s := &symbolCheck{report: r, table: table, promised: promised, work: newLookUps()}
	s.run(ctx)
	faults := s.faults()
	if err := s.work.Err(); err != nil {
		return err
	}
	basis := phrase.Count(s.found, "symbol") + " found"
	for _, n := range []struct {
		count int
		what  string
	}{{s.promises, "promised by " + tagNames(promised)}, {s.python, "of Python's own"}} {
		if n.count > 0 {
			basis += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	p.claim(TopicSymbols, "each symbol, with its version, is defined where the loader looks for it", basis, faults)
	if open := s.with(leftOpen, func(*linkage.Image, want) string { return "left to the system" }); len(open) > 0 {
		p.unchecked(TopicSymbols, "libraries of the system define what is left to them", "they are not part of the wheel, and no system was named", open)
	}
	return ctx.Err()
}

// A symbolCheck looks for what the files want.
type symbolCheck struct {
	report   *Report
	table    *symbolTable
	promised []*policy.Policy
	work     *budget.Budget

	roots []*linkage.Image
	users map[*linkage.Image]int // how many roots load a file

	found, promises, python int
	rest                    map[*linkage.Image][]want                  // to be looked for from the roots
	answers                 map[*linkage.Image]map[want]answer         // the worst of any root, for what is in rest
	lost                    map[*linkage.Image]map[want]*linkage.Image // not found, with what was loaded
}

// run looks for everything in the scope of every root that loads the file. What
// several roots load is looked for in its own scope first, which is part of
// theirs: most is there, and need not be sought again with each of them.
func (s *symbolCheck) run(ctx context.Context) {
	s.rest, s.answers, s.lost = map[*linkage.Image][]want{}, map[*linkage.Image]map[want]answer{}, map[*linkage.Image]map[want]*linkage.Image{}
	s.roots, s.users = s.report.roots(s.work)
	for _, o := range linkage.Images(s.report.Graph.Members) {
		if ctx.Err() != nil || s.work.Err() != nil {
			return
		}
		if s.users[o] > 1 {
			s.lookAtHome(o)
		} else {
			s.rest[o] = s.table.wants[o]
		}
	}
	for _, root := range s.roots {
		if ctx.Err() != nil || s.work.Err() != nil {
			return
		}
		s.lookFrom(newScope(root, s.work))
	}
	for _, answers := range s.answers {
		for w, a := range answers {
			s.count(w, a)
		}
	}
}

// lookAtHome settles what does not depend on who loads the file.
func (s *symbolCheck) lookAtHome(o *linkage.Image) {
	home := newScope(o, s.work)
	for _, w := range s.table.wants[o] {
		if a := s.look(o, w, home); a == found || a == promise && w.library != "" {
			s.count(w, a)
		} else {
			s.rest[o] = append(s.rest[o], w)
		}
	}
}

// lookFrom looks for the rest in the scope of a root.
func (s *symbolCheck) lookFrom(loaded *scope) {
	for _, o := range loaded.objects {
		for _, w := range s.rest[o] {
			a := s.look(o, w, loaded)
			if s.users[o] == 1 && a <= ofPython {
				s.count(w, a)
				continue
			}
			if s.answers[o] == nil {
				s.answers[o], s.lost[o] = map[want]answer{}, map[want]*linkage.Image{}
			}
			s.answers[o][w] = max(s.answers[o][w], a)
			if a == absent && s.lost[o][w] == nil {
				s.lost[o][w] = loaded.root
			}
		}
	}
}

// count adds a symbol to those that are told by number; a version is told with
// its symbols.
func (s *symbolCheck) count(w want, a answer) {
	switch {
	case w.name == "":
	case a == found:
		s.found++
	case a == promise:
		s.promises++
	case a == ofPython:
		s.python++
	}
}

// faults lists what was not found, by file, library and version.
func (s *symbolCheck) faults() []Fault {
	var last *scope // several files in a row were loaded by one
	return s.with(absent, func(o *linkage.Image, first want) string {
		root := s.lost[o][first]
		if last == nil || last.root != root {
			last = newScope(root, s.work)
		}
		return whyLost(first, last) + loadedBy(o, root)
	})
}

// with lists what files want and got a certain answer to, and why.
func (s *symbolCheck) with(a answer, why func(o *linkage.Image, first want) string) []Fault {
	var faults []Fault
	for _, o := range linkage.Images(s.report.Graph.Members) {
		var wants []want
		for w, got := range s.answers[o] {
			if got == a {
				wants = append(wants, w)
			}
		}
		for _, group := range groupWants(wants) {
			faults = append(faults, Fault{File: o.Path, Library: group.library, Version: group.version, Symbols: group.symbols(), Reason: why(o, group.wants[0])})
		}
	}
	return faults
}

// A wantGroup is what one file wants of one version of one library, sorted: the
// version itself comes before its symbols.
type wantGroup struct {
	library, version string
	wants            []want
}

func groupWants(wants []want) []wantGroup {
	var groups []wantGroup
	slices.SortFunc(wants, compareWants)
	for _, w := range wants {
		if n := len(groups); n > 0 && groups[n-1].library == w.library && groups[n-1].version == w.version {
			groups[n-1].wants = append(groups[n-1].wants, w)
		} else {
			groups = append(groups, wantGroup{w.library, w.version, []want{w}})
		}
	}
	return groups
}

func compareWants(a, b want) int {
	return cmp.Or(cmp.Compare(a.library, b.library), cmp.Compare(a.version, b.version), cmp.Compare(a.name, b.name))
}

func (g *wantGroup) symbols() []string {
	var names []string
	for _, w := range g.wants {
		if w.name != "" {
			names = append(names, w.name)
		}
	}
	return names
}

// whyLost tells why a scope does not have what was wanted.
func whyLost(w want, loaded *scope) string {
	provider := loaded.named(w.library)
	switch {
	case w.library == "":
		return "no loaded file defines it"
	case provider == nil:
		return "no library of that name is loaded"
	case w.name == "":
		return provider.Path + " does not define this version"
	}
	return provider.Path + " does not define it with this version"
}

// loadedBy names what loaded a file, if that is not the file itself.
func loadedBy(o, root *linkage.Image) string {
	if o == root {
		return ""
	}
	return ", when " + root.Path + " loads it"
}
