package macho

import (
	"fmt"
	"math/bits"

	"github.com/blacktop/go-macho/types"
)

// A Fault is something for which dyld or the kernel refuses a file that can be read.
type Fault struct {
	FormatError
	Mends bool // an edit removes it: [DedupeRPaths], [DedupeDylibs], [AddUUID]; of a fat header any
}

// Faults returns what keeps a file from being loaded, in the order of its slices, beyond
// what [NewFile] refuses: parts that overlap, slices that are not aligned, and what dyld
// asks for by the SDK that a slice was built with (UnsafeHeader::valid, which dyld of
// macOS 15.4 and later asks of each image). Slices of kinds that are never loaded have
// none.
func (f *File) Faults() []Fault {
	var all []Fault
	for _, s := range f.Slices {
		if !s.Type.Loadable() {
			continue
		}
		c := checker{s: s}
		if f.Fat {
			c.checkAlignment()
		}
		for _, check := range []func(){c.checkCommands, c.checkRoom, c.checkApart, c.checkOrder, c.checkEach, c.checkNames} {
			check()
		}
		all = append(all, c.faults...)
	}
	return all
}

// A checker collects the faults of a slice.
type checker struct {
	s      *Slice
	faults []Fault
}

// maxFaults bounds the faults of a slice: one that lies has as many as it likes.
const maxFaults = 50

// add takes up a fault at an offset of the slice.
func (c *checker) add(at int64, format string, args ...any) { c.take(false, at, format, args...) }

// mendable takes up a fault that an edit removes.
func (c *checker) mendable(at int64, format string, args ...any) { c.take(true, at, format, args...) }

func (c *checker) take(mends bool, at int64, format string, args ...any) {
	if len(c.faults) == maxFaults {
		return
	}
	f := Fault{FormatError{Off: at + c.s.Off, Rule: fmt.Sprintf(format, args...)}, mends}
	if c.s.fat.at > 0 {
		f.Arch = c.s.Arch.String()
	}
	c.faults = append(c.faults, f)
}

// checkAlignment holds the slice to what the fat header says, and to the pages that
// the kernel maps (mach_loader.c, load_machfile).
func (c *checker) checkAlignment() {
	e, page := c.s.fat, c.s.Arch.Page()
	switch {
	case e.off%(1<<e.align) != 0:
		c.mendable(e.at-c.s.Off, "the slice begins at %#x, which is no multiple of 2^%d, its alignment in the fat header", e.off, e.align)
	case e.off%page != 0:
		c.mendable(e.at-c.s.Off, "the slice begins at %#x, which is no multiple of a page (%#x bytes)", e.off, page)
	}
}

// pageAlign returns the alignment of a page as a power of two.
func (a Arch) pageAlign() uint32 { return uint32(bits.TrailingZeros64(uint64(a.Page()))) }

// required lists the load commands marked LC_REQ_DYLD that dyld knows.
var required = map[types.LoadCmd]bool{
	types.LC_LOAD_WEAK_DYLIB: true, types.LC_RPATH: true, types.LC_REEXPORT_DYLIB: true, types.LC_DYLD_INFO_ONLY: true,
	types.LC_LOAD_UPWARD_DYLIB: true, types.LC_MAIN: true, types.LC_DYLD_EXPORTS_TRIE: true, types.LC_DYLD_CHAINED_FIXUPS: true,
	types.LC_FILESET_ENTRY: true,
}

// checkCommands looks for commands that dyld has to know and does not, and for several
// where one is asked for.
func (c *checker) checkCommands() {
	const reqDyld = 0x80000000 // LC_REQ_DYLD
	seen := map[types.LoadCmd]bool{}
	for i := range c.s.commands {
		x := &c.s.commands[i]
		switch {
		case x.cmd&reqDyld != 0 && !required[x.cmd]:
			c.add(x.off, "load command %#x is marked as one that dyld has to understand, and it does not know it", uint32(x.cmd))
		case x.cmd == types.LC_ID_DYLIB && c.s.Type != DyLib:
			c.add(x.off, "LC_ID_DYLIB, which only a library may have, in a %v", c.s.Type)
		case (x.cmd == types.LC_ID_DYLIB || x.cmd == types.LC_UUID) && seen[x.cmd]:
			c.add(x.off, "a second %v", x.cmd)
		}
		seen[x.cmd] = true
	}
}

// checkRoom makes sure that the load commands end in front of what they describe, and
// are mapped.
func (c *checker) checkRoom() {
	const sizeofcmds = 20
	s := c.s
	end := s.headerSize() + s.commandsSize()
	if s.commandsSize() > s.room {
		c.add(sizeofcmds, "the load commands end at %#x, behind the first content at %#x", end, s.headerSize()+s.room)
	}
	for i := range s.Segments {
		if seg := &s.Segments[i]; seg.Name == textName {
			switch {
			case seg.Off != 0:
				c.add(seg.at, "%s begins at %#x, not with the header", textName, seg.Off)
			case seg.FileSize < end || seg.MemSize < uint64(end):
				c.add(seg.at, "the load commands end at %#x, behind the end of %s (%#x bytes, %#x in memory)", end, textName, seg.FileSize, seg.MemSize)
			}
			return
		}
	}
	c.add(sizeofcmds, "there is no segment %s", textName)
}

