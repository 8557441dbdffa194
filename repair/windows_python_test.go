package repair

import (
	"strings"
	"testing"
)

func TestInsertPython(t *testing.T) {
	const here = "<here>\n"
	for name, want := range map[string]string{ // with <here> where the text comes
		"nothing":                        "<here>\n",
		"a statement":                    "<here>\nx = 1\n",
		"a byte order mark":              "\xef\xbb\xbf<here>\nx = 1\n",
		"comments first":                 "#!/usr/bin/python\n# -*- coding: latin-1 -*-\n\n<here>\nx = '\xe9'\n",
		"nothing but a comment":          "# nothing\n<here>\n",
		"a docstring":                    "\"\"\"Doc.\"\"\"\n<here>\nx = 1\n",
		"a docstring and a comment":      "\"\"\"Doc.\"\"\"  # noqa\n<here>\n# about x\nx = 1\n",
		"a docstring of several lines":   "'''Doc \"\"\" of\n\n# two ' lines.'''\n<here>\nx = 1\n",
		"a raw docstring":                "r\"Do\\\"c\"\n<here>\nx = 1\n",
		"a joined docstring":             "\"Do\\\nc\" \\\n  'more'\n<here>\nx = 1\n",
		"a docstring in parentheses":     "(\"\"\"Doc.\"\"\" # why\n 'x')\n<here>\nx = 1\n",
		"a docstring behind comments":    "# Copyright\n\nu'Doc'\n<here>\nx = 1\n",
		"bytes are no docstring":         "<here>\nb'no'\nx = 1\n",
		"a formatted text is none":       "<here>\nf'{1}'\nx = 1\n",
		"a text with a call is none":     "<here>\n'a'.strip()\n",
		"a tuple is none":                "<here>\n('a', 'b')\n",
		"a second text is a statement":   "'Doc'\n<here>\n'no'\nx = 1\n",
		"from __future__":                "from __future__ import annotations\n<here>\nx = 1\n",
		"twice, with a docstring":        "'''Doc'''\nfrom __future__ import a\n\n# b\nfrom __future__ import b\n<here>\nx = 1\n",
		"in parentheses":                 "from __future__ import (\n    annotations,  # )\n)\n<here>\nx = 1\n",
		"with a backslash":               "from __future__ \\\n import \\\n  annotations\n<here>\nx = 1\n",
		"a semicolon at the end":         "'Doc';\n<here>\nx = 1\n",
		"a form feed":                    "'Doc'\n<here>\n\fx = 1\n",
		"tabs":                           "'Doc'\n<here>\nif 1:\n\tx = 1\n",
		"a long text that is assigned":   "<here>\nx = '''a\nfrom __future__ import b\n'''\n",
		"a name that begins like one":    "<here>\nfrom __future__x import y\n",
		"a text that does not end":       "<here>\n'Doc\nx = 1\n",
		"a long text that does not end":  "<here>\n'''Doc\nx = 1\n",
		"a bracket that does not end":    "<here>\n(\nx = 1\n",
		"Python 2":                       "<here>\nprint 'hi'\n",
		"a word before a text":           "<here>\nprint'hi'\n",
		"lines that end with a return":   "'Doc'\r<here>\rx = 1\r",
		"lines that end as on Windows":   "'Doc'\r\n<here>\r\nx = 1\r\n",
		"a joined line as on Windows":    "'Do\\\r\nc'\r\n<here>\r\nx = 1\r\n",
		"a backslash that joins nothing": "<here>\n\\x\n",
	} {
		source := strings.NewReplacer("<here>\r\n", "", "<here>\n", "", "<here>\r", "").Replace(want)
		if got := string(insertPython([]byte(source), here)); got != want {
			t.Errorf("%s: %q becomes %q, want %q", name, source, got, want)
		}
	}
	for source, want := range map[string]string{
		"'Doc'":                             "'Doc'\n<here>\n",
		"# nothing":                         "# nothing\n<here>\n",
		"'Doc'; x = 1\n":                    "'Doc';\n<here>\nx = 1\n",
		"from __future__ import a; x = 1\r": "from __future__ import a;\r<here>\rx = 1\r",
		"'Doc'; from __future__ import a; from __future__ import b; x = 1": "'Doc'; from __future__ import a; from __future__ import b;\n<here>\nx = 1",
	} {
		if got := string(insertPython([]byte(source), here)); got != want {
			t.Errorf("%q becomes %q, want %q", source, got, want)
		}
	}
}

func FuzzInsertPython(f *testing.F) {
	for _, source := range []string{"", "'Doc'; x", "from __future__ import (\n a)", "\xef\xbb\xbf'''", "(\"a\"\r\n#b\r)", "\\\r\n", "r'\\"} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		const text = "<here>\n"
		got := string(insertPython(source, text))
		before, after, ok := strings.Cut(got, "<here>")
		if !ok {
			t.Fatalf("%q becomes %q, without the text", source, got)
		}
		keep := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "\f", " ")), " ") }
		if strings.Contains(string(source), "<here>") {
			return
		}
		if keep(before+after) != keep(string(source)) && strings.ReplaceAll(keep(before+" "+after), " ", "") != strings.ReplaceAll(keep(string(source)), " ", "") {
			t.Errorf("%q becomes %q: something is lost", source, got)
		}
	})
}
