package command

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/nearest"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// archWords maps what distributions, compilers and container tools call an architecture
// to the word of platform tags. Those of macOS differ in one: arm64.
var archWords = map[string]policy.Arch{
	"amd64": policy.X86_64, "x64": policy.X86_64, "x86-64": policy.X86_64, "x86_64_v1": policy.X86_64, "intel64": policy.X86_64,
	"x86": policy.I686, "i386": policy.I686, "i486": policy.I686, "i586": policy.I686, "386": policy.I686,
	"arm64": policy.AARCH64, "armv8": policy.AARCH64, "arm64v8": policy.AARCH64,
	"arm": policy.ARMV7L, "armv7": policy.ARMV7L, "armhf": policy.ARMV7L, "armv7hl": policy.ARMV7L, "arm32v7": policy.ARMV7L,
	"ppc64el": policy.PPC64LE, "powerpc64le": policy.PPC64LE, "powerpc64": policy.PPC64,
	"s390": policy.S390X, "riscv": policy.RISCV64, "rv64": policy.RISCV64, "loong64": policy.LOONGARCH64, "loongarch": policy.LOONGARCH64,
}

// macArchWords does the same for the words of macOS.
var macArchWords = map[string]string{
	"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64", "arm": "arm64", "armv8": "arm64",
	"x86": "i386", "i686": "i386", "i586": "i386", "universal": "universal2", "fat": "universal2",
}

// Archs returns the architectures that have policies, in order.
func Archs() []string {
	seen := map[string]bool{}
	for _, p := range policy.All() {
		seen[string(p.Arch)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// UnknownArch returns the error for an architecture that has no policies.
func UnknownArch(flag, arch string) error {
	if known := archWords[strings.ToLower(arch)]; known != "" {
		return console.Usagef("%s %s: platform tags call it %s", flag, arch, known)
	}
	return console.Usagef("%s %s: there are no policies for it; known are %s%s", flag, arch, strings.Join(Archs(), ", "), nearest.Ask(arch, Archs()))
}

// MacArchs reads the value of --require-archs.
func MacArchs(flag, list string) ([]string, error) {
	archs, err := policy.ParseMacArchs(list)
	if err == nil {
		return archs, nil
	}
	for word := range strings.SplitSeq(list, ",") {
		if known := macArchWords[strings.ToLower(strings.TrimSpace(word))]; known != "" {
			if _, err := policy.ParseMacArchs(word); err != nil {
				return nil, console.Usagef("%s %q: macOS calls it %s", flag, list, known)
			}
		}
	}
	return nil, console.Usagef("%s: %w", flag, err)
}

// UnknownTag returns the error for a platform tag that no policy has, with the tag that
// was probably meant.
func UnknownTag(flag, tag string) error {
	fail := func(why string) error {
		if strings.HasPrefix(why, "did you mean ") {
			return console.Usagef("%s %s: there is no such tag, see wheelmend policies; %s", flag, tag, why)
		}
		return console.Usagef("%s %s: %s; wheelmend policies lists the tags", flag, tag, why)
	}
	lower := strings.ToLower(tag)
	switch {
	case strings.HasPrefix(lower, "win"):
		return console.Usagef("%s %s: the tag of a Windows wheel follows from its files", flag, tag)
	case strings.HasPrefix(lower, "macosx") || strings.HasPrefix(lower, "macos"):
		return console.Usagef("%s %s: the tag of a macOS wheel follows from its files and MACOSX_DEPLOYMENT_TARGET", flag, tag)
	}
	if lower == "any" || strings.HasPrefix(lower, "linux_") || lower == "linux" {
		return console.Usagef("%s %s: this tag promises nothing that a wheel could be held to; want one such as manylinux_2_28_x86_64, see wheelmend policies", flag, tag)
	}
	if _, err := policy.LookupFor(lower, policy.X86_64); err == nil {
		return fail("tags are written in lower case; did you mean " + lower + "?")
	}
	if known := withKnownArch(lower); known != "" {
		return fail("did you mean " + known + "?")
	}
	if arch := archOf(lower); arch != "" {
		if tags := tagsFor(strings.HasPrefix(lower, "musl"), arch); len(tags) > 0 {
			if near := nearestVersion(lower, tags); near != "" {
				return fail("there is no such policy; " + near)
			}
		}
	}
	if begun := beginningWith(lower); len(begun) > 1 {
		return fail("several tags begin like that: " + phrase.Listed(begun, 4, len(begun)))
	}
	var all []string
	for _, p := range policy.All() {
		all = append(append(all, p.Tags()...), p.Name)
		all = append(all, p.Aliases...)
	}
	if name := nearest.Word(lower, all); name != "" {
		return fail("did you mean " + name + "?")
	}
	return fail("that is not a platform tag; want one such as manylinux_2_28_x86_64")
}

// beginningWith lists the policies, without their architecture, whose name or alias begins
// with a text, the oldest system first.
func beginningWith(text string) []string {
	var names, aliases []string
	all := policy.All()
	slices.SortStableFunc(all, func(a, b *policy.Policy) int {
		p, q := a.Platform(), b.Platform()
		return cmp.Or(cmp.Compare(p.Major, q.Major), cmp.Compare(p.Minor, q.Minor))
	})
	for _, p := range all {
		if strings.HasPrefix(p.Name, text) && !p.Plain() && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
		for _, alias := range p.Aliases {
			if strings.HasPrefix(alias, text) && !slices.Contains(aliases, alias) {
				aliases = append(aliases, alias)
			}
		}
	}
	if len(names) > 0 {
		return names
	}
	return aliases
}

// withKnownArch returns the tag with its architecture spelled as platform tags do, ""
// if that makes none.
func withKnownArch(tag string) string {
	for _, word := range slices.Sorted(maps.Keys(archWords)) {
		for _, joint := range []string{"_", "-"} {
			if stem, ok := strings.CutSuffix(tag, joint+word); ok {
				known := strings.ReplaceAll(stem, "-", "_") + "_" + string(archWords[word])
				if _, err := policy.Lookup(known); err == nil {
					return known
				}
			}
		}
	}
	return ""
}

// archOf returns the architecture at the end of a tag, "" if it has none.
func archOf(tag string) string {
	best := ""
	for _, arch := range Archs() {
		if strings.HasSuffix(tag, "_"+arch) && len(arch) > len(best) {
			best = arch
		}
	}
	return best
}

// tagsFor returns the tags of an architecture, the oldest system first.
func tagsFor(musl bool, arch string) []*policy.Policy {
	libc := policy.GLIBC
	if musl {
		libc = policy.MUSL
	}
	return slices.DeleteFunc(policy.For(libc, policy.Arch(arch)), (*policy.Policy).Plain)
}

// nearestVersion names the policies next to the version in a tag, "" for a tag that has none.
func nearestVersion(tag string, policies []*policy.Policy) string {
	p, err := policy.ParsePlatform(tag)
	if err != nil || p.Libc() != policies[0].Libc {
		return ""
	}
	var before, after string
	for _, q := range policies {
		switch {
		case !q.Platform().AtLeast(p.Major, p.Minor):
			before = q.Tag()
		case after == "":
			after = q.Tag()
		}
	}
	switch {
	case before == "":
		return "the oldest is " + after
	case after == "":
		return "the newest is " + before
	}
	return "next to it are " + before + " and " + after
}
