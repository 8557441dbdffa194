package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Libc is the C library family that a policy speaks of.
type Libc string

// The C libraries that have policies.
const (
	GLIBC Libc = "glibc" // the GNU C library; tags begin with manylinux
	MUSL  Libc = "musl"  // musl; tags begin with musllinux
)

// An Arch is an architecture, spelled as platform tags spell it.
type Arch string

// The architectures that have policies.
const (
	X86_64      Arch = "x86_64"
	I686        Arch = "i686"
	AARCH64     Arch = "aarch64"
	ARMV7L      Arch = "armv7l"
	PPC64       Arch = "ppc64"
	PPC64LE     Arch = "ppc64le"
	S390X       Arch = "s390x"
	RISCV64     Arch = "riscv64"
	LOONGARCH64 Arch = "loongarch64"
)

// A Policy is what one platform tag promises on one architecture. There is one
// value for each, so pointers may be compared. All fields are to be read only.
type Policy struct {
	Name    string   // tag without the architecture: "manylinux_2_17"
	Aliases []string // older names of the same policy: "manylinux2014"
	Libc    Libc
	Arch    Arch
	Major   int // version of the libc that the policy demands: 2 in "manylinux_2_17"
	Minor   int // and its second part: 17

	table *table
	rank  int  // position in table.policies
	plain bool // see Plain
	kin   Arch // of a plain policy: whose list of libraries serves it
}

// All returns every policy of every architecture, sorted by libc, architecture
// and age, the oldest system first.
func All() []*Policy {
	return slices.Clone(catalogue().all)
}

// For returns the policies for a libc and an architecture, the oldest system, so
// the strictest policy, first. It is empty for a pair that has none.
func For(l Libc, a Arch) []*Policy {
	return slices.Clone(catalogue().pairs[pair{l, a}])
}

// Lookup returns the policy of a platform tag, which may be an alias:
// "manylinux_2_17_x86_64" and "manylinux2014_x86_64" are the same policy. The
// error for another tag lists those that its architecture has.
func Lookup(tag string) (*Policy, error) {
	if p, ok := catalogue().tags[tag]; ok {
		return p, nil
	}
	return nil, unknownTag(tag)
}

// LookupFor is Lookup for a tag that may leave out the architecture, which is
// then arch: "manylinux_2_17" or "manylinux2014".
func LookupFor(tag string, arch Arch) (*Policy, error) {
	p, err := Lookup(tag)
	if err != nil {
		for _, l := range []Libc{GLIBC, BIONIC} {
			if short, ok := catalogue().tags[tag+"_"+arch.tagged(l)]; ok {
				return short, nil
			}
		}
	}
	return p, err
}

// unknownTag explains a failed Lookup by the tags that would have succeeded.
func unknownTag(tag string) error {
	byLength := func(a, b Arch) int { return cmp.Compare(len(b), len(a)) }
	archs := slices.Sorted(maps.Keys(catalogue().archs))
	// Longest first, so that ..._ppc64le is not taken for a tag of ppc64.
	for _, a := range slices.SortedStableFunc(slices.Values(archs), byLength) {
		if !strings.HasSuffix(tag, "_"+string(a)) {
			continue
		}
		var names []string
		for _, p := range catalogue().archs[a] {
			names = append(append(names, p.Name), p.Aliases...)
		}
		return fmt.Errorf("no policy for platform tag %q; %s has %s", tag, a, strings.Join(names, ", "))
	}
	var names []string
	for _, a := range archs {
		names = append(names, string(a))
	}
	return fmt.Errorf("no policy for platform tag %q; it ends in none of the architectures %s", tag, strings.Join(names, ", "))
}

// Tag returns the platform tag: "manylinux_2_17_x86_64".
func (p *Policy) Tag() string {
	return p.Name + "_" + p.Arch.tagged(p.Libc)
}

