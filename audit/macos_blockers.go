package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// block collects what keeps the wheel from being what its tags say.
func (m *macOS) block(platforms []policy.Platform) {
	tags := policy.MacTags(oldest(m.minimums(m.archs, true)))
	if len(platforms) > 0 {
		tags = nil
		for _, p := range platforms {
			tags = append(tags, p.Tag)
		}
	}
	tag := strings.Join(tags, ".")
	for _, b := range slices.Concat(m.graph.Members, m.grafts) {
		if !b.InWheel {
			m.blockVersions(b) // a graft has the architectures that load it
		} else if m.blockArchs(b) {
			m.blockVersions(b)
		}
		for _, image := range m.images(b) {
			m.blockLoads(image)
		}
	}
	for i := range m.blockers {
		m.blockers[i].Tag = tag
	}
	slices.SortStableFunc(m.blockers, func(a, b Blocker) int { return cmp.Compare(a.File, b.File) })
}

// blockArchs looks for architectures that a member lacks which no other loads, and for slices that are
// for other systems. It reports whether there is any slice to look at.
func (m *macOS) blockArchs(b *linkage.File) bool {
	var lacks []string
	for _, arch := range m.archs {
		image := b.Image(arch)
		if image == nil {
			lacks = append(lacks, arch)
		} else if p := image.Slice().Platform; p != 0 && p != macho.PlatformMacOS {
			m.blockers = append(m.blockers, Blocker{Kind: KindArchitecture, File: b.Path, Arch: arch, Reason: fmt.Sprintf("its %s slice is built for %s, not for macOS", arch, macho.PlatformName(p))})
		}
	}
	if len(lacks) > 0 && !m.loaded[b] && !m.helper(b) { // what another file misses in it is told there
		m.blockers = append(m.blockers, Blocker{
			Kind: KindArchitecture, File: b.Path, Arch: strings.Join(lacks, ","),
			Reason: fmt.Sprintf("it has no slice for %s, only for %s; build it for %s", strings.Join(lacks, " and "), strings.Join(b.Archs(), " and "), strings.Join(m.archs, " and ")),
		})
	}
	return len(lacks) < len(m.archs)
}

// helper reports whether a file need not have all the architectures: no slice of
// another one loads it, Python does not import it, and other files of the wheel are
// for the rest. Python code asks for such a library, or starts such a program, by
// its name.
func (m *macOS) helper(b *linkage.File) bool {
	return !linkage.IsModuleName(b.Path) && !m.loaded[b] && !slices.ContainsFunc(m.archs, func(arch string) bool {
		return b.Image(arch) == nil && !slices.ContainsFunc(m.graph.Members, func(other *linkage.File) bool {
			return !m.loaded[other] && other.Image(arch) != nil
		})
	})
}

// helpers returns the files that are not for all architectures of the wheel, sorted,
// and need not be.
func (m *macOS) helpers() []*linkage.File {
	var found []*linkage.File
	for _, b := range m.graph.Members {
		lacks := slices.ContainsFunc(m.archs, func(arch string) bool { return b.Image(arch) == nil })
		if lacks && m.helper(b) && len(m.images(b)) > 0 {
			found = append(found, b)
		}
	}
	return found
}

// blockVersions compares what the slices of a file need with what the tags promise.
func (m *macOS) blockVersions(b *linkage.File) {
	for _, image := range m.images(b) {
		arch := image.Arch
		promised, ok := m.promised[arch]
		if v := OldestMacOS(image.Slice()); ok && v.Compare(promised) > 0 {
			because := ""
			if _, command := image.Slice().NeedsOS(); command != "" {
				because = ", which knows its " + command
			}
			m.blockers = append(m.blockers, Blocker{
				Kind: KindVersion, raises: true, File: b.Path, Arch: arch, Version: v.String(),
				Reason: fmt.Sprintf("it needs macOS %v on %s%s, the tag promises %v", v, arch, because, promised),
			})
		}
	}
}

// ledTo returns the images of the wheel to which some name leads: dyld takes them for
// their install names once they are loaded.
func (m *macOS) ledTo() map[*linkage.Image]bool {
	if m.led == nil {
		m.led = map[*linkage.Image]bool{}
		for _, b := range m.graph.Members {
			for _, image := range b.Images {
				for _, e := range image.Needs {
					m.led[e.To] = m.led[e.To] || e.Leads()
				}
			}
		}
	}
	return m.led
}

// blockLoads looks for libraries that are neither in the wheel nor macOS's own.
func (m *macOS) blockLoads(image *linkage.Image) {
	file, arch := image.Path, ""
	if image.Universal {
		arch = image.Arch
	}
	for _, e := range image.Needs {
		b := Blocker{File: file, Arch: arch, Library: e.Name}
		switch {
		case e.Status == linkage.Found && !e.To.InWheel:
			b.Kind, b.Reason = KindLibrary, fmt.Sprintf("%s is not part of macOS", e.Name)
		case e.Status == linkage.Found && !e.Leads() && (e.Rule.Kind != linkage.ByName || !m.ledTo()[e.To]):
			b.Kind, b.Reason = KindLibrary, fmt.Sprintf("%s does not lead to %s of the wheel", e.Name, e.To.Path)
		case e.Status == linkage.LibPython && image.Slice().Type == macho.Execute:
			b.Kind, b.Reason = KindMissing, fmt.Sprintf("a program that needs %s cannot be made portable", e.Name)
		case e.Status == linkage.LibPython && e.Kind != linkage.Weak:
			b.Kind, b.Reason = KindLibrary, fmt.Sprintf("%s is Python of the machine that built it", e.Name)
		case e.Status == linkage.Missing && e.Kind != linkage.Weak: // dyld does without a weak one
			b.Kind, b.Reason, b.Tried = KindMissing, missing(e.Name, e.Tried), e.Tried
			if arch != "" {
				b.Reason = "its " + arch + " slice: " + b.Reason
			}
		default:
			continue
		}
		m.blockers = append(m.blockers, b)
	}
}
