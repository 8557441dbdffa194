package policy

import (
	"strings"
	"testing"
)

func TestWhatATagMeans(t *testing.T) {
	for tag, want := range map[string]string{
		"manylinux1_x86_64":       "RHEL 5, Debian 5, Ubuntu 8.04 and later, pip 8.1",
		"manylinux_2_5_i686":      "RHEL 5, Debian 5, Ubuntu 8.04 and later, pip 20.3",
		"manylinux2014_x86_64":    "RHEL 7, Debian 8, Ubuntu 14.04 and later, pip 19.3",
		"manylinux_2_17_aarch64":  "RHEL 7, Debian 8, Ubuntu 14.04 and later, pip 20.3",
		"manylinux_2_28_x86_64":   "RHEL 8, Debian 10, Ubuntu 20.04 and later, pip 20.3",
		"manylinux_2_40_x86_64":   "Debian 13, Ubuntu 26.04 and later, pip 20.3", // no RHEL has it yet
		"musllinux_1_1_x86_64":    "Alpine 3.0 and later, pip 21.2",
		"musllinux_1_2_armv7l":    "Alpine 3.13 and later, pip 21.2",
		"macosx_10_9_x86_64":      "macOS 10.9 Mavericks and later",
		"macosx_11_0_arm64":       "macOS 11 Big Sur and later",
		"macosx_11_3_arm64":       "macOS 12 Monterey and later", // installers take it from 12 on
		"android_21_arm64_v8a":    "Android 5.0 and later",
		"android_24_x86":          "Android 7.0 and later",
		"manylinux_2_99_x86_64":   "",
		"linux_x86_64":            "",
		"win_amd64":               "",
		"any":                     "",
		"ios_13_0_arm64_iphoneos": "",
	} {
		p, err := ParsePlatform(tag)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Meaning(); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func TestEveryPolicyMeansSomething(t *testing.T) {
	for _, p := range All() {
		if p.Platform().Meaning() == "" {
			t.Errorf("%s has no system", p.Tag())
		}
	}
}

func TestTheImageIsNotNewerThanThePolicy(t *testing.T) {
	for tag, want := range map[string]string{
		"manylinux_2_12_x86_64":  "", // its image is no longer made
		"manylinux2014_x86_64":   "quay.io/pypa/manylinux2014_x86_64",
		"manylinux_2_27_aarch64": "quay.io/pypa/manylinux2014_aarch64",
		"manylinux_2_41_x86_64":  "quay.io/pypa/manylinux_2_34_x86_64",
		"manylinux_2_31_armv7l":  "quay.io/pypa/manylinux_2_31_armv7l",
		"musllinux_1_1_x86_64":   "",
		"musllinux_1_2_riscv64":  "quay.io/pypa/musllinux_1_2_riscv64",
	} {
		p, err := Lookup(tag)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Image(); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func TestWrongListsOfSystemsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"  2.17 7\n":                          "line 1: a line before the first heading",
		"glibc\n  2.17 7\n":                   `unknown heading "glibc"`,
		"glibc RHEL\n  2.17\n":                "line 2: 1 words",
		"glibc RHEL\n  2.x 7\n":               "line 2",
		"glibc RHEL\n  2.17 7\n  2.5 5\n":     "line 3: 2.5 is not newer",
		"glibc RHEL main\n  2.5 5\n  2.5 6\n": "line 3: 2.5 is not newer",
	} {
		if _, err := parseSystems(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWhatANewerTagLeavesOut(t *testing.T) {
	for _, tt := range []struct{ newer, older, want string }{
		{"manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "RHEL 7, Debian 8 to 9, Ubuntu 14.04 to 18.04"},
		{"manylinux_2_27_x86_64", "manylinux_2_26_x86_64", ""},
		{"musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "Alpine 3.0"},
		{"manylinux_2_28_x86_64", "musllinux_1_1_x86_64", ""},
	} {
		newer, err1 := ParsePlatform(tt.newer)
		older, err2 := ParsePlatform(tt.older)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if got := strings.Join(newer.LeftOut(older), ", "); got != tt.want {
			t.Errorf("%s instead of %s leaves out %q, want %q", tt.newer, tt.older, got, tt.want)
		}
	}
}
