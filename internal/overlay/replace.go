package overlay

import (
	"context"
	"errors"
	"os"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// ReplaceFile puts an edited image in the place of the file at a path without links,
// which it was read from: check has read it back before the name means it, and mode,
// owner and attributes stay as far as this process may set them. The file has to be what
// it was. Other names of it (hard links) keep the old one.
func (o *Overlay) ReplaceFile(ctx context.Context, path string, old *os.File, check func(*os.File) error) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	_, err = atomicfile.Replace(path, old, func(f *os.File) error {
		return errors.Join(o.WriteFile(ctx, f, old), steady.Same(info, old))
	}, check)
	return err
}
