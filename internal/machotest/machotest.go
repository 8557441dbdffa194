// Package machotest builds small Mach-O images from a description, for tests that
// need a load command, an architecture or a flaw that no compiler at hand makes.
// The images have no code worth running. Start with [Build].
package machotest

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// A Spec describes one Mach-O file.
type Spec struct {
	Slices []Slice // one makes a thin file, several a fat one
	Fat64  bool    // 64-bit fat header
}

// A Slice describes the image of one architecture.
type Slice struct {
	Arch   string   // one of [Arches]
	Type   string   // dylib, bundle, execute, or a kind that dyld does not load; "" means dylib
	ID     string   // LC_ID_DYLIB; "" means none
	Loads  []Load   // libraries, in this order
	RPaths []string // LC_RPATH, in this order
	MinOS  string   // LC_BUILD_VERSION, as in "11.0"; "" means none
	SDK    string   // "" means MinOS
	System uint32   // platform of LC_BUILD_VERSION; 0 means 1, macOS
	NoUUID bool     // leave LC_UUID out, which images of SDK 12 or later have
	Pad    int      // bytes of header padding; 0 means 512, less than 0 none
	Size   int      // bytes of __text; 0 means 64
	DWARF  int      // bytes of debug information in a segment without memory, as Go's linker makes it; 0 means none
	Signed string   // adhoc, certificate or hardened (by a certificate, with the hardened runtime): the code signature; "" means none
}

// A Load is one library that an image loads.
type Load struct {
	Name string
	Kind string // load, weak, reexport, upward or lazy; "" means load
}

type arch struct {
	name     string
	cpu, sub uint32
	page     int
}

func arches() []arch {
	return []arch{
		{"x86_64", 0x01000007, 3, 0x1000},
		{"arm64", 0x0100000c, 0, 0x4000},
		{"arm64e", 0x0100000c, 0x80000002, 0x4000},
		{"x86_64h", 0x01000007, 8, 0x1000},
		{"i386", 7, 3, 0x1000},
	}
}

// Arches returns the architectures that [Parse] knows, as lipo(1) names them.
func Arches() []string {
	var names []string
	for _, a := range arches() {
		names = append(names, a.name)
	}
	return names
}

func findArch(name string) (arch, error) {
	for _, a := range arches() {
		if a.name == name {
			return a, nil
		}
	}
	return arch{}, fmt.Errorf("architecture %q is not one of %s", name, strings.Join(Arches(), " "))
}

// kinds are the load commands of the kinds of libraries.
var kinds = map[string]uint32{"": 0xc, "load": 0xc, "weak": 0x80000018, "reexport": 0x8000001f, "upward": 0x80000023, "lazy": 0x20}

var types = map[string]uint32{"": 6, "dylib": 6, "bundle": 8, "execute": 2, "object": 1, "core": 4, "stub": 9, "dsym": 10, "kext": 11}

// Parse reads a spec: words KEY=VALUE, lists joined by commas. The word arch=
// begins a slice, and what follows holds for it:
//
//	arch=arm64 type=bundle id=@rpath/a.dylib loads=@rpath/b.dylib,weak:/usr/lib/c.dylib rpaths=@loader_path minos=11.0 pad=0 signed=adhoc
func Parse(text string) (Spec, error) {
	var spec Spec
	for word := range strings.FieldsSeq(text) {
		if word == "fat64" {
			spec.Fat64 = true
			continue
		}
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return Spec{}, fmt.Errorf("%q is not KEY=VALUE", word)
		}
		if key == "arch" {
			if _, err := findArch(value); err != nil {
				return Spec{}, err
			}
			spec.Slices = append(spec.Slices, Slice{Arch: value})
			continue
		}
		if len(spec.Slices) == 0 {
			return Spec{}, fmt.Errorf("%q comes before arch=", word)
		}
		if err := spec.Slices[len(spec.Slices)-1].set(key, value); err != nil {
			return Spec{}, err
		}
	}
	if len(spec.Slices) == 0 {
		return Spec{}, fmt.Errorf("no arch=")
	}
	return spec, nil
}

func (s *Slice) set(key, value string) (err error) {
	switch key {
	case "type":
		if _, ok := types[value]; !ok {
			return fmt.Errorf("type %q is not known", value)
		}
		s.Type = value
	case "id":
		s.ID = value
	case "loads":
		for name := range strings.SplitSeq(value, ",") {
			l := Load{Name: name}
			if kind, rest, ok := strings.Cut(name, ":"); ok && kinds[kind] != 0 {
				l = Load{Name: rest, Kind: kind}
			}
			s.Loads = append(s.Loads, l)
		}
	case "rpaths":
		s.RPaths = strings.Split(value, ",")
	case "minos":
		s.MinOS = value
	case "platform":
		n, err := strconv.ParseUint(value, 10, 32)
		s.System = uint32(n)
		return err
	case "sdk":
		s.SDK = value
	case "uuid":
		s.NoUUID = value == "none"
	case "pad":
		if s.Pad, err = strconv.Atoi(value); s.Pad == 0 {
			s.Pad = -1
		}
	case "signed":
		if value != adHoc && value != certificate && value != hardened {
			return fmt.Errorf("signature %q is not known", value)
		}
		s.Signed = value
	case "dwarf":
		s.DWARF, err = strconv.Atoi(value)
	case "size":
		s.Size, err = strconv.Atoi(value)
	default:
		return fmt.Errorf("key %q is not known", key)
	}
	return err
}

// Build returns the bytes of the file. It panics on a spec that [Parse] refuses.
func Build(spec Spec) []byte {
	if len(spec.Slices) == 1 && !spec.Fat64 {
		return spec.Slices[0].build()
	}
	return spec.fat()
}

// fat puts the slices behind a fat header, each aligned to 16 KiB.
func (spec *Spec) fat() []byte {
	const align = 14
	order := binary.BigEndian
	magic, size := uint32(0xcafebabe), 20
	if spec.Fat64 {
		magic, size = 0xcafebabf, 32
	}
	head := order.AppendUint32(order.AppendUint32(nil, magic), uint32(len(spec.Slices)))
	body := make([]byte, 8+size*len(spec.Slices))
	for i := range spec.Slices {
		s := &spec.Slices[i]
		a, _ := findArch(s.Arch)
		image := s.build()
		body = append(body, make([]byte, (1<<align-len(body)%(1<<align))%(1<<align))...)
		head = order.AppendUint32(order.AppendUint32(head, a.cpu), a.sub)
		if spec.Fat64 {
			head = order.AppendUint64(order.AppendUint64(head, uint64(len(body))), uint64(len(image)))
			head = order.AppendUint32(order.AppendUint32(head, align), 0)
		} else {
			head = order.AppendUint32(order.AppendUint32(head, uint32(len(body))), uint32(len(image)))
			head = order.AppendUint32(head, align)
		}
		body = append(body, image...)
	}
	copy(body, head)
	return body
}
