package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/report"
)

func TestFormatsGolden(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			rep, root := assess(t, s)
			var annotations, markdown, page bytes.Buffer
			if err := report.WriteGitHub(&annotations, "dist/"+s.wheel, report.AuditProblems(rep)); err != nil {
				t.Fatal(err)
			}
			if err := report.WriteAuditMarkdown(&markdown, rep); err != nil {
				t.Fatal(err)
			}
			html := report.NewHTMLPage(&page)
			html.Add(rep, 1234567)
			if err := html.Close(); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+".audit.github.txt", portable(annotations.String(), root))
			golden(t, s.name+".audit.md", portable(markdown.String(), root))
			checkPage(t, page.String())
			if s.name == "graft" || s.name == "hostile" {
				_, body, _ := strings.Cut(page.String(), "<main>")
				golden(t, s.name+".audit.html", portable(body, root))
			}
		})
	}
}

// tagNames matches what begins a tag of HTML.
var tagNames = regexp.MustCompile(`<[/!]?([a-zA-Z0-9]+)`)

// checkPage holds a page to the tags that this program writes: a text of a wheel adds none.
func checkPage(t *testing.T, page string) {
	t.Helper()
	ours := strings.Fields("DOCTYPE html head meta title style body main h1 h2 p dl dt dd code span b br div table thead tr th td details summary ul li i svg path g rect text footer a")
	for _, m := range tagNames.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(ours, m[1]) {
			t.Errorf("the page has a tag %q", m[0])
		}
	}
	if !strings.Contains(page, "default-src 'none'") || strings.Contains(page, " src=") || strings.Contains(page, "@import") || strings.Contains(page, "url(") {
		t.Error("the page loads something, or may")
	}
	for _, tag := range []string{"div", "table", "details", "ul", "dl", "svg", "tr", "td", "summary", "main"} {
		opened := len(regexp.MustCompile("<"+tag+"[ >]").FindAllString(page, -1))
		if closed := strings.Count(page, "</"+tag+">"); opened != closed {
			t.Errorf("%s: %d are opened, %d closed", tag, opened, closed)
		}
	}
}

// hostileProblem has in each text what a reader could take for something else.
func hostileProblem() report.Problem {
	text := "x\n::error::evil\r\n::set-output name=a::b ##[command] %0A::stop-commands::t <script>alert(1)</script> [a](javascript:x) ![b](http://e.example) @user www.e.example `c` | **d** {0} \x1b[31m"
	return report.Problem{Rule: "version", Level: report.LevelError, Member: "m," + text, Title: "t:" + text, Text: text, Help: text}
}

func TestHostileAnnotations(t *testing.T) {
	var out bytes.Buffer
	if err := report.WriteGitHub(report.NewGuard(&out), "dist/a,b:c\n::error::.whl", []report.Problem{hostileProblem()}); err != nil {
		t.Fatal(err)
	}
	line, rest, _ := strings.Cut(out.String(), "\n")
	if rest != "" || !regexp.MustCompile(`^::error file=[^,:]+,title=[^,:]+::[^\r\n\x1b]+$`).MatchString(line) {
		t.Errorf("got %q", out.String())
	}
	for _, bad := range []string{"##[", "%0A::"} {
		if strings.Contains(strings.ReplaceAll(line, "%250A", ""), bad) {
			t.Errorf("%q is in %q", bad, line)
		}
	}
}

func TestHostileMarkdown(t *testing.T) {
	p := hostileProblem()
	var out bytes.Buffer
	if err := report.WriteRepairMarkdown(&out, []report.RepairRow{
		{Wheel: p.Text, Output: p.Text, Grafts: []string{p.Text}}, {Wheel: p.Member, Err: errors.New(p.Text)},
	}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, bad := range []string{"<script", "[a]", "![", "@user", "www.e", "`", "**d", "http://", "\x1b", "\n::", "##["} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in %s", bad, text)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if n := strings.Count(line, "|"); n != 4 {
			t.Errorf("a row has %d columns: %s", n-1, line)
		}
	}
}

// The log has what SARIF 2.1.0 requires: a version, a tool with a name, and results whose
// rules, levels and places are of the allowed kinds.
func TestSARIF(t *testing.T) {
	log := report.NewSARIF("1.2.3")
	log.Add("dist/a b#c.whl", []report.Problem{hostileProblem(), {Rule: "record", Level: report.LevelNote, Text: "x"}})
	log.Add("/abs/d.whl", []report.Problem{{Rule: "version", Level: report.LevelWarning, Text: "y", Help: "z"}})
	var out bytes.Buffer
	if err := report.WriteJSON(&out, log); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct {
						ID               string
						ShortDescription struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "2.1.0" || len(got.Runs) != 1 || got.Runs[0].Tool.Driver.Name != "wheelmend" || len(got.Runs[0].Results) != 3 || len(got.Runs[0].Tool.Driver.Rules) != 2 {
		t.Fatalf("got %+v", got)
	}
	for i, want := range []string{"dist/a%20b%23c.whl", "dist/a%20b%23c.whl", "file:///abs/d.whl"} {
		r := got.Runs[0].Results[i]
		uri := r.Locations[0].PhysicalLocation.ArtifactLocation.URI
		if _, err := url.Parse(uri); err != nil || uri != want {
			t.Errorf("uri %q (%v), want %q", uri, err, want)
		}
		if got.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || !slices.Contains([]string{"error", "warning", "note"}, r.Level) || r.Message.Text == "" {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	if text := got.Runs[0].Results[0].Message.Text; strings.Contains(text, " [a](") || strings.Contains(text, " {0}") {
		t.Errorf("a link or placeholder is in %q", text)
	}
}

// GitHub shows ten annotations of each level; a wheel may give a reason for each of a
// hundred thousand files.
func TestAnnotationsEnd(t *testing.T) {
	problems := slices.Repeat([]report.Problem{{Level: report.LevelNote, Title: "title", Text: strings.Repeat("x", 100)}}, 100_000)
	var out strings.Builder
	if err := report.WriteGitHub(&out, "dist/a.whl", problems); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 1001 || !strings.HasSuffix(out.String(), "::notice file=dist/a.whl::and 99000 more findings; --json has all\n") {
		t.Errorf("%d lines, the last %q", lines, out.String()[out.Len()-100:])
	}
}
