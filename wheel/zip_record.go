package wheel

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	creatorUnix   = 3 << 8 // APPNOTE.TXT 4.4.2
	versionPlain  = 20     // deflate and directories, 4.4.3
	version64     = 45     // zip64, 4.4.3
	dosDirectory  = 0x10   // external attributes of a directory, MS-DOS part
	zip64LocalLen = 20     // extra field with two sizes
)

// A record is what the local header and the directory say of a member.
type record struct {
	name             string
	method           uint16
	unix             uint16
	dosTime, dosDate uint16
	crc              uint32
	size, compressed int64
	headerOff        int64
	zip64            bool // sizes are in an extra field
	limit            int64
}

// flags returns bit 11 for names that are not ASCII, and nothing else.
func (r *record) flags() uint16 {
	for i := range len(r.name) {
		if r.name[i] >= utf8.RuneSelf {
			return flagUTF8
		}
	}
	return 0
}

// localLen returns the length of the local header in bytes. It depends only on
// what is known before the data is written.
func (r *record) localLen() int64 {
	n := int64(localSize + len(r.name))
	if r.zip64 {
		n += zip64LocalLen
	}
	return n
}

// appendLocal adds the local header (APPNOTE.TXT 4.3.7).
func (r *record) appendLocal(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, localSignature)
	b = r.appendShared(b, r.zip64)
	b = le.AppendUint16(b, uint16(len(r.name)))
	if !r.zip64 {
		b = le.AppendUint16(b, 0)
		return append(b, r.name...)
	}
	b = le.AppendUint16(b, zip64LocalLen)
	b = append(b, r.name...)
	b = le.AppendUint16(b, extraZip64)
	b = le.AppendUint16(b, zip64LocalLen-4)
	b = le.AppendUint64(b, uint64(r.size))
	return le.AppendUint64(b, uint64(r.compressed))
}

// appendShared adds the fields that both headers have, from "version needed"
// to the sizes.
func (r *record) appendShared(b []byte, zip64 bool) []byte {
	le := binary.LittleEndian
	version, compressed, size := uint16(versionPlain), uint32(r.compressed), uint32(r.size)
	if zip64 {
		version = version64
	}
	if r.zip64 {
		compressed, size = 0xffffffff, 0xffffffff
	}
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, r.flags())
	b = le.AppendUint16(b, r.method)
	b = le.AppendUint16(b, r.dosTime)
	b = le.AppendUint16(b, r.dosDate)
	b = le.AppendUint32(b, r.crc)
	b = le.AppendUint32(b, compressed)
	return le.AppendUint32(b, size)
}

// appendCentral adds the central directory header (APPNOTE.TXT 4.3.12).
func (r *record) appendCentral(b []byte) []byte {
	le := binary.LittleEndian
	var extra []byte
	if r.zip64 {
		extra = le.AppendUint64(extra, uint64(r.size))
		extra = le.AppendUint64(extra, uint64(r.compressed))
	}
	offset := uint32(r.headerOff)
	if r.headerOff >= r.limit {
		offset = 0xffffffff
		extra = le.AppendUint64(extra, uint64(r.headerOff))
	}
	version := uint16(versionPlain)
	if len(extra) > 0 {
		version = version64
		head := le.AppendUint16(nil, extraZip64)
		extra = append(le.AppendUint16(head, uint16(len(extra))), extra...)
	}
	external := uint32(r.unix) << 16
	if r.name[len(r.name)-1] == '/' {
		external |= dosDirectory
	}
	b = le.AppendUint32(b, centralSignature)
	b = le.AppendUint16(b, creatorUnix|version)
	b = r.appendShared(b, len(extra) > 0)
	b = le.AppendUint16(b, uint16(len(r.name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, make([]byte, 2+2+2)...) // no comment, disk 0, no internal attributes
	b = le.AppendUint32(b, external)
	b = le.AppendUint32(b, offset)
	b = append(b, r.name...)
	return append(b, extra...)
}

// appendEnd adds the end of central directory record, with a zip64 one and its
// locator where a field does not fit (APPNOTE.TXT 4.3.14 to 4.3.16).
func appendEnd(b []byte, members int, off, size, limit int64) []byte {
	le := binary.LittleEndian
	count, size32, off32 := uint16(members), uint32(size), uint32(off)
	if members >= 0xffff || size >= limit || off >= limit {
		b = le.AppendUint32(b, end64Signature)
		b = le.AppendUint64(b, end64Size-12)
		b = le.AppendUint16(b, creatorUnix|version64)
		b = le.AppendUint16(b, version64)
		b = append(b, make([]byte, 4+4)...) // disk numbers
		b = le.AppendUint64(b, uint64(members))
		b = le.AppendUint64(b, uint64(members))
		b = le.AppendUint64(b, uint64(size))
		b = le.AppendUint64(b, uint64(off))
		b = le.AppendUint32(b, locator64Signature)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(off+size))
		b = le.AppendUint32(b, 1) // disks in all
		count, size32, off32 = 0xffff, 0xffffffff, 0xffffffff
	}
	b = le.AppendUint32(b, endSignature)
	b = append(b, make([]byte, 2+2)...) // disk numbers
	b = le.AppendUint16(b, count)
	b = le.AppendUint16(b, count)
	b = le.AppendUint32(b, size32)
	b = le.AppendUint32(b, off32)
	return le.AppendUint16(b, 0) // no comment
}
