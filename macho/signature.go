package macho

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"github.com/blacktop/go-macho/types"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// Magic numbers and slots of <kern/cs_blobs.h>. Signatures are big-endian in
// every file.
const (
	magicSignature     = 0xfade0cc0 // CSMAGIC_EMBEDDED_SIGNATURE
	magicDirectory     = 0xfade0c02 // CSMAGIC_CODEDIRECTORY
	magicRequirements  = 0xfade0c01 // CSMAGIC_REQUIREMENTS
	magicCMS           = 0xfade0b01 // CSMAGIC_BLOBWRAPPER
	slotDirectory      = 0          // CSSLOT_CODEDIRECTORY
	slotRequirements   = 2          // CSSLOT_REQUIREMENTS
	slotEntitlements   = 5          // CSSLOT_ENTITLEMENTS
	slotDER            = 7          // CSSLOT_DER_ENTITLEMENTS
	slotAlternate      = 0x1000     // CSSLOT_ALTERNATE_CODEDIRECTORIES
	slotAlternateEnd   = slotAlternate + 5
	slotCMS            = 0x10000 // CSSLOT_SIGNATURESLOT
	maxSignature       = 64 << 20
	maxBlobs           = 64
	maxSpecialSlots    = 32
	directorySize      = 44 // of the oldest CodeDirectory
	versionTeam        = 0x20200
	versionLimit64     = 0x20300
	versionExecSegment = 0x20400
	versionRuntime     = 0x20500
)

// A Signature is the code signature of a slice.
type Signature struct {
	Identifier  string
	Flags       SignatureFlags
	Certificate bool  // a CMS vouches for it
	PageSize    int64 // in bytes
	Limit       int64 // bytes of the slice that it covers

	off         int64 // of the signature in the slice
	size        int64
	blobs       []blob
	directories []directory
}

// A blob is one part of a signature.
type blob struct {
	slot uint32
	data []byte // with its magic number and length
}

// A directory is a CodeDirectory: the digests of the pages and of the blobs.
type directory struct {
	off        int64 // in the slice
	version    uint32
	flags      SignatureFlags
	identifier string
	limit      int64
	pageSize   int64
	hashName   string
	newHash    func() hash.Hash
	hashSize   int
	code       []byte // digests of the pages
	special    []byte // digests of the slots, from the highest to slot 1
	execFlags  uint64
	runtime    uint32
}

// hashTypes are those of <kern/cs_blobs.h>, CS_HASHTYPE_….
var hashTypes = map[uint8]struct {
	name string
	new  func() hash.Hash
	size int // bytes that are kept
}{
	1: {"SHA-1", sha1.New, 20},
	2: {"SHA-256", sha256.New, 32},
	3: {"SHA-256 cut to 20 bytes", sha256.New, 20},
	4: {"SHA-384", sha512.New384, 48},
}

// findSignature looks for LC_CODE_SIGNATURE and holds it to the file.
func (s *Slice) findSignature() error {
	for i := range s.commands {
		c := &s.commands[i]
		if c.cmd != types.LC_CODE_SIGNATURE {
			continue
		}
		if s.signed != nil {
			return formatErr(c.off, "a second LC_CODE_SIGNATURE")
		}
		off, size := s.u32(c, 8), s.u32(c, 12)
		if !binread.Span(uint64(off), uint64(size), s.Size) {
			return formatErr(c.off, "the signature is %#x bytes at %#x, past the end of the image (%#x bytes); it looks truncated", size, off, s.Size)
		}
		s.signed = c
	}
	return nil
}

// Signature reads the signature of the slice; it is nil if there is none.
func (s *Slice) Signature() (*Signature, error) {
	if s.signed == nil {
		return nil, nil
	}
	g := &Signature{off: int64(s.u32(s.signed, 8)), size: int64(s.u32(s.signed, 12))}
	if g.size > maxSignature {
		return nil, s.locate(formatErr(s.signed.off+12, "the signature has %d bytes, more than the %d that a real one can have", g.size, maxSignature))
	}
	data, err := readExact(s.r, g.off, g.size, s.Size)
	if err != nil {
		return nil, s.locate(err)
	}
	if err := g.read(data); err != nil {
		return nil, s.locate(err)
	}
	return g, nil
}

