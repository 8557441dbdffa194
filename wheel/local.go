package wheel

import "encoding/binary"

// checkLocal compares the local header (APPNOTE.TXT 4.3.7) with the directory,
// since some installers trust the one and some the other, and finds the data.
// buf is scratch space for a header and a name.
func (m *Member) checkLocal(buf []byte, odd *oddities) error {
	scratch := buf
	buf = buf[:localSize+len(m.Name)]
	if err := readFullAt(m.archive, buf, m.headerOff); err != nil {
		return formatErr(m.Name, m.headerOff, "local header is past the end of the archive")
	}
	c := cursor(buf)
	if c.u32() != localSignature {
		return formatErr(m.Name, m.headerOff, "no local header (APPNOTE.TXT 4.3.7)")
	}
	needed, flags, method := c.u16(), c.u16(), c.u16()
	c.u32() // time and date: the directory's are used
	crc, compressed, size := c.u32(), uint64(c.u32()), uint64(c.u32())
	nameLen, extraLen := int(c.u16()), int64(c.u16())
	if nameLen != len(m.Name) || string(c) != m.Name {
		return formatErr(m.Name, m.headerOff, "local header gives another name")
	}
	if method != m.Method || (flags^m.flags)&^(flagUTF8|flagLevel) != 0 {
		return formatErr(m.Name, m.headerOff, "local header has method %d and flags %#x, the directory %d and %#x", method, flags, m.Method, m.flags)
	}
	m.dataOff = m.headerOff + localSize + int64(nameLen) + extraLen
	extra := scratch[:extraLen]
	if err := readFullAt(m.archive, extra, m.dataOff-extraLen); err != nil {
		return formatErr(m.Name, m.headerOff, "local header is past the end of the archive")
	}
	x := zip64Values{size: size, compressed: compressed}
	odd.noteLocal(m, needed, flags, x, extra)
	if err := m.widenLocal(&x, extra); err != nil {
		return err
	}
	deferred := m.flags&flagDescriptor != 0
	if !agrees(x.size, m.Size, deferred) || !agrees(x.compressed, m.CompressedSize, deferred) ||
		!agrees(uint64(crc), int64(m.CRC32), deferred) {
		return formatErr(m.Name, m.headerOff, "local header and directory disagree on sizes or CRC-32")
	}
	return nil
}

// widenLocal reads the extra field of the local header, but only if a size is
// there: its other uses mean nothing to a wheel.
func (m *Member) widenLocal(x *zip64Values, extra []byte) error {
	if x.size != wide && x.compressed != wide {
		return nil
	}
	if rule := x.apply(extra, m.Name); rule != "" {
		return formatErr(m.Name, m.headerOff, "local header: %s", rule)
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
