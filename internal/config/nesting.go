package config

import (
	"errors"
	"strings"
)

// deepest bounds how many tables and lists are in one another, and how many parts the name
// of a key has: the parser of TOML takes the square of either.
const deepest = 64

var errDeep = errors.New("more than 64 lists, tables or parts of a key are in one another; see docs/limits.md")

// checkNesting returns an error for a text that is nested too deeply. Where the text is
// no TOML, what it finds does not matter: the parser ends there.
func checkNesting(text string) error {
	depth, parts := 0, 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"', '\'', '#':
			i += skip(text[i:])
			continue
		case '[', '{':
			depth++
			parts = 0
		case ']', '}':
			depth = max(0, depth-1)
			parts = 0
		case '.':
			parts++
		case '=', ',', '\n':
			parts = 0
		}
		if depth > deepest || parts > deepest {
			return errDeep
		}
		i++
	}
	return nil
}

// skip returns the length of the comment or string that a text begins with (TOML 1.0,
// Comment and String). One that is not closed ends with its line, or with the text.
func skip(text string) int {
	mark := text[:1]
	if mark == "#" {
		return lineEnd(text)
	}
	if long := strings.Repeat(mark, 3); strings.HasPrefix(text, long) {
		n := 3 + closing(text[3:], long)
		for more := 0; more < 2 && n < len(text) && text[n] == mark[0]; more++ {
			n++ // one or two marks may stand before the closing three
		}
		return n
	}
	line := text[:lineEnd(text)]
	return 1 + closing(line[1:], mark)
}

func lineEnd(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}

// closing returns where the text behind the closing mark of a string begins, or where the
// text ends. Between double quotes, a backslash takes away the meaning of what follows.
func closing(text, mark string) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && mark[0] == '"':
			i++
		case strings.HasPrefix(text[i:], mark):
			return i + len(mark)
		}
	}
	return len(text)
}
