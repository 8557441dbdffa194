package audit

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// MacOptions tunes the audit of a macOS wheel. The zero value looks at this
// machine's libraries.
type MacOptions struct {
	linkage.DyldOptions          // where libraries are sought
	RequireArchs        []string // what each file must be for; nil means what the file name says
}

// MacOS is what was found out about a macOS wheel.
type MacOS struct {
	Graph  *linkage.Graph
	Archs  []string        // that the wheel is held to, sorted
	Grafts []*linkage.File // libraries that a repair copies in, sorted by path

	Blockers []MacBlocker // what keeps the wheel from being what its tags say, sorted by file

	promised map[string]policy.MacVersion // by the tags of the file name, for each architecture
	loaded   map[*linkage.File]bool       // members that others load
	common   []string                     // architectures that every file is for that Python imports, or else that no other loads
	narrow   bool                         // the file name speaks of architectures that were not asked for, and that the wheel is not good for
	python   map[*linkage.Image]bool      // see UnderPython
	led      map[*linkage.Image]bool      // see ledTo
	wheel    string
}

// A MacBlocker is one reason why a macOS wheel is not what its tags say.
type MacBlocker struct {
	Tag     string // platform tag of the file name, or the best that can be said
	Kind    Kind   // KindVersion, KindLibrary, KindMissing or KindArchitecture
	File    string // member, or path of a library that is to be grafted
	Arch    string // of the slice, "" when the whole file is concerned
	Library string // install name, "" when no library is concerned
	Version string // macOS that is needed, "" when none is concerned
	Reason  string // one line for people
}

// Repairable reports whether a repair removes the blocker: it copies libraries in
// and raises tags.
func (b *MacBlocker) Repairable() bool { return b.Kind == KindLibrary || b.Kind == KindVersion }

// A MacNeed is the oldest macOS on which the slices of an architecture run.
type MacNeed struct {
	Arch    string
	Version policy.MacVersion
	File    string // that asks for it, "" if it is the oldest of the architecture
}

// assessMacOS finds the libraries of a macOS wheel and holds it to its tags.
func assessMacOS(ctx context.Context, c *Contents, opts MacOptions) (*MacOS, error) {
	members := membersOf(c.of(MachO))
	graph, err := linkage.ResolveDyld(ctx, members, opts.DyldOptions)
	if err != nil {
		return nil, err
	}
	m := &MacOS{Graph: graph, promised: promisedVersions(c.Filename.Platform), wheel: c.Filename.String()}
	m.loaded = loadedMembers(graph.Members)
	m.common = commonArchs(m.roots())
	switch {
	case len(opts.RequireArchs) > 0:
		m.Archs = m.asked(opts.RequireArchs)
	case len(m.promised) > 0:
		m.Archs = slices.Sorted(maps.Keys(m.promised))
	case len(m.common) > 0:
		m.Archs = m.common
	default:
		m.Archs = allArchs(graph.Members)
	}
	m.Grafts = m.grafts()
	m.block(macTags(c.Filename.Platform))
	return m, nil
}

// roots returns the members that no other loads, those that Python imports if there
// are any.
func (m *MacOS) roots() []*linkage.File {
	all := slices.DeleteFunc(slices.Clone(m.Graph.Members), func(b *linkage.File) bool { return m.loaded[b] })
	if modules := slices.DeleteFunc(slices.Clone(all), func(b *linkage.File) bool { return !importable(b.Path) }); len(modules) > 0 {
		return modules
	}
	return all
}

// asked returns the architectures that were asked for, and the others of the file
// name if the wheel can be held to them as well.
func (m *MacOS) asked(archs []string) []string {
	all := slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(m.promised)), archs...))))
	held := &MacOS{Graph: m.Graph, Archs: all, loaded: m.loaded, promised: m.promised}
	held.Grafts = held.grafts()
	held.block(nil)
	m.narrow = !held.Repairable()
	if m.narrow {
		return archs
	}
	return all
}

