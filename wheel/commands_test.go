package wheel

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCommands(t *testing.T) {
	in := "# note\n[console_scripts]\nrun = demo:main\nother=demo.sub : main.call [extra]\n\n[demo.plugins]\na b = demo\n[gui_scripts]\nshow = demo:show\n"
	got, err := ParseCommands([]byte(in))
	if diff := cmp.Diff([]string{"run", "other", "show"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzParseCommands holds the parser to a law: what it takes reads the same without
// comments and blank lines, and names lead nowhere.
func FuzzParseCommands(f *testing.F) {
	f.Add("[console_scripts]\nrun = demo:main\n")
	f.Add("# x\n[a]\n b = c\n\r\n[gui_scripts]\nrun=a : b [x]\n")
	f.Fuzz(func(t *testing.T, in string) {
		names, err := ParseCommands([]byte(in))
		if err != nil {
			return
		}
		var lean strings.Builder
		for _, line := range lines([]byte(in)) {
			if text := strings.TrimSpace(line); text != "" && text[0] != '#' && text[0] != ';' {
				lean.WriteString(line + "\n")
			}
		}
		again, err := ParseCommands([]byte(lean.String()))
		if err != nil || !slices.Equal(names, again) {
			t.Fatalf("%q, and without comments %q (%v)", names, again, err)
		}
		for _, name := range names {
			if name == "" || strings.ContainsAny(name, "/\\\n\r") || strings.Trim(name, ".") == "" && len(name) < 3 {
				t.Fatalf("name of a command is %q", name)
			}
		}
	})
}
