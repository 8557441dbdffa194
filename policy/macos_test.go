package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/policy"
)

func TestMacTag(t *testing.T) {
	for _, tt := range []struct {
		version policy.MacVersion
		word    string
		want    string
	}{
		{policy.MacVersion{Major: 10, Minor: 9}, "x86_64", "macosx_10_9_x86_64"},
		{policy.MacVersion{Major: 10, Minor: 13, Patch: 6}, "x86_64", "macosx_10_14_x86_64"},
		{policy.MacVersion{Major: 10, Minor: 15, Patch: 1}, "intel", "macosx_11_0_intel"},
		{policy.MacVersion{Major: 10, Minor: 16}, "x86_64", "macosx_11_0_x86_64"},
		{policy.MacVersion{Major: 11}, "arm64", "macosx_11_0_arm64"},
		{policy.MacVersion{Major: 11, Minor: 3}, "arm64", "macosx_12_0_arm64"},
		{policy.MacVersion{Major: 14, Patch: 1}, "universal2", "macosx_15_0_universal2"},
	} {
		if got := policy.MacTag(tt.version, tt.word); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.version, got, tt.want)
		}
	}
}

func TestMacTags(t *testing.T) {
	for _, tt := range []struct {
		x86, arm policy.MacVersion
		want     string
	}{
		{policy.MacVersion{Major: 10, Minor: 9}, policy.MacVersion{Major: 11}, "macosx_10_9_universal2"},
		{policy.MacVersion{Major: 11}, policy.MacVersion{Major: 12}, "macosx_12_0_universal2"},
		{policy.MacVersion{Major: 13}, policy.MacVersion{Major: 12}, "macosx_13_0_universal2"},
	} {
		if got := policy.MacTags(map[string]policy.MacVersion{"x86_64": tt.x86, "arm64": tt.arm}); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%v and %v: got %s, want %s", tt.x86, tt.arm, got, tt.want)
		}
		if got := policy.NewestMacOS(tt.arm, policy.MacVersion{}, tt.x86); got.Compare(tt.x86) < 0 || got.Compare(tt.arm) < 0 {
			t.Errorf("the newest of %v and %v is %v", tt.x86, tt.arm, got)
		}
	}
}

func TestMacWords(t *testing.T) {
	for _, tt := range []struct{ archs, words string }{
		{"x86_64 arm64", "universal2"},
		{"x86_64 i386", "intel"},
		{"ppc i386", "fat"},
		{"ppc i386 x86_64", "fat3"},
		{"x86_64 ppc64", "fat64"},
		{"x86_64 ppc64 ppc i386", "universal"},
		{"arm64 arm64", "arm64"},
		{"arm64 i386", "arm64 i386"},
	} {
		words := policy.MacWords(strings.Fields(tt.archs))
		if got := strings.Join(words, " "); got != tt.words {
			t.Errorf("%s: got %s, want %s", tt.archs, got, tt.words)
		}
		var archs []string
		for _, w := range words {
			archs = append(archs, policy.MacArchs(w)...)
		}
		slices.Sort(archs)
		if want := slices.Compact(slices.Sorted(strings.FieldsSeq(tt.archs))); !slices.Equal(archs, want) {
			t.Errorf("%s: the words stand for %v", tt.archs, archs)
		}
	}
}

func TestParseMacArchs(t *testing.T) {
	for _, tt := range []struct{ list, want string }{
		{"universal2", "arm64 x86_64"},
		{"x86_64,arm64", "arm64 x86_64"},
		{"intel, arm64", "arm64 i386 x86_64"},
		{"x86_64", "x86_64"},
	} {
		got, err := policy.ParseMacArchs(tt.list)
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.list, got, err, tt.want)
		}
	}
	for _, list := range []string{"", "aarch64", "x86_64,", "universal3"} {
		if got, err := policy.ParseMacArchs(list); err == nil {
			t.Errorf("%q: got %v, want an error", list, got)
		}
	}
}

func TestParseMacVersion(t *testing.T) {
	for text, want := range map[string]policy.MacVersion{
		"11": {Major: 11}, "10.13": {Major: 10, Minor: 13}, "12.3.1": {Major: 12, Minor: 3, Patch: 1},
	} {
		if got, err := policy.ParseMacVersion(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "9.0", "11.", "11.0.0.0", "eleven", "-11", "11.999"} {
		if got, err := policy.ParseMacVersion(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}