// read takes the SuperBlob apart.
func (g *Signature) read(data []byte) error {
	c := binread.NewCursor(data, g.off, binary.BigEndian, false)
	magic, length, count := c.U32(), c.U32(), c.U32()
	if c.Err() != nil || magic != magicSignature {
		return formatErr(g.off, "no signature here: it begins with %#x, not with %#x", magic, uint32(magicSignature))
	}
	if int64(length) > g.size || count > maxBlobs {
		return formatErr(g.off+4, "the signature claims %d bytes and %d parts, of %d and at most %d", length, count, g.size, maxBlobs)
	}
	data = data[:length]
	for range count {
		slot, at := c.U32(), c.U32()
		if err := c.Err(); err != nil {
			return formatErr(g.off+8, "the signature has no room for its %d parts", count)
		}
		if err := g.readBlob(data, slot, at); err != nil {
			return err
		}
	}
	return g.summarise()
}

// readBlob reads the part of a slot.
func (g *Signature) readBlob(data []byte, slot, at uint32) error {
	if int64(at)+8 > int64(len(data)) {
		return formatErr(g.off+int64(at), "slot %#x of the signature is past its end (%d bytes)", slot, len(data))
	}
	length := binary.BigEndian.Uint32(data[at+4:])
	if length < 8 || int64(length) > int64(len(data))-int64(at) {
		return formatErr(g.off+int64(at)+4, "slot %#x of the signature claims %d bytes, of %d", slot, length, len(data))
	}
	b := blob{slot, data[at : at+length]}
	g.blobs = append(g.blobs, b)
	if slot == slotDirectory || slot >= slotAlternate && slot < slotAlternateEnd {
		d, err := readDirectory(b.data, g.off+int64(at))
		if err != nil {
			return err
		}
		g.directories = append(g.directories, *d)
	}
	if slot == slotCMS && length > 8 {
		g.Certificate = true
	}
	return nil
}

// summarise takes what a signature says of itself from its best directory, which
// is the last: macOS prefers the alternates.
func (g *Signature) summarise() error {
	if len(g.directories) == 0 {
		return formatErr(g.off, "the signature has no CodeDirectory")
	}
	d := g.directories[len(g.directories)-1]
	g.Identifier, g.Flags, g.PageSize, g.Limit = d.identifier, d.flags, d.pageSize, d.limit
	return nil
}

// readDirectory reads a CodeDirectory that begins at off of the slice.
func readDirectory(data []byte, off int64) (*directory, error) {
	if len(data) < directorySize || binary.BigEndian.Uint32(data) != magicDirectory {
		return nil, formatErr(off, "no CodeDirectory where the signature puts one")
	}
	c := binread.NewCursor(data[8:], off+8, binary.BigEndian, false)
	d := &directory{off: off, version: c.U32(), flags: SignatureFlags(c.U32())}
	hashes, ident, specials, pages := int64(c.U32()), int64(c.U32()), int64(c.U32()), int64(c.U32())
	d.limit = int64(c.U32())
	d.hashSize = int(c.U8())
	kind := c.U8()
	c.U8() // platform
	d.pageSize = 1 << min(c.U8(), 62)
	known, ok := hashTypes[kind]
	if !ok || d.hashSize != known.size {
		return nil, formatErr(off+36, "hash type %d with %d bytes in the CodeDirectory", kind, d.hashSize)
	}
	d.hashName, d.newHash = known.name, known.new
	if err := d.readExtension(data); err != nil {
		return nil, err
	}
	if d.pageSize < 1<<9 || d.pageSize > 1<<24 {
		return nil, formatErr(off+39, "pages of %d bytes in the CodeDirectory", d.pageSize)
	}
	if want := (d.limit + d.pageSize - 1) / d.pageSize; pages != want {
		return nil, formatErr(off+28, "%d code slots in the CodeDirectory, %d go with its limit of %#x", pages, want, d.limit)
	}
	size := int64(d.hashSize)
	if specials > maxSpecialSlots || hashes < specials*size || hashes+pages*size > int64(len(data)) {
		return nil, formatErr(off+16, "the digests at %d are outside the CodeDirectory (%d bytes)", hashes, len(data))
	}
	d.special, d.code = data[hashes-specials*size:hashes], data[hashes:hashes+pages*size]
	if ident >= int64(len(data)) || bytes.IndexByte(data[ident:], 0) < 0 {
		return nil, formatErr(off+20, "the identifier at %d is outside the CodeDirectory (%d bytes)", ident, len(data))
	}
	d.identifier = cString(data[ident:])
	return d, nil
}

