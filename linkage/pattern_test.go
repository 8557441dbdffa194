package linkage

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

func TestMatchPattern(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, text string
		want                bool
	}{
		{"the whole name", "libx.so", "libx.so.1", false},
		{"a star across slashes", "/opt/*.so", "/opt/a/b.so", true},
		{"several stars", "*mk*so*1", "libmkl_core.so.1", true},
		{"a star that comes last", "lib*", "lib", true},
		{"a question mark", "lib?.so", "libx.so", true},
		{"a question mark is one character", "lib?.so", "libé.so", true},
		{"a set", "lib[xy].so", "liby.so", true},
		{"a negated set", "lib[!x]*", "liby.so", true},
		{"not what it names", "lib[!x]*", "libx.so", false},
		{"a caret negates nothing", "lib[^x].so", "libx.so", true},
		{"nor does it let others pass", "lib[^x].so", "liby.so", false},
		{"a bracket first in a set", "lib[]x].so", "lib].so", true},
		{"a bracket first in a negated set", "lib[!]].so", "lib].so", false},
		{"a set without an end", "lib[x", "lib[x", true},
		{"a range", "lib[a-c].so", "libb.so", true},
		{"an empty range", "lib[c-a].so", "libb.so", false},
		{"a hyphen that comes last", "lib[a-].so", "lib-.so", true},
		{"a backslash escapes nothing", `lib\*`, `lib\x`, true},
		{"a backslash in a set", `lib[\]`, `lib\`, true},
		{"letter case", "LIB*", "libx.so", false},
		{"bytes that are no UTF-8", "lib?\xff*", "lib\xfe\xff.so", true},
	} {
		if got := MatchPattern(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%s: MatchPattern(%q, %q) = %v", tt.name, tt.pattern, tt.text, got)
		}
	}
}

func TestQuotePatternMatchesTheNameAlone(t *testing.T) {
	for _, name := range []string{"libfoo.so.1", "lib*.so", "lib[a].so", "lib[!a].so", `lib\a.so`, "lib?.so", "lib].so", "/opt/x/libfoo.so"} {
		pattern := QuotePattern(name)
		if !MatchPattern(pattern, name) {
			t.Errorf("%q does not match %q", pattern, name)
		}
		if MatchPattern(pattern, name+"x") || MatchPattern(pattern, "libab.so") {
			t.Errorf("%q matches more than %q", pattern, name)
		}
	}
}

// TestMatchPatternAsPython asks Python about every short pattern of the characters
// that mean something.
func TestMatchPatternAsPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to ask")
	}
	const script = `
import fnmatch, json, sys, warnings
warnings.simplefilter("ignore")
patterns, texts = json.load(sys.stdin)
print("".join("1" if fnmatch.fnmatchcase(t, p) else "0" for p in patterns for t in texts))
`
	texts := []string{"", "a", "b", "z", "-", "!", "]", "[", "^", `\`, "*", "ab", "a-", "!a", "[a]", "b-a", "&", "~"}
	patterns := append(allPatterns("[]!-ab^*", 6), `[\-a]`, `[a-\]`, `[&&a]`, `[~~]`, `[||a]`, `[z-cb-a!-p]`, `[b-a!x]`, `[a-cb-a]`, `[a-zb-]`, `[!--]`, `[---]`)
	input, err := json.Marshal([][]string{patterns, texts})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.TrimSpace(string(out))
	if len(answers) != len(patterns)*len(texts) {
		t.Fatalf("python has %d answers for %d questions", len(answers), len(patterns)*len(texts))
	}
	wrong := 0
	for i, pattern := range patterns {
		for j, text := range texts {
			want := answers[i*len(texts)+j] == '1'
			if MatchPattern(pattern, text) == want {
				continue
			}
			if wrong++; wrong < 20 {
				t.Errorf("MatchPattern(%q, %q) = %v, fnmatch says %v", pattern, text, !want, want)
			}
		}
	}
}

// allPatterns returns every pattern of up to n of the letters that begins with a [,
// up to 4 of any.
func allPatterns(letters string, n int) []string {
	all, last := []string{""}, []string{""}
	for i := range n {
		var next []string
		for _, p := range last {
			for _, c := range letters {
				if q := p + string(c); i < 4 || q[0] == '[' && strings.HasSuffix(q, "]") || q[0] == '[' && i < n-1 {
					next = append(next, q)
				}
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

func FuzzMatchPattern(f *testing.F) {
	f.Add("lib[!x]*", "libx.so")
	f.Add("[z-cb-a!-p]", "q")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		MatchPattern(pattern, name)
		if !MatchPattern(QuotePattern(name), name) {
			t.Errorf("QuotePattern(%q) does not match it", name)
		}
		if !MatchPattern("*"+pattern+"*", name) && MatchPattern(pattern, name) {
			t.Errorf("%q matches %q, but not between stars", pattern, name)
		}
	})
}
