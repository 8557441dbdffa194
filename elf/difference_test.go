package elf

import (
	"strings"
	"testing"
)

// However long the lists are, an error tells one entry of them.
func TestDifference(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, tt := range []struct {
		got, want []string
		text      string
	}{
		{[]string{"a", "b"}, []string{"a", "c"}, `entry 1 is "b", want "c"`},
		{nil, []string{"a", "b"}, `entry 0 is none, want "a"`},
		{[]string{"a", "b"}, []string{"a"}, `entry 1 is "b", want none`},
		{[]string{long}, []string{"x"}, `entry 0 is "` + long[:100] + `... (200 bytes more)", want "x"`},
	} {
		if got := difference(tt.got, tt.want); got != tt.text {
			t.Errorf("%q, %q: got %s", tt.got, tt.want, got)
		}
	}
}
