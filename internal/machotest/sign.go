package machotest

import (
	"crypto/sha256"
	"encoding/binary"
)

// Signatures that a slice can have.
const (
	adHoc       = "adhoc"
	hardened    = "hardened"    // the same, with CS_RUNTIME
	certificate = "certificate" // a CMS that no certificate made: some bytes where one would be
)

// A signature is laid out as in <kern/cs_blobs.h>: a SuperBlob with a
// CodeDirectory of SHA-256 digests, and a CMS.
type signature struct {
	kind  string
	page  int
	limit int // bytes before the signature
}

const (
	signer        = "made" // identifier
	superBlobSize = 12 + 2*8
	directoryHead = 88 // of version 0x20400
)

func (g *signature) pages() int { return (g.limit + g.page - 1) / g.page }

func (g *signature) directorySize() int { return directoryHead + len(signer) + 1 + 32*g.pages() }

func (g *signature) cmsSize() int {
	if g.kind != adHoc {
		return 16
	}
	return 8
}

// size returns the size of the signature in bytes.
func (g *signature) size() int {
	n := superBlobSize + g.directorySize() + g.cmsSize()
	return n + (16-n%16)%16
}

// sign returns the signature of an image.
func (g *signature) sign(image []byte) []byte {
	flags := uint32(0x2) // CS_ADHOC
	switch g.kind {
	case certificate:
		flags = 0
	case hardened:
		flags = 0x10000 // CS_RUNTIME
	}
	shift := byte(0)
	for 1<<shift < g.page {
		shift++
	}
	var out []byte
	u32 := func(values ...int) {
		for _, v := range values {
			out = binary.BigEndian.AppendUint32(out, uint32(v))
		}
	}
	u32(0xfade0cc0, superBlobSize+g.directorySize()+g.cmsSize(), 2)
	u32(0, superBlobSize, 0x10000, superBlobSize+g.directorySize())
	u32(0xfade0c02, g.directorySize(), 0x20400, int(flags))
	u32(directoryHead+len(signer)+1, directoryHead, 0, g.pages(), g.limit)
	out = append(out, 32, 2, 0, shift)
	out = append(out, make([]byte, directoryHead-44+4)...) // spare2 to execSegFlags
	out = append(out[:superBlobSize+directoryHead], signer...)
	out = append(out, 0)
	for at := 0; at < g.limit; at += g.page {
		sum := sha256.Sum256(image[at:min(at+g.page, g.limit)])
		out = append(out, sum[:]...)
	}
	u32(0xfade0b01, g.cmsSize())
	return append(out, make([]byte, g.size()-len(out))...)
}
