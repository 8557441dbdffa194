package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// macWords are the words for several architectures in the platform tags of macOS
// (CPython, Lib/_osx_support.py, get_platform_osx).
var macWords = []struct {
	word  string
	archs []string // sorted
}{
	{"universal2", []string{"arm64", "x86_64"}},
	{"intel", []string{"i386", "x86_64"}},
	{"fat", []string{"i386", "ppc"}},
	{"fat3", []string{"i386", "ppc", "x86_64"}},
	{"fat32", []string{"i386", "ppc", "x86_64"}}, // the packaging library's older word
	{"fat64", []string{"ppc64", "x86_64"}},
	{"universal", []string{"i386", "ppc", "ppc64", "x86_64"}},
}

// MacArchs returns the architectures, sorted, that a word of a macOS platform tag
// stands for: "universal2" for arm64 and x86_64, a single one for itself.
func MacArchs(word string) []string {
	for _, w := range macWords {
		if w.word == word {
			return slices.Clone(w.archs)
		}
	}
	return []string{word}
}

// MacWords returns the words that together stand for the architectures: one if
// there is a word for all, else one for each.
func MacWords(archs []string) []string {
	archs = slices.Compact(slices.Sorted(slices.Values(archs)))
	for _, w := range macWords {
		if slices.Equal(w.archs, archs) {
			return []string{w.word}
		}
	}
	return archs
}

// ParseMacArchs reads architectures as delocate's --require-archs takes them:
// names and words for several, joined by commas. The result is sorted.
func ParseMacArchs(list string) ([]string, error) {
	known := []string{"arm64", "arm64e", "i386", "ppc", "ppc64", "x86_64", "x86_64h"}
	var archs []string
	for word := range strings.SplitSeq(list, ",") {
		for _, arch := range MacArchs(strings.TrimSpace(word)) {
			if !slices.Contains(known, arch) {
				return nil, fmt.Errorf("%q is not a macOS architecture; write names such as x86_64,arm64, or one word for several such as universal2", arch)
			}
			archs = append(archs, arch)
		}
	}
	slices.Sort(archs)
	return slices.Compact(archs), nil
}

// A MacVersion is a version of macOS. Its zero value stands for a version that is
// not known.
type MacVersion struct{ Major, Minor, Patch int }

// Compare orders versions by age.
func (v MacVersion) Compare(other MacVersion) int {
	return slices.Compare([]int{v.Major, v.Minor, v.Patch}, []int{other.Major, other.Minor, other.Patch})
}

// String spells the version with two numbers, or three if the last is not 0.
func (v MacVersion) String() string {
	if v.Patch != 0 {
		return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

// ParseMacVersion reads a version of macOS, as in "11" or "10.13".
func ParseMacVersion(text string) (MacVersion, error) {
	var numbers [3]int
	parts := strings.Split(text, ".")
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || i >= len(numbers) {
			return MacVersion{}, fmt.Errorf("%q is not a macOS version; write one like 11.0 or 10.13", text)
		}
		numbers[i] = int(n)
	}
	if numbers[0] < 10 {
		return MacVersion{}, fmt.Errorf("%q is not a macOS version; write one like 11.0 or 10.13", text)
	}
	return MacVersion{numbers[0], numbers[1], numbers[2]}, nil
}

// MacFloor returns the oldest macOS that runs code of an architecture: 11.0 on
// arm64, 10.4 for x86_64, which tags begin with (packaging.tags, mac_platforms).
func MacFloor(arch string) MacVersion {
	if strings.HasPrefix(arch, "arm64") {
		return MacVersion{Major: 11}
	}
	return MacVersion{Major: 10, Minor: 4}
}

// NewestMacOS returns the newest of some versions.
func NewestMacOS(versions ...MacVersion) MacVersion {
	return slices.MaxFunc(versions, MacVersion.Compare)
}

// Tagged returns the oldest version that a platform tag can name and that is not
// older: tags of macOS 10 know no patch, and of 11 and later installers ask for
// minor version 0 alone (packaging.tags, mac_platforms), so that 11.3 becomes 12.0.
func (v MacVersion) Tagged() MacVersion {
	if v.Major > 10 {
		if v.Minor > 0 || v.Patch > 0 {
			v.Major++
		}
		return MacVersion{Major: v.Major}
	}
	if v.Patch > 0 {
		v.Minor++
	}
	if v.Major == 10 && v.Minor > 15 { // 10.16 is another name of 11.0
		return MacVersion{Major: 11}
	}
	return MacVersion{Major: v.Major, Minor: v.Minor}
}

// MacTag spells the platform tag of a version and a word for architectures.
func MacTag(v MacVersion, word string) string {
	v = v.Tagged()
	return fmt.Sprintf("macosx_%d_%d_%s", v.Major, v.Minor, word)
}

// MacTags spells the platform tags for the oldest macOS of each architecture: one tag
// if there is a word for all of them, else one for each, sorted. What arm64 needs at
// least does not count beside x86_64, as installers see it (packaging.tags,
// mac_platforms).
func MacTags(oldest map[string]MacVersion) []string {
	var tags []string
	for _, word := range MacWords(slices.Collect(maps.Keys(oldest))) {
		tags = append(tags, MacWordTag(word, oldest))
	}
	return tags
}

// MacWordTag spells one tag for the architectures that a word stands for.
func MacWordTag(word string, oldest map[string]MacVersion) string {
	archs := MacArchs(word)
	var v MacVersion
	for _, arch := range archs {
		lowest := len(archs) > 1 && strings.HasPrefix(arch, "arm64") && oldest[arch].Compare(MacFloor(arch)) <= 0
		if !lowest && oldest[arch].Compare(v) > 0 {
			v = oldest[arch]
		}
	}
	return MacTag(v, word)
}
