package audit

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// MacOptions tunes the audit of a macOS wheel.
type MacOptions struct {
	RequireArchs []string          // what each file must be for; nil means what the file name says
	Target       policy.MacVersion // the repaired wheel shall run on this macOS, and promises no older one; zero means what it needs
}

// A macOS is what was found out about a macOS wheel, which is held to the tags of its
// name for each architecture.
type macOS struct {
	graph    *linkage.Graph
	archs    []string        // that the wheel is held to, sorted
	grafts   []*linkage.File // libraries that a repair copies in, sorted by path
	blockers []Blocker       // in the making
	options  MacOptions
	named    []policy.Platform // tags of the file name

	promised map[string]policy.MacVersion // by the tags of the file name, for each architecture
	loaded   map[*linkage.File]bool       // members that others load
	common   []string                     // architectures that every file is for that Python imports, or else that no other loads
	narrow   bool                         // the file name speaks of architectures that were not asked for, and that the wheel is not good for
	led      map[*linkage.Image]bool      // see ledTo
}

// assess finds the libraries of the wheel and holds it to its tags.
func (m *macOS) assess(ctx context.Context, r *Report) (err error) {
	c := r.Contents
	if m.graph, err = linkage.Resolve(ctx, membersOf(c.of(MachO)), r.options.Options); err != nil {
		return err
	}
	m.named = c.platforms(policy.MacOS)
	m.promised = promisedVersions(m.named)
	m.loaded = m.graph.LoadedByOthers()
	m.common = commonArchs(m.roots())
	switch {
	case len(m.options.RequireArchs) > 0:
		m.archs = m.asked(m.options.RequireArchs)
	case len(m.promised) > 0:
		m.archs = slices.Sorted(maps.Keys(m.promised))
	case len(m.common) > 0:
		m.archs = m.common
	default:
		m.archs = allArchs(m.graph.Members)
	}
	m.grafts = m.findGrafts()
	m.block(m.named)
	r.Graph, r.Archs, r.Files, r.Partial = m.graph, m.archs, machOFiles(c), m.helpers()
	r.Verdicts = []Verdict{{Blockers: m.blockers, Grafts: m.grafts}}
	return nil
}

// roots returns the members that no other loads, those that Python imports if there
// are any.
func (m *macOS) roots() []*linkage.File {
	all := slices.DeleteFunc(slices.Clone(m.graph.Members), func(b *linkage.File) bool { return m.loaded[b] })
	if modules := slices.DeleteFunc(slices.Clone(all), func(b *linkage.File) bool { return !linkage.IsModuleName(b.Path) }); len(modules) > 0 {
		return modules
	}
	return all
}

// asked returns the architectures that were asked for, and the others of the file
// name if the wheel can be held to them as well.
func (m *macOS) asked(archs []string) []string {
	all := slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(m.promised)), archs...))))
	held := &macOS{graph: m.graph, archs: all, loaded: m.loaded, promised: m.promised}
	held.grafts = held.findGrafts()
	held.block(nil)
	m.narrow = !held.repairable()
	if m.narrow {
		return archs
	}
	return all
}

// promisedVersions returns the oldest macOS that tags promise, for each of their
// architectures. Code for arm64 has never run on one older than 11.0, whatever a
// tag for several architectures says.
func promisedVersions(platforms []policy.Platform) map[string]policy.MacVersion {
	promised := map[string]policy.MacVersion{}
	for _, p := range platforms {
		for _, arch := range policy.MacArchs(p.Arch) {
			at := policy.MacVersion{Major: p.Major, Minor: p.Minor}
			if strings.HasPrefix(arch, "arm64") {
				at = policy.NewestMacOS(at, policy.MacFloor(arch))
			}
			if old, ok := promised[arch]; !ok || at.Compare(old) < 0 {
				promised[arch] = at
			}
		}
	}
	return promised
}

