package wheel

// General purpose flags (APPNOTE.TXT 4.4.4).
const (
	flagEncrypted  = 1 << 0
	flagLevel      = 1<<1 | 1<<2 // how hard deflate tried
	flagDescriptor = 1 << 3      // sizes and CRC follow the data
	flagPatch      = 1 << 5
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13
)

// readCentral reads one central directory header (APPNOTE.TXT 4.3.12), which
// lies at off, and checks all that can be checked without the local header.
func readCentral(c *cursor, off int64, odd *oddities) (*Member, error) {
	if len(*c) < centralSize || c.u32() != centralSignature {
		return nil, formatErr("", off, "no central directory header (APPNOTE.TXT 4.3.12)")
	}
	c.u16() // version of the creator; external attributes say more
	needed := c.u16()
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
	odd.note(m, off, centralFacts{needed, commentLen, disk, external, x.widened, extra})
	return m, nil
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
