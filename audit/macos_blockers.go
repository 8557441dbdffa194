package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// block collects what keeps the wheel from being what its tags say.
func (m *MacOS) block(tags []string) {
	tag := strings.Join(tags, ".")
	if tag == "" {
		tag = strings.Join(PlatformTags(m.Needs(m.Archs, true)), ".")
	}
	for _, b := range slices.Concat(m.Graph.Members, m.Grafts) {
		if !b.InWheel {
			m.blockVersions(b) // a graft has the architectures that load it
		} else if m.blockArchs(b) {
			m.blockVersions(b)
		}
		for _, image := range m.images(b) {
			m.blockLoads(image)
		}
	}
	for i := range m.Blockers {
		m.Blockers[i].Tag = tag
	}
	slices.SortStableFunc(m.Blockers, func(a, b MacBlocker) int { return cmp.Compare(a.File, b.File) })
}

// blockArchs looks for architectures that a member lacks which no other loads, and for slices that are
// for other systems. It reports whether there is any slice to look at.
func (m *MacOS) blockArchs(b *linkage.Binary) bool {
	var lacks []string
	for _, arch := range m.Archs {
		image := imageFor(b, arch)
		if image == nil {
			lacks = append(lacks, arch)
		} else if p := image.Slice.Platform; p != 0 && p != macho.PlatformMacOS {
			m.Blockers = append(m.Blockers, MacBlocker{Kind: KindArchitecture, File: b.Path, Arch: arch, Reason: fmt.Sprintf("its %s slice is built for another system than macOS (platform %d of LC_BUILD_VERSION)", arch, p)})
		}
	}
	if len(lacks) > 0 && !m.loaded[b] { // what another file misses in it is told there
		m.Blockers = append(m.Blockers, MacBlocker{
			Kind: KindArchitecture, File: b.Path, Arch: strings.Join(lacks, ","),
			Reason: fmt.Sprintf("it has no slice for %s, only for %s; build it for %s", strings.Join(lacks, " and "), strings.Join(archsOf(b), " and "), strings.Join(m.Archs, " and ")),
		})
	}
	return len(lacks) < len(m.Archs)
}

// blockVersions compares what the slices of a file need with what the tags promise.
func (m *MacOS) blockVersions(b *linkage.Binary) {
	for _, image := range m.images(b) {
		arch := image.Slice.Arch.String()
		promised, ok := m.promised[arch]
		if v := minimum(image.Slice); ok && v.Compare(promised) > 0 {
			m.Blockers = append(m.Blockers, MacBlocker{
				Kind: KindVersion, File: b.Path, Arch: arch, Version: v.String(),
				Reason: fmt.Sprintf("it needs macOS %v on %s, the tag promises %v", v, arch, promised),
			})
		}
	}
}

// blockLoads looks for libraries that are neither in the wheel nor macOS's own.
func (m *MacOS) blockLoads(image *linkage.Image) {
	file, arch := image.Binary.Path, ""
	if image.Binary.File.Fat {
		arch = image.Slice.Arch.String()
	}
	for _, e := range image.Loads {
		b := MacBlocker{File: file, Arch: arch, Library: e.Dylib.Name}
		switch {
		case e.Status == linkage.DylibFound && !e.To.Binary.InWheel:
			b.Kind, b.Reason = KindLibrary, fmt.Sprintf("%s is not part of macOS", e.Dylib.Name)
		case e.Status == linkage.DylibMissing && e.Dylib.Kind != macho.Weak: // dyld does without a weak one
			b.Kind, b.Reason = KindMissing, missing(e.Dylib.Name, e.Tried)
			if arch != "" {
				b.Reason = "its " + arch + " slice: " + b.Reason
			}
		default:
			continue
		}
		m.Blockers = append(m.Blockers, b)
	}
}
