package wheel

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Signatures and fixed sizes of the zip structures (APPNOTE.TXT 4.3).
const (
	localSignature      = 0x04034b50 // 4.3.7
	descriptorSignature = 0x08074b50 // 4.3.9.3
	centralSignature    = 0x02014b50 // 4.3.12
	end64Signature      = 0x06064b50 // 4.3.14
	locator64Signature  = 0x07064b50 // 4.3.15
	endSignature        = 0x06054b50 // 4.3.16

	localSize     = 30
	centralSize   = 46
	end64Size     = 56
	locator64Size = 20
	endSize       = 22
	maxComment    = 0xffff
)

// maxDirectory bounds the central directory, which is read as a whole. The
// largest wheels on PyPI have some 30000 members and 4 MB of directory.
const maxDirectory = 32 << 20

// maxMembers bounds the members of an archive: each costs some reads and a row.
const maxMembers = 100_000

// A cursor reads little-endian fields from bytes whose length was checked.
type cursor []byte

func (c *cursor) u16() uint16 {
	v := binary.LittleEndian.Uint16(*c)
	*c = (*c)[2:]
	return v
}

func (c *cursor) u32() uint32 {
	v := binary.LittleEndian.Uint32(*c)
	*c = (*c)[4:]
	return v
}

func (c *cursor) u64() uint64 {
	v := binary.LittleEndian.Uint64(*c)
	*c = (*c)[8:]
	return v
}

// take returns the next n bytes, or false if there are fewer.
func (c *cursor) take(n int) ([]byte, bool) {
	if n > len(*c) {
		return nil, false
	}
	b := (*c)[:n:n]
	*c = (*c)[n:]
	return b, true
}

// An end is the end of central directory record, zip64 included.
type end struct {
	records   uint64 // number of members
	size, off uint64 // of the central directory, in bytes
	pos       int64  // where the directory has to end
}

// readEnd finds the end record and the zip64 record before it.
func readEnd(r io.ReaderAt, size int64, odd *oddities) (end, error) {
	pos, err := findEnd(r, size)
	if err != nil {
		return end{}, err
	}
	buf := make([]byte, size-pos)
	if err := readFullAt(r, buf, pos); err != nil {
		return end{}, err
	}
	c := cursor(buf[4:])
	disk, dirDisk := c.u16(), c.u16()
	onDisk, records := c.u16(), c.u16()
	e := end{records: uint64(records), size: uint64(c.u32()), off: uint64(c.u32()), pos: pos}
	if disk != 0 && disk != 0xffff || dirDisk != 0 && dirDisk != 0xffff || onDisk != records {
		return end{}, formatErr("", pos, "archive is split over several disks")
	}
	odd.noteEnd(pos, disk, dirDisk, buf[endSize:])
	return readEnd64(r, e, odd)
}

// findEnd looks for the end record, which only the archive comment may follow.
// Bytes after the comment are refused, and so is a comment that holds an end
// record of its own: readers differ in which of the two they believe.
func findEnd(r io.ReaderAt, size int64) (int64, error) {
	tail := make([]byte, min(size, endSize+maxComment))
	start := size - int64(len(tail))
	if err := readFullAt(r, tail, start); err != nil {
		return 0, err
	}
	found, trailing := int64(-1), false
	signature := binary.LittleEndian.AppendUint32(nil, endSignature)
	for i := bytes.LastIndex(tail, signature); i >= 0; i = bytes.LastIndex(tail[:i], signature) {
		if i+endSize > len(tail) {
			continue
		}
		comment := int(binary.LittleEndian.Uint16(tail[i+20:]))
		switch {
		case i+endSize+comment != len(tail):
			trailing = true
		case found >= 0:
			return 0, formatErr("", start+int64(i), "archive has two end of central directory records, one of them in its comment")
		default:
			found = start + int64(i)
		}
	}
	if found >= 0 {
		return found, nil
	}
	return 0, missingEnd(r, size, trailing)
}

