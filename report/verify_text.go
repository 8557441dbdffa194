package report

import (
	"fmt"
	"io"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// shownFaults is how many faults of one claim the text lists.
const shownFaults = 8

// WriteVerify writes a verification as text for people: each claim with its
// outcome and, below it, what that rests on. With all, that is told in detail,
// and every fault is listed with every symbol of it.
func WriteVerify(w io.Writer, proof *audit.Proof, s Style, all bool) error {
	p := &printer{w: w, style: s}
	p.linef("%s", s.bold(Clean(proof.Wheel)))
	for _, c := range proof.Claims {
		p.linef("  %s  %s", p.outcome(c.Outcome), Clean(c.Text))
		p.linef("             %s", Clean(c.Basis))
		shown := c.Faults[:min(shownFaults, len(c.Faults))]
		if all {
			shown = c.Faults
			for _, line := range c.Evidence {
				p.linef("             . %s", Clean(line))
			}
		}
		for i := range shown {
			limit := shownSymbols
			if all {
				limit = len(shown[i].Symbols)
			}
			p.linef("             - %s", Clean(shown[i].Text(limit)))
		}
		if more := len(c.Faults) - len(shown); more > 0 {
			p.linef("             - and %d more; -v lists them, --json has all", more)
		}
	}
	p.linef("%s", p.sum(proof))
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
	}
	return "  " + text
}