// Unasked returns the architectures of a tag that the wheel is not held to, since
// others were asked for and it is not good for these.
func (m *MacOS) Unasked(tag string) []string {
	if !m.narrow {
		return nil
	}
	archs := slices.Sorted(maps.Keys(promisedVersions([]string{tag})))
	return slices.DeleteFunc(archs, func(arch string) bool { return slices.Contains(m.Archs, arch) })
}

// macTags returns the platform tags of macOS.
func macTags(platforms []string) []string {
	var tags []string
	for _, tag := range platforms {
		if p, err := policy.ParsePlatform(tag); err == nil && p.Family == policy.MacOS {
			tags = append(tags, tag)
		}
	}
	return tags
}

// promisedVersions returns the oldest macOS that tags promise, for each of their
// architectures. Code for arm64 has never run on one older than 11.0, whatever a
// tag for several architectures says.
func promisedVersions(platforms []string) map[string]policy.MacVersion {
	promised := map[string]policy.MacVersion{}
	for _, tag := range macTags(platforms) {
		p, err := policy.ParsePlatform(tag)
		if err != nil {
			continue
		}
		v := policy.MacVersion{Major: p.Major, Minor: p.Minor}
		for _, arch := range policy.MacArchs(p.Arch) {
			at := v
			if floor := policy.MacFloor(arch); strings.HasPrefix(arch, "arm64") && at.Compare(floor) < 0 {
				at = floor
			}
			if old, ok := promised[arch]; !ok || at.Compare(old) < 0 {
				promised[arch] = at
			}
		}
	}
	return promised
}

// ArchsOf returns the architectures of a file, as tags spell them.
func ArchsOf(b *linkage.File) []string {
	var archs []string
	for _, i := range b.Images {
		archs = append(archs, i.Arch)
	}
	slices.Sort(archs)
	return archs
}

// commonArchs returns the architectures that every file is for, sorted.
func commonArchs(files []*linkage.File) []string {
	var common []string
	for n, b := range files {
		if n == 0 {
			common = ArchsOf(b)
		}
		common = intersection(common, ArchsOf(b))
	}
	return common
}

// loadedMembers returns the members that other members load, and so only for the
// architectures of those: the two slices of a file may load different libraries.
func loadedMembers(members []*linkage.File) map[*linkage.File]bool {
	loaded := map[*linkage.File]bool{}
	for _, b := range members {
		for _, image := range b.Images {
			for _, e := range image.Needs {
				if e.Status == linkage.Found && e.To.File != b && !importable(e.To.Path) {
					loaded[e.To.File] = true
				}
			}
		}
	}
	return loaded
}

