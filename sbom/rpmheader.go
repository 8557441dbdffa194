package sbom

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// Bounds on one header: those of real packages with many thousand files have a
// few MiB.
const (
	maxRPMHeader = 32 << 20 // bytes
	maxRPMFiles  = 1 << 20
)

// Tags and types of an RPM header that say who a package is and what it holds
// (rpm's rpmtag.h).
const (
	rpmTagName       = 1000
	rpmTagVersion    = 1001
	rpmTagRelease    = 1002
	rpmTagEpoch      = 1003
	rpmTagLicense    = 1014
	rpmTagArch       = 1022
	rpmTagDirIndexes = 1116
	rpmTagBasenames  = 1117
	rpmTagDirNames   = 1118

	rpmTypeInt32 = 4
)

// rpmIndex is one entry of a header's index.
type rpmIndex struct{ tag, kind, offset, count uint32 }

// An rpmHeader gives the values of an RPM header by tag.
type rpmHeader struct {
	index map[uint32]rpmIndex
	store []byte
	whole bool // it has all that it says it has
}

// parseRPMHeader returns the package of a header and its libraries. A header that
// is cut off has no name.
func parseRPMHeader(blob []byte) (*Package, []string) {
	h := newRPMHeader(blob)
	if !h.whole {
		return &Package{Type: "rpm"}, nil
	}
	pkg := &Package{Type: "rpm", Name: h.text(rpmTagName), Version: h.text(rpmTagVersion), Arch: h.text(rpmTagArch)}
	if release := h.text(rpmTagRelease); release != "" && pkg.Version != "" {
		pkg.Version += "-" + release
	}
	if epoch := h.numbers(rpmTagEpoch); len(epoch) > 0 && epoch[0] != 0 {
		pkg.Epoch = strconv.FormatUint(uint64(epoch[0]), 10)
	}
	if license := h.text(rpmTagLicense); license != "" && len(license) <= maxLicenseName {
		pkg.Licenses = []License{{Name: license}}
	}
	return pkg, h.libraries()
}

// newRPMHeader reads the index: two counts, then 16 bytes for each entry, all big
// endian, then the store that offsets count from.
func newRPMHeader(blob []byte) rpmHeader {
	h := rpmHeader{index: map[uint32]rpmIndex{}}
	c := binread.NewCursor(blob, 0, binary.BigEndian, false)
	entries, stored := c.U32(), c.U32()
	for range min(uint64(entries), uint64(len(blob)/16)) {
		e := rpmIndex{c.U32(), c.U32(), c.U32(), c.U32()}
		h.index[e.tag] = e
	}
	h.whole = c.Err() == nil && uint64(entries) <= uint64(len(blob)/16) && uint64(stored) <= uint64(c.Len())
	h.store = c.Bytes(int(min(uint64(stored), uint64(c.Len()))))
	return h
}

// at returns the store from a tag's value on, or nil if it has none.
func (h rpmHeader) at(tag uint32) []byte {
	e, ok := h.index[tag]
	if !ok || uint64(e.offset) >= uint64(len(h.store)) {
		return nil
	}
	return h.store[e.offset:]
}

// text returns the first string of a tag.
func (h rpmHeader) text(tag uint32) string {
	value, _, _ := bytes.Cut(h.at(tag), []byte{0})
	return string(value)
}

// texts returns the strings of a tag.
func (h rpmHeader) texts(tag uint32) [][]byte {
	rest := h.at(tag)
	var values [][]byte
	for range min(h.index[tag].count, maxRPMFiles) {
		value, after, found := bytes.Cut(rest, []byte{0})
		if !found {
			break
		}
		values, rest = append(values, value), after
	}
	return values
}

// numbers returns the 32-bit numbers of a tag.
func (h rpmHeader) numbers(tag uint32) []uint32 {
	rest, e := h.at(tag), h.index[tag]
	if e.kind != rpmTypeInt32 {
		return nil
	}
	values := make([]uint32, min(uint64(e.count), uint64(len(rest)/4)))
	for i := range values {
		values[i] = binary.BigEndian.Uint32(rest[4*i:])
	}
	return values
}

// libraries joins the names of the package's libraries with their folders.
func (h rpmHeader) libraries() []string {
	names, folders, which := h.texts(rpmTagBasenames), h.texts(rpmTagDirNames), h.numbers(rpmTagDirIndexes)
	room := maxPathGrowth * len(h.store)
	var libraries []string
	for i, name := range names {
		if i >= len(which) || uint64(which[i]) >= uint64(len(folders)) {
			break
		}
		if !isLibraryName(string(name)) {
			continue
		}
		library := append(bytes.Clone(folders[which[i]]), name...)
		if room -= len(library); room < 0 {
			break
		}
		libraries = append(libraries, string(library))
	}
	return libraries
}
