package main

import "testing"

func TestPythonVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":                     "1.2.3",
		"v1.2.3-alpha.1":             "1.2.3a1",
		"v1.2.3-beta.12":             "1.2.3b12",
		"v10.0.0-rc.2":               "10.0.0rc2",
		"devel":                      "0.0.0.dev0",
		"devel-0123456789ab":         "0.0.0.dev0+g0123456789ab",
		"devel-0123456789ab+changes": "0.0.0.dev0+g0123456789ab.changes",
	} {
		if got := pythonVersion(version); got != want {
			t.Errorf("pythonVersion(%q): got %q, want %q", version, got, want)
		}
	}
}

func TestRelativeLinks(t *testing.T) {
	for text, want := range map[string]string{
		"[guide](docs/guide.md#tags)":  "[guide](" + home + "/blob/main/docs/guide.md#tags)",
		"[PyPI](https://pypi.org/)":    "[PyPI](https://pypi.org/)",
		"[above](#start-in-a-minute)":  "[above](#start-in-a-minute)",
		"f(x) and [MIT](LICENSE), too": "f(x) and [MIT](" + home + "/blob/main/LICENSE), too",
	} {
		if got := relativeLink.ReplaceAllString(text, "]("+home+"/blob/main/$1)"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
