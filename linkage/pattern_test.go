package linkage

import "testing"

func TestQuotePatternMatchesTheNameAlone(t *testing.T) {
	for _, name := range []string{"libfoo.so.1", "lib*.so", "lib[a].so", `lib\a.so`, "lib?.so", "/opt/x/libfoo.so"} {
		pattern := QuotePattern(name)
		if !MatchPattern(pattern, name) {
			t.Errorf("%q does not match %q", pattern, name)
		}
		if MatchPattern(pattern, name+"x") || MatchPattern(pattern, "libab.so") {
			t.Errorf("%q matches more than %q", pattern, name)
		}
	}
}
