package linkage

import (
	stdelf "debug/elf"
	"encoding/hex"
	"io"

	"github.com/wheelmend/wheelmend/elf"
)

// maxNote bounds how much of a note segment is read, in bytes.
const maxNote = 1 << 16

// buildID returns the build ID of a file in hex, "" if it has none. It is the note
// NT_GNU_BUILD_ID (3) of owner "GNU" (gABI ch. 5, Note Section; ld --build-id).
func buildID(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type != stdelf.PT_NOTE {
			continue
		}
		buf := make([]byte, min(p.Filesz, maxNote))
		n, err := f.ReadAt(buf, int64(p.Off))
		if err != nil && err != io.EOF {
			continue
		}
		if id := buildIDNote(buf[:n], f, p.Align); id != "" {
			return id
		}
	}
	return ""
}

// buildIDNote looks through the notes of a segment.
func buildIDNote(notes []byte, f *elf.File, align uint64) string {
	const header, buildIDType = 12, 3
	if align < 8 {
		align = 4
	}
	pad := func(n uint64) uint64 { return (n + align - 1) / align * align }
	for len(notes) >= header {
		name := uint64(f.Order.Uint32(notes))
		desc := uint64(f.Order.Uint32(notes[4:]))
		kind := f.Order.Uint32(notes[8:])
		at := pad(header + name)
		end := at + desc
		if end > uint64(len(notes)) {
			return ""
		}
		if kind == buildIDType && string(notes[header:header+name]) == "GNU\x00" && desc > 0 {
			return hex.EncodeToString(notes[at:end])
		}
		notes = notes[min(pad(end), uint64(len(notes))):]
	}
	return ""
}
