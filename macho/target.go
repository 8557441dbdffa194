package macho

import (
	"fmt"
	"slices"

	"github.com/blacktop/go-macho/types"
)

// PlatformMacOS is the platform of macOS proper (PLATFORM_MACOS).
const PlatformMacOS = 1

// platforms names the systems of <mach-o/loader.h>, PLATFORM_….
var platforms = map[uint32]string{
	PlatformMacOS: "macOS", 2: "iOS", 3: "tvOS", 4: "watchOS", 5: "bridgeOS", 6: "Mac Catalyst", 7: "the iOS simulator",
	8: "the tvOS simulator", 9: "the watchOS simulator", 10: "DriverKit", 11: "visionOS", 12: "the visionOS simulator",
}

// PlatformName returns the name of the system that a [Slice.Platform] stands for.
func PlatformName(platform uint32) string {
	if name, ok := platforms[platform]; ok {
		return name
	}
	return fmt.Sprintf("platform %d", platform)
}

// otherPlatforms are those of the commands in front of LC_BUILD_VERSION that speak of
// another system than macOS.
var otherPlatforms = map[types.LoadCmd]uint32{
	types.LC_VERSION_MIN_IPHONEOS: 2, types.LC_VERSION_MIN_TVOS: 3, types.LC_VERSION_MIN_WATCHOS: 4,
}

// takeVersions reads the platform and its versions. A file has a command for each
// platform; a "zippered" one has macOS and Catalyst, and macOS is what counts.
func (s *Slice) takeVersions() {
	for i := range s.commands {
		c := &s.commands[i]
		platform, minOS, sdk := otherPlatforms[c.cmd], 8, 12
		switch c.cmd {
		case types.LC_BUILD_VERSION:
			platform, minOS, sdk = s.u32(c, 8), 12, 16
		case types.LC_VERSION_MIN_MACOSX:
			if platform = PlatformMacOS; s.Platform == PlatformMacOS {
				continue // LC_BUILD_VERSION has said more
			}
		default:
			if platform == 0 {
				continue
			}
		}
		if s.Platform != PlatformMacOS || platform == PlatformMacOS {
			s.Platform, s.MinOS, s.SDK = platform, Version(s.u32(c, minOS)), Version(s.u32(c, sdk))
		}
	}
}

// firstARM64 is the first macOS on arm64.
var firstARM64 = MakeVersion(11, 0, 0)

// SetTarget makes a version the oldest macOS that the slice says it runs on (minos of
// LC_BUILD_VERSION, or LC_VERSION_MIN_MACOSX where it has that), as vtool(1) does. On
// arm64 that is 11.0 for anything older. One that dyld could not load the slice on
// ([Slice.NeedsOS]) is refused, as is a slice of another system. What the code calls
// is not looked at.
func SetTarget(v Version) Edit {
	return func(d *draft) error {
		v := v
		if d.s.Arch.IsARM64() {
			v = max(v, firstARM64)
		}
		if p := d.s.Platform; p != 0 && p != PlatformMacOS {
			return fmt.Errorf("the %v slice is built for %s, not for macOS", d.s.Arch, PlatformName(p))
		}
		for i := range d.commands {
			if row, ok := introduced[d.commands[i].cmd]; ok && row.os > v {
				return fmt.Errorf("the %v slice has %s, which no macOS before %v knows: it cannot run on %v; link it again for that", d.s.Arch, row.name, row.os, v)
			}
		}
		if !d.setTarget(v) {
			data := d.s.appendU32(nil, uint32(types.LC_BUILD_VERSION))
			for _, field := range []uint32{24, PlatformMacOS, uint32(v), 0, 0} { // of no SDK, made by no tool
				data = d.s.appendU32(data, field)
			}
			d.insert(func(cmd types.LoadCmd) bool { return cmd == types.LC_UUID }, command{cmd: types.LC_BUILD_VERSION, data: data})
		}
		return nil
	}
}

// setTarget changes the commands that speak of macOS and reports whether there is one.
func (d *draft) setTarget(v Version) bool {
	found := false
	for i := range d.commands {
		c, at := &d.commands[i], 8
		switch {
		case c.cmd == types.LC_BUILD_VERSION && d.s.u32(c, 8) == PlatformMacOS:
			at = 12
		case c.cmd != types.LC_VERSION_MIN_MACOSX:
			continue
		}
		found = true
		if d.s.u32(c, at) != uint32(v) {
			c.data = slices.Clone(c.data)
			d.s.order.PutUint32(c.data[at:], uint32(v))
		}
	}
	return found
}
