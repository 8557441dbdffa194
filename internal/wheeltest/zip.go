package wheeltest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// A ZipHeader holds the fields that a local header and a directory header share
// (APPNOTE.TXT 4.3.7 and 4.3.12), so that a test can have the two differ.
type ZipHeader struct {
	Needed, Flags, Method uint16
	CRC, Stored, Size     uint32 // Stored is the compressed size
	Name                  string
	Extra                 []byte

	Creator, Disk, Internal uint16 // of the directory alone, with what follows
	External, Offset        uint32
	Comment                 string
}

// A ZipPart is a member of an archive that is written by hand.
type ZipPart struct {
	Name, Content  string
	Mode           uint16 // st_mode; 0 leaves it out
	Plain          bool   // stored, not deflated
	Data           []byte // compressed bytes, if not made of Content
	Unlisted       bool   // the directory does not have it
	Local, Central func(*ZipHeader)
	After          []byte // between its data and what follows
}

// A ZipEnd is what stands at the end of an archive (APPNOTE.TXT 4.3.14 to 4.3.16).
type ZipEnd struct {
	Zip64    bool // with the records of zip64
	Prefix   []byte
	Comment  string
	Trailing []byte
	Change   func(end, end64, locator []byte) // the last two are nil without Zip64
	Before   []byte                           // between the directory and its end record
}

const (
	flagUTF8    = 1 << 11
	creatorUnix = 3 << 8
)

// Zip writes an archive byte by byte; nothing is checked.
func Zip(parts []ZipPart, end ZipEnd) []byte {
	out, dir := bytes.Clone(end.Prefix), []byte(nil)
	listed := 0
	for _, p := range parts {
		local, central, data := p.headers(len(out))
		out = append(append(local.local(out), data...), p.After...)
		if !p.Unlisted {
			listed++
			dir = central.central(dir)
		}
	}
	off := len(out)
	out = append(append(out, dir...), end.Before...)
	out = end.append(out, listed, off, len(dir)+len(end.Before))
	return append(out, end.Trailing...)
}

// headers makes the two headers of a part that begins at off, and its data.
func (p *ZipPart) headers(off int) (local, central ZipHeader, data []byte) {
	h := ZipHeader{Needed: 20, Name: p.Name, Size: uint32(len(p.Content)), CRC: crc32.ChecksumIEEE([]byte(p.Content)),
		Creator: creatorUnix | 20, External: uint32(p.Mode) << 16, Offset: uint32(off)}
	if strings.ContainsFunc(p.Name, func(r rune) bool { return r >= 0x80 }) {
		h.Flags = flagUTF8
	}
	data = []byte(p.Content)
	if !p.Plain {
		h.Method, data = 8, deflated(data)
	}
	if p.Data != nil {
		data = p.Data
	}
	h.Stored = uint32(len(data))
	local, central = h, h
	if p.Local != nil {
		p.Local(&local)
	}
	if p.Central != nil {
		p.Central(&central)
	}
	return local, central, data
}

func (h *ZipHeader) shared(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, h.Needed)
	b = le.AppendUint16(b, h.Flags)
	b = le.AppendUint16(b, h.Method)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, newYear2020)
	b = le.AppendUint32(b, h.CRC)
	b = le.AppendUint32(b, h.Stored)
	b = le.AppendUint32(b, h.Size)
	b = le.AppendUint16(b, uint16(len(h.Name)))
	return le.AppendUint16(b, uint16(len(h.Extra)))
}

func (h *ZipHeader) local(b []byte) []byte {
	b = h.shared(append(b, "PK\x03\x04"...))
	return append(append(b, h.Name...), h.Extra...)
}

func (h *ZipHeader) central(b []byte) []byte {
	le := binary.LittleEndian
	b = h.shared(le.AppendUint16(append(b, "PK\x01\x02"...), h.Creator))
	b = le.AppendUint16(b, uint16(len(h.Comment)))
	b = le.AppendUint16(b, h.Disk)
	b = le.AppendUint16(b, h.Internal)
	b = le.AppendUint32(b, h.External)
	b = le.AppendUint32(b, h.Offset)
	return append(append(append(b, h.Name...), h.Extra...), h.Comment...)
}

// append adds the end records of a directory of size bytes at off.
func (e *ZipEnd) append(b []byte, members, off, size int) []byte {
	le := binary.LittleEndian
	var end64, locator []byte
	if e.Zip64 {
		end64 = le.AppendUint64([]byte("PK\x06\x06"), 44)
		end64 = le.AppendUint16(le.AppendUint16(end64, creatorUnix|45), 45)
		end64 = append(end64, make([]byte, 8)...)
		for _, v := range []int{members, members, size, off} {
			end64 = le.AppendUint64(end64, uint64(v))
		}
		locator = le.AppendUint64([]byte("PK\x06\x07\x00\x00\x00\x00"), uint64(off+size))
		locator = le.AppendUint32(locator, 1)
	}
	end := append([]byte("PK\x05\x06"), make([]byte, 4)...)
	end = le.AppendUint16(le.AppendUint16(end, uint16(members)), uint16(members))
	end = le.AppendUint32(le.AppendUint32(end, uint32(size)), uint32(off))
	end = le.AppendUint16(end, uint16(len(e.Comment)))
	if e.Change != nil {
		e.Change(end, end64, locator)
	}
	return append(append(append(append(b, end64...), locator...), end...), e.Comment...)
}

// RecordOf returns a true RECORD of parts and of itself, for Zip.
func RecordOf(parts []ZipPart, self string) string {
	var b strings.Builder
	for _, p := range parts {
		if strings.HasSuffix(p.Name, "/") || p.Name == self {
			continue
		}
		name := p.Name
		if strings.ContainsAny(name, ",\"\r\n") {
			name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
		sum := sha256.Sum256([]byte(p.Content))
		fmt.Fprintf(&b, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(p.Content))
	}
	b.WriteString(self + ",,\n")
	return b.String()
}
