package macho

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/overlay"
)

// ErrArchive reports a fat file whose parts are static archives, as universal
// libraries to link with are. dyld loads none of them, so it is an [ErrNotMachO].
var ErrArchive = fmt.Errorf("%w, but static archives behind a fat header", ErrNotMachO)

// archiveMagic begins a static archive (<ar.h>, ARMAG).
const archiveMagic = "!<arch>\n"

// areArchives reports whether all parts of a fat file are static archives.
func areArchives(r io.ReaderAt, entries []fatArch) (bool, error) {
	for _, e := range entries {
		head := make([]byte, min(e.size, int64(len(archiveMagic))))
		if n, err := r.ReadAt(head, e.off); n < len(head) {
			return false, fmt.Errorf("offset %#x: %w", e.off, err)
		}
		if string(head) != archiveMagic {
			return false, nil
		}
	}
	return true, nil
}

// ArchiveArch returns the architecture of the objects in a thin static archive of
// size bytes. Members that are neither Mach-O objects nor bitcode, such as those of
// another compiler's own format, are an error: nobody could tell what they are for.
func ArchiveArch(r io.ReaderAt, size int64) (Arch, error) {
	head, err := readExact(r, 0, int64(len(archiveMagic)), size)
	switch {
	case err != nil:
		return Arch{}, err
	case string(head) != archiveMagic:
		return Arch{}, formatErr(0, "a static archive begins with %q, not with %q", archiveMagic, head)
	}
	var found *Arch
	for at := int64(len(archiveMagic)); at < size; {
		m, err := readArchiveMember(r, at, size)
		if err != nil {
			return Arch{}, err
		}
		switch {
		case m.arch == nil && !m.symbols:
			return Arch{}, formatErr(at, "the archive member %q is neither a Mach-O object nor bitcode", m.name)
		case m.arch != nil && found != nil && *found != *m.arch:
			return Arch{}, formatErr(at, "the archive member %q is for %v, those before it for %v", m.name, m.arch, found)
		case m.arch != nil:
			found = m.arch
		}
		at = m.end
	}
	if found == nil {
		return Arch{}, formatErr(0, "the archive holds no object")
	}
	return *found, nil
}

// An archiveMember is one file in a static archive (<ar.h>, ar_hdr).
type archiveMember struct {
	name    string
	arch    *Arch // nil if it is neither a Mach-O object nor bitcode
	symbols bool  // a table of contents (ranlib) or of long names
	end     int64 // where the next one begins
}

const archiveHeaderSize = 60

func readArchiveMember(r io.ReaderAt, at, size int64) (archiveMember, error) {
	head, err := readExact(r, at, archiveHeaderSize, size)
	if err != nil {
		return archiveMember{}, err
	}
	length, err := strconv.ParseUint(strings.TrimRight(string(head[48:58]), " "), 10, 40)
	if err != nil || string(head[58:]) != "`\n" {
		return archiveMember{}, formatErr(at, "no archive member begins here")
	}
	begin := at + archiveHeaderSize
	m := archiveMember{name: strings.TrimRight(string(head[:16]), " "), end: begin + int64(length) + int64(length%2)}
	if begin+int64(length) > size {
		return archiveMember{}, formatErr(at+48, "the archive member has %d bytes, past the end of the file (%#x bytes); it looks truncated", length, size)
	}
	if digits, ok := strings.CutPrefix(m.name, "#1/"); ok { // the name stands in front of the content
		n, err := strconv.ParseUint(digits, 10, 12)
		if err != nil || n > length {
			return archiveMember{}, formatErr(at, "the archive member's name is %q, which has no room in its %d bytes", m.name, length)
		}
		name, err := readExact(r, begin, int64(n), size)
		if err != nil {
			return archiveMember{}, err
		}
		m.name = cString(name)
		begin, length = begin+int64(n), length-n
	}
	m.symbols = strings.HasPrefix(m.name, "__.SYMDEF") || m.name == "/" || m.name == "//" || m.name == "/SYM64/"
	m.arch = bitcodeArch(io.NewSectionReader(r, begin, int64(length)), int64(length))
	if s := (&Slice{Size: int64(length), r: io.NewSectionReader(r, begin, int64(length))}); s.readHeader() == nil {
		m.arch = &s.Arch
	}
	return m, nil
}

// MergeArchives returns a fat file with thin static archives, each for one
// architecture, in their order, as lipo(1) makes it.
func MergeArchives(archives ...*io.SectionReader) (*overlay.Overlay, error) {
	var parts []part
	for _, a := range archives {
		arch, err := ArchiveArch(a, a.Size())
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(parts, func(p part) bool { return p.arch == arch }) {
			return nil, fmt.Errorf("two of the archives have %v code", arch)
		}
		parts = append(parts, part{arch: arch, sub: arch.Sub, r: a, size: a.Size()})
	}
	return joinParts(parts, archiveAlign), nil
}

const archiveAlign = 3 // as a power of two, as lipo(1) has it
