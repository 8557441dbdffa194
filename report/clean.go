package report

import (
	"strconv"
	"strings"
	"unicode"
)

// Clean returns s on one line and without control characters: they are escaped
// as in a Go string, line breaks become "; ".
func Clean(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ")
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports characters that a terminal acts upon or that cannot be seen.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar
}