// UnderPython returns the images that a process of Python loads: extension modules,
// libraries that no program alone loads, and what these load.
func (m *MacOS) UnderPython() map[*linkage.Image]bool {
	if m.python != nil {
		return m.python
	}
	seen := map[*linkage.Image]bool{}
	var queue []*linkage.Image
	for _, b := range m.Graph.Members {
		for _, image := range b.Images {
			if image.Slice().Type == macho.Bundle || image.Slice().Type == macho.DyLib && !m.loaded[b] {
				seen[image] = true
				queue = append(queue, image)
			}
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, e := range queue[i].Needs {
			if e.Status == linkage.Found && e.Program == nil && !seen[e.To] {
				seen[e.To] = true
				queue = append(queue, e.To)
			}
		}
	}
	m.python = seen
	return seen
}

// intersection returns what both lists have, in the order of the first.
func intersection(a, b []string) []string {
	var both []string
	for _, s := range a {
		if slices.Contains(b, s) {
			both = append(both, s)
		}
	}
	return both
}

// allArchs returns the architectures that any file is for, sorted.
func allArchs(files []*linkage.File) []string {
	seen := map[string]bool{}
	for _, b := range files {
		for _, arch := range ArchsOf(b) {
			seen[arch] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// images returns the slices of a file that the wheel is held to.
func (m *MacOS) images(b *linkage.File) []*linkage.Image {
	var images []*linkage.Image
	for _, arch := range m.Archs {
		if i := b.Image(arch); i != nil && loadable(i.Slice()) && !slices.Contains(images, i) {
			images = append(images, i)
		}
	}
	return images
}

// grafts returns the libraries outside the wheel that its files load, directly
// and through others, and that are not macOS's own.
func (m *MacOS) grafts() []*linkage.File {
	seen := map[*linkage.File]bool{}
	var queue, grafts []*linkage.File
	queue = append(queue, m.Graph.Members...)
	for len(queue) > 0 {
		b := queue[0]
		queue = queue[1:]
		for _, image := range m.images(b) {
			for _, e := range image.Needs {
				if e.Status == linkage.Found && !e.To.InWheel && !seen[e.To.File] {
					seen[e.To.File] = true
					queue = append(queue, e.To.File)
					grafts = append(grafts, e.To.File)
				}
			}
		}
	}
	slices.SortFunc(grafts, func(a, b *linkage.File) int { return cmp.Compare(a.Path, b.Path) })
	return grafts
}

// Needs returns, for each architecture, the oldest macOS on which the files of
// the wheel run, and after a repair, when the grafts count as well. A file that
// does not say asks for nothing.
func (m *MacOS) Needs(archs []string, repaired bool) []MacNeed {
	files := m.Graph.Members
	if repaired {
		files = slices.Concat(files, m.Grafts)
	}
	var needs []MacNeed
	for _, arch := range archs {
		need := MacNeed{Arch: arch, Version: policy.MacFloor(arch)}
		for _, b := range files {
			if image := b.Image(arch); image != nil {
				if v := minimum(image.Slice()); v.Compare(need.Version) > 0 {
					need.Version, need.File = v, b.Path
				}
			}
		}
		needs = append(needs, need)
	}
	return needs
}

// minimum returns the oldest macOS that a slice runs on: what it says, or the first
// whose dyld knows its load commands.
func minimum(s *macho.Slice) policy.MacVersion {
	v, _ := s.NeedsOS()
	return policy.MacVersion{Major: v.Major(), Minor: v.Minor(), Patch: v.Patch()}
}

// PlatformTags spells what needs ask for: one tag if there is a word for all the
// architectures, else one for each, sorted. What arm64 needs at least does not
// count beside x86_64, as installers see it (packaging.tags, mac_platforms).
func PlatformTags(needs []MacNeed) []string {
	var archs []string
	by := map[string]policy.MacVersion{}
	for _, n := range needs {
		archs = append(archs, n.Arch)
		by[n.Arch] = n.Version
	}
	var tags []string
	for _, word := range policy.MacWords(archs) {
		tags = append(tags, wordTag(word, by))
	}
	return tags
}

func wordTag(word string, by map[string]policy.MacVersion) string {
	archs := policy.MacArchs(word)
	var v policy.MacVersion
	for _, arch := range archs {
		lowest := len(archs) > 1 && strings.HasPrefix(arch, "arm64") && by[arch].Compare(policy.MacFloor(arch)) <= 0
		if !lowest && by[arch].Compare(v) > 0 {
			v = by[arch]
		}
	}
	return policy.MacTag(v, word)
}

// Tag returns the platform tag of the oldest macOS that the files of the wheel
// run on, for those of the wheel's architectures that all of them are for. What
// they need from outside the wheel is not in it.
func (m *MacOS) Tag() string {
	archs := m.common
	if named := intersection(m.Archs, m.common); len(named) > 0 {
		archs = named
	}
	if len(archs) == 0 {
		archs = m.Archs
	}
	return strings.Join(PlatformTags(m.Needs(archs, false)), ".")
}

// Repairable reports whether a repair removes all that keeps the wheel from
// working where its tag says.
func (m *MacOS) Repairable() bool {
	return !slices.ContainsFunc(m.Blockers, func(b MacBlocker) bool { return !b.Repairable() })
}

// SelfContained reports whether the wheel needs no library that is neither in it
// nor macOS's own.
func (m *MacOS) SelfContained() bool {
	return !slices.ContainsFunc(m.Blockers, func(b MacBlocker) bool { return b.Kind == KindLibrary || b.Kind == KindMissing })
}

// RepairedTags returns the platform tags of the wheel after a repair: those of
// its name, each raised to what the files and the grafts need, and to least. A tag
// is never lowered: it may know what no file says.
func (m *MacOS) RepairedTags(platforms []string, least policy.MacVersion) []string {
	var tags []string
	for _, tag := range macTags(platforms) {
		p, err := policy.ParsePlatform(tag)
		if err != nil {
			continue
		}
		named := policy.MacVersion{Major: p.Major, Minor: p.Minor}
		by := map[string]policy.MacVersion{}
		archs, words := policy.MacArchs(p.Arch), []string{p.Arch}
		if m.narrow {
			archs = intersection(archs, m.Archs)
			words = policy.MacWords(archs)
		}
		for _, need := range m.Needs(archs, true) {
			by[need.Arch] = newest(need.Version, named, least)
		}
		for _, word := range words {
			tags = append(tags, wordTag(word, by))
		}
	}
	if len(tags) == 0 {
		needs := m.Needs(m.Archs, true)
		for i := range needs {
			needs[i].Version = newest(needs[i].Version, least)
		}
		tags = PlatformTags(needs)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// newest returns the newest of some versions.
func newest(versions ...policy.MacVersion) policy.MacVersion {
	return slices.MaxFunc(versions, policy.MacVersion.Compare)
}

// Meets reports whether the wheel is as it stands what a platform tag of macOS
// promises.
func (m *MacOS) Meets(tag string) bool {
	return len(promisedVersions([]string{tag})) > 0 && len(m.Judge(tag)) == 0
}

// Judge returns what keeps the wheel as it stands from a platform tag of macOS, also
// one for other architectures than the report is about.
func (m *MacOS) Judge(tag string) []MacBlocker {
	promised := promisedVersions([]string{tag})
	held := &MacOS{Graph: m.Graph, Archs: slices.Sorted(maps.Keys(promised)), loaded: m.loaded, promised: promised}
	held.block([]string{tag})
	return held.Blockers
}

// Libraries returns every library outside the wheel that its files and the grafts
// load, sorted by install name, and what a repair does about it.
func (m *MacOS) Libraries() []Library {
	type key struct{ name, path string }
	found := map[key]*Library{}
	for _, b := range slices.Concat(m.Graph.Members, m.Grafts) {
		for _, image := range m.images(b) {
			for _, e := range image.Needs {
				if e.To != nil && e.To.InWheel {
					continue
				}
				k := key{name: e.Name}
				if e.To != nil {
					k.path = e.To.Path
				}
				l := found[k]
				if l == nil {
					l = &Library{Soname: k.name, Path: k.path, Action: macAction(e.Status), Tried: e.Tried}
					found[k] = l
				}
				if !slices.Contains(l.NeededBy, b.Path) {
					l.NeededBy = append(l.NeededBy, b.Path)
				}
			}
		}
	}
	var out []Library
	for _, l := range found {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Library) int {
		return cmp.Or(strings.Compare(a.Soname, b.Soname), strings.Compare(a.Path, b.Path))
	})
	return out
}

func macAction(s linkage.Status) Action {
	return map[linkage.Status]Action{
		linkage.Found: Graft, linkage.System: System, linkage.Excluded: Excluded, linkage.Missing: Missing,
		linkage.LibPython: Remove,
	}[s]
}

// machOFiles describes the Mach-O files of a wheel.
func machOFiles(c *Contents) []File {
	var files []File
	for _, b := range c.of(MachO) {
		f := File{Path: b.Member.Name, MachO: b.MachO(), Extension: importable(b.Member.Name)}
		for _, s := range b.MachO().Slices {
			f.Soname = cmp.Or(f.Soname, s.ID)
			for _, l := range s.Dylibs {
				if !slices.Contains(f.Needed, l.Name) {
					f.Needed = append(f.Needed, l.Name)
				}
			}
		}
		files = append(files, f)
	}
	return files
}

// importable reports whether Python would look for a module in a file of that
// name: on macOS it does so in .so alone.
func importable(member string) bool { return path.Ext(member) == ".so" }
