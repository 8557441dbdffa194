package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy/lower"
)

// AuditLowering tells whether a wheel comes to meet a policy if the symbols of its files
// are lowered.
type AuditLowering struct {
	Policy     string         `json:"policy"`
	Reached    bool           `json:"reached"`
	Files      []string       `json:"files"` // that change: members, and paths of libraries that are copied in
	Relabelled int            `json:"relabelled"`
	Compat     int            `json:"compat"`
	Weak       int            `json:"weak"`
	Notes      []AuditNote    `json:"notes"`
	Blockers   []AuditBlocker `json:"blockers"` // what stops it
}

// AuditNote says what works otherwise once symbols are lowered.
type AuditNote struct {
	Text    string   `json:"text"`
	Source  string   `json:"source"`
	Symbols []string `json:"symbols"`
}

func newLowerings(all []*audit.Lowering) []AuditLowering {
	var out []AuditLowering
	for _, l := range all {
		one := AuditLowering{
			Policy: l.Verdict.Policy.Tag(), Reached: l.Reaches(), Files: []string{}, Notes: []AuditNote{}, Blockers: newBlockers(stops(l)),
			Relabelled: l.Count(lower.Same, lower.Older, lower.Rename), Compat: l.Count(lower.Compat), Weak: l.Count(lower.Weak),
		}
		for _, f := range l.Files {
			one.Files = append(one.Files, f.File.Path)
		}
		for _, n := range l.Notes {
			one.Notes = append(one.Notes, AuditNote{n.Text, n.Source, n.Symbols})
		}
		out = append(out, one)
	}
	return out
}

// stops returns the blockers that neither a lowering nor a repair removes.
func stops(l *audit.Lowering) []audit.Blocker {
	return slices.DeleteFunc(slices.Clone(l.Verdict.Blockers), func(b audit.Blocker) bool { return b.Repairable() })
}

// lowerings tells which older policies a lowering reaches, the nearest first, and what
// stops the first that it does not reach.
func (p *printer) lowerings(r *audit.Report) {
	if len(r.Lowerings) == 0 {
		return
	}
	p.linef("\nOlder tags by lowering the symbols (an experiment: test the result on the old system)")
	var reached *audit.Lowering
	for _, l := range slices.Backward(r.Lowerings) {
		if !l.Reaches() {
			p.stopped(r, l)
			break
		}
		reached = l
		p.wrap("  "+p.style.good(l.Verdict.Policy.Name)+"  ", lowered(l.Count(lower.Same, lower.Older, lower.Rename), l.Count(lower.Compat), l.Count(lower.Weak)))
	}
	if reached == nil {
		return
	}
	shown, more := rows(p, reached.Notes)
	for _, n := range shown {
		p.wrap("  note: ", fmt.Sprintf("%s: %s (%s)", Clean(phrase.Some(n.Symbols, 5)), n.Text, n.Source))
	}
	p.andMore(more)
	p.wrap("  help: ", "wheelmend repair --lower --plat "+reached.Verdict.Policy.Tag()+" "+Clean(r.Wheel))
}

// stopped names what nothing stands in for.
func (p *printer) stopped(r *audit.Report, l *audit.Lowering) {
	p.linef("  %s  is out of reach:", p.style.bad(l.Verdict.Policy.Name))
	shown, more := rows(p, stops(l))
	for _, b := range shown {
		why := b.Reason
		if len(b.Symbols) > 0 {
			why = fmt.Sprintf("nothing stands in for %s of %s (%s)", phrase.Some(b.Symbols, shownSymbols), b.Version, b.Library)
		}
		p.wrap("    ", Clean(shortName(r, b.File)+": "+why))
	}
	p.andMore(more)
}

// lowered counts the symbols of a lowering.
func lowered(relabelled, compat, weak int) string {
	did := []string{phrase.Count(relabelled, "symbol") + " relabelled"}
	if compat > 0 {
		did = append(did, fmt.Sprintf("%d by the compatibility library", compat))
	}
	if weak > 0 {
		did = append(did, phrase.Count(weak, "weak reference")+" without a version")
	}
	return strings.Join(did, ", ")
}
