package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wheelmend/wheelmend/internal/steady"
)

// An Image is an edited file, such as an overlay.Overlay.
type Image interface {
	Edited() bool // it differs from the original
	WriteFile(ctx context.Context, dst, src *os.File) error
}

// EditFile puts an edited image in the place of the file at a path, or where links lead
// from there: edit makes it of the file, and check has read it back before the name
// means it. An image that changes nothing is not written. Mode, owner and attributes stay
// as far as this process may set them; other names of the file (hard links) keep the old
// one. Errors name the path.
func EditFile[I Image](ctx context.Context, path string, edit func(*steady.Reader) (I, error), check func(I, *os.File) error) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	old, err := steady.OpenRegular(real)
	if err != nil {
		return err
	}
	defer old.Close() // only read
	info, err := old.Stat()
	if err != nil {
		return err
	}
	edited, err := edit(steady.NewReader(old, info.Size()))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !edited.Edited() {
		return nil
	}
	_, err = Replace(real, old, func(f *os.File) error {
		return errors.Join(edited.WriteFile(ctx, f, old), steady.Same(info, old))
	}, func(f *os.File) error { return check(edited, f) })
	return err
}
