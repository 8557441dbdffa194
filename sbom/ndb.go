package sbom

import (
	"encoding/binary"
	"io"
	"iter"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// The ndb format of rpm (rpmpkg.c), little endian: a header of 32 bytes, slots of
// 16 bytes up to the end of the slot pages, and blobs at multiples of 16 bytes.
const (
	ndbMagic     = "RpmP"
	ndbSlotMagic = "Slot"
	ndbBlobMagic = "BlbS"
	ndbPage      = 4096
	ndbBlock     = 16
	ndbMaxPages  = 4096 // of slots: a million packages
)

// ndbBlobs yields the package headers of an ndb database.
func ndbBlobs(r io.ReaderAt, size int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		head, err := binread.ReadAt(r, 0, 32, size)
		if err != nil || string(head[:4]) != ndbMagic {
			return
		}
		pages := binary.LittleEndian.Uint32(head[12:])
		if pages == 0 || pages > ndbMaxPages {
			return
		}
		slots, err := binread.ReadAt(r, 32, uint64(pages)*ndbPage-32, size)
		if err != nil {
			return
		}
		left := size // a sound file holds each blob once
		for ; len(slots) >= 16; slots = slots[16:] {
			blob := ndbBlob(r, size, slots)
			if left -= int64(len(blob)); left < 0 {
				return
			}
			if blob != nil && !yield(blob) {
				return
			}
		}
	}
}

// ndbBlob returns the blob that a slot points to, or nil for an empty slot and for
// one that disagrees with its blob.
func ndbBlob(r io.ReaderAt, size int64, slot []byte) []byte {
	le := binary.LittleEndian
	if string(slot[:4]) != ndbSlotMagic || le.Uint32(slot[8:]) == 0 {
		return nil
	}
	start := uint64(le.Uint32(slot[8:])) * ndbBlock
	head, err := binread.ReadAt(r, start, 16, size)
	if err != nil || string(head[:4]) != ndbBlobMagic || le.Uint32(head[4:]) != le.Uint32(slot[4:]) {
		return nil
	}
	length := le.Uint32(head[12:])
	if length > maxRPMHeader || uint64(length) > uint64(le.Uint32(slot[12:]))*ndbBlock {
		return nil
	}
	blob, err := binread.ReadAt(r, start+16, uint64(length), size)
	if err != nil {
		return nil
	}
	return blob
}
