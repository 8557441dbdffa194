// Package phrase spells what messages and reports say in more than one place.
package phrase

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Count spells a number with its noun: "1 library", "2 libraries".
func Count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Some lists up to limit names, and how many there are more.
func Some(names []string, limit int) string {
	return Listed(names, limit, len(names))
}

// Listed does the same for names that are the first of a number.
func Listed(names []string, limit, of int) string {
	names = names[:min(limit, len(names))]
	text := strings.Join(names, ", ")
	if more := of - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Cut returns a text with at most limit bytes of it, and how many there are more. It
// does not cut characters.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return fmt.Sprintf("%s... (%d bytes more)", text[:limit], len(text)-limit)
}

// And joins names as a sentence does: "a, b and c".
func And(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
