package pe

import (
	"encoding/binary"
	"fmt"
)

const (
	dirResource     = 2
	resourceVersion = 16 // RT_VERSION of winuser.h
	resourceHead    = 16
	resourceEntry   = 8
	resourceDeeper  = 1 << 31    // the entry leads to another directory
	fixedInfoAt     = 40         // behind lengths, the key "VS_VERSION_INFO" and padding
	fixedInfoMagic  = 0xfeef04bd // of VS_FIXEDFILEINFO
)

// A Version is the version of a file, as its properties show it.
type Version struct{ Major, Minor, Build, Revision uint16 }

// String spells the version with four numbers.
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", v.Major, v.Minor, v.Build, v.Revision)
}

// FileVersion returns the version of the file, the zero value when its resources tell
// none. Broken resources are a [*FormatError]; the loader does not look at them. See PE
// Format, the .rsrc Section, and VS_FIXEDFILEINFO of verrsrc.h.
func (f *File) FileVersion() (Version, error) {
	dir := f.directory(dirResource)
	if dir.RVA == 0 || dir.Size == 0 {
		return Version{}, nil
	}
	at, w := f.directoryAt+dirResource*directorySize, &window{f: f}
	entry := uint32(resourceDeeper) // the root, then type, name and language
	for depth := range 3 {
		var err error
		if entry, err = f.resource(w, at, dir, entry&^resourceDeeper, depth == 0); err != nil || entry == 0 {
			return Version{}, err
		}
		if deeper := entry&resourceDeeper != 0; deeper != (depth < 2) {
			return Version{}, formatErr(at, "the directory of resources has another depth than three")
		}
	}
	leaf, err := w.bytes("resource entry", at, uint64(dir.RVA)+uint64(entry), 8)
	if err != nil {
		return Version{}, err
	}
	rva, size := binary.LittleEndian.Uint32(leaf), binary.LittleEndian.Uint32(leaf[4:])
	if size < fixedInfoAt+16 {
		return Version{}, nil
	}
	info, err := w.bytes("version resource", at, uint64(rva)+fixedInfoAt, 16)
	if err != nil || binary.LittleEndian.Uint32(info) != fixedInfoMagic {
		return Version{}, err
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(info[at:]) }
	return Version{u16(10), u16(8), u16(14), u16(12)}, nil
}

// resource returns what the version entry of a directory of resources leads to, or its
// first entry; 0 when there is none. Entries with names come before those with numbers.
func (f *File) resource(w *window, at uint64, dir Directory, off uint32, version bool) (uint32, error) {
	base := uint64(dir.RVA) + uint64(off)
	head, err := w.bytes("directory of resources", at, base, resourceHead)
	if err != nil {
		return 0, err
	}
	named, numbered := binary.LittleEndian.Uint16(head[12:]), binary.LittleEndian.Uint16(head[14:])
	first, n := uint64(0), uint64(named)+uint64(numbered)
	if version {
		first = uint64(named)
	}
	for i := first; i < n; i++ {
		buf, err := w.bytes("entry of resources", at, base+resourceHead+i*resourceEntry, resourceEntry)
		if err != nil {
			return 0, err
		}
		if !version || binary.LittleEndian.Uint32(buf) == resourceVersion {
			return binary.LittleEndian.Uint32(buf[4:]), nil
		}
	}
	return 0, nil
}
