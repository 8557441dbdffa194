package macho

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// Go's linker writes debug information into a segment that dyld leaves alone. It is
// read, stays as it is, and moves along in the file.
func TestSegmentWithoutMemory(t *testing.T) {
	for _, spec := range []string{
		"arch=x86_64 dwarf=5000 loads=@rpath/libdep.1.dylib minos=12.0 pad=64",
		"arch=arm64 dwarf=70000 loads=@rpath/libdep.1.dylib minos=12.0 pad=0 signed=adhoc",
	} {
		b := made(t, spec)
		was := open(t, b).Slices[0]
		debug := segment(t, was, "__DWARF")
		fill(b[debug.Off:debug.Off+debug.FileSize], "debug ")
		if debug.Sections[0].Size == 0 || debug.MemSize != 0 {
			t.Fatalf("the image has %+v", debug)
		}
		for name, edits := range map[string][]Edit{"signed": {Sign("x")}, "renamed": {ReplaceDylib("@rpath/libdep.1.dylib", "a")}, "moved": full()} {
			now := edit(t, b, edits...)
			s := open(t, now).Slices[0]
			got := segment(t, s, "__DWARF")
			if !bytes.Equal(now[got.Off:got.Off+got.FileSize], b[debug.Off:debug.Off+debug.FileSize]) || got.MemSize != 0 {
				t.Errorf("%s: %s: the debug information is another", spec, name)
			}
			if moved := got.Off > debug.Off && got.Addr > debug.Addr; moved != (name == "moved") {
				t.Errorf("%s: %s: it lies at %#x (%#x), was at %#x (%#x)", spec, name, got.Off, got.Addr, debug.Off, debug.Addr)
			}
			if err := s.VerifySignature(t.Context(), 1); s.signed != nil && err != nil {
				t.Errorf("%s: %s: %v", spec, name, err)
			}
			checkKept(t, was, s)
		}
	}
}

func fill(b []byte, text string) {
	for i := range b {
		b[i] = text[i%len(text)]
	}
}

func segment(t *testing.T, s *Slice, name string) *Segment {
	t.Helper()
	for i := range s.Segments {
		if s.Segments[i].Name == name {
			return &s.Segments[i]
		}
	}
	t.Fatalf("no segment %s", name)
	return nil
}

// Bytes without memory are accepted as dyld accepts them: without any protection, and
// with no memory at all.
func TestSegmentWithTooLittleMemory(t *testing.T) {
	for name, lie := range map[string]map[string]uint32{
		"readable":    {"x86_64 1 LC_SEGMENT_64+60": 1},
		"some memory": {"x86_64 1 LC_SEGMENT_64+32": 0x1000},
	} {
		b := made(t, "arch=x86_64 dwarf=5000")
		for field, v := range lie {
			tell(t, b, field, v)
		}
		if _, err := NewFile(bytes.NewReader(b), int64(len(b))); !errors.As(err, new(*FormatError)) || !strings.Contains(err.Error(), "do not hold its 0x1388 bytes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of what dyld does not load, nothing but the header counts.
func TestKindsThatAreNotLoaded(t *testing.T) {
	for kind, name := range map[string]string{"object": "MH_OBJECT", "core": "MH_CORE", "stub": "MH_DYLIB_STUB", "dsym": "MH_DSYM", "kext": "MH_KEXT_BUNDLE"} {
		b := made(t, "arch=arm64 type="+kind+" loads=/a.dylib")
		fill(b[32:], "lies ")
		f := open(t, b)
		if s := f.Slices[0]; s.Type.String() != name || s.Type.Loadable() || s.Arch.String() != "arm64" {
			t.Errorf("%s: %v, loadable %v", kind, s.Type, s.Type.Loadable())
		}
		if _, err := f.Edit(t.Context(), Sign("")); err == nil || !strings.Contains(err.Error(), name+", which dyld does not load") {
			t.Errorf("%s: signed: %v", kind, err)
		}
	}
}
