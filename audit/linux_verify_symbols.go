package audit

import (
	"cmp"
	"context"
	"fmt"

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
	if open := s.with(leftOpen, func(*linkage.Image, int) string { return "left to the system" }); len(open) > 0 {
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
	rest                    map[*linkage.Image]*unsettled // to be looked for from the roots
}

// unsettled is what one file wants and what the processes that load it say to that, by
// the same index. Of a hundred thousand symbols a map would take a hundred megabytes.
type unsettled struct {
	wants   []want
	answers []answer         // the worst of any root
	lost    []*linkage.Image // the first root that does not have it; nil while each has all
}

// note adds what one root says to a want.
func (u *unsettled) note(i int, a answer, root *linkage.Image) {
	u.answers[i] = max(u.answers[i], a)
	if a != absent {
		return
	}
	if u.lost == nil {
		u.lost = make([]*linkage.Image, len(u.wants))
	}
	if u.lost[i] == nil {
		u.lost[i] = root
	}
}

// run looks for everything in the scope of every root that loads the file. What
// several roots load is looked for in its own scope first, which is part of
// theirs: most is there, and need not be sought again with each of them.
func (s *symbolCheck) run(ctx context.Context) {
	s.rest = map[*linkage.Image]*unsettled{}
	s.roots, s.users = s.report.roots(s.work)
	for _, o := range linkage.Images(s.report.Graph.Members) {
		if ctx.Err() != nil || s.work.Err() != nil {
			return
		}
		wants := s.table.wants[o]
		if s.users[o] > 1 {
			wants = s.lookAtHome(o)
		}
		s.rest[o] = &unsettled{wants: wants, answers: make([]answer, len(wants))}
	}
	for _, root := range s.roots {
		if ctx.Err() != nil || s.work.Err() != nil {
			return
		}
		s.lookFrom(newScope(root, s.work))
	}
	for _, rest := range s.rest {
		for i, w := range rest.wants {
			s.count(w, rest.answers[i])
		}
	}
}

// lookAtHome settles what does not depend on who loads the file, and returns the rest.
func (s *symbolCheck) lookAtHome(o *linkage.Image) (rest []want) {
	home := newScope(o, s.work)
	for _, w := range s.table.wants[o] {
		if a := s.look(o, w, home); a == found || a == promise && w.library != "" {
			s.count(w, a)
		} else {
			rest = append(rest, w)
		}
	}
	return rest
}

// lookFrom looks for the rest in the scope of a root.
func (s *symbolCheck) lookFrom(loaded *scope) {
	for _, o := range loaded.objects {
		rest := s.rest[o]
		if rest == nil {
			continue // of the system
		}
		for i, w := range rest.wants {
			rest.note(i, s.look(o, w, loaded), loaded.root)
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
	return s.with(absent, func(o *linkage.Image, first int) string {
		root := s.rest[o].lost[first]
		if last == nil || last.root != root {
			last = newScope(root, s.work)
		}
		return whyLost(s.rest[o].wants[first], last) + loadedBy(o, root)
	})
}

// with lists what files want and got a certain answer to, by library and version, and
// why: as the first of each says.
func (s *symbolCheck) with(a answer, why func(o *linkage.Image, first int) string) []Fault {
	var faults []Fault
	for _, o := range linkage.Images(s.report.Graph.Members) {
		rest, begin := s.rest[o], len(faults)
		if rest == nil {
			continue // the budget ended before
		}
		for i, w := range rest.wants {
			if rest.answers[i] != a {
				continue
			}
			if n := len(faults); n == begin || faults[n-1].Library != w.library || faults[n-1].Version != w.version {
				faults = append(faults, Fault{File: o.Path, Library: w.library, Version: w.version, Reason: why(o, i)})
			}
			if w.name != "" {
				last := &faults[len(faults)-1]
				last.Symbols = append(last.Symbols, w.name)
			}
		}
	}
	return faults
}

// compareWants sorts by library and version: the version itself comes before its symbols.
func compareWants(a, b want) int {
	return cmp.Or(cmp.Compare(a.library, b.library), cmp.Compare(a.version, b.version), cmp.Compare(a.name, b.name))
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
