package macho

import (
	"slices"
	"strings"
	"testing"

	"github.com/blacktop/go-macho/types"
)

// Each rule of dyld finds what breaks it, and nothing in an image that just keeps it.
func TestFaults(t *testing.T) {
	const (
		bundle  = "arch=x86_64 type=bundle minos=15.4 sdk=26.0 loads=/usr/lib/libSystem.B.dylib dwarf=5000"
		program = "arch=x86_64 type=execute minos=15.4 sdk=26.0 loads=/usr/lib/libSystem.B.dylib dwarf=5000"
		order   = `segment "__DWARF" lies in front of "__TEXT" in `
	)
	inFile := func(s *Slice) { s.Segments[0].Off = s.Segments[1].Off + 1 }
	inMemory := func(s *Slice) { s.Segments[0].Addr = s.Segments[1].Addr + 1 }
	again := func(cmd types.LoadCmd) func(*Slice) {
		return func(s *Slice) {
			i := slices.IndexFunc(s.commands, func(c command) bool { return c.cmd == cmd })
			s.commands = append(s.commands, s.commands[i])
		}
	}
	for _, tt := range []struct {
		name, spec string
		change     func(*Slice)
		about      string // what the fault begins with
		want       bool
	}{
		{"order in the file", bundle, inFile, order + "the file", true},
		{"of a segment without bytes", bundle, func(s *Slice) { inFile(s); s.Segments[1].FileSize = 0 }, order + "the file", false},
		{"for an older SDK", strings.Replace(bundle, "sdk=26.0", "sdk=10.14", 1), func(s *Slice) { s.MinOS = 0; inFile(s) }, order + "the file", false},
		{"order in memory", bundle, inMemory, order + "memory", true},
		{"of a program", program, func(s *Slice) { inMemory(s); s.Flags |= flagPIE }, order + "memory", true},
		{"of a program at a fixed address", program, inMemory, order + "memory", false},
		{"of one for arm64", strings.Replace(program, "x86_64", "arm64", 1), inMemory, order + "memory", true},
		{"of a bundle that is not said to move", bundle, func(s *Slice) { inMemory(s); s.Flags &^= flagPIE }, order + "memory", true},
		{"of what is in order", bundle, func(*Slice) {}, "segment ", false},
		{"of the last segment", bundle, func(s *Slice) { s.Segments[2].Addr, s.Segments[2].Off = 0, 0 }, `segment "__LINKEDIT" lies in front of`, false},
		{"an install name of a bundle", bundle + " id=/a.dylib", func(*Slice) {}, "LC_ID_DYLIB, which only a library may have, in a MH_BUNDLE", true},
		{"of a library", strings.Replace(bundle, "bundle", "dylib", 1) + " id=/a.dylib", func(*Slice) {}, "LC_ID_DYLIB", false},
		{"two of a library", strings.Replace(bundle, "bundle", "dylib", 1) + " id=/a.dylib", again(types.LC_ID_DYLIB), "a second LC_ID_DYLIB", true},
		{"two UUIDs", bundle, again(types.LC_UUID), "a second LC_UUID", true},
		{"two search paths", bundle + " rpaths=/a", again(types.LC_RPATH), "a second LC_RPATH", false},
		{"a command that dyld has to know", bundle, func(s *Slice) { s.commands[0].cmd = 0x800000f0 }, "load command 0x800000f0 is marked", true},
		{"one that it may pass over", bundle, func(s *Slice) { s.commands[0].cmd = 0xf0 }, "load command", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, made(t, tt.spec))
			tt.change(f.Slices[0])
			var rules []string
			for _, fault := range f.Faults() {
				rules = append(rules, fault.Rule)
			}
			begins := func(rule string) bool { return strings.HasPrefix(rule, tt.about) }
			if slices.ContainsFunc(rules, begins) != tt.want {
				t.Errorf("faults %q: is %q among them: want %v", rules, tt.about, tt.want)
			}
		})
	}
}
