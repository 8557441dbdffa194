package policy

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/systems.txt
var systemsText string

// A System is the first release of an operating system that a platform tag serves.
type System struct {
	Name    string // "Debian"
	Release string // "10", "11 Big Sur"
	Main    bool   // named first, where there is no room for all
}

// String spells the release: "Debian 10".
func (s System) String() string { return s.Name + " " + s.Release }

// Systems returns the first release of each system on which a wheel of the platform
// runs, those that most people have first. It is empty for platforms without a
// promise, such as linux_x86_64 and any, and for versions that no release has yet.
func (p Platform) Systems() []System {
	family := string(p.Libc())
	if p.Family == MacOS {
		family = string(MacOS)
	}
	var out []System
	for _, line := range systems().lines {
		if line.family != family {
			continue
		}
		for _, r := range line.releases {
			if r.serves(p) {
				out = append(out, System{line.name, r.name, line.main})
				break
			}
		}
	}
	return out
}

// LeftOut tells which releases a wheel of the older platform serves and one of p does not,
// of the systems that most people have: "RHEL 7", "Ubuntu 14.04 to 18.04".
func (p Platform) LeftOut(older Platform) []string {
	var spans []string
	for _, line := range systems().lines {
		if line.family != string(p.Libc()) || !line.main || p.Libc() != older.Libc() {
			continue
		}
		var left []string
		for _, r := range line.releases {
			if r.serves(older) && !r.serves(p) {
				left = append(left, r.name)
			}
		}
		switch len(left) {
		case 0:
		case 1:
			spans = append(spans, line.name+" "+left[0])
		default:
			spans = append(spans, line.name+" "+left[0]+" to "+left[len(left)-1])
		}
	}
	return spans
}

// Pip returns the first release of pip that installs wheels of the platform, as
// "20.3", or "" where that is not known or any does.
func (p Platform) Pip() string {
	head, _, _ := strings.Cut(p.Tag, "_")
	return systems().pip[head]
}

// Meaning tells what the platform is to a person: "RHEL 8, Debian 10, Ubuntu 20.04 and
// later, pip 20.3". It is "" where nothing is known.
func (p Platform) Meaning() string {
	var names []string
	for _, s := range p.Systems() {
		if s.Main {
			names = append(names, s.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	text := strings.Join(names, ", ") + " and later"
	if pip := p.Pip(); pip != "" {
		text += ", pip " + pip
	}
	return text
}

// Image returns the container image in which wheels for the policy are built, the
// newest of those that are not too new for it, or "" if there is none.
func (p *Policy) Image() string {
	best := ""
	for _, image := range systems().images {
		q, err := Lookup(image.name + "_" + string(p.Arch))
		if err == nil && q.Libc == p.Libc && !p.Older(q) && slices.Contains(image.archs, p.Arch) {
			best = "quay.io/pypa/" + image.name + "_" + string(p.Arch)
		}
	}
	return best
}

// A systemLine is one system with its releases, the oldest first.
type systemLine struct {
	family, name string
	main         bool
	releases     []release
}

type release struct {
	major, minor int // of what a tag asks for
	name         string
}

// serves reports whether the release has what the tag asks for.
func (r release) serves(p Platform) bool {
	return r.major > p.Major || r.major == p.Major && r.minor >= p.Minor
}

// An imageLine is one image with its architectures.
type imageLine struct {
	name  string
	archs []Arch
}

// systemTable is the embedded file, taken apart.
type systemTable struct {
	lines  []systemLine
	pip    map[string]string // by the first word of a tag
	images []imageLine       // the oldest first
}

// systems reads the embedded file when it is first asked for.
var systems = sync.OnceValue(func() *systemTable {
	t, err := parseSystems(systemsText)
	if err != nil {
		panic("policy: embedded list of systems: " + err.Error())
	}
	return t
})

// parseSystems reads the form that the head of the file describes. Errors name the line.
func parseSystems(text string) (*systemTable, error) {
	t := &systemTable{pip: map[string]string{}}
	add := func([]string) error { return fmt.Errorf("a line before the first heading") }
	n := 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || line[0] == '#':
		case line[0] != ' ':
			add = t.heading(fields)
		default:
			if err := add(fields); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	return t, nil
}

// heading returns what takes the lines below a heading.
func (t *systemTable) heading(fields []string) func([]string) error {
	switch {
	case fields[0] == "pip":
		return func(f []string) error { t.pip[f[0]] = strings.Join(f[1:], " "); return nil }
	case fields[0] == "images":
		return func(f []string) error {
			image := imageLine{name: f[0]}
			for _, arch := range f[1:] {
				image.archs = append(image.archs, Arch(arch))
			}
			t.images = append(t.images, image)
			return nil
		}
	case len(fields) < 2:
		return func([]string) error { return fmt.Errorf("unknown heading %q", fields[0]) }
	}
	at := len(t.lines)
	t.lines = append(t.lines, systemLine{family: fields[0], name: spaced(fields[1]), main: len(fields) > 2})
	return func(f []string) error {
		r, err := parseRelease(f)
		line := &t.lines[at]
		if old := line.releases; err == nil && len(old) > 0 && compareReleases(old[len(old)-1], r) >= 0 {
			err = fmt.Errorf("%s is not newer than the line before", f[0])
		}
		line.releases = append(line.releases, r)
		return err
	}
}

// spaced reads a name of several words.
func spaced(name string) string { return strings.ReplaceAll(name, "-", " ") }

func compareReleases(a, b release) int {
	return cmp.Or(cmp.Compare(a.major, b.major), cmp.Compare(a.minor, b.minor))
}

// parseRelease reads a line such as "2.28 10".
func parseRelease(fields []string) (release, error) {
	if len(fields) != 2 {
		return release{}, fmt.Errorf("%d words, want a version and a release", len(fields))
	}
	major, minor, _ := strings.Cut(fields[0], ".")
	r := release{name: spaced(fields[1])}
	var err error
	if r.major, err = strconv.Atoi(major); err == nil && minor != "" {
		r.minor, err = strconv.Atoi(minor)
	}
	return r, err
}
