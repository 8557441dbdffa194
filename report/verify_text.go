package report

import (
	"fmt"
	"io"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// shownFaults is how many faults of one claim the text lists.
const shownFaults = 8

// WriteVerify writes a verification as text for people: one line, and below it each claim
// that fails. With all, every claim is listed with its outcome and what that rests on, and
// every fault with every symbol of it.
func WriteVerify(w io.Writer, proof *audit.Proof, s Style, all bool) error {
	p := &printer{w: w, style: s, all: all}
	if all {
		p.linef("%s", s.bold(Clean(proof.Wheel)))
	} else {
		p.line(s.bold(Clean(proof.Wheel)) + ": " + p.sum(proof))
	}
	for _, c := range proof.Claims {
		if all || c.Outcome == audit.Fails {
			p.claim(&c)
		}
	}
	if all {
		p.linef("  %s", p.sum(proof))
	}
	return p.end()
}

// claim writes one claim with what contradicts it.
func (p *printer) claim(c *audit.Claim) {
	const indent = "             "
	p.wrap("  "+p.outcome(c.Outcome)+"  ", Clean(c.Text))
	p.wrap(indent, Clean(c.Basis))
	shown := c.Faults[:min(shownFaults, len(c.Faults))]
	if p.all {
		shown = c.Faults
		for _, line := range c.Evidence {
			p.wrap(indent+". ", Clean(line))
		}
	}
	for i := range shown {
		limit := shownSymbols
		if p.all {
			limit = len(shown[i].Symbols)
		}
		p.wrap(indent+"- ", Clean(shown[i].Text(limit)))
	}
	if more := len(c.Faults) - len(shown); more > 0 {
		p.linef("%s- and %d more (-v)", indent, more)
	}
}

// WriteVerifySum counts at the end how many of several wheels hold what they claim.
func WriteVerifySum(w io.Writer, hold, fail int, s Style) error {
	p := &printer{w: w, style: s}
	text := fmt.Sprintf("%s: %d hold", phrase.Count(hold+fail, "wheel"), hold)
	if fail > 0 {
		text += ", " + s.bad(fmt.Sprintf("%d fail", fail))
	}
	p.linef("\n%s", text)
	return p.end()
}

// outcome spells an outcome in a column of its own.
func (p *printer) outcome(o audit.Outcome) string {
	text := fmt.Sprintf("%-9s", o)
	switch o {
	case audit.Holds:
		return p.style.good(text)
	case audit.Fails:
		return p.style.bad(text)
	}
	return text
}

// sum says how the verification ended.
func (p *printer) sum(proof *audit.Proof) string {
	open := 0
	for _, c := range proof.Claims {
		if c.Outcome == audit.Unchecked {
			open++
		}
	}
	text := phrase.Count(len(proof.Claims)-open, "claim") + " checked"
	if n := len(proof.Failed()); n > 0 {
		text += ", " + p.style.bad(fmt.Sprintf("%d failed", n))
	} else {
		text += ", " + p.style.good("all hold")
	}
	if open > 0 {
		text += fmt.Sprintf("; %d not checked", open)
		if !p.all {
			text += " (-v)"
		}
	}
	return text
}