// Platform returns the tag of the policy, taken apart.
func (p *Policy) Platform() Platform {
	platform, err := ParsePlatform(p.Tag())
	if err != nil {
		panic("policy: " + err.Error()) // the tables are this package's own
	}
	return platform
}

// Tags returns the platform tag and after it those of the aliases, the order in
// which they stand in the name of a wheel.
func (p *Policy) Tags() []string {
	tags := []string{p.Tag()}
	for _, alias := range p.Aliases {
		tags = append(tags, alias+"_"+p.Arch.tagged(p.Libc))
	}
	return tags
}

// Older reports whether p speaks of an older system than q, so that a wheel for p
// runs wherever one for q does, and on more. It is false for policies of
// different libcs or architectures.
func (p *Policy) Older(q *Policy) bool {
	return p.Libc == q.Libc && p.Arch == q.Arch && p.rank < q.rank
}

// AllowsLibrary reports whether a wheel may leave the library with this soname to
// the system: it is one that the policy lists, or the dynamic loader of its libc.
func (p *Policy) AllowsLibrary(soname string) bool {
	return p.table.has(key{kind: kindLibraries}, soname, p.rank) ||
		p.table.has(key{kind: kindLibraries, arch: p.listed()}, soname, p.rank) ||
		p.plain && p.Libc == MUSL && strings.HasPrefix(soname, "libc.musl-") ||
		p.Libc == BIONIC && androidPython.MatchString(soname) ||
		loaderOf(soname) == p.Libc
}

// listed returns the architecture whose own list of libraries counts.
func (p *Policy) listed() Arch {
	if p.plain {
		return p.kin
	}
	return p.Arch
}

// AllowsVersion reports whether a wheel may need this symbol version, as in
// "GLIBC_2.17". A version whose prefix, the text before the first "_", the policy
// does not know is allowed: it belongs to a library that is judged by its soname.
// Of a known prefix only the listed versions are: GLIBC_PRIVATE never is, and
// GLIBC_ABI_DT_RELR from the policy on that lists it.
func (p *Policy) AllowsVersion(version string) bool {
	if p.plain {
		return true
	}
	prefix, number, _ := strings.Cut(version, "_")
	k := key{kindVersions, p.Arch, prefix}
	if _, known := p.table.sections[k]; !known {
		return true
	}
	return p.table.has(k, number, p.rank)
}

// Forbidden returns the symbols that a wheel must not use although the policy
// allows their library, sorted: internals that newer builds of it hide.
func (p *Policy) Forbidden(soname string) []string {
	return p.table.words(key{kind: kindForbidden, name: soname}, p.rank)
}

// Forbids reports whether a symbol is among [Policy.Forbidden] of its library.
func (p *Policy) Forbids(soname, symbol string) bool {
	return p.table.has(key{kind: kindForbidden, name: soname}, symbol, p.rank)
}

// ForbiddenLibraries returns the sonames for which [Policy.Forbidden] is not
// empty, sorted.
func (p *Policy) ForbiddenLibraries() []string {
	var sonames []string
	for k := range p.table.sections {
		if k.kind == kindForbidden && len(p.Forbidden(k.name)) > 0 {
			sonames = append(sonames, k.name)
		}
	}
	slices.Sort(sonames)
	return sonames
}

// Libraries returns the sonames that the policy allows from the system, sorted,
// without those of the dynamic loader.
func (p *Policy) Libraries() []string {
	sonames := append(p.table.words(key{kind: kindLibraries}, p.rank),
		p.table.words(key{kind: kindLibraries, arch: p.listed()}, p.rank)...)
	slices.Sort(sonames)
	return sonames
}

// Versions returns the symbol versions that the policy allows, by prefix, without
// it: "GLIBC" has "2.9" before "2.17". A prefix with no versions allows none.
func (p *Policy) Versions() map[string][]string {
	versions := map[string][]string{}
	for k := range p.table.sections {
		if k.kind == kindVersions && k.arch == p.Arch {
			versions[k.name] = p.table.words(k, p.rank)
		}
	}
	return versions
}
