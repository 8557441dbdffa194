package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// WriteAuditMarkdown writes an audit for the summary of a CI job: the verdict, what
// stops the next older tag, the libraries, and a graph that GitHub and GitLab draw. No
// text of the wheel is read as markup.
func WriteAuditMarkdown(w io.Writer, r *audit.Report) error {
	m := newMarkdown(w)
	m.linef("### %s\n", code(r.Wheel))
	switch {
	case r.Unserved != nil:
		m.linef("%s\n", plain(r.Unserved.Error()))
		return m.end()
	case r.Format == audit.Pure:
		m.linef("A pure wheel: it holds no binaries and runs on any platform.\n")
		return m.end()
	}
	m.auditTags(r)
	m.problems(AuditProblems(r))
	bundled := r.Bundled()
	m.libraries(bundled)
	m.graph(dependenciesOf(r, bundled))
	return m.end()
}

// WriteVerifyMarkdown does the same for a verification.
func WriteVerifyMarkdown(w io.Writer, p *audit.Proof) error {
	m := newMarkdown(w)
	failed, unchecked := len(p.Failed()), 0
	for _, c := range p.Claims {
		if c.Outcome == audit.Unchecked {
			unchecked++
		}
	}
	m.linef("### %s\n", code(p.Wheel))
	result := "**%s checked, all hold.**"
	if failed > 0 {
		result = fmt.Sprintf("**%%s checked, %d fail.**", failed)
	}
	m.linef(result+"\n", phrase.Count(len(p.Claims)-unchecked, "claim"))
	m.problems(VerifyProblems(p))
	m.linef("<details><summary>All claims</summary>\n\n| | claim | based on |\n|---|---|---|")
	for _, c := range p.Claims {
		mark := map[audit.Outcome]string{audit.Holds: "✓", audit.Fails: "✗", audit.Unchecked: "–"}[c.Outcome]
		m.linef("| %s | %s | %s |", mark, plain(c.Text), plain(c.Basis))
	}
	m.linef("\n</details>\n")
	return m.end()
}

// WriteRepairMarkdown writes a line of a table for each result of a repair: what came
// out, with which libraries.
func WriteRepairMarkdown(w io.Writer, rows []RepairRow) error {
	m := newMarkdown(w)
	m.linef("| wheel | result | bundled libraries |\n|---|---|---|")
	for _, r := range rows {
		result := code(r.Output)
		if r.Err != nil {
			result = "✗ " + plain(r.Err.Error())
		}
		names := make([]string, len(r.Grafts))
		for i, g := range r.Grafts {
			names[i] = code(g)
		}
		m.linef("| %s | %s | %s |", code(r.Wheel), result, strings.Join(names, " "))
	}
	m.linef("")
	return m.end()
}

// A RepairRow is what became of one wheel.
type RepairRow struct {
	Wheel  string   // file name
	Output string   // file name of the result
	Grafts []string // libraries that came in
	Err    error    // why there is no result
}

type markdown struct{ printer }

func newMarkdown(w io.Writer) *markdown { return &markdown{printer{w: unguarded(w)}} }

// auditTags tells which tags are claimed and met.
func (m *markdown) auditTags(r *audit.Report) {
	var claimed []string
	for _, tag := range r.Contents.Filename.Platform {
		claimed = append(claimed, code(tag))
	}
	m.linef("| | |\n|---|---|")
	m.linef("| file name claims | %s |", strings.Join(claimed, " "))
	meets := tagCell(r.Tag())
	if r.ButForLibraries() {
		meets += ", but for what it needs from outside the wheel"
	}
	m.linef("| meets | %s |", meets)
	switch best := r.Target(); {
	case best == nil || !best.Repairable():
		m.linef("| after repair | none: it cannot be repaired as it is |")
	case r.RepairKeeps():
		m.linef("| after repair | the same, no repair is needed |")
	default:
		m.linef("| after repair | %s, with %s |", tagCell(r.RepairableTag()), graftCount(len(best.Grafts)))
	}
	m.linef("")
}

