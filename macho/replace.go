package macho

import (
	"context"
	"os"
	"path/filepath"

	"github.com/wheelmend/wheelmend/internal/steady"
)

// EditFile edits the Mach-O file at a path, or where links lead from there. The file is
// replaced in one step, when the new one has been written and read back; an edit that is
// refused leaves it as it is, and one that changes nothing does not touch it. Errors are
// those of [NewFile] and [File.Edit], and of the file system.
func EditFile(ctx context.Context, path string, opts Options, edits ...Edit) (err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	in, err := steady.OpenRegular(real)
	if err != nil {
		return err
	}
	defer in.Close() // only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	f, err := NewFile(steady.NewReader(in, info.Size()), info.Size())
	if err != nil {
		return err
	}
	edited, err := f.Edit(ctx, opts, edits...)
	if err != nil || !edited.Edited() {
		return err
	}
	return edited.ReplaceFile(ctx, real, in, func(written *os.File) error { return CheckWritten(edited, written) })
}