const textName = "__TEXT" // the header and the code

// checkApart looks for segments that share addresses or bytes of the file.
func (c *checker) checkApart() {
	const most = 256 // segments; more are compared with their neighbours alone
	segments := c.s.Segments
	for i := range segments {
		for k := range segments[:i] {
			if i-k > most {
				continue
			}
			a, b := &segments[k], &segments[i]
			switch {
			case b.Addr < a.Addr+a.MemSize && b.Addr+b.MemSize > a.Addr:
				c.add(b.at, "segments %q and %q share addresses", a.Name, b.Name)
			case b.Off < a.Off+a.FileSize && b.Off+b.FileSize > a.Off:
				c.add(b.at, "segments %q and %q share bytes of the file", a.Name, b.Name)
			case a.Name == b.Name && c.s.builtFor(sdkUniqueSegments):
				c.add(b.at, "a second segment %q", b.Name)
			}
		}
	}
}

// checkOrder makes sure that segments come in the order of their bytes and addresses. As
// in dyld, the last is not looked at.
func (c *checker) checkOrder() {
	if !c.s.builtFor(sdkSegmentOrder) {
		return
	}
	for i := 1; i < len(c.s.Segments)-1; i++ {
		a, b := &c.s.Segments[i-1], &c.s.Segments[i]
		switch {
		case b.Off < a.Off && b.FileSize > 0:
			c.add(b.at, "segment %q lies in front of %q in the file, its command behind", b.Name, a.Name)
		case b.Addr < a.Addr && !(c.s.Arch.CPU == cpuX86_64 && c.s.Type == Execute && c.s.Flags&flagPIE == 0):
			c.add(b.at, "segment %q lies in front of %q in memory, its command behind", b.Name, a.Name)
		}
	}
}

// checkEach looks at each segment on its own.
func (c *checker) checkEach() {
	for i := range c.s.Segments {
		seg := &c.s.Segments[i]
		if seg.unmapped() {
			continue
		}
		c.checkProtection(seg)
		for k := range seg.Sections {
			x := &seg.Sections[k]
			switch {
			case x.Addr < seg.Addr:
				c.add(seg.at, "section %q has the address %#x, in front of its segment at %#x", x.Segment+","+x.Name, x.Addr, seg.Addr)
			case c.s.builtFor(sdkSectionsInside) && (x.Addr-seg.Addr > seg.MemSize || x.Size > seg.MemSize-(x.Addr-seg.Addr)):
				c.add(seg.at, "section %q has %#x bytes at address %#x, behind the end of its segment (%#x bytes at %#x)", x.Segment+","+x.Name, x.Size, x.Addr, seg.MemSize, seg.Addr)
			}
		}
	}
}

// checkProtection looks at what a segment may be used for at first (initprot).
func (c *checker) checkProtection(seg *Segment) {
	const read, write, execute = 1, 2, 4
	for _, row := range []struct {
		name string
		prot uint32
		text string
		sdk  Version
	}{
		{textName, read | execute, "r-x", sdkTextProtection},
		{linkeditName, read, "r--", sdkLinkeditProtection},
		{"__DATA", read | write, "rw-", sdkDataProtection},
		{"__DATA_CONST", read | write, "rw-", sdkDataProtection},
	} {
		if seg.Name == row.name && seg.Prot != row.prot && c.s.builtFor(row.sdk) {
			c.add(seg.at, "the protection of %s is %#x, not %s", seg.Name, seg.Prot, row.text)
		}
	}
}

// checkNames looks at what is there twice and what is missing, by the SDK.
func (c *checker) checkNames() {
	s := c.s
	if names, refused := s.DuplicateDylibs(); refused {
		for _, name := range names[:min(len(names), maxFaults)] {
			c.mendable(c.second(name, isDylib), "%q is loaded twice, which dyld refuses in an image of SDK %v", name, s.SDK)
		}
	}
	if paths, refused := s.DuplicateRPaths(); refused {
		for _, path := range paths[:min(len(paths), maxFaults)] {
			c.mendable(c.second(path, isRPath), "LC_RPATH %q is there twice, which dyld refuses in an image of SDK %v", path, s.SDK)
		}
	}
	if s.LacksUUID() {
		c.mendable(s.headerSize(), "there is no LC_UUID, which dyld asks of an image of SDK %v", s.SDK)
	}
	if len(s.Dylibs) == 0 && s.builtFor(sdkLoadsLibrary) {
		c.add(s.headerSize(), "it loads no library, and dyld asks an image of SDK %v to load libSystem at least", s.SDK)
	}
}

// second returns where the second command with a string is.
func (c *checker) second(text string, like func(types.LoadCmd) bool) int64 {
	found := 0
	for i := range c.s.commands {
		x := &c.s.commands[i]
		if like(x.cmd) && c.s.text(x) == text {
			if found++; found == 2 {
				return x.off
			}
		}
	}
	return c.s.headerSize()
}
