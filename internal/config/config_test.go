package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		table      bool
		want       map[string][]string
		err        string
	}{
		{"all settings", "exclude = ['libcuda.so.*', \"libx\"]\ngraft = ['a']\nplat = 'manylinux_2_28'\nsearch-path = ['lib', '/opt/lib']\nstrip = true\n", false,
			map[string][]string{"exclude": {"libcuda.so.*", "libx"}, "graft": {"a"}, "plat": {"manylinux_2_28"}, "search-path": {"/p/lib", "/opt/lib"}, "strip": {"true"}}, ""},
		{"beside others", "[project]\nname = 'x'\n[tool.wheelmend]\nstrip = false\n[tool.ruff]\nx = 1\n", true, map[string][]string{"strip": {"false"}}, ""},
		{"no table", "[project]\nname = 'x'\n", true, nil, ""},
		{"misspelled", "exlude = []\n", false, nil, `there is no setting "exlude"; known are exclude, graft, plat, search-path, strip; did you mean exclude?`},
		{"underscore", "search_path = []\n", false, nil, `there is no setting "search_path"; known are exclude, graft, plat, search-path, strip; did you mean search-path?`},
		{"a text for a list", "exclude = 'libcuda'\n", false, nil, "exclude: want a list of texts"},
		{"numbers in a list", "exclude = [1]\n", false, nil, "exclude: want a list of texts"},
		{"a number for a bool", "strip = 1\n", false, nil, "strip: want true or false"},
		{"several tags", "plat = ['manylinux2014', 'musllinux_1_2']\n", false, map[string][]string{"plat": {"manylinux2014", "musllinux_1_2"}}, ""},
		{"a number for tags", "plat = 2014\n", false, nil, "plat: want a tag in quotes"},
		{"a number among tags", "plat = ['a', 1]\n", false, nil, "plat: want a tag in quotes"},
		{"empty tag", "plat = ''\n", false, nil, "plat: want a tag in quotes"},
		{"no TOML", "exclude = [\n\nstrip\n", false, nil, "it is not TOML"},
		{"no table of that name", "[tool]\nwheelmend = 1\n", true, nil, "tool.wheelmend: want a table"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(tt.text, tt.table, "/p")
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "toml:") {
				t.Errorf("the name of a package reaches the user: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("pyproject.toml", "[tool.wheelmend]\nplat = 'manylinux_2_28'\n")
	write("sub/deep/x", "")
	write("other/pyproject.toml", "[project]\nname = 'other'\n")
	write("own/wheelmend.toml", "strip = true\n")
	write("own/pyproject.toml", "[project]\nname = 'own'\n")
	write("both/wheelmend.toml", "strip = true\n")
	write("both/pyproject.toml", "[tool.wheelmend]\nstrip = false\n")
	write("large/wheelmend.toml", strings.Repeat("#", largest+1))
	for _, tt := range []struct{ dir, file, err string }{
		{"sub/deep", "pyproject.toml", ""},
		{"other", "", ""}, // a project of its own, without settings
		{"own", "own/wheelmend.toml", ""},
		{"both", "", "keep one of them"},
		{"large", "", "it has more than"},
	} {
		s, err := Find(filepath.Join(root, tt.dir))
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.dir, err, tt.err)
		}
		switch {
		case err != nil:
		case tt.file == "" && s != nil:
			t.Errorf("%s: got %s", tt.dir, s.File)
		case tt.file != "" && (s == nil || s.File != filepath.Join(root, tt.file)):
			t.Errorf("%s: got %+v, want %s", tt.dir, s, tt.file)
		}
	}
}

// A file of any content is read or refused, and nothing is done with the rest.
func FuzzParse(f *testing.F) {
	f.Add("[tool.wheelmend]\nexclude = ['a']\n", true)
	f.Add("strip = true\nplat = 'x'\n", false)
	f.Fuzz(func(t *testing.T, text string, table bool) {
		values, err := parse(text, table, "/p")
		if err != nil {
			return
		}
		for key := range values {
			if _, known := keys[key]; !known {
				t.Errorf("an unknown setting %q is taken", key)
			}
		}
	})
}
