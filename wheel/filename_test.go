package wheel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFilename(t *testing.T) {
	cases := []struct {
		name, in string
		want     Filename
	}{
		{"plain", "demo-1.0-py3-none-any.whl",
			Filename{"demo", "1.0", "", []string{"py3"}, []string{"none"}, []string{"any"}}},
		{"build tag", "demo-1.0-2local.1-cp312-cp312-linux_x86_64.whl",
			Filename{"demo", "1.0", "2local.1", []string{"cp312"}, []string{"cp312"}, []string{"linux_x86_64"}}},
		{"compressed set", "demo-1.0-py2.py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
			Filename{"demo", "1.0", "", []string{"py2", "py3"}, []string{"none"}, []string{"manylinux1_x86_64", "manylinux_2_5_x86_64"}}},
		{"local version", "torch-2.1.0+cu121.post_1-cp311-abi3-linux_x86_64.whl",
			Filename{"torch", "2.1.0+cu121.post_1", "", []string{"cp311"}, []string{"abi3"}, []string{"linux_x86_64"}}},
		{"unescaped name", "zope.interface+x-5!6.0rc1.dev3-cp311-cp311-win32.whl",
			Filename{"zope.interface+x", "5!6.0rc1.dev3", "", []string{"cp311"}, []string{"cp311"}, []string{"win32"}}},
		{"implicit post release, escaped", "demo-1.0_4-py3-none-any.whl",
			Filename{"demo", "1.0_4", "", []string{"py3"}, []string{"none"}, []string{"any"}}},
		{"two underscores", "a__b-0+unknown-py3-none-any.whl",
			Filename{"a__b", "0+unknown", "", []string{"py3"}, []string{"none"}, []string{"any"}}},
		{"letters of other scripts", "größe-1-py3-none-any.whl",
			Filename{"größe", "1", "", []string{"py3"}, []string{"none"}, []string{"any"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseFilename(c.in)
			if err != nil {
				t.Fatalf("ParseFilename(%q): %v", c.in, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("ParseFilename(%q) (-want +got):\n%s", c.in, diff)
			}
			if got.String() != c.in {
				t.Errorf("String() = %q, want %q", got, c.in)
			}
		})
	}
}

func TestParseFilenameRefuses(t *testing.T) {
	long := strings.Repeat("a.", 70) + "a"
	cases := []struct{ name, in, want string }{
		{"other extension", "demo-1.0.tar.gz", `does not end in ".whl"`},
		{"extension in capitals", "demo-1.0-py3-none-any.WHL", `does not end in ".whl"`},
		{"no version", "demo-py3-none-any.whl", "has 4 parts"},
		{"unescaped '-' in the name is ambiguous", "my-demo-pkg-1.0-py3-none-any.whl", "has 7 parts"},
		{"unescaped '-' takes the version's place", "my-demo-1.0-py3-none-any.whl", `version "demo" is not a PEP 440 version`},
		{"version is a word", "demo-latest-py3-none-any.whl", `version "latest" is not a PEP 440 version`},
		{"build tag without digit", "demo-1.0-b2-py3-none-any.whl", `build tag "b2" does not begin with a digit`},
		{"empty name", "-1.0-py3-none-any.whl", `distribution ""`},
		{"hidden name", ".demo-1.0-py3-none-any.whl", `begins with '.'`},
		{"folder", "../demo-1.0-py3-none-any.whl", `distribution "../demo" is not made of`},
		{"blank", "demo pkg-1.0-py3-none-any.whl", `distribution "demo pkg" is not made of`},
		{"escape sequence", "demo\x1b[31m-1.0-py3-none-any.whl", `"demo\x1b[31m-1.0-py3-none-any.whl" is not a wheel name`},
		{"invalid UTF-8", "demo\xff-1.0-py3-none-any.whl", "is not made of"},
		{"empty tag in a set", "demo-1.0-py2..py3-none-any.whl", `python tag "" is not made of`},
		{"platform with a bad letter", "demo-1.0-py3-none-linux+x86.whl", `platform tag "linux+x86" is not made of`},
		{"millions of tags", "demo-1.0-" + long + "-" + long + "-" + long + ".whl", "stands for more than 4096 tags"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseFilename(c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ParseFilename(%q) = %v, %v, want an error with %q", c.in, got, err, c.want)
			}
		})
	}
}

func TestWithPlatforms(t *testing.T) {
	f, err := ParseFilename("demo-1.0-1-cp312-abi3-linux_x86_64.whl")
	if err != nil {
		t.Fatal(err)
	}
	platforms := []string{"manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64"}
	got := f.WithPlatforms(platforms).String()
	if want := "demo-1.0-1-cp312-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"; got != want {
		t.Errorf("name with platforms is %q, want %q", got, want)
	}
	if platforms[0] != "manylinux_2_17_x86_64" || f.String() != "demo-1.0-1-cp312-abi3-linux_x86_64.whl" {
		t.Errorf("WithPlatforms changed its argument to %q or its receiver to %q", platforms, f)
	}
}

func TestParseTag(t *testing.T) {
	tags, err := ParseTag("py2.py3-none-linux_x86_64.win32")
	if err != nil {
		t.Fatal(err)
	}
	want := []Tag{{"py2", "none", "linux_x86_64"}, {"py2", "none", "win32"}, {"py3", "none", "linux_x86_64"}, {"py3", "none", "win32"}}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if got := tags[1].String(); got != "py2-none-win32" {
		t.Errorf("String() = %q, want py2-none-win32", got)
	}
	for _, bad := range []string{"", "py3", "py3-none", "py3-none-any-more", "py3--any", "py3-none-a b"} {
		if tags, err := ParseTag(bad); err == nil {
			t.Errorf("ParseTag(%q) = %v, want an error", bad, tags)
		}
	}
}

// FuzzParseFilename wants the name back that was parsed.
func FuzzParseFilename(f *testing.F) {
	for _, s := range []string{
		"demo-1.0-py3-none-any.whl", "demo-1.0-2local.1-cp312-cp312-linux_x86_64.whl",
		"torch-2.1.0+cu121.post_1-cp311-abi3-linux_x86_64.whl", "größe-5!6.0rc1.dev3-cp311-cp311-win32.whl",
		"demo-1.0-py2..py3-none-any.whl", "demo\xff-1.0-py3-none-any.whl",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseFilename(s)
		if err != nil {
			return
		}
		if got := name.String(); got != s {
			t.Fatalf("ParseFilename(%q).String() = %q", s, got)
		}
		tags := name.Tags()
		if want := len(name.Python) * len(name.ABI) * len(name.Platform); len(tags) != want {
			t.Fatalf("%q stands for %d tags, want %d", s, len(tags), want)
		}
		again, err := ParseFilename(name.WithPlatforms(name.Platform).String())
		if err != nil {
			t.Fatalf("%q with its own platforms: %v", s, err)
		}
		if again.Version != name.Version || again.Build != name.Build {
			t.Fatalf("%q with its own platforms becomes %q", s, again)
		}
	})
}
