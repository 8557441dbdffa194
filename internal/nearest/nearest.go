// Package nearest finds the word that a mistyped one is likely to stand for, so that a
// message can ask "did you mean ...?". Start with [Word].
package nearest

import "strings"

// longest bounds the words that are compared, in bytes: the cost is the product of
// their lengths, and no flag, tag or library has a longer name.
const longest = 256

// most is how many letters of a long word may differ.
const most = 3

// Word returns the one of words that is closest to typed, the first of several, or ""
// if none is close: more than a third of the letters differ, or more than three. Upper and lower case, and
// '-' and '_', count as equal. A word that typed is the beginning of is close too.
func Word(typed string, words []string) string {
	best, least := "", min(len(typed)/3, most)+1
	if len(typed) > longest || typed == "" {
		return ""
	}
	like := fold(typed)
	for _, word := range words {
		if len(word) > longest {
			continue
		}
		folded := fold(word)
		n := distance(like, folded)
		if len(like) >= 3 && strings.HasPrefix(folded, like) {
			n = min(n, 1)
		}
		if n < least {
			best, least = word, n
		}
	}
	return best
}

// Ask returns the question after the closest word, with a separator in front, and ""
// if there is none.
func Ask(typed string, words []string) string {
	if word := Word(typed, words); word != "" {
		return "; did you mean " + word + "?"
	}
	return ""
}

func fold(word string) string { return strings.ReplaceAll(strings.ToLower(word), "_", "-") }

// distance counts the letters that are inserted, left out, replaced or swapped with the
// next one (the restricted Damerau-Levenshtein distance).
func distance(a, b string) int {
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
