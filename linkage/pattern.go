package linkage

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// MatchPattern reports whether a pattern of Python's fnmatch matches a soname or
// path: *, ?, [abc] and [!abc], letter case counts, and a * also matches slashes.
// No pattern is malformed: a [ without its ] stands for itself, and so does a
// backslash (CPython, Lib/fnmatch.py, translate).
func MatchPattern(pattern, name string) bool {
	tokens, text := parsePattern(characters(pattern)), characters(name)
	t, n := 0, 0
	star, from := -1, 0 // the last * met, and where the text behind it begins
	for n < len(text) {
		switch {
		case t < len(tokens) && tokens[t].star:
			star, from = t, n
			t++
		case t < len(tokens) && tokens[t].matches(text[n]):
			t++
			n++
		case star >= 0:
			from++
			t, n = star+1, from
		default:
			return false
		}
	}
	for t < len(tokens) && tokens[t].star {
		t++
	}
	return t == len(tokens)
}

// PartPattern returns the pattern that matches every name with a text in it.
func PartPattern(text string) string { return "*" + QuotePattern(text) + "*" }

// QuotePattern returns the pattern that matches name alone.
func QuotePattern(name string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(name)
}

// A token of a pattern matches one character, or any number of them.
type token struct {
	star   bool
	negate bool   // matches what is in no range
	ranges []span // none match nothing, or with negate everything
}

// A span is a range of characters, both ends included.
type span struct{ first, last rune }

func (t *token) matches(c rune) bool {
	in := slices.ContainsFunc(t.ranges, func(s span) bool { return s.first <= c && c <= s.last })
	return in != t.negate
}

// characters returns a text as Python has it: a byte that is no UTF-8 is a
// character of its own (PEP 383).
func characters(text string) []rune {
	var list []rune
	for len(text) > 0 {
		c, size := utf8.DecodeRuneInString(text)
		if c == utf8.RuneError && size == 1 {
			c = 0xdc00 + rune(text[0])
		}
		list = append(list, c)
		text = text[size:]
	}
	return list
}

func parsePattern(pattern []rune) []token {
	var tokens []token
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			tokens = append(tokens, token{star: true})
		case c == '?':
			tokens = append(tokens, token{negate: true})
		case c == '[' && setEnd(pattern[i+1:]) >= 0:
			n := setEnd(pattern[i+1:])
			tokens = append(tokens, parseSet(pattern[i+1:i+1+n]))
			i += n + 1
		default:
			tokens = append(tokens, token{ranges: []span{{c, c}}})
		}
	}
	return tokens
}

// setEnd returns the length of a set, whose text follows a [, or -1 if it has no
// end. A ] that comes first belongs to it.
func setEnd(rest []rune) int {
	first := 0
	if first < len(rest) && rest[first] == '!' {
		first++
	}
	if first < len(rest) && rest[first] == ']' {
		first++
	}
	if n := slices.Index(rest[first:], ']'); n >= 0 {
		return first + n
	}
	return -1
}

// parseSet reads what stands between [ and ]. Ranges that are empty go, and only
// then does a ! that comes first negate the set: Python does it in this order.
func parseSet(set []rune) token {
	chunks := splitRanges(set)
	for k := len(chunks) - 1; k > 0; k-- {
		before, after := chunks[k-1], chunks[k]
		if before[len(before)-1] > after[0] {
			chunks[k-1] = slices.Concat(before[:len(before)-1], after[1:])
			chunks = slices.Delete(chunks, k, k+1)
		}
	}
	var t token
	if first := chunks[0]; len(first) > 0 && first[0] == '!' {
		t.negate, chunks[0] = true, first[1:]
	}
	for k, chunk := range chunks {
		for _, c := range chunk {
			t.ranges = append(t.ranges, span{c, c})
		}
		if k == 0 {
			continue
		}
		if before := chunks[k-1]; len(before) > 0 {
			t.ranges = append(t.ranges, span{before[len(before)-1], chunk[0]})
		} else {
			t.ranges = append(t.ranges, span{'-', '-'}) // behind the ! a hyphen is one
		}
	}
	return t
}

// splitRanges splits a set at the hyphens that make ranges: each goes from the
// last character of a chunk to the first of the next.
func splitRanges(set []rune) [][]rune {
	var chunks [][]rune
	at, from := 1, 0
	if len(set) > 0 && set[0] == '!' {
		at = 2
	}
	for at < len(set) {
		n := slices.Index(set[at:], '-')
		if n < 0 {
			break
		}
		chunks = append(chunks, set[from:at+n])
		from, at = at+n+1, at+n+3
	}
	if rest := set[from:]; len(rest) > 0 || len(chunks) == 0 {
		return append(chunks, rest)
	}
	last := len(chunks) - 1
	chunks[last] = append(slices.Clone(chunks[last]), '-')
	return chunks
}
