package wheel

import (
	"strings"
	"testing"
)

// Names that differ in case alone are one path where volumes do not tell them apart,
// and two on Linux; so are a file and a folder of such names.
func TestMisplacedNamesThatDifferInCase(t *testing.T) {
	name, err := ParseFilename("demo-1.0-cp312-cp312-linux_x86_64.whl")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ first, second, fold, plain string }{
		{"demo/Data.txt", "demo/data.txt", "demo/data.txt: is installed to the same path as demo/Data.txt", ""},
		{"Demo2/x", "demo2/x", "demo2/x: is installed to the same path as Demo2/x", ""},
		{"demo/DATA", "demo/data/x", "is installed below demo/DATA, which is a file", ""},
		{"demo/x", "demo-1.0.data/platlib/demo/x", "is installed to the same path as demo", "is installed to the same path as demo"},
		{"demo/x", "demo-1.0.data/platlib/Demo/x", "is installed to the same path as demo", ""},
		{"demo/x", "demo/y", "", ""},
	} {
		r := mustRead(t, zipBytes(wheelParts(part{name: tt.first, content: "1"}, part{name: tt.second, content: "2"})...))
		for fold, want := range map[bool]string{true: tt.fold, false: tt.plain} {
			var lines []string
			for _, err := range r.Misplaced(name, fold) {
				lines = append(lines, err.Error())
			}
			got := strings.Join(lines, "\n")
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%s and %s, fold %v: %q, want %q", tt.first, tt.second, fold, got, want)
			}
		}
	}
}
