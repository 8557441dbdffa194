package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePlatform(t *testing.T) {
	tests := []struct {
		tag  string
		want Platform
	}{
		{"linux_x86_64", Platform{Family: Linux, Arch: "x86_64"}},
		{"manylinux_2_17_x86_64", Platform{Family: Manylinux, Major: 2, Minor: 17, Arch: "x86_64"}},
		{"manylinux1_i686", Platform{Family: Manylinux, Major: 2, Minor: 5, Arch: "i686"}},
		{"manylinux2010_x86_64", Platform{Family: Manylinux, Major: 2, Minor: 12, Arch: "x86_64"}},
		{"manylinux2014_ppc64le", Platform{Family: Manylinux, Major: 2, Minor: 17, Arch: "ppc64le"}},
		{"musllinux_1_2_armv7l", Platform{Family: Musllinux, Major: 1, Minor: 2, Arch: "armv7l"}},
		{"macosx_10_9_universal2", Platform{Family: MacOS, Major: 10, Minor: 9, Arch: "universal2"}},
		{"macosx_11_0_arm64", Platform{Family: MacOS, Major: 11, Arch: "arm64"}},
		{"win_amd64", Platform{Family: Windows, Arch: "amd64"}},
		{"win32", Platform{Family: Windows, Arch: "x86"}},
		{"android_21_arm64_v8a", Platform{Family: Android, Major: 21, Arch: "arm64_v8a"}},
		{"ios_13_0_arm64_iphoneos", Platform{Family: IOS, Major: 13, Arch: "arm64_iphoneos"}},
		{"any", Platform{Family: Any}},
	}
	for _, tt := range tests {
		t.Run(tt.tag, func(t *testing.T) {
			tt.want.Tag = tt.tag
			got, err := ParsePlatform(tt.tag)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePlatformRefuses(t *testing.T) {
	tests := []struct{ name, tag string }{
		{"empty", ""},
		{"family alone", "linux"},
		{"no architecture", "manylinux_2_17"},
		{"no architecture after the mark", "manylinux_2_17_"},
		{"one number", "manylinux_2_x86_64"},
		{"leading zero", "manylinux_2_017_x86_64"},
		{"sign", "musllinux_-1_2_x86_64"},
		{"number past any release", "manylinux_2_99999999999999999999_x86_64"},
		{"upper case", "Linux_x86_64"},
		{"upper case architecture", "linux_X86_64"},
		{"two tags", "manylinux_2_17_x86_64.manylinux2014_x86_64"},
		{"path", "linux_../../x86_64"},
		{"control character", "linux_x86_64\n"},
		{"something after any", "any_"},
		{"something after win32", "win32_"},
		{"year without policy", "manylinux2020_x86_64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := ParsePlatform(tt.tag); err == nil {
				t.Errorf("%q: got %+v, want an error", tt.tag, got)
			}
		})
	}
}

func TestAtLeast(t *testing.T) {
	p := Platform{Major: 11, Minor: 3}
	for _, tt := range []struct {
		major, minor int
		want         bool
	}{{10, 15, true}, {11, 3, true}, {11, 4, false}, {12, 0, false}} {
		if got := p.AtLeast(tt.major, tt.minor); got != tt.want {
			t.Errorf("11.3 at least %d.%d: got %t, want %t", tt.major, tt.minor, got, tt.want)
		}
	}
}

func TestEveryPolicyIsAPlatform(t *testing.T) {
	for _, p := range All() {
		for _, tag := range p.Tags() {
			got, err := ParsePlatform(tag)
			if err != nil {
				t.Error(err)
				continue
			}
			want := Platform{Tag: tag, Family: got.Family, Major: p.Major, Minor: p.Minor, Arch: got.Arch}
			if got != want || got.Libc() != p.Libc || got.Machine() != p.Arch {
				t.Errorf("%s: got %+v of %s, want %+v of %s", tag, got, got.Libc(), want, p.Libc)
			}
		}
	}
}

// What parses is made of safe characters, keeps its tag and names its parts.
func FuzzParsePlatform(f *testing.F) {
	for _, p := range All() {
		for _, tag := range p.Tags() {
			f.Add(tag)
		}
	}
	for _, tag := range []string{"any", "win32", "macosx_11_0_arm64", "linux_x86_64", "android_21_x86", "ios_13_0_arm64_iphoneos"} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		p, err := ParsePlatform(tag)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("control characters in error %q", err)
			}
			return
		}
		if p.Tag != tag || p.Major < 0 || p.Minor < 0 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("%q parses as %+v", tag, p)
		}
		if p.Family != Any && p.Family != Windows && !strings.HasSuffix(tag, "_"+p.Arch) {
			t.Errorf("%q: architecture %q is not its end", tag, p.Arch)
		}
	})
}
