package sbom

import (
	"bytes"
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
func ndbBlobs(r io.ReaderAt, size int64, h *health) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		head, err := binread.ReadAt(r, 0, 32, size)
		if err != nil {
			h.failed(err)
			return
		}
		pages := binary.LittleEndian.Uint32(head[12:])
		if string(head[:4]) != ndbMagic || pages == 0 || pages > ndbMaxPages {
			h.broken("it is no database of rpm (ndb)")
			return
		}
		slots, err := binread.ReadAt(r, 32, uint64(pages)*ndbPage-32, size)
		if err != nil {
			h.failed(err)
			return
		}
		left := size // a sound file holds each blob once
		for ; len(slots) >= 16; slots = slots[16:] {
			blob := ndbBlob(r, size, slots, h)
			if left -= int64(len(blob)); left < 0 {
				h.broken("its headers share bytes")
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
func ndbBlob(r io.ReaderAt, size int64, slot []byte, h *health) []byte {
	le := binary.LittleEndian
	if string(slot[:4]) == ndbSlotMagic && le.Uint32(slot[8:]) == 0 {
		return nil
	}
	if string(slot[:4]) != ndbSlotMagic {
		if !allZero(slot[:16]) {
			h.broken("a slot of it is damaged")
		}
		return nil
	}
	start := uint64(le.Uint32(slot[8:])) * ndbBlock
	head, err := binread.ReadAt(r, start, 16, size)
	if err != nil {
		h.failed(err)
		return nil
	}
	if string(head[:4]) != ndbBlobMagic || le.Uint32(head[4:]) != le.Uint32(slot[4:]) {
		h.broken("a slot of it leads to no header")
		return nil
	}
	length := le.Uint32(head[12:])
	if length > maxRPMHeader || uint64(length) > uint64(le.Uint32(slot[12:]))*ndbBlock {
		h.broken("a header of it is longer than its place")
		return nil
	}
	blob, err := binread.ReadAt(r, start+16, uint64(length), size)
	if err != nil {
		h.failed(err)
		return nil
	}
	return blob
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
