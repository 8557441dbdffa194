package macho

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/blacktop/go-macho/types"
)

// asVersionMin makes LC_VERSION_MIN_… of LC_BUILD_VERSION, as older linkers wrote it.
func asVersionMin(t *testing.T, b []byte, cmd types.LoadCmd) []byte {
	t.Helper()
	s := open(t, b).Slices[0]
	for _, c := range s.commands {
		if c.cmd == types.LC_BUILD_VERSION {
			le := binary.LittleEndian
			minOS, sdk := le.Uint32(b[c.off+12:]), le.Uint32(b[c.off+16:])
			const rest = 8 // bytes, which become a command of their own
			for i, v := range []uint32{uint32(cmd), 16, minOS, sdk, uint32(types.LC_SOURCE_VERSION), rest} {
				le.PutUint32(b[s.Off+c.off+4*int64(i):], v)
			}
			le.PutUint32(b[s.Off+16:], le.Uint32(b[s.Off+16:])+1)
			return b
		}
	}
	t.Fatal("no LC_BUILD_VERSION")
	return nil
}

func TestPlatforms(t *testing.T) {
	for cmd, want := range map[types.LoadCmd]string{
		types.LC_VERSION_MIN_MACOSX: "macOS", types.LC_VERSION_MIN_IPHONEOS: "iOS", types.LC_VERSION_MIN_TVOS: "tvOS", types.LC_VERSION_MIN_WATCHOS: "watchOS",
	} {
		s := open(t, asVersionMin(t, made(t, "arch=arm64 minos=12.1 sdk=13.2"), cmd)).Slices[0]
		if PlatformName(s.Platform) != want || s.MinOS != MakeVersion(12, 1, 0) || s.SDK != MakeVersion(13, 2, 0) {
			t.Errorf("%v: %s %v, SDK %v", cmd, PlatformName(s.Platform), s.MinOS, s.SDK)
		}
	}
	if got := PlatformName(99); got != "platform 99" {
		t.Errorf("got %q", got)
	}
}

func TestSetTarget(t *testing.T) {
	old := asVersionMin(t, made(t, "arch=x86_64 minos=10.9"), types.LC_VERSION_MIN_MACOSX)
	for _, tt := range []struct {
		name   string
		image  []byte
		target Version
		want   string // of the slices, in their order
	}{
		{"raised", made(t, "arch=x86_64 minos=10.9 sdk=12.0"), MakeVersion(10, 13, 0), "10.13/12.0"},
		{"lowered", made(t, "arch=x86_64 minos=12.0"), MakeVersion(10, 15, 4), "10.15.4/12.0"},
		{"as it is", made(t, "arch=x86_64 minos=12.0"), MakeVersion(12, 0, 0), "12.0/12.0"},
		{"an older command", old, MakeVersion(10, 13, 0), "10.13/10.9"},
		{"none was there", made(t, "arch=x86_64 signed=adhoc"), MakeVersion(11, 0, 0), "11.0/0.0"},
		{"each as far as it can", made(t, "arch=arm64 minos=13.0 arch=x86_64 minos=13.0"), MakeVersion(10, 13, 0), "11.0/13.0 10.13/13.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := edit(t, tt.image, SetTarget(tt.target))
			var got []string
			for i, s := range open(t, b).Slices {
				got = append(got, s.MinOS.String()+"/"+s.SDK.String())
				if was := open(t, tt.image).Slices[i]; len(s.commands) < len(was.commands) || s.Platform != PlatformMacOS {
					t.Errorf("%v: %d commands, were %d; platform %d", s.Arch, len(s.commands), len(was.commands), s.Platform)
				}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
			if same := bytes.Equal(b, tt.image); same != (tt.name == "as it is") {
				t.Errorf("same bytes: %v", same)
			}
		})
	}
}

func TestTargetsThatCannotBe(t *testing.T) {
	ios := asVersionMin(t, made(t, "arch=arm64 minos=13.0"), types.LC_VERSION_MIN_IPHONEOS)
	for _, tt := range []struct {
		image  []byte
		target Version
		want   string
	}{
		{fixture(t, "lld19-x86_64-chained.so"), MakeVersion(10, 13, 0), "the x86_64 slice has LC_DYLD_CHAINED_FIXUPS, which no macOS before 11.0 knows: it cannot run on 10.13"},
		{ios, MakeVersion(12, 0, 0), "the arm64 slice is built for iOS, not for macOS"},
	} {
		if _, err := open(t, tt.image).Edit(context.Background(), SetTarget(tt.target)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	if _, err := open(t, fixture(t, "lld19-arm64-chained.so")).Edit(context.Background(), SetTarget(MakeVersion(10, 13, 0))); err != nil {
		t.Errorf("arm64, which begins with 11.0: %v", err)
	}
}

// zippered makes LC_BUILD_VERSION of LC_UUID, which is as long, so that the image
// speaks of a second platform: behind the one of macOS, or in front of it.
func zippered(t *testing.T, b []byte, platform uint32, minOS Version, first bool) []byte {
	t.Helper()
	le := binary.LittleEndian
	s := open(t, b).Slices[0]
	var uuid, build *command
	for i := range s.commands {
		switch c := &s.commands[i]; c.cmd {
		case types.LC_UUID:
			uuid = c
		case types.LC_BUILD_VERSION:
			build = c
		}
	}
	if uuid == nil || build == nil || len(uuid.data) != 24 || len(build.data) != 24 {
		t.Fatalf("LC_UUID %v and LC_BUILD_VERSION %v are not two commands of 24 bytes", uuid, build)
	}
	mac := bytes.Clone(build.data)
	other := bytes.Clone(mac)
	le.PutUint32(other[8:], platform)
	le.PutUint32(other[12:], uint32(minOS))
	front, back := min(uuid.off, build.off), max(uuid.off, build.off)
	if first {
		mac, other = other, mac
	}
	copy(b[s.Off+front:], mac)
	copy(b[s.Off+back:], other)
	return b
}

// Of an image for macOS and Catalyst, macOS is what counts, whichever comes first,
// and what a new target changes.
func TestZipperedImages(t *testing.T) {
	const catalyst = 6
	for _, first := range []bool{false, true} {
		b := zippered(t, made(t, "arch=arm64 minos=12.1 sdk=13.2"), catalyst, MakeVersion(15, 2, 0), first)
		s := open(t, b).Slices[0]
		if s.Platform != PlatformMacOS || s.MinOS != MakeVersion(12, 1, 0) || s.SDK != MakeVersion(13, 2, 0) {
			t.Errorf("Catalyst first %v: %s %v, SDK %v", first, PlatformName(s.Platform), s.MinOS, s.SDK)
		}
		after := open(t, edit(t, b, SetTarget(MakeVersion(13, 0, 0)))).Slices[0]
		var versions []string
		for i := range after.commands {
			if c := &after.commands[i]; c.cmd == types.LC_BUILD_VERSION {
				versions = append(versions, PlatformName(after.u32(c, 8))+" "+Version(after.u32(c, 12)).String())
			}
		}
		want := []string{"macOS 13.0", "Mac Catalyst 15.2"}
		if first {
			slices.Reverse(want)
		}
		if !slices.Equal(versions, want) {
			t.Errorf("Catalyst first %v: with a new target %q, want %q", first, versions, want)
		}
	}
}
