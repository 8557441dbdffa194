package macho

import (
	"cmp"
	"context"
	"encoding/binary"
	"io"
)

// A signer makes an ad-hoc signature: SuperBlob, CodeDirectory with SHA-256
// digests of the pages, an empty requirement set, entitlements if there were
// any, and an empty place for a CMS, as `codesign -s -` leaves them.
type signer struct {
	identifier string
	flags      SignatureFlags
	execBase   uint64
	execLimit  uint64
	execFlags  uint64
	runtime    uint32
	pageShift  uint8
	blobs      []blob // with a digest in the CodeDirectory, by slot
	jobs       int
	late       bool // the signature is made when it is first read
}

const execMainBinary = 1 // CS_EXECSEG_MAIN_BINARY

// newSigner keeps what an old signature, if there is one, says of the file. A new
// one takes its identifier from the name of the file if ident is "".
func newSigner(s *Slice, old *Signature, ident, fileName string) *signer {
	g := &signer{flags: AdHoc, pageShift: 12}
	if s.Arch.Page() == 0x4000 {
		g.pageShift = 14
	}
	for _, seg := range s.Segments {
		if seg.Name == "__TEXT" {
			g.execBase, g.execLimit = uint64(seg.Off), uint64(seg.FileSize)
		}
	}
	if s.Type == Execute {
		g.execFlags = execMainBinary
	}
	var requirements []byte
	for _, v := range []uint32{magicRequirements, 12, 0} {
		requirements = binary.BigEndian.AppendUint32(requirements, v)
	}
	g.blobs = []blob{{slotRequirements, requirements}}
	if old == nil {
		g.identifier = cmp.Or(ident, s.identifier(cmp.Or(fileName, s.ID, "image")))
		return g
	}
	g.identifier = cmp.Or(ident, old.Identifier)
	g.flags |= old.Flags & ownFlags &^ old.Dropped()
	last := old.directories[len(old.directories)-1]
	g.execFlags |= last.execFlags
	g.runtime = last.runtime
	for _, slot := range []uint32{slotEntitlements, slotDER} {
		for _, b := range old.blobs {
			if b.slot == slot {
				g.blobs = append(g.blobs, b)
				break
			}
		}
	}
	return g
}

// version returns the CodeDirectory's: the hardened runtime needs one more field.
func (g *signer) version() uint32 {
	if g.flags&Runtime != 0 {
		return versionRuntime
	}
	return versionExecSegment
}

// headSize returns the size of the fields of the CodeDirectory in bytes.
func (g *signer) headSize() int64 {
	if g.version() == versionRuntime {
		return 96
	}
	return 88
}

const digestSize = 32 // of SHA-256, in bytes

// slots returns how many special slots the CodeDirectory has: up to the highest.
func (g *signer) slots() int64 { return int64(g.blobs[len(g.blobs)-1].slot) }

func (g *signer) pages(limit int64) int64 {
	return (limit + 1<<g.pageShift - 1) >> g.pageShift
}

// hashOffset returns where the digests of the pages begin in the CodeDirectory.
func (g *signer) hashOffset() int64 {
	return g.headSize() + int64(len(g.identifier)) + 1 + g.slots()*digestSize
}

func (g *signer) directorySize(limit int64) int64 {
	return g.hashOffset() + g.pages(limit)*digestSize
}

// size returns how many bytes the signature of an image that ends at limit has.
func (g *signer) size(limit int64) int64 {
	n := 12 + 8*int64(len(g.blobs)+2) + g.directorySize(limit) + 8
	for _, b := range g.blobs {
		n += int64(len(b.data))
	}
	return alignUp(n, signatureAlign)
}

// sign returns the signature of an image, padded to size.
func (g *signer) sign(ctx context.Context, image *io.SectionReader, size int64) ([]byte, error) {
	directory, err := g.directory(ctx, image)
	if err != nil {
		return nil, err
	}
	parts := []blob{{slotDirectory, directory}}
	parts = append(parts, g.blobs...)
	cms := binary.BigEndian.AppendUint32(nil, magicCMS)
	parts = append(parts, blob{slotCMS, binary.BigEndian.AppendUint32(cms, 8)})

	at := uint32(12 + 8*len(parts))
	length := at
	for _, p := range parts {
		length += uint32(len(p.data))
	}
	out := make([]byte, 0, size)
	for _, v := range []uint32{magicSignature, length, uint32(len(parts))} {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, p.slot)
		out = binary.BigEndian.AppendUint32(out, at)
		at += uint32(len(p.data))
	}
	for _, p := range parts {
		out = append(out, p.data...)
	}
	return append(out, make([]byte, size-int64(len(out)))...), nil
}

// directory makes the CodeDirectory (<kern/cs_blobs.h>, CS_CodeDirectory).
func (g *signer) directory(ctx context.Context, image *io.SectionReader) ([]byte, error) {
	limit := image.Size()
	d := &directory{pageSize: 1 << g.pageShift, newHash: hashTypes[2].new, hashSize: digestSize}
	out := make([]byte, 0, g.directorySize(limit))
	for _, v := range []uint32{
		magicDirectory, uint32(g.directorySize(limit)), g.version(), uint32(g.flags),
		uint32(g.hashOffset()), uint32(g.headSize()), uint32(g.slots()), uint32(g.pages(limit)), uint32(limit),
	} {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	out = append(out, digestSize, 2, 0, g.pageShift)
	out = append(out, make([]byte, 4*4+8)...) // spare2, scatterOffset, teamOffset, spare3, codeLimit64
	for _, v := range []uint64{g.execBase, g.execLimit, g.execFlags} {
		out = binary.BigEndian.AppendUint64(out, v)
	}
	if g.version() == versionRuntime {
		out = binary.BigEndian.AppendUint32(out, g.runtime)
		out = binary.BigEndian.AppendUint32(out, 0) // preEncryptOffset
	}
	out = append(append(out, g.identifier...), 0)
	special := make([]byte, g.slots()*digestSize)
	for _, b := range g.blobs {
		copy(special[(g.slots()-int64(b.slot))*digestSize:], d.digest(b.data))
	}
	pages, err := hashPages(ctx, image, d, g.jobs)
	if err != nil {
		return nil, err
	}
	return append(append(out, special...), pages...), nil
}
