package wheel

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// maxOddities bounds how many are kept of one wheel: one is enough to fail.
const maxOddities = 100

// oddities collects what is read without doubt, and yet not by everybody.
type oddities struct {
	all  bool // are kept, for one who does something about each
	list []error
	more int // how many were not kept
}

func (o *oddities) add(member string, off int64, rule string, args ...any) {
	if len(o.list) >= maxOddities && !o.all {
		o.more++
		return
	}
	o.keep(formatErr(member, off, rule, args...))
}

// keep is add for an error that is there already.
func (o *oddities) keep(err error) {
	if len(o.list) >= maxOddities && !o.all {
		o.more++
		return
	}
	o.list = append(o.list, err)
}

// Oddities returns the shapes of the archive that [NewReader] could read, but
// that pip, installer and uv do not all read alike, or that PyPI does not take:
// each a [*FormatError]. A [Writer] writes none of them. There are no more than
// some hundred, the last of which counts those that were left out.
func (r *Reader) Oddities() []error { return r.odd.errors() }

// errors returns what was kept, and how many there were beside.
func (o *oddities) errors() []error {
	list := o.list[:len(o.list):len(o.list)]
	if o.more > 0 {
		list = append(list, formatErr("", -1, "%d more like these", o.more))
	}
	return list
}

// maxVersion is the newest feature that a wheel uses: zip64 (APPNOTE.TXT 4.4.3).
const maxVersion = version64

// External attributes of MS-DOS (APPNOTE.TXT 4.4.15) that no regular file has.
const dosVolume = 0x08

// A centralFacts is what a directory header says beyond the member itself.
type centralFacts struct {
	needed   uint16 // version needed to extract
	comment  int    // its length in bytes
	disk     uint16
	external uint32
	widened  int    // fields that the zip64 extra field had to give
	extra    []byte // all extra fields
}

// note adds the oddities of a directory header at off.
func (o *oddities) note(m *Member, off int64, f centralFacts) {
	name := m.Name
	if f.needed > maxVersion {
		o.add(name, off, "version %#x is needed to extract it, a wheel needs no more than %#x (APPNOTE.TXT 4.4.3)", f.needed, maxVersion)
	}
	if m.flags&flagDescriptor != 0 {
		o.add(name, off, "size and CRC-32 follow the data in a data descriptor, which PyPI does not take")
	}
	if other := m.flags &^ (flagDescriptor | flagUTF8 | flagLevel); other != 0 {
		o.add(name, off, "flags %#x are set, which no wheel needs (APPNOTE.TXT 4.4.4)", other)
	}
	if !isASCII(name) && m.flags&flagUTF8 == 0 {
		o.add(name, off, "name is not ASCII and flag 11 (UTF-8) is not set: readers differ in how they read it")
	}
	if f.comment > 0 {
		o.add(name, off, "member has a comment of %d bytes, which PyPI does not take", f.comment)
	}
	if f.disk != 0 {
		o.add(name, off, "disk number is %d, a wheel has no more than disk 0", f.disk)
	}
	if f.external&dosVolume != 0 || f.external&dosDirectory != 0 && !m.IsDir() {
		o.add(name, off, "MS-DOS attributes %#x are not those of a file", f.external&0xff)
	}
	if m.IsDir() && m.CompressedSize != 0 {
		o.add(name, off, "directory has %d compressed bytes", m.CompressedSize)
	}
	if rule := oddExtra(f.extra, 8*f.widened); rule != "" {
		o.add(name, off, "%s", rule)
	}
}

