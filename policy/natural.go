package policy

import (
	"cmp"
	"strings"
)

// compareNatural orders texts as people order versions: runs of digits by value,
// so that 2.9 comes before 2.17, digits before other text, the rest by bytes.
func compareNatural(a, b string) int {
	whole := strings.Compare(a, b)
	for a != "" && b != "" {
		x, y := leadingRun(a), leadingRun(b)
		if c := compareRuns(x, y); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return whole // equal but for leading zeros
}

// compareRuns compares runs that are all digits or have none.
func compareRuns(x, y string) int {
	if !isDigit(x[0]) || !isDigit(y[0]) {
		return strings.Compare(x, y)
	}
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	// By length first: a number too long for an int compares as well.
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
}

// leadingRun returns the longest beginning of a text, which is not empty, that is
// all digits or has none.
func leadingRun(s string) string {
	n := 1
	for n < len(s) && isDigit(s[n]) == isDigit(s[0]) {
		n++
	}
	return s[:n]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// CompareVersions orders symbol versions, and names in general, as people do:
// "GLIBC_2.9" before "GLIBC_2.17". It returns a negative number, 0 or a positive
// one, as [cmp.Compare].
func CompareVersions(a, b string) int { return compareNatural(a, b) }
