package elf

import (
	"context"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/overlay"
)

// EditFile edits the ELF file at a path, or where links lead from there. The file is
// replaced in one step, when the new one has been written and read back; an edit that is
// refused leaves it as it is, and one that changes nothing does not touch it. Errors are
// those of [NewFile] and [File.Edit], with the path, and of the file system.
func EditFile(ctx context.Context, path string, edits ...Edit) error {
	return atomicfile.EditFile(ctx, path, func(r *steady.Reader) (*overlay.Overlay, error) {
		f, err := NewFile(r, r.Size())
		if err != nil {
			return nil, err
		}
		return f.Edit(ctx, edits...)
	}, CheckWritten)
}