// tagCell spells tags with what they mean.
func tagCell(tags string) string {
	if tags == "" {
		return "no tag"
	}
	text := explained(tags, func(tag string) string { return "\x00" + tag + "\x00" })
	parts := strings.Split(text, "\x00")
	for i, part := range parts {
		if i%2 == 1 {
			parts[i] = code(part)
			continue
		}
		parts[i] = strings.Repeat(" ", len(part)-len(strings.TrimLeft(part, " "))) + plain(part)
	}
	return strings.Join(parts, "")
}

// problems lists problems, and folds a long list.
func (m *markdown) problems(all []Problem) {
	const open = 8
	if len(all) == 0 {
		return
	}
	mark := map[Level]string{LevelError: "✗", LevelWarning: "!", LevelNote: "·"}
	m.linef("| | problem | what to do |\n|---|---|---|")
	for i, p := range all {
		if i == open && len(all) > open+1 {
			m.linef("\nand %s; <code>wheelmend audit -v</code> lists them.\n", phrase.Count(len(all)-open, "more problem"))
			return
		}
		m.linef("| %s | **%s**<br>%s | %s |", mark[p.Level], plain(p.Title), plain(p.Text), plain(p.Help))
	}
	m.linef("")
}

// libraries lists what the wheel bundles.
func (m *markdown) libraries(all []audit.Bundled) {
	if len(all) == 0 {
		return
	}
	m.linef("<details><summary>%s</summary>\n\n| library | package | licence | size |\n|---|---|---|---|", phrase.Count(len(all), "bundled library"))
	shown := all[:min(len(all), maxRows)]
	for _, b := range shown {
		m.linef("| %s | %s | %s | %s |", code(b.Name), plain(strings.TrimSpace(b.Package+" "+b.Version)), plain(b.Licence), size(b.Size))
	}
	if more := len(all) - len(shown); more > 0 {
		m.linef("\nand %d more", more)
	}
	m.linef("\n</details>\n")
}

// graph writes the dependencies in the language of Mermaid, in the fence that GitHub draws.
func (m *markdown) graph(d *dependencies) {
	if len(d.edges) == 0 {
		return
	}
	m.linef("<details><summary>Dependencies</summary>\n\n```mermaid\nflowchart LR")
	for i, n := range d.nodes {
		shape := map[string]string{"module": `n%d(["%s"])`, "missing": `n%d{{"%s (not found)"}}`, "excluded": `n%d[/"%s (excluded)"/]`}[n.kind]
		if shape == "" {
			shape = `n%d["%s"]`
		}
		m.linef("  "+shape, i, mermaid(n.label))
	}
	for _, e := range d.edges {
		m.linef("  n%d --> n%d", e[0], e[1])
	}
	if d.left > 0 {
		m.linef(`  left["and %s"]`, phrase.Count(d.left, "more file"))
	}
	m.linef("```\n\n</details>\n")
}

// mermaid escapes a label: characters that could mean something are written by their
// number (https://mermaid.js.org/syntax/flowchart.html, "Entity codes to escape characters").
func mermaid(label string) string {
	var b strings.Builder
	for _, c := range Clean(phrase.Cut(label, 200)) {
		switch {
		case c == ' ' || c == '.' || c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c > 0x7f:
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, "#%d;", c)
		}
	}
	return b.String()
}

// code shows a text in the type of code, without a mention or link in it.
func code(text string) string { return "<code>" + plain(text) + "</code>" }

// plain escapes a text: what could be markup is written by its number, which no reader
// of Markdown takes for markup (CommonMark, "Entity and numeric character references").
func plain(text string) string {
	var b strings.Builder
	before := ' '
	runes := []rune(Clean(phrase.Cut(text, longestAnnotation)))
	for i, c := range runes {
		letter := func(r rune) bool {
			return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 0x7f
		}
		inside := letter(before) && i+1 < len(runes) && (letter(runes[i+1]) || c != '_')
		switch {
		case letter(c), c == ' ', strings.ContainsRune(",;()/%", c), inside && strings.ContainsRune("_.-+", c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, "&#%d;", c)
		}
		before = c
	}
	return strings.ReplaceAll(b.String(), "www.", "www&#46;") // a link without a scheme (GFM, autolinks)
}
