package linkage

import (
	"path"
	"strings"
)

// MatchPattern reports whether a shell pattern matches a soname or path. Unlike
// [path.Match], a * also matches slashes, as users of Python's fnmatch expect.
func MatchPattern(pattern, name string) bool {
	const slash = "\x00"
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(name, "/", slash))
	return ok && err == nil
}

// QuotePattern returns the pattern that matches name alone.
func QuotePattern(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}
