package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/magic"
	"github.com/wheelmend/wheelmend/internal/overlay"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/macho"
)

// An image is what patch needs to know of a file format.
type image interface {
	// edit returns the edited file. A request that makes no sense for the format
	// is a usage error.
	edit(ctx context.Context, edits []request) (*overlay.Overlay, error)
	// print returns the lines that the flag asks for.
	print(flag string) ([]string, error)
	// check compares what is written with the edited file.
	check(edited *overlay.Overlay, written *os.File) error
	// notes returns what an edit costs, such as a signature made with a
	// certificate.
	notes(edited *overlay.Overlay) ([]string, error)
}

// A binary is an ELF or Mach-O file on disk.
type binary struct {
	image
	f    *os.File
	info fs.FileInfo
	path string // with links resolved
}

// openBinary opens the file that path names. Errors do not repeat the path.
func openBinary(path string) (*binary, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, reason(err)
	}
	if err := regular(real); err != nil {
		return nil, err
	}
	f, err := steady.OpenRegular(real)
	if err != nil {
		return nil, reason(err)
	}
	b := &binary{f: f, path: real}
	if b.info, err = f.Stat(); err == nil {
		b.image, err = readImage(steady.NewReader(f, b.info.Size()), filepath.Base(path))
	}
	if err != nil {
		f.Close() // read only: nothing to lose
		return nil, err
	}
	return b, nil
}

// regular refuses what is there and no regular file. It is asked before a file
// is opened, which would wait for someone who writes to a FIFO.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return reason(err)
	case info.IsDir():
		return errors.New("it is a directory")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	}
	return nil
}

// reason leaves path and system call out of an error.
func reason(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	if se := (*os.SyscallError)(nil); errors.As(err, &se) {
		err = se.Err
	}
	return err
}

// readImage reads a file as what its magic number says.
func readImage(f *steady.Reader, name string) (image, error) {
	size := f.Size()
	file, err := elf.NewFile(f, size)
	if !errors.Is(err, elf.ErrNotELF) {
		return elfImage{file}, err
	}
	fat, err := macho.NewFile(f, size)
	if !errors.Is(err, macho.ErrNotMachO) {
		return machoImage{fat, name}, err
	}
	head := make([]byte, min(size, magic.HeadSize))
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, err
	}
	kind := magic.Describe(head)
	if kind == "" {
		return nil, errors.New("it is neither an ELF nor a Mach-O file, which patch edits")
	}
	return nil, fmt.Errorf("it is %s; patch edits ELF and Mach-O files", kind)
}

// patch edits one file, or prints what it is asked to.
func (a *app) patch(ctx context.Context, path string, f *patchFlags) error {
	b, err := openBinary(path)
	if err != nil {
		return err
	}
	defer b.f.Close()
	if len(f.prints) > 0 {
		return a.printAll(b, f.prints)
	}
	edited, err := b.edit(ctx, f.edits)
	if err != nil {
		return err
	}
	target, err := f.target(b)
	if err != nil {
		return err
	}
	log := a.log.WithField("file", path)
	if target == b.path && !edited.Edited() {
		log.Info("unchanged: it is as asked for already")
		return nil
	}
	if err := warnNotes(log, b, edited); err != nil {
		return err
	}
	a.sweep(filepath.Dir(target))
	if target == b.path {
		return a.replace(ctx, path, b, edited)
	}
	if err := atomicfile.Write(target, b.info.Mode().Perm(), b.fill(ctx, edited), b.checkWritten(edited)); err != nil {
		return fmt.Errorf("--output %s: %w", f.output, reason(err))
	}
	return nil
}

// warnNotes tells what the edit costs.
func warnNotes(log *logrus.Entry, b *binary, edited *overlay.Overlay) error {
	notes, err := b.notes(edited)
	for _, note := range notes {
		log.Warn(note)
	}
	return err
}

// target returns where the result goes. A symbolic link that leads to the input is
// the input; any other is replaced by the result, which goes nowhere but where the
// user said.
func (f *patchFlags) target(b *binary) (string, error) {
	if f.output == "" {
		return b.path, nil
	}
	info, err := os.Lstat(f.output)
	if errors.Is(err, fs.ErrNotExist) {
		return f.output, nil
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(f.output); err == nil {
			if same, err := samePath(real, b.path); err != nil || same {
				return b.path, err
			}
		}
		return f.output, nil
	}
	if err == nil {
		err = regular(f.output)
	}
	if err != nil {
		return "", fmt.Errorf("--output %s: %w", f.output, reason(err))
	}
	real, err := filepath.EvalSymlinks(f.output)
	if err != nil {
		return "", fmt.Errorf("--output %s: %w", f.output, reason(err))
	}
	if same, err := samePath(real, b.path); err != nil || same {
		return b.path, err
	}
	return real, nil
}

func samePath(a, b string) (bool, error) {
	a, err := filepath.Abs(a)
	if err != nil {
		return false, err
	}
	b, err = filepath.Abs(b)
	return a == b, err
}

// replace puts the edited image in the place of the file.
func (a *app) replace(ctx context.Context, name string, b *binary, edited *overlay.Overlay) error {
	if err := writable(b.path); err != nil {
		return fmt.Errorf("%w: it may not be written to; make it writable, or name another file with -o", reason(err))
	}
	lost, err := atomicfile.Replace(b.path, b.f, b.fill(ctx, edited), b.checkWritten(edited))
	if err != nil {
		return fmt.Errorf("it cannot be replaced: %w", reason(err))
	}
	log := a.log.WithField("file", name)
	for _, attribute := range lost {
		log.Warnf("its %s could not be kept: this process may not set it", attribute)
	}
	if n := links(b.info); n > 1 {
		log.Warnf("it had %d names (hard links): the others keep the file as it was", n)
	}
	return nil
}

// fill writes the edited image.
func (b *binary) fill(ctx context.Context, edited *overlay.Overlay) func(*os.File) error {
	return func(f *os.File) error {
		err := edited.WriteFile(ctx, f, b.f)
		if err == nil {
			err = steady.Same(b.info, b.f)
		}
		if errors.Is(err, context.Canceled) {
			return errors.New("interrupted; nothing has changed")
		}
		return reason(err) // the file has no name yet
	}
}

func (b *binary) checkWritten(edited *overlay.Overlay) func(*os.File) error {
	return func(f *os.File) error { return b.check(edited, f) }
}
