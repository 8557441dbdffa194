package report

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Clean returns s on one line, without control characters and without what a CI
// service would take for a command: these are escaped as in a Go string, line
// breaks become "; ".
func Clean(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ")
	return tame(escapeHidden(s, ""), anyWord)
}

// escapeHidden escapes what a terminal acts upon, but for the characters kept.
func escapeHidden(s, kept string) string {
	escape := func(r rune) bool { return hidden(r) && !strings.ContainsRune(kept, r) }
	if strings.IndexFunc(s, escape) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if escape(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports characters that a terminal acts upon or that cannot be seen, and
// those that end a line for some readers.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}

// Commands that CI services read from the log of a job. GitHub and GitLab look at
// the beginning of a line, Travis too; Azure Pipelines and GitHub's older form,
// and TeamCity to be safe, are sought anywhere. Any word may come to begin a line
// where text is wrapped.
var (
	anywhere  = regexp.MustCompile(`(?i)##(vso|teamcity)?\[`)
	anyWord   = regexp.MustCompile(`(?i)(^|\s)(::|travis_(fold|time):|section_(start|end):)`)
	lineStart = regexp.MustCompile(`(?i)^(\s*)(::|travis_(fold|time):|section_(start|end):)`)
)

// tame escapes the first character of each command in a line.
func tame(line string, words *regexp.Regexp) string {
	if strings.Contains(line, "##") {
		line = anywhere.ReplaceAllStringFunc(line, func(s string) string { return `\x23` + s[1:] })
	}
	if !strings.Contains(line, ":") {
		return line
	}
	return words.ReplaceAllStringFunc(line, func(s string) string {
		command := strings.TrimLeftFunc(s, unicode.IsSpace)
		return s[:len(s)-len(command)] + fmt.Sprintf(`\x%02x`, command[0]) + command[1:]
	})
}

// A Guard is the way out for all text: what a wheel says may get past a caller that
// forgot to call [Clean], not past here. It leaves colors alone.
type Guard struct {
	w   io.Writer
	mid bool // the last line is not ended
}

// NewGuard returns a Guard that writes to w.
func NewGuard(w io.Writer) *Guard { return &Guard{w: w} }

// Write implements io.Writer. It takes whole characters.
func (g *Guard) Write(p []byte) (int, error) {
	var b strings.Builder
	for line := range strings.Lines(string(p)) {
		text, ended := strings.CutSuffix(line, "\n")
		words := lineStart
		if g.mid {
			words = nothing
		}
		b.WriteString(tame(escapeColored(text), words))
		if g.mid = !ended; ended {
			b.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(g.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// nothing matches no text.
var nothing = regexp.MustCompile(`[^\x00-\x{10FFFF}]`)

// color is a sequence that paints text (ECMA-48, SGR), the only one that is written.
var color = regexp.MustCompile("\x1b\\[[0-9;]*m")

// escapeColored is escapeHidden that leaves tabs and colors alone.
func escapeColored(s string) string {
	if !strings.Contains(s, "\x1b") {
		return escapeHidden(s, "\t")
	}
	var b strings.Builder
	for s != "" {
		at := color.FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		b.WriteString(escapeHidden(s[:at[0]], "\t"))
		b.WriteString(s[at[0]:at[1]])
		s = s[at[1]:]
	}
	return b.String()
}

// escapeCommands escapes commands in the strings of a JSON text: '#' stands
// nowhere else, and its lines begin with no word of a string.
func escapeCommands(text []byte) []byte {
	return anywhere.ReplaceAllFunc(text, func(s []byte) []byte { return append([]byte(`\u0023`), s[1:]...) })
}