// missingEnd tells a file that is no zip from one that is cut short.
func missingEnd(r io.ReaderAt, size int64, trailing bool) error {
	if trailing {
		return formatErr("", -1, "archive comment does not end where the file ends: bytes were cut off or added")
	}
	var head [4]byte
	if size < 4 || readFullAt(r, head[:], 0) != nil || binary.LittleEndian.Uint32(head[:]) != localSignature {
		return ErrNotZip
	}
	return formatErr("", size, "no end of central directory record (APPNOTE.TXT 4.3.16); the file is cut short")
}

// readEnd64 replaces the fields that do not fit by those of the zip64 record
// (4.3.14), which has to agree with every field that does fit.
func readEnd64(r io.ReaderAt, e end, odd *oddities) (end, error) {
	var buf [end64Size]byte
	var head [locator64Size]byte
	locator := e.pos - locator64Size
	if locator < 0 || readFullAt(r, head[:], locator) != nil ||
		binary.LittleEndian.Uint32(head[:]) != locator64Signature {
		return e, nil // a field that needs zip64 will then contradict the layout
	}
	pos := binary.LittleEndian.Uint64(head[8:])
	if locator < end64Size || pos != uint64(locator-end64Size) {
		return end{}, formatErr("", locator, "zip64 end of central directory is at %#x, it belongs directly before its locator", pos)
	}
	if err := readFullAt(r, buf[:], int64(pos)); err != nil {
		return end{}, err
	}
	c := cursor(buf[:])
	if c.u32() != end64Signature || c.u64() != end64Size-12 {
		return end{}, formatErr("", int64(pos), "zip64 end of central directory record (APPNOTE.TXT 4.3.14) is malformed")
	}
	odd.noteEnd64(int64(pos), head[:], buf[:])
	c = cursor(buf[24:])
	onDisk := c.u64()
	full := end{records: c.u64(), size: c.u64(), off: c.u64(), pos: int64(pos)}
	if onDisk != full.records || !fits(e.records, 0xffff, full.records) ||
		!fits(e.size, 0xffffffff, full.size) || !fits(e.off, 0xffffffff, full.off) {
		return end{}, formatErr("", int64(pos), "zip64 and plain end of central directory records disagree")
	}
	return full, nil
}

// fits reports whether a plain field leaves the matter to the zip64 one, or
// says the same.
func fits(plain, deferred, full uint64) bool { return plain == deferred || plain == full }

// readDirectory reads the central directory and checks that it lies where the
// end record says, directly before it. A file with junk in front, such as a
// self-extracting archive, breaks this: offsets then mean one thing to a reader
// that corrects them and another to one that does not.
func readDirectory(r io.ReaderAt, size int64, odd *oddities) ([]*Member, int64, error) {
	e, err := readEnd(r, size, odd)
	if err != nil {
		return nil, 0, err
	}
	if e.size > uint64(e.pos) || e.off != uint64(e.pos)-e.size {
		return nil, 0, formatErr("", e.pos, "central directory of %d bytes at %#x does not end at %#x, where its end record is; bytes were cut off or put in front", e.size, e.off, e.pos)
	}
	if e.size > maxDirectory {
		return nil, 0, formatErr("", int64(e.off), "central directory has %d bytes, more than the %d that any wheel needs", e.size, maxDirectory)
	}
	if e.records > maxMembers {
		return nil, 0, formatErr("", e.pos, "%d members are declared, more than the %d that any wheel needs", e.records, maxMembers)
	}
	if e.records > e.size/centralSize {
		return nil, 0, formatErr("", e.pos, "%d members are declared, the central directory of %d bytes has no room for them", e.records, e.size)
	}
	dir := make([]byte, e.size)
	if err := readFullAt(r, dir, int64(e.off)); err != nil {
		return nil, 0, err
	}
	members := make([]*Member, 0, e.records)
	for c := cursor(dir); len(c) > 0; {
		m, err := readCentral(&c, int64(e.off)+int64(len(dir)-len(c)), odd)
		if err != nil {
			return nil, 0, err
		}
		if len(members) == maxMembers { // more than were declared
			return nil, 0, formatErr("", e.pos, "%d members are declared, the central directory has more", e.records)
		}
		m.archive = r
		members = append(members, m)
	}
	if uint64(len(members)) != e.records {
		return nil, 0, formatErr("", e.pos, "%d members are declared, the central directory has %d", e.records, len(members))
	}
	return members, int64(e.off), nil
}
