// Package phrase spells what messages and reports say in more than one place.
package phrase

import (
	"fmt"
	"strings"
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
	text := strings.Join(names[:min(limit, len(names))], ", ")
	if more := len(names) - limit; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
