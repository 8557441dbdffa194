package report

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// A Level tells how much a problem matters.
type Level string

// The levels, in the words of SARIF. GitHub calls the last one a notice.
const (
	LevelError   Level = "error"   // the wheel does not do what it claims, or cannot be repaired
	LevelWarning Level = "warning" // somebody should know
	LevelNote    Level = "note"    // what keeps the wheel from older systems
)

// A Problem is what is told of a wheel where CI services show it: one cause, with what
// to do about it. Its texts are not escaped.
type Problem struct {
	Rule   string // a word for the kind of problem, such as "missing" or "record"
	Level  Level
	Member string // file of the wheel, "" for the wheel as a whole
	Title  string
	Text   string
	Help   string // what to do, "" when nothing is known
}

// toldFaults is how many faults of one claim are told one by one: GitHub shows ten
// annotations of a step.
const toldFaults = 3

// AuditProblems returns what an audit found: why the file name claims too much, what no
// repair can do without, and what stops the next older tag.
func AuditProblems(r *audit.Report) []Problem {
	switch {
	case r.Unserved != nil:
		return []Problem{{Rule: "system", Level: LevelError, Title: "not looked into", Text: r.Unserved.Error()}}
	case r.Format == audit.Pure:
		return nil
	}
	var out []Problem
	for _, b := range r.Refused() {
		out = append(out, Problem{Rule: string(b.Kind), Level: LevelError, Member: b.File, Title: "no loader takes this file", Text: b.Reason, Help: "build the file again"})
	}
	out = append(out, claimProblems(r)...)
	for _, l := range withAction(r.Libraries(r.Target()), audit.Missing) {
		out = append(out, Problem{
			Rule: string(audit.KindMissing), Level: LevelError, Member: first(l.NeededBy), Title: l.Soname + " was not found",
			Text: fmt.Sprintf("%s was not found; it is needed by %s", l.Soname, phrase.Some(l.NeededBy, shownOfCause)),
			Help: "name the folder of the library with --search-path, or leave it to the user's system with --exclude",
		})
	}
	if all := blockedPolicies(r); len(all) > 0 {
		out = append(out, blockedProblems(r, all[0])...)
	}
	return out
}

// claimProblems returns which tags of the file name do not hold.
func claimProblems(r *audit.Report) []Problem {
	var out []Problem
	for _, tag := range r.Contents.Filename.Platform {
		platform, err := policy.ParsePlatform(tag)
		if err != nil || platform.Family == policy.Linux {
			continue
		}
		if v := r.Judge(platform); len(v.Blockers) > 0 {
			p := Problem{
				Rule: string(audit.TopicPlatform), Level: LevelError, Title: tag + " is not met",
				Text: fmt.Sprintf("the file name claims %s, and that does not hold: %s", tag, causeOf(ownBlockers(r, v.Blockers))),
			}
			if target := r.Target(); target != nil && target.Repairable() {
				p.Help = "wheelmend repair gives it the right platform tag"
			}
			out = append(out, p)
		}
	}
	return out
}

// blockedProblems returns what stops one policy, a problem for each cause.
func blockedProblems(r *audit.Report, h blocked) []Problem {
	var out []Problem
	ways := ""
	if h.policy != nil {
		ways = h.ways(r)
	}
	for _, c := range h.causes {
		text := c.Reason
		if c.Version != "" && c.Library != "" {
			text = fmt.Sprintf("%s (%s)", c.Version, c.Library)
		}
		if len(c.symbols) > 0 {
			symbols := make([]string, len(c.symbols))
			for i, s := range c.symbols {
				symbols[i] = Readable(s)
			}
			text += ": " + phrase.Some(symbols, shownSymbols)
		}
		text += ", in " + phrase.Some(c.files, shownOfCause)
		p := Problem{Rule: string(c.Kind), Level: LevelNote, Member: first(c.files), Title: c.Tag + " is not met", Text: text}
		switch {
		case h.policy == nil: // there is one tag to meet, that of the name
			p.Level = LevelError
		case c.Kind == audit.KindVersion && ways != "":
			p.Help = "to serve older systems, " + ways
		}
		out = append(out, p)
	}
	return out
}

// VerifyProblems returns the faults of the claims that fail.
func VerifyProblems(p *audit.Proof) []Problem {
	var out []Problem
	for _, c := range p.Failed() {
		problem := Problem{Rule: string(c.Topic), Level: LevelError, Title: string(c.Topic) + " does not hold"}
		if len(c.Faults) == 0 {
			problem.Text = "does not hold: " + c.Text + "; " + c.Basis
			out = append(out, problem)
		}
		for i := range c.Faults {
			if i == toldFaults && len(c.Faults) > toldFaults+1 {
				problem.Member, problem.Text = "", fmt.Sprintf("and %s: %s", phrase.Count(len(c.Faults)-i, "more fault"), c.Text)
				out = append(out, problem)
				break
			}
			problem.Member, problem.Text = c.Faults[i].File, c.Faults[i].String()
			out = append(out, problem)
		}
	}
	if p.Report != nil && p.Report.Unserved != nil {
		out = append(out, AuditProblems(p.Report)...)
	}
	return out
}

// FailureProblem is the one problem of a wheel that could not be read or repaired. An error
// that explains itself names the way out.
func FailureProblem(err error) Problem {
	var explained interface{ Explain() Explanation }
	if errors.As(err, &explained) {
		e := explained.Explain()
		return Problem{Rule: "failure", Level: LevelError, Title: e.Title, Text: err.Error(), Help: strings.Join(e.Help, "; or ")}
	}
	return Problem{Rule: "failure", Level: LevelError, Title: "failed", Text: err.Error()}
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
