package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTableKeepsChanges(t *testing.T) {
	text := "# note\npolicies\n  a_1_0 old\n  a_1_1\n  a_1_2\n\nlibraries\n  a_1_0 x y\n  a_1_1 -x\n  a_1_2 z\n"
	table, err := parseTable(text)
	if err != nil {
		t.Fatal(err)
	}
	for rank, want := range []string{"x y", "y", "y z"} {
		if got := strings.Join(table.words(key{kind: kindLibraries}, rank), " "); got != want {
			t.Errorf("rank %d: got %q, want %q", rank, got, want)
		}
	}
	if diff := cmp.Diff([]string{"old"}, table.policies[0].aliases); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
}

func TestParseTableRefuses(t *testing.T) {
	const head = "policies\n  a_1_0\n  a_1_1\n"
	tests := []struct{ name, text, want string }{
		{"heading it does not know", head + "licences\n", `line 4: unknown heading "licences"`},
		{"heading with too many words", head + "versions x86_64 GLIBC 2\n", "line 4: unknown heading"},
		{"the same heading again", head + "libraries\nlibraries\n", "line 5: second section"},
		{"policy it does not know", head + "libraries\n  b_1_0 x\n", `line 5: unknown policy "b_1_0"`},
		{"change before a heading", "  a_1_0 x\n", `line 1: unknown policy "a_1_0"`},
		{"added twice", head + "libraries\n  a_1_0 x\n  a_1_1 x\n", `line 6: "x" is added twice`},
		{"taken away before it is there", head + "libraries\n  a_1_0 -x\n", `line 5: "x" is taken away`},
		{"taken away at once", head + "libraries\n  a_1_0 x -x\n", `line 5: "x" is taken away`},
		{"back again", head + "libraries\n  a_1_0 x\n  a_1_1 -x x\n", `line 6: "x" is added twice`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseTable(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}
