package wheel

import (
	"encoding/binary"
	"io/fs"
	"strings"
	"time"
)

// General purpose flags (APPNOTE.TXT 4.4.4).
const (
	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3 // sizes and CRC follow the data
	flagPatch      = 1 << 5
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13
)

// Extra fields that are understood (APPNOTE.TXT 4.5.3, 4.6.9).
const (
	extraZip64       = 0x0001
	extraUnicodePath = 0x7075
)

// Type bits of st_mode, <sys/stat.h>.
const (
	unixType    = 0o170000
	unixDir     = 0o040000
	unixRegular = 0o100000
)

// readCentral reads one central directory header (APPNOTE.TXT 4.3.12), which
// lies at off, and checks all that can be checked without the local header.
func readCentral(c *cursor, off int64) (*Member, error) {
	if len(*c) < centralSize || c.u32() != centralSignature {
		return nil, formatErr("", off, "no central directory header (APPNOTE.TXT 4.3.12)")
	}
	c.u32() // versions: creator and needed; external attributes say more
	m := &Member{flags: c.u16(), Method: c.u16(), dosTime: c.u16(), dosDate: c.u16(), CRC32: c.u32()}
	compressed, size := c.u32(), c.u32()
	nameLen, extraLen, commentLen := int(c.u16()), int(c.u16()), int(c.u16())
	disk := c.u16()
	c.u16() // internal attributes: text or not
	external, header := c.u32(), c.u32()
	name, ok := c.take(nameLen)
	extra, ok2 := c.take(extraLen)
	if _, ok3 := c.take(commentLen); !ok || !ok2 || !ok3 {
		return nil, formatErr("", off, "central directory header ends after the directory")
	}
	m.Name = string(name)
	if rule := nameRule(m.Name); rule != "" {
		return nil, formatErr(m.Name, off, "%s", rule)
	}
	x := zip64Values{size: uint64(size), compressed: uint64(compressed), header: uint64(header)}
	if rule := x.apply(extra, m.Name); rule != "" {
		return nil, formatErr(m.Name, off, "%s", rule)
	}
	if disk != 0 && disk != 0xffff || x.tooLarge() {
		return nil, formatErr(m.Name, off, "size, offset or disk number is out of range")
	}
	m.Size, m.CompressedSize, m.headerOff = int64(x.size), int64(x.compressed), int64(x.header)
	m.unix = uint16(external >> 16)
	m.Modified = dosToTime(m.dosDate, m.dosTime)
	m.Mode = fileMode(m.unix, m.IsDir())
	if rule := m.rule(); rule != "" {
		return nil, formatErr(m.Name, off, "%s", rule)
	}
	return m, nil
}

// zip64Values are the fields that the zip64 extra field (APPNOTE.TXT 4.5.3) may
// widen, in its order.
type zip64Values struct {
	size, compressed, header uint64
}

// tooLarge reports values that no signed offset can hold.
func (x *zip64Values) tooLarge() bool {
	const limit = 1 << 62
	return x.size > limit || x.compressed > limit || x.header > limit
}

// apply widens the fields that are 0xffffffff. It returns the broken rule.
func (x *zip64Values) apply(extra []byte, name string) string {
	seen := false
	for c := cursor(extra); len(c) > 0; {
		if len(c) < 4 {
			if strings.Trim(string(c), "\x00") == "" {
				break // padding of some aligning tools
			}
			return "extra field is cut short (APPNOTE.TXT 4.5)"
		}
		id, length := c.u16(), int(c.u16())
		body, ok := c.take(length)
		switch {
		case !ok:
			return "extra field is longer than its header says (APPNOTE.TXT 4.5)"
		case id == extraUnicodePath && len(body) >= 5 && string(body[5:]) != name:
			return "extra field 0x7075 gives another name; readers differ in which they believe"
		case id == extraZip64 && seen:
			return "two zip64 extra fields"
		case id == extraZip64:
			seen = true
			if !x.widen(body) {
				return "zip64 extra field is too short (APPNOTE.TXT 4.5.3)"
			}
		}
	}
	return ""
}

func (x *zip64Values) widen(body []byte) bool {
	c := cursor(body)
	for _, v := range []*uint64{&x.size, &x.compressed, &x.header} {
		if *v != 0xffffffff {
			continue
		}
		if len(c) < 8 {
			return false
		}
		*v = c.u64()
	}
	return true
}

// maxInflation is what deflate can reach at best: a 258-byte match for two bits
// (RFC 1951, 3.2.5), which is 1032 to 1. More is a lie. The slack allows for
// rounding in short members.
const (
	maxInflation   = 1032
	inflationSlack = 1032
)

// rule returns the rule that the member's own fields break.
func (m *Member) rule() string {
	kind := m.unix & unixType
	switch {
	case m.flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		return "member is encrypted"
	case m.flags&flagPatch != 0:
		return "member is patch data (APPNOTE.TXT 4.4.4, bit 5)"
	case m.Method != Store && m.Method != Deflate:
		return "compression method " + itoa(int64(m.Method)) + " is neither 0 (stored) nor 8 (deflated)"
	case kind != 0 && kind != unixRegular && kind != unixDir:
		return "Unix mode " + octal(m.unix) + " is a link or special file, which no wheel may have"
	case kind == unixDir && !m.IsDir(), kind == unixRegular && m.IsDir():
		return "Unix mode " + octal(m.unix) + " and the name disagree on whether this is a directory"
	case m.IsDir() && (m.Size != 0 || m.CRC32 != 0):
		return "directory has " + itoa(m.Size) + " bytes of content"
	case m.Method == Store && m.Size != m.CompressedSize:
		return "stored member has " + itoa(m.CompressedSize) + " bytes in the archive, but declares " + itoa(m.Size)
	case m.Method == Deflate && (m.Size-inflationSlack)/maxInflation > m.CompressedSize:
		return itoa(m.Size) + " bytes are declared, but deflate cannot make that of " + itoa(m.CompressedSize)
	}
	return ""
}

