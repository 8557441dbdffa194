package macho

import (
	"cmp"
	"slices"
)

// checkLayout refuses an image whose parts share bytes, or lie where an edit does
// not expect them: a change to one would change the other. What dyld refuses as
// well is among it (MachOAnalyzer::validSegments, validLinkedit).
func (s *Slice) checkLayout() error {
	for _, check := range []func() error{s.checkExtents, s.checkSegments, s.checkHeader, s.checkLinkedit} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkSegments makes sure that segments share neither bytes nor addresses, and
// that sections have the addresses that their bytes are mapped at.
func (s *Slice) checkSegments() error {
	var files, memory []*Segment
	for i := range s.Segments {
		seg := &s.Segments[i]
		if seg.FileSize > 0 {
			files = append(files, seg)
		}
		if seg.MemSize > 0 {
			memory = append(memory, seg)
		}
		for k := range seg.Sections {
			if err := seg.checkSection(&seg.Sections[k]); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(files, func(a, b *Segment) int { return cmp.Compare(a.Off, b.Off) })
	for i := 1; i < len(files); i++ {
		if a, b := files[i-1], files[i]; a.Off+a.FileSize > b.Off {
			return formatErr(b.at, "segments %q and %q share bytes of the file", a.Name, b.Name)
		}
	}
	slices.SortStableFunc(memory, func(a, b *Segment) int { return cmp.Compare(a.Addr, b.Addr) })
	for i := 1; i < len(memory); i++ {
		if a, b := memory[i-1], memory[i]; a.Addr+a.MemSize > b.Addr {
			return formatErr(b.at, "segments %q and %q share addresses", a.Name, b.Name)
		}
	}
	return nil
}

// checkSection holds the address of a section to its segment.
func (seg *Segment) checkSection(x *Section) error {
	if seg.unmapped() {
		return nil // it has no memory for any
	}
	if x.Size > 0 && (x.Addr < seg.Addr || x.Addr-seg.Addr > seg.MemSize || x.Size > seg.MemSize-(x.Addr-seg.Addr)) {
		return formatErr(seg.at, "section %q has %#x bytes at address %#x, outside its segment (%#x bytes at %#x)", x.Segment+","+x.Name, x.Size, x.Addr, seg.MemSize, seg.Addr)
	}
	if !x.empty() && seg.FileSize > 0 && x.Addr-seg.Addr != uint64(x.Off-seg.Off) {
		return formatErr(seg.at, "section %q has the address %#x, its bytes at %#x are mapped at %#x", x.Segment+","+x.Name, x.Addr, x.Off, seg.Addr+uint64(x.Off-seg.Off))
	}
	return nil
}

// headerSegment returns the segment that holds the header, nil if there is none.
func (s *Slice) headerSegment() *Segment {
	for i := range s.Segments {
		if seg := &s.Segments[i]; seg.Off == 0 && seg.FileSize > 0 {
			return seg
		}
	}
	return nil
}

// checkHeader makes sure that the load commands are mapped, and by one segment.
func (s *Slice) checkHeader() error {
	end := s.headerSize() + s.commandsSize()
	seg := s.headerSegment()
	if seg == nil || seg.FileSize < end {
		return formatErr(20, "no segment holds the header and its load commands (%#x bytes)", end)
	}
	if end > s.headerSize()+s.room {
		return formatErr(20, "the load commands end at %#x, behind the first content at %#x", end, s.headerSize()+s.room)
	}
	return nil
}

// checkLinkedit makes sure that what load commands refer to is there once, in
// __LINKEDIT and apart from all else there.
func (s *Slice) checkLinkedit() error {
	var link *Segment
	for i := range s.Segments {
		if seg := &s.Segments[i]; seg.Name == linkeditName {
			if link != nil {
				return formatErr(seg.at, "a second segment %q", seg.Name)
			}
			link = seg
		}
	}
	var all []extent
	once := map[string]bool{}
	for _, x := range s.extents() {
		if x.what == encrypted {
			continue
		}
		if once[x.what] && x.what != note {
			return formatErr(x.at, "a second %s", x.what)
		}
		once[x.what] = true
		all = append(all, x)
	}
	if s.signed != nil {
		all = append(all, extent{"signature", s.signed.off + 8, int64(s.u32(s.signed, 8)), int64(s.u32(s.signed, 12))})
	}
	slices.SortStableFunc(all, func(a, b extent) int { return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.size, b.size)) })
	for i, x := range all {
		if link == nil || x.off < link.Off || x.off+x.size > link.Off+link.FileSize {
			return formatErr(x.at, "%s: %#x bytes at %#x, outside the %s segment", x.what, x.size, x.off, linkeditName)
		}
		if i > 0 && all[i-1].off+all[i-1].size > x.off {
			return formatErr(x.at, "%s and %s share bytes of the file", all[i-1].what, x.what)
		}
	}
	return nil
}
