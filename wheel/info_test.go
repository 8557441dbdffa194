package wheel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInfoKeepsItsBytes(t *testing.T) {
	for _, text := range []string{
		demoWheel,
		strings.ReplaceAll(demoWheel, "\n", "\r\n"),
		"Wheel-Version: 1.0",
		"wheel-version:1.0\nX-Unknown: a\n  continued\n\nbody: not a header\n",
	} {
		info, err := ParseInfo([]byte(text))
		if err != nil {
			t.Errorf("ParseInfo(%q): %v", text, err)
			continue
		}
		info.SetTags(info.Tags())
		if info.get("Root-Is-Purelib") != "" {
			info.SetRootIsPurelib(info.RootIsPurelib())
		}
		if got := string(info.Bytes()); got != text {
			t.Errorf("Bytes() = %q, want what was read, %q", got, text)
		}
	}
}

func TestInfoEdits(t *testing.T) {
	cases := []struct {
		name, in string
		edit     func(*Info)
		want     string
	}{
		{"tags take the place of the first", "Wheel-Version: 1.0\nTag: a-b-c\nX: 1\nTag: d-e-f\nBuild: 1\n",
			func(i *Info) { i.SetTags([]string{"n-e-w", "m-o-re"}) },
			"Wheel-Version: 1.0\nTag: n-e-w\nTag: m-o-re\nX: 1\nBuild: 1\n"},
		{"tags where there were none, after an unended line", "Wheel-Version: 1.0\nX: 1",
			func(i *Info) { i.SetTags([]string{"n-e-w"}) },
			"Wheel-Version: 1.0\nX: 1\nTag: n-e-w\n"},
		{"tags before the body", "Wheel-Version: 1.0\n\nbody",
			func(i *Info) { i.SetTags([]string{"n-e-w"}) },
			"Wheel-Version: 1.0\nTag: n-e-w\n\nbody"},
		{"other lines keep CRLF", "Wheel-Version: 1.0\r\nRoot-Is-Purelib: TRUE\r\nTag: a-b-c\r\n",
			func(i *Info) { i.SetRootIsPurelib(false) },
			"Wheel-Version: 1.0\r\nRoot-Is-Purelib: false\nTag: a-b-c\r\n"},
		{"purelib that was not said", "Wheel-Version: 1.0\n",
			func(i *Info) { i.SetRootIsPurelib(false) },
			"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"},
		{"no tags", "Wheel-Version: 1.0\nTag: a-b-c\n",
			func(i *Info) { i.SetTags(nil) },
			"Wheel-Version: 1.0\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			info, err := ParseInfo([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			c.edit(info)
			if got := string(info.Bytes()); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestInfoFields(t *testing.T) {
	info, err := ParseInfo([]byte("Wheel-Version: 1.9\nGenerator: bdist_wheel (0.41)\nroot-is-purelib: True\nTag: py3-none-any\nBuild: 7b\nTag: cp3-none-any\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"py3-none-any", "cp3-none-any"}, info.Tags()); diff != "" {
		t.Errorf("Tags (-want +got):\n%s", diff)
	}
	if !info.RootIsPurelib() || info.Build() != "7b" || info.Generator() != "bdist_wheel (0.41)" {
		t.Errorf("got purelib %v, build %q, generator %q", info.RootIsPurelib(), info.Build(), info.Generator())
	}
}

func TestParseInfoRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", `Wheel-Version is ""`},
		{"a format to come", "Wheel-Version: 2.0\n", `Wheel-Version is "2.0", 1.0 was expected`},
		{"no colon", "Wheel-Version: 1.0\nnonsense\n", `offset 0x13: line "nonsense" is not of the form`},
		{"continued from nothing", " x\n", `continuation line " x" before the first header`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseInfo([]byte(c.in))
			checkRefusal(t, err, c.want)
		})
	}
}

func TestParseMetadata(t *testing.T) {
	want := &Metadata{Name: "demo", Version: "1.0", RequiresDist: []string{"numpy>=1"}}
	for name, text := range map[string]string{
		"ordinary":                     demoMetadata,
		"description spills over":      strings.Replace(demoMetadata, "\n\n", "\nDescription: one\ntwo lines\n", 1),
		"name in the body is not read": demoMetadata + "Name: other\n",
	} {
		got, err := ParseMetadata([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	_, err := ParseMetadata([]byte("Name: demo\n"))
	checkRefusal(t, err, `Name is "demo" and Version is "", both are required`)
	r := mustRead(t, zipBytes(demoParts()...))
	if got, err := r.Metadata(); err != nil || got.Name != "demo" {
		t.Errorf("Reader.Metadata = %v, %v", got, err)
	}
	if info, err := r.Info(); err != nil || len(info.Tags()) != 1 {
		t.Errorf("Reader.Info = %v, %v", info, err)
	}
}

func TestErrorsInDistInfoNameTheFile(t *testing.T) {
	parts := demoParts()
	for i := range parts {
		if parts[i].name == demoInfo+"/WHEEL" {
			parts[i].content = "nonsense"
		}
	}
	_, err := mustRead(t, zipBytes(parts...)).Info()
	checkRefusal(t, err, demoInfo+`/WHEEL: offset 0x0: line "nonsense" is not of the form`)
}