// fileMode translates st_mode; permission bits that are zero stay zero.
func fileMode(unix uint16, dir bool) fs.FileMode {
	mode := fs.FileMode(unix & 0o777)
	for _, bit := range unixBits {
		if unix&bit.unix != 0 {
			mode |= bit.mode
		}
	}
	if dir {
		mode |= fs.ModeDir
	}
	return mode
}

// unixBits pairs the special permission bits of <sys/stat.h> with Go's.
var unixBits = [...]struct {
	unix uint16
	mode fs.FileMode
}{
	{0o4000, fs.ModeSetuid},
	{0o2000, fs.ModeSetgid},
	{0o1000, fs.ModeSticky},
}

// unixMode is the reverse of fileMode. No permissions stand for "no Unix mode".
func unixMode(mode fs.FileMode, dir bool) uint16 {
	unix := uint16(mode.Perm())
	for _, bit := range unixBits {
		if mode&bit.mode != 0 {
			unix |= bit.unix
		}
	}
	switch {
	case unix == 0:
		return 0
	case dir:
		return unix | unixDir
	}
	return unix | unixRegular
}

// dosToTime reads an MS-DOS date and time (APPNOTE.TXT 4.4.6) as UTC.
func dosToTime(date, clock uint16) time.Time {
	return time.Date(int(date>>9)+1980, time.Month(date>>5&0xf), int(date&0x1f),
		int(clock>>11), int(clock>>5&0x3f), int(clock&0x1f)*2, 0, time.UTC)
}

// timeToDOS rounds down to two seconds and stays within 1980 to 2107, all that
// the format can say.
func timeToDOS(t time.Time) (date, clock uint16) {
	t = t.UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	date = uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day())
	clock = uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2)
	return date, clock
}

// checkLocal compares the local header (APPNOTE.TXT 4.3.7) with the directory,
// since some installers trust the one and some the other, and finds the data.
// buf is scratch space for a header and a name.
func (m *Member) checkLocal(buf []byte) error {
	buf = buf[:localSize+len(m.Name)]
	if err := readFullAt(m.archive, buf, m.headerOff); err != nil {
		return formatErr(m.Name, m.headerOff, "local header is past the end of the archive")
	}
	c := cursor(buf)
	if c.u32() != localSignature {
		return formatErr(m.Name, m.headerOff, "no local header (APPNOTE.TXT 4.3.7)")
	}
	c.u16() // version needed
	flags, method := c.u16(), c.u16()
	c.u32() // time and date: the directory's are used
	crc, compressed, size := c.u32(), uint64(c.u32()), uint64(c.u32())
	nameLen, extraLen := int(c.u16()), int64(c.u16())
	if nameLen != len(m.Name) || string(c) != m.Name {
		return formatErr(m.Name, m.headerOff, "local header gives another name")
	}
	if method != m.Method || (flags^m.flags)&^(flagUTF8|6) != 0 {
		return formatErr(m.Name, m.headerOff, "local header has method %d and flags %#x, the directory %d and %#x", method, flags, m.Method, m.flags)
	}
	m.dataOff = m.headerOff + localSize + int64(nameLen) + extraLen
	x := zip64Values{size: size, compressed: compressed}
	if size == 0xffffffff || compressed == 0xffffffff {
		extra := make([]byte, extraLen)
		if err := readFullAt(m.archive, extra, m.dataOff-extraLen); err != nil {
			return formatErr(m.Name, m.headerOff, "local header is past the end of the archive")
		}
		if rule := x.apply(extra, m.Name); rule != "" {
			return formatErr(m.Name, m.headerOff, "local header: %s", rule)
		}
	}
	deferred := m.flags&flagDescriptor != 0
	if !agrees(x.size, m.Size, deferred) || !agrees(x.compressed, m.CompressedSize, deferred) ||
		!agrees(uint64(crc), int64(m.CRC32), deferred) {
		return formatErr(m.Name, m.headerOff, "local header and directory disagree on sizes or CRC-32")
	}
	return nil
}

// agrees compares a local field with the directory's; one that is deferred to
// the data descriptor may be zero.
func agrees(local uint64, directory int64, deferred bool) bool {
	return local == uint64(directory) || deferred && local == 0
}

// descriptorRule checks the bytes between the member's data and what follows it
// in the archive: nothing, or its data descriptor (APPNOTE.TXT 4.3.9).
func (m *Member) descriptorRule(gap []byte) string {
	if len(gap) == 0 {
		return "" // old Java archives set bit 3 and leave the descriptor out
	}
	if m.flags&flagDescriptor == 0 {
		return itoa(int64(len(gap))) + " bytes after its data belong to no member"
	}
	c := cursor(gap)
	if len(c) == 16 || len(c) == 24 {
		if c.u32() != descriptorSignature {
			return "no data descriptor (APPNOTE.TXT 4.3.9) after its data"
		}
	}
	if len(c) != 12 && len(c) != 20 {
		return itoa(int64(len(gap))) + " bytes after its data are no data descriptor (APPNOTE.TXT 4.3.9)"
	}
	want := binary.LittleEndian.AppendUint32(nil, m.CRC32)
	for _, n := range []int64{m.CompressedSize, m.Size} {
		if len(c) == 12 {
			want = binary.LittleEndian.AppendUint32(want, uint32(n))
		} else {
			want = binary.LittleEndian.AppendUint64(want, uint64(n))
		}
	}
	if string(c) != string(want) {
		return "data descriptor and directory disagree on sizes or CRC-32"
	}
	return ""
}
