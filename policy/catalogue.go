package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
)

//go:embed data/glibc.txt
var glibcTable string

//go:embed data/musl.txt
var muslTable string

// A pair is what policies are sorted by.
type pair struct {
	libc Libc
	arch Arch
}

// A catalog holds all policies, and the indexes that the package answers from.
type catalog struct {
	all   []*Policy
	pairs map[pair][]*Policy
	archs map[Arch][]*Policy // glibc before musl
	tags  map[string]*Policy // by tag and alias tag
}

// catalogue reads the embedded tables when a policy is first asked for. A table
// that does not parse is a broken build, which every test of the package finds.
var catalogue = sync.OnceValue(func() *catalog {
	c, err := newCatalog(map[Libc]string{GLIBC: glibcTable, MUSL: muslTable, BIONIC: androidTable})
	if err != nil {
		panic("policy: embedded table: " + err.Error())
	}
	return c
})

// newCatalog ties the policies of the tables to their architectures.
func newCatalog(texts map[Libc]string) (*catalog, error) {
	c := &catalog{pairs: map[pair][]*Policy{}, archs: map[Arch][]*Policy{}, tags: map[string]*Policy{}}
	for _, libc := range []Libc{GLIBC, MUSL, BIONIC} {
		t, err := parseTable(texts[libc])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", libc, err)
		}
		archs := make([]string, 0, 16)
		for arch := range t.sections[key{kind: kindArchitectures}] {
			archs = append(archs, arch)
		}
		slices.Sort(archs)
		for _, arch := range archs {
			if err := c.add(t, libc, Arch(arch)); err != nil {
				return nil, fmt.Errorf("%s: %w", libc, err)
			}
		}
		if len(t.policies) > 0 && libc != BIONIC {
			c.addPlain(t, libc)
		}
	}
	return c, nil
}

// add files the policies that a table has for one architecture.
func (c *catalog) add(t *table, libc Libc, arch Arch) error {
	for rank, line := range t.policies {
		if !t.has(key{kind: kindArchitectures}, string(arch), rank) {
			continue
		}
		platform, err := ParsePlatform(line.name + "_" + arch.tagged(libc))
		if err != nil {
			return err
		}
		p := &Policy{
			Name: line.name, Aliases: line.aliases, Libc: libc, Arch: arch,
			Major: platform.Major, Minor: platform.Minor, table: t, rank: rank,
		}
		c.all = append(c.all, p)
		c.pairs[pair{libc, arch}] = append(c.pairs[pair{libc, arch}], p)
		c.archs[arch] = append(c.archs[arch], p)
		for _, tag := range p.Tags() {
			c.tags[tag] = p
		}
	}
	return nil
}