// commonArchs returns the architectures that every file is for, sorted.
func commonArchs(files []*linkage.File) []string {
	if len(files) == 0 {
		return nil
	}
	common := files[0].Archs()
	for _, b := range files {
		common = intersection(common, b.Archs())
	}
	return common
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
		for _, arch := range b.Archs() {
			seen[arch] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// images returns the slices of a file that the wheel is held to.
func (m *macOS) images(b *linkage.File) []*linkage.Image {
	var images []*linkage.Image
	for _, arch := range m.archs {
		if i := b.Image(arch); i != nil && loadable(i.Slice()) && !slices.Contains(images, i) {
			images = append(images, i)
		}
	}
	return images
}

// findGrafts returns the libraries outside the wheel that its files load, directly
// and through others, and that are not macOS's own. What a file loads counts for the
// slices that the wheel is held to.
func (m *macOS) findGrafts() []*linkage.File {
	seen := map[*linkage.File]bool{}
	queue := slices.Clone(m.graph.Members)
	var grafts []*linkage.File
	for i := 0; i < len(queue); i++ {
		for _, l := range m.loads(queue[i]) {
			if to := l.need.To; l.need.IsFound() && !to.InWheel && !seen[to.File] {
				seen[to.File] = true
				queue, grafts = append(queue, to.File), append(grafts, to.File)
			}
		}
	}
	slices.SortFunc(grafts, byPath)
	return grafts
}

// minimums returns, for each architecture, the oldest macOS on which the files of
// the wheel run, and after a repair, when the grafts count as well. A file that
// does not say asks for nothing.
func (m *macOS) minimums(archs []string, repaired bool) []Minimum {
	files := m.graph.Members
	if repaired {
		files = slices.Concat(files, m.grafts)
	}
	var needs []Minimum
	for _, arch := range archs {
		need := Minimum{Arch: arch, Version: policy.MacFloor(arch)}
		for _, b := range files {
			if image := b.Image(arch); image != nil {
				if v := OldestMacOS(image.Slice()); v.Compare(need.Version) > 0 {
					need.Version, need.File = v, b.Path
				}
			}
		}
		needs = append(needs, need)
	}
	return needs
}

// OldestMacOS returns the oldest macOS that a slice runs on: what it says, or the first
// whose dyld knows its load commands.
func OldestMacOS(s *macho.Slice) policy.MacVersion {
	v, _ := s.NeedsOS()
	return policy.MacVersion{Major: v.Major(), Minor: v.Minor(), Patch: v.Patch()}
}

// oldest returns the versions of minimums by architecture.
func oldest(needs []Minimum) map[string]policy.MacVersion {
	by := map[string]policy.MacVersion{}
	for _, n := range needs {
		by[n.Arch] = n.Version
	}
	return by
}

// tags returns the platform tag of the oldest macOS that the files of the wheel run on,
// for those of the wheel's architectures that all of them are for. What they need from
// outside the wheel is not in it.
func (m *macOS) tags(_ *Report, repaired bool) []string {
	if repaired {
		return m.repairedTags()
	}
	archs := m.common
	if named := intersection(m.archs, m.common); len(named) > 0 {
		archs = named
	}
	if len(archs) == 0 {
		archs = m.archs
	}
	return policy.MacTags(oldest(m.minimums(archs, false)))
}

// repairable reports whether a repair removes all that keeps the wheel from
// working where its tags say.
func (m *macOS) repairable() bool { return (&Verdict{Blockers: m.blockers}).Repairable() }

// repairedTags returns the platform tags of the wheel after a repair: those of
// its name, each raised to what the files and the grafts need, and to the target that was asked for. A tag
// is never lowered: it may know what no file says.
func (m *macOS) repairedTags() []string {
	least := m.options.Target
	var tags []string
	for _, p := range m.named {
		named := policy.MacVersion{Major: p.Major, Minor: p.Minor}
		by := map[string]policy.MacVersion{}
		archs, words := policy.MacArchs(p.Arch), []string{p.Arch}
		if m.narrow {
			archs = intersection(archs, m.archs)
			words = policy.MacWords(archs)
		}
		for _, need := range m.minimums(archs, true) {
			by[need.Arch] = policy.NewestMacOS(need.Version, named, least)
		}
		for _, word := range words {
			tags = append(tags, policy.MacWordTag(word, by))
		}
	}
	if len(tags) == 0 {
		needs := m.minimums(m.archs, true)
		for i := range needs {
			needs[i].Version = policy.NewestMacOS(needs[i].Version, least)
		}
		tags = policy.MacTags(oldest(needs))
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// judge holds the wheel as it stands to a platform tag of macOS, also one for other
// architectures than the report is about.
func (m *macOS) judge(_ *Report, p policy.Platform) Verdict {
	v := Verdict{Platform: p}
	tag := []policy.Platform{p}
	promised := promisedVersions(tag)
	if len(promised) == 0 {
		v.Blockers = []Blocker{{Kind: KindArchitecture, Tag: p.Tag, Reason: p.Arch + " is for no architecture"}}
		return v
	}
	held := &macOS{graph: m.graph, archs: slices.Sorted(maps.Keys(promised)), loaded: m.loaded, promised: promised}
	held.block(tag)
	v.Blockers = held.blockers
	return v
}

// loads returns what a file loads in the slices that the wheel is held to.
func (m *macOS) loads(f *linkage.File) []load {
	var all []load
	for _, image := range m.images(f) {
		for _, n := range image.Needs {
			all = append(all, load{image, n})
		}
	}
	return all
}

// machOFiles describes the Mach-O files of a wheel.
func machOFiles(c *Contents) []File {
	var files []File
	for _, b := range c.of(MachO) {
		f := File{Path: b.Member.Name, Extension: linkage.IsModuleName(b.Member.Name)}
		for _, s := range b.MachO().Slices {
			f.Soname = cmp.Or(f.Soname, s.ID)
			slice := Slice{Arch: s.Arch.String(), Type: s.Type.String(), Name: s.ID, RunPath: s.RPaths}
			if s.MinOS != 0 {
				slice.Oldest = s.MinOS.String()
			}
			for _, l := range s.Dylibs {
				slice.Needed = append(slice.Needed, l.Name)
				if !slices.Contains(f.Needed, l.Name) {
					f.Needed = append(f.Needed, l.Name)
				}
			}
			f.Slices = append(f.Slices, slice)
		}
		files = append(files, f)
	}
	return files
}
