package macho

import (
	"fmt"
	"io"
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
			return false, fmt.Errorf("macho: offset %#x: %w", e.off, err)
		}
		if string(head) != archiveMagic {
			return false, nil
		}
	}
	return true, nil
}