// oddExtra returns what is odd about well-formed extra fields; widened is the
// length that a zip64 field should have, 0 for no such field.
func oddExtra(extra []byte, widened int) string {
	var seen []uint16
	for c := cursor(extra); len(c) > 0; {
		if len(c) < 4 {
			return itoa(int64(len(c))) + " bytes after the extra fields, which PyPI does not take"
		}
		id, length := c.u16(), int(c.u16())
		if _, ok := c.take(length); !ok {
			return "extra field is longer than its header says (APPNOTE.TXT 4.5)"
		}
		for _, s := range seen {
			if s == id {
				return "two extra fields " + hex(id)
			}
		}
		if len(seen) == maxExtraFields {
			return "more than " + itoa(maxExtraFields) + " extra fields"
		}
		seen = append(seen, id)
		switch id {
		case extraZip64:
			if length != widened {
				return "zip64 extra field has " + itoa(int64(length)) + " bytes, the header asks for " + itoa(int64(widened)) + " (APPNOTE.TXT 4.5.3)"
			}
		case extraUnicodePath, extraUnicodeComment, extraStrong, extraAES:
			return "extra field " + hex(id) + " gives another name, comment or key; readers differ in which they believe"
		}
	}
	return ""
}

// noteLocal adds the oddities of a local header.
func (o *oddities) noteLocal(m *Member, needed, flags uint16, x zip64Values, extra []byte) {
	if needed > maxVersion {
		o.add(m.Name, m.headerOff, "local header: version %#x is needed to extract it, a wheel needs no more than %#x (APPNOTE.TXT 4.4.3)", needed, maxVersion)
	}
	if (flags^m.flags)&flagUTF8 != 0 {
		o.add(m.Name, m.headerOff, "local header and directory disagree on flag 11 (UTF-8)")
	}
	widened := 0
	if x.size == wide || x.compressed == wide {
		widened = 16 // both sizes: APPNOTE.TXT 4.5.3
		if x.size != x.compressed {
			o.add(m.Name, m.headerOff, "local header: one of the two sizes is in the zip64 extra field, both belong there (APPNOTE.TXT 4.5.3)")
		}
	}
	if widened == 0 && repeatsSizes(extra, m) {
		widened = 16 // Bazel writes the sizes in both places
	}
	if rule := oddExtra(extra, widened); rule != "" {
		o.add(m.Name, m.headerOff, "local header: %s", rule)
	}
}

// repeatsSizes reports whether a zip64 field, the first of the extra fields, gives
// the sizes that the directory gives.
func repeatsSizes(extra []byte, m *Member) bool {
	c := cursor(extra)
	return len(c) >= 20 && c.u16() == extraZip64 && c.u16() == 16 &&
		c.u64() == uint64(m.Size) && c.u64() == uint64(m.CompressedSize)
}

// wide is the value of a field that does not fit (APPNOTE.TXT 4.4.1.4).
const wide = 0xffffffff

// noteEnd adds the oddities of the end of central directory record and of the
// comment behind it. A comment that could hold records of its own is odd, others
// only take room.
func (o *oddities) noteEnd(pos int64, disk, dirDisk uint16, comment []byte) {
	if disk != 0 || dirDisk != 0 {
		o.add("", pos, "end of central directory names the disks %d and %d, a wheel has no more than disk 0", disk, dirDisk)
	}
	text := string(comment)
	if strings.Contains(text, "PK") || !utf8.ValidString(text) || strings.ContainsFunc(text, notComment) {
		o.add("", pos, "archive comment of %d bytes is not plain text: it could hold another archive", len(comment))
	}
}

func notComment(r rune) bool { return notPrintable(r) && r != '\n' && r != '\r' && r != '\t' }

// noteEnd64 adds the oddities of the zip64 records: locator and record, both
// whole and with their signature.
func (o *oddities) noteEnd64(pos int64, locator, record []byte) {
	le := binary.LittleEndian
	if disk, disks := le.Uint32(locator[4:]), le.Uint32(locator[16:]); disk != 0 || disks != 1 {
		o.add("", pos, "zip64 locator names disk %d of %d, a wheel has disk 0 of 1 (APPNOTE.TXT 4.3.15)", disk, disks)
	}
	if needed := le.Uint16(record[14:]); needed > maxVersion {
		o.add("", pos, "zip64 end of central directory: version %#x is needed to extract it, a wheel needs no more than %#x", needed, maxVersion)
	}
	if disk, dirDisk := le.Uint32(record[16:]), le.Uint32(record[20:]); disk != 0 || dirDisk != 0 {
		o.add("", pos, "zip64 end of central directory names the disks %d and %d, a wheel has no more than disk 0 (APPNOTE.TXT 4.3.14)", disk, dirDisk)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
