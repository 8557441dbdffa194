package report

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// An Explanation is a failure told at length: what is wrong, where, and what to do next.
type Explanation struct {
	Title   string // what is wrong, on one line
	Details []Detail
	Help    []string // what to do next, each on its own
}

// A Detail is one fact about a failure, such as who needs a library.
type Detail struct {
	Name  string
	Lines []string
}

// A Voice is who tells a failure, and to whom.
type Voice struct {
	Program  string
	Wheel    string // that it is about, "" for none
	Terminal bool   // a person reads it, so that it need not begin with the program
}

// WriteExplanation tells a failure as compilers do: what is wrong on the first line, and
// indented below it the facts and the way out. In a pipe the first line is never wrapped,
// and names the program and the wheel.
func WriteExplanation(w io.Writer, s Style, v Voice, e Explanation) error {
	p := &printer{w: w, style: s, all: true}
	title := Clean(e.Title)
	if v.Terminal {
		p.wrap(s.alarm("error")+": ", s.bold(title))
		if v.Wheel != "" {
			e.Details = append([]Detail{{"wheel", []string{v.Wheel}}}, e.Details...)
		}
	} else {
		head := v.Program + ": " + s.alarm("error") + ": "
		if v.Wheel != "" {
			head += Clean(v.Wheel) + ": "
		}
		p.linef("%s", head+title)
	}
	widest := len("help")
	for _, d := range e.Details {
		widest = max(widest, len(d.Name))
	}
	head := func(name string) string { return "  " + name + ":" + strings.Repeat(" ", widest-len(name)+1) }
	for _, d := range e.Details {
		first := head(d.Name)
		for _, line := range d.Lines {
			p.hanging(first, strings.Repeat(" ", cells(first)), strings.Fields(Clean(line)))
			first = strings.Repeat(" ", cells(first))
		}
	}
	for _, help := range e.Help {
		p.wrap(head("help"), Clean(help))
	}
	return p.end()
}

// WriteFailureLine tells a failure that has no more to it than its text.
func WriteFailureLine(w io.Writer, s Style, v Voice, message string) error {
	message = Clean(message)
	p := &printer{w: w, style: s}
	if !v.Terminal {
		if v.Wheel != "" {
			message = Clean(v.Wheel) + ": " + message
		}
		p.linef("%s: %s: %s", v.Program, s.alarm("error"), message)
		return p.end()
	}
	var e Explanation
	e.Title = message
	// What follows the last semicolon is the way out, by the rules of messages.
	if at := strings.LastIndex(message, "; "); at > 0 && !strings.ContainsAny(message[at:], `"(`) {
		e.Title, e.Help = message[:at], []string{message[at+2:]}
	}
	return WriteExplanation(w, s, v, e)
}

// alarm paints the word error.
func (s Style) alarm(t string) string {
	return s.paint(text.Bold, s.paint(text.FgRed, t))
}

// Message returns a message of the log as it is shown: on a line of its own that begins with
// the program, or wrapped for who reads it in a terminal.
func Message(s Style, v Voice, level, message string) string {
	if !v.Terminal {
		return v.Program + ": " + s.level(level) + ": " + Clean(message) + "\n"
	}
	var b strings.Builder
	p := &printer{w: &b, style: s}
	p.wrap(s.level(level)+": ", Clean(message))
	return b.String()
}

// level paints how bad a message is.
func (s Style) level(level string) string {
	switch level {
	case "error":
		return s.alarm(level)
	case "warning":
		return s.paint(text.Bold, s.paint(text.FgYellow, level))
	}
	return level
}

// Listed names up to limit things, a line for each, and counts the rest.
func Listed(names []string, limit int, rest string) []string {
	if len(names) <= limit+1 {
		return names
	}
	return append(append([]string{}, names[:limit]...), "and "+phrase.Count(len(names)-limit, rest))
}
