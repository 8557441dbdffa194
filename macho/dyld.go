package macho

import "github.com/blacktop/go-macho/types"

// dyld holds an image to more rules the newer the SDK is that it was built with. From
// macOS 15.4 on it checks each image that it loads (dyld, mach_o/Policy.cpp and
// UnsafeHeader.cpp; Header.cpp before dyld-1376). Where two releases differ, the older SDK
// counts: macOS 15.4 to 15.7 refuse duplicates that macOS 26 takes.
var (
	sdkUUID           = MakeVersion(12, 0, 0) // libraries and bundles have an LC_UUID
	sdkProgramUUID    = MakeVersion(26, 0, 0) // programs as well
	sdkUniqueDylibs   = MakeVersion(15, 0, 0) // no library is loaded twice
	sdkUniqueRPaths   = MakeVersion(15, 4, 0) // no LC_RPATH is there twice
	sdkLoadsLibrary   = MakeVersion(15, 4, 0) // something is loaded, libSystem at least
	sdkUniqueSegments = MakeVersion(26, 0, 0) // no two segments have one name

	sdkLinkeditProtection = MakeVersion(10, 11, 0)
	sdkTextProtection     = MakeVersion(10, 15, 0)
	sdkDataProtection     = MakeVersion(26, 0, 0)
	sdkSegmentOrder       = MakeVersion(10, 15, 0)
	sdkSectionsInside     = MakeVersion(11, 0, 0)
)

// builtFor reports whether the slice was built with the SDK of that macOS or a later one.
func (s *Slice) builtFor(sdk Version) bool { return s.Platform == PlatformMacOS && s.SDK >= sdk }

// DuplicateRPaths returns the search paths that the slice has more than once, and
// whether dyld refuses the slice for them. [DedupeRPaths] makes one of each.
func (s *Slice) DuplicateRPaths() (paths []string, refused bool) {
	paths = duplicates(s.RPaths)
	return paths, len(paths) > 0 && s.builtFor(sdkUniqueRPaths)
}

// DuplicateDylibs returns the libraries that the slice loads by one name more than
// once, whatever their kinds, and whether dyld refuses the slice for them.
// [DedupeDylibs] makes one of each.
func (s *Slice) DuplicateDylibs() (names []string, refused bool) {
	var all []string
	for i := range s.Dylibs {
		all = append(all, s.Dylibs[i].Name)
	}
	names = duplicates(all)
	return names, len(names) > 0 && s.builtFor(sdkUniqueDylibs)
}

// LacksUUID reports whether dyld refuses the slice because it has no LC_UUID.
// [AddUUID] gives it one.
func (s *Slice) LacksUUID() bool {
	if s.UUID != "" {
		return false
	}
	switch s.Type {
	case DyLib, Bundle:
		return s.builtFor(sdkUUID)
	case Execute:
		return s.builtFor(sdkProgramUUID)
	}
	return false
}

// duplicates returns what a list has more than once, each once, in its order.
func duplicates(list []string) []string {
	var twice []string
	count := map[string]int{}
	for _, text := range list {
		if count[text]++; count[text] == 2 {
			twice = append(twice, text)
		}
	}
	return twice
}

// NeedsOS returns the oldest macOS whose dyld understands the slice: what it says
// (MinOS), or more if it has a load command that older ones do not know; because is
// then its name, else "". It is 0 for a slice that does not say and has none.
func (s *Slice) NeedsOS() (v Version, because string) {
	v = s.MinOS
	for i := range s.commands {
		if row, ok := introduced[s.commands[i].cmd]; ok && row.os > v {
			v, because = row.os, row.name
		}
	}
	return v, because
}

// introduced lists load commands that dyld has to understand (LC_REQ_DYLD), with the
// first macOS whose dyld does: older ones refuse the image.
var introduced = map[types.LoadCmd]struct {
	os   Version
	name string
}{
	types.LC_DYLD_CHAINED_FIXUPS: {MakeVersion(11, 0, 0), "LC_DYLD_CHAINED_FIXUPS"},
	types.LC_DYLD_EXPORTS_TRIE:   {MakeVersion(10, 15, 0), "LC_DYLD_EXPORTS_TRIE"},
}
