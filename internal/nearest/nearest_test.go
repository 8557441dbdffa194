package nearest

import (
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	flags := []string{"search-path", "sysroot", "plat", "strip", "exclude", "wheel-dir"}
	for _, tt := range []struct{ name, typed, want string }{
		{"two letters swapped", "serach-path", "search-path"},
		{"underscore for dash", "search_path", "search-path"},
		{"a letter too few", "exclud", "exclude"},
		{"a letter too many", "sysrooot", "sysroot"},
		{"capitals", "STRIP", "strip"},
		{"a beginning", "wheel", "wheel-dir"},
		{"nothing like it", "compression", ""},
		{"too short to guess", "x", ""},
		{"empty", "", ""},
		{"megabytes", strings.Repeat("plat", 1<<18), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Word(tt.typed, flags); got != tt.want {
				t.Errorf("Word(%.20q) = %q, want %q", tt.typed, got, tt.want)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	if got, want := Ask("auidt", []string{"audit", "repair"}), "; did you mean audit?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Ask("xyz", []string{"audit"}); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