// readExtension reads the fields that later versions added.
func (d *directory) readExtension(data []byte) error {
	c := binread.NewCursor(data[directorySize:], d.off+directorySize, binary.BigEndian, true)
	c.Bytes(4) // scatterOffset, since 0x20100
	if d.version >= versionTeam {
		c.Bytes(4) // teamOffset
	}
	if d.version >= versionLimit64 {
		c.Bytes(4) // spare3
		if limit := c.U64(); limit != 0 {
			d.limit = int64(limit)
		}
	}
	if d.version >= versionExecSegment {
		c.Bytes(16) // execSegBase, execSegLimit
		d.execFlags = c.U64()
	}
	if d.version >= versionRuntime {
		d.runtime = c.U32()
	}
	if d.version >= versionTeam && c.Err() != nil || d.limit < 0 {
		return formatErr(d.off+4, "the CodeDirectory is too short for its version %#x", d.version)
	}
	return nil
}

// VerifySignature compares the slice with its signature: every page, and every
// other part that the CodeDirectory has a digest of. Who made it is not checked.
// A slice without a signature is an error, since nothing vouches for its bytes.
func (s *Slice) VerifySignature(ctx context.Context, jobs int) error {
	g, err := s.Signature()
	if err != nil {
		return err
	}
	if g == nil {
		return fmt.Errorf("the %v slice has no signature", s.Arch)
	}
	if g.off+g.size != s.Size {
		return s.locate(formatErr(s.signed.off, "the signature ends at %#x, the image at %#x", g.off+g.size, s.Size))
	}
	for i := range g.directories {
		d := &g.directories[i]
		if d.limit != g.off {
			return s.locate(formatErr(d.off+32, "the CodeDirectory covers %#x bytes, %#x come before the signature", d.limit, g.off))
		}
		if err := d.verifyBlobs(g.blobs); err != nil {
			return s.locate(err)
		}
		if err := s.verifyPages(ctx, d, jobs); err != nil {
			return err
		}
	}
	return nil
}

// digest returns the digest of data as the directory keeps it.
func (d *directory) digest(data []byte) []byte {
	h := d.newHash()
	h.Write(data)
	return h.Sum(nil)[:d.hashSize]
}

// verifyBlobs compares the digests of the special slots. A slot of zeros, and
// those of files outside (Info.plist, resources), stand for nothing here.
func (d *directory) verifyBlobs(blobs []blob) error {
	slots := len(d.special) / d.hashSize
	for _, b := range blobs {
		if b.slot == slotDirectory || b.slot >= slotAlternate {
			continue
		}
		if int(b.slot) > slots {
			return formatErr(d.off, "slot %d of the signature has no digest in the CodeDirectory", b.slot)
		}
		at := (slots - int(b.slot)) * d.hashSize
		if !bytes.Equal(d.special[at:at+d.hashSize], d.digest(b.data)) {
			return formatErr(d.off, "slot %d of the signature does not match its %s digest", b.slot, d.hashName)
		}
	}
	return nil
}

// verifyPages compares the pages with their digests.
func (s *Slice) verifyPages(ctx context.Context, d *directory, jobs int) error {
	got, err := hashPages(ctx, io.NewSectionReader(s.r, 0, d.limit), d, jobs)
	if err != nil {
		return err
	}
	for at := 0; at < len(got); at += d.hashSize {
		if !bytes.Equal(got[at:at+d.hashSize], d.code[at:at+d.hashSize]) {
			page := int64(at / d.hashSize)
			return s.locate(formatErr(page*d.pageSize, "page %d (%d bytes) does not match the %s digest in the signature", page, d.pageSize, d.hashName))
		}
	}
	return nil
}
