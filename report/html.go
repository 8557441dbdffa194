package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// An HTMLPage shows audits on one page that needs nothing else: no script, no font, no
// image. It fits a phone and follows the reader's choice of a dark screen. Every text of a
// wheel is escaped, and the page forbids itself to load anything.
type HTMLPage struct{ page *htmlPage }

// NewHTMLPage begins a page.
func NewHTMLPage(w io.Writer) *HTMLPage {
	h := &htmlPage{printer{w: unguarded(w)}}
	h.linef(pageHead, pageStyle)
	return &HTMLPage{h}
}

// Add adds the audit of a wheel whose archive has that many bytes.
func (p *HTMLPage) Add(r *audit.Report, archive int64) { p.page.report(r, archive) }

// AddFailure tells that the wheel of that name could not be read.
func (p *HTMLPage) AddFailure(wheel string, err error) {
	p.page.linef("<h1>%s</h1>\n<p class=\"verdict bad\">%s</p>", esc(wheel), esc(err.Error()))
}

// Close ends the page. It returns the first error of the writer.
func (p *HTMLPage) Close() error {
	h := p.page
	left := h.left
	h.left, h.bytes = 0, 0 // the end is never left out
	if left > 0 {
		h.linef("<p class=\"dim\">and %s; --format json has all</p>", phrase.Count(left, "more line"))
	}
	h.linef("<footer>Made by <a href=\"https://github.com/wheelmend/wheelmend\">wheelmend</a>. <a href=\"https://github.com/wheelmend/wheelmend/blob/main/docs/troubleshooting.md\">What do these messages mean?</a></footer>\n</main>\n</body>\n</html>")
	return h.end()
}

type htmlPage struct{ printer }

// esc escapes a text for HTML, in and out of attributes.
func esc(text string) string { return html.EscapeString(Clean(phrase.Cut(text, longestAnnotation))) }

const pageHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>wheelmend audit</title>
<style>%s</style>
</head>
<body>
<main>`

const pageStyle = `
:root{--bg:#fff;--fg:#1c1e21;--dim:#5b626b;--line:#d9dde2;--soft:#f4f6f8;--good:#11743a;--bad:#b3261e;--accent:#2257bf;--bundled:#dbe7ff;--graft:#dcf3e3;--missing:#fbdcd9;--module:#f0ebff;--excluded:#fdf0d0}
@media (prefers-color-scheme:dark){:root{--bg:#15171a;--fg:#e6e8eb;--dim:#a0a7b0;--line:#343a41;--soft:#1e2226;--good:#63cf8b;--bad:#ff8f86;--accent:#8db4ff;--bundled:#20335c;--graft:#1b4029;--missing:#56211d;--module:#332a54;--excluded:#4d3f17}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:64rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem;overflow-wrap:anywhere;margin:.5rem 0}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
code,.file{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.verdict{font-size:1.05rem;padding:.7rem 1rem;border-left:.3rem solid var(--good);background:var(--soft)}
.verdict.bad{border-color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:1rem 0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.good{color:var(--good)}.bad{color:var(--bad)}.dim{color:var(--dim)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%}
th,td{overflow-wrap:anywhere;text-align:left;padding:.35rem .6rem;border-top:1px solid var(--line);vertical-align:top}
tr:first-child>th{border-top:0}th{color:var(--dim);font-weight:600}
td.n{text-align:right;white-space:nowrap}
details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.4rem .8rem}
summary .dim{font-weight:400}summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}
.cause{margin:.6rem 0}.cause ul{margin:.2rem 0;padding-left:1.2rem}
.bar{display:flex;height:1.2rem;border-radius:.3rem;overflow:hidden;background:var(--soft);margin:.5rem 0}
.bar i{display:block;height:100%}
svg{display:block;font:12px ui-monospace,monospace}
svg text{fill:var(--fg)}svg path{fill:none;stroke:var(--dim)}svg rect{stroke:var(--line)}
svg .module{fill:var(--module)}svg .bundled{fill:var(--bundled)}svg .graft{fill:var(--graft)}svg .missing{fill:var(--missing)}svg .excluded{fill:var(--excluded)}
.key span{display:inline-block;padding:0 .5rem;margin:.2rem .4rem .2rem 0;border-radius:.3rem;border:1px solid var(--line);font-size:.85rem}
footer{margin:3rem 0 1rem;color:var(--dim);font-size:.85rem}a{color:var(--accent)}
@media (min-width:40rem){th{white-space:nowrap}td:first-child code{display:block;min-width:18rem}}
@media (max-width:40rem){
dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5rem}
.stack,.stack tbody{display:block}.stack thead{display:none}.stack tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}.stack td{display:block;border:0;padding:.1rem .6rem;text-align:left}
.stack td[data-l]::before{content:attr(data-l) ": ";color:var(--dim)}.stack td:empty{display:none}}
`

// report writes the part of the page for one wheel.
func (h *htmlPage) report(r *audit.Report, archive int64) {
	h.linef("<h1>%s</h1>", esc(r.Wheel))
	switch {
	case r.Unserved != nil:
		h.linef("<p class=\"verdict bad\">%s</p>", esc(r.Unserved.Error()))
		h.foreignFiles(r)
		return
	case r.Format == audit.Pure:
		h.linef("<p class=\"verdict\">A pure wheel: it holds no binaries and runs on any platform.</p>")
		h.foreignFiles(r)
		return
	}
	h.verdictOf(r)
	h.problemList(r)
	h.policies(r)
	bundled := r.Bundled()
	h.bundledLibraries(bundled)
	h.outside(r)
	h.graph(dependenciesOf(r, bundled))
	h.sizes(r, archive)
	h.foreignFiles(r)
}

// verdictOf writes the verdict of the text report, without its colors and line breaks.
func (h *htmlPage) verdictOf(r *audit.Report) {
	var text strings.Builder
	p := &printer{w: &text, style: Style{Width: 1 << 20}}
	p.verdict(r)
	class := "verdict"
	if len(claimProblems(r)) > 0 || !r.SelfContained() {
		class += " bad"
	}
	h.linef("<p class=\"%s\">%s</p>\n<dl>", class, esc(strings.TrimSpace(text.String())))
	meets := tagText(r.Tag())
	if r.ButForLibraries() {
		meets += ", but for what it needs from outside the wheel"
	}
	h.linef("<dt>meets</dt><dd>%s</dd>", meets)
	after := "none: it cannot be repaired as it is"
	switch best := r.Target(); {
	case best == nil || !best.Repairable():
	case r.RepairKeeps():
		after = "the same, no repair is needed"
	default:
		after = tagText(r.RepairableTag()) + ", with " + graftCount(len(best.Grafts))
	}
	h.linef("<dt>after repair</dt><dd>%s</dd>", after)
	h.linef("<dt>holds</dt><dd>%s for %s</dd>\n</dl>", esc(contents(r)), esc(targetOf(r)))
}

// tagText spells tags with what they mean.
func tagText(tags string) string {
	if tags == "" {
		return "no tag"
	}
	text := explained(tags, func(tag string) string { return "\x01" + tag + "\x02" })
	return strings.NewReplacer("\x01", "<code>", "\x02", "</code>").Replace(html.EscapeString(text))
}

func (h *htmlPage) problemList(r *audit.Report) {
	all := AuditProblems(r)
	if len(all) == 0 {
		return
	}
	h.linef("<h2>What stands in the way</h2>")
	h.linef("<div class=\"scroll\"><table class=\"stack\"><thead><tr><th>problem</th><th>what to do</th></tr></thead>")
	before := Problem{}
	for _, p := range all[:min(len(all), maxRows)] {
		class := "bad"
		if p.Level == LevelNote {
			class = "dim"
		}
		title, help := fmt.Sprintf("<b class=\"%s\">%s</b><br>", class, esc(p.Title)), esc(p.Help)
		if p.Title == before.Title { // another cause of the same
			title = ""
			if p.Help == before.Help {
				help = ""
			}
		}
		before = p
		h.linef("<tr><td>%s%s</td><td data-l=\"help\">%s</td></tr>", title, esc(p.Text), help)
	}
	h.linef("</table></div>")
}

// policies tells for each policy whether it is met, and folds what stops it.
func (h *htmlPage) policies(r *audit.Report) {
	if len(r.Verdicts) < 2 {
		return
	}
	stops := map[*policy.Policy]blocked{}
	for _, s := range blockedPolicies(r) {
		stops[s.policy] = s
	}
	h.linef("<h2>Platform tags</h2>")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Policy == nil || v.Policy.Plain() {
			continue
		}
		state, class := "met", "good"
		switch {
		case v.Meets():
		case v.Repairable():
			state = "met after a repair"
		default:
			state, class = "not met", "bad"
		}
		head := fmt.Sprintf("<code>%s</code> <span class=\"%s\">%s</span> <span class=\"dim\">%s</span>", esc(v.Policy.Tag()), class, state, esc(v.Policy.Platform().Meaning()))
		s, blocked := stops[v.Policy]
		if !blocked {
			h.linef("<details><summary>%s</summary>%s</details>", head, sameAsNewer(v))
			continue
		}
		h.linef("<details><summary>%s, %s</summary>", head, phrase.Count(len(s.causes), "cause"))
		for _, c := range s.causes[:min(len(s.causes), maxRows)] {
			h.cause(c)
		}
		h.linef("</details>")
	}
}

// sameAsNewer tells why there is nothing to unfold.
func sameAsNewer(v *audit.Verdict) string {
	if v.Repairable() {
		return "<p>Nothing stops it.</p>"
	}
	return "<p>The causes that stop a newer tag stop it too.</p>"
}

func (h *htmlPage) cause(c *cause) {
	head := c.Reason
	if c.Version != "" && c.Library != "" {
		head = c.Version + " (" + c.Library + ")"
	}
	symbols := make([]string, 0, len(c.symbols))
	for _, s := range c.symbols {
		symbols = append(symbols, Readable(s))
	}
	const most = 100 // of symbols and of files
	h.linef("<div class=\"cause\"><b>%s</b> <code>%s</code><ul>", esc(head), esc(phrase.Some(symbols, most)))
	for _, f := range c.files[:min(len(c.files), most)] {
		h.linef("<li class=\"file\">%s</li>", esc(f))
	}
	if more := len(c.files) - most; more > 0 {
		h.linef("<li>and %d more</li>", more)
	}
	h.linef("</ul></div>")
}

func (h *htmlPage) bundledLibraries(all []audit.Bundled) {
	if len(all) == 0 {
		return
	}
	h.linef("<h2>Bundled libraries</h2>\n<div class=\"scroll\"><table class=\"stack\"><thead><tr><th>library</th><th>package</th><th>licence</th><th>size</th><th>needed by</th></tr></thead>")
	for _, b := range all[:min(len(all), maxRows)] {
		by := "nothing by name"
		if len(b.NeededBy) > 0 {
			by = phrase.Some(b.NeededBy, shownOfCause)
		}
		h.linef("<tr><td><code>%s</code></td><td data-l=\"package\">%s</td><td data-l=\"licence\">%s</td><td class=\"n\" data-l=\"size\">%s</td><td class=\"file\" data-l=\"needed by\">%s</td></tr>",
			esc(b.Name), esc(strings.TrimSpace(b.Package+" "+b.Version)), esc(b.Licence), size(b.Size), esc(by))
	}
	h.linef("</table></div>")
}

// outside lists the libraries that the wheel needs from outside.
func (h *htmlPage) outside(r *audit.Report) {
	all := r.Libraries(r.Target())
	if len(all) == 0 {
		return
	}
	words := map[audit.Action]string{
		audit.Graft: "bundled by a repair", audit.System: "left to the system", audit.Excluded: "left out, as asked",
		audit.Missing: "not found", audit.Remove: "not needed: Python has loaded it",
	}
	h.linef("<h2>Libraries from outside the wheel</h2>\n<div class=\"scroll\"><table class=\"stack\"><thead><tr><th>library</th><th>what becomes of it</th><th>found at</th><th>needed by</th></tr></thead>")
	for _, l := range all[:min(len(all), maxRows)] {
		class := ""
		if l.Action == audit.Missing {
			class = " class=\"bad\""
		}
		h.linef("<tr><td><code>%s</code></td><td%s>%s</td><td class=\"file\" data-l=\"found at\">%s</td><td class=\"file\" data-l=\"needed by\">%s</td></tr>",
			esc(l.Soname), class, words[l.Action], esc(l.Path), esc(phrase.Some(l.NeededBy, shownOfCause)))
	}
	h.linef("</table></div>")
}

// A share is a part of the wheel's size.
type share struct {
	name string
	size int64
}

// sizes shows what the wheel's files take, by their top folders.
func (h *htmlPage) sizes(r *audit.Report, archive int64) {
	byFolder := map[string]int64{}
	var total int64
	for _, m := range r.Contents.Reader.Members() {
		top, _, found := strings.Cut(path.Clean(m.Name), "/")
		if !found {
			top = "files at the top"
		}
		byFolder[top] += int64(m.Size)
		total += int64(m.Size)
	}
	var shares []share
	for name, n := range byFolder {
		shares = append(shares, share{name, n})
	}
	order.Stable(shares, func(a, b share) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name)) })
	const most = 6
	if len(shares) > most {
		rest := share{name: "others"}
		for _, s := range shares[most-1:] {
			rest.size += s.size
		}
		shares = append(shares[:most-1], rest)
	}
	h.linef("<h2>Size</h2>\n<p>%s, unpacked %s</p>", size(archive), size(total))
	if total == 0 {
		return
	}
	colors := []string{"#4477cc", "#44aa77", "#cc8844", "#9966cc", "#cc5577", "#888888"}
	h.linef("<div class=\"bar\">")
	for i, s := range shares {
		h.linef("<i style=\"width:%.2f%%;background:%s\" title=\"%s\"></i>", 100*float64(s.size)/float64(total), colors[i], esc(s.name))
	}
	h.linef("</div>\n<p class=\"key\">")
	for i, s := range shares {
		h.linef("<span style=\"border-left:.6rem solid %s\">%s %s</span>", colors[i], esc(s.name), size(s.size))
	}
	h.linef("</p>")
}

func (h *htmlPage) foreignFiles(r *audit.Report) {
	if len(r.Foreign) == 0 {
		return
	}
	h.linef("<h2>Files left alone</h2>\n<ul>")
	for _, f := range r.Foreign[:min(len(r.Foreign), maxRows)] {
		h.linef("<li class=\"file\">%s <span class=\"dim\">(%s)</span></li>", esc(f.Path), esc(f.Kind))
	}
	h.linef("</ul>")
}
