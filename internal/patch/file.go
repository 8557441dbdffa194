package patch

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
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/magic"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/pe"
	"github.com/wheelmend/wheelmend/report"
)

// A Call is what is asked of a file.
type Call struct {
	Edits  []Request // in the order in which they are asked for
	Prints []string  // likewise, the names of flags
	Output string    // the file to write, "" for the same
	Named  bool      // what is printed begins with the name of the file
}

// A Request is a flag that asks for an edit, and its value. What it means is up to
// the format of the file.
type Request struct{ Flag, Value string }

// EveryEntry is the value of --remove-rpath without one.
const EveryEntry = "*"

// ErrAbsent is what [Image.Print] returns, with the reason, for what a file does not have.
var ErrAbsent = errors.New("it has no")

// printAll prints what is asked for, in that order, each line with the prefix. What the
// file does not have is no line.
func (b *Binary) printAll(c *console.Console, prefix string, prints []string) error {
	for _, flag := range prints {
		lines, err := b.Print(flag)
		if err != nil && !errors.Is(err, ErrAbsent) {
			return err
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(c.Stdout, report.Clean(prefix+line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// An Image is what patch needs to know of a file format.
type Image interface {
	// edit returns the edited file. A request that makes no sense for the format
	// is a usage error.
	edit(ctx context.Context, edits []Request) (*overlay.Overlay, error)
	// print returns the lines that the flag asks for.
	Print(flag string) ([]string, error)
	// check compares what is written with the edited file.
	check(edited *overlay.Overlay, written *os.File) error
	// notes returns what an edit costs, such as a signature made with a
	// certificate.
	notes(edited *overlay.Overlay) ([]string, error)
}

// A Binary is an ELF, Mach-O or PE file on disk.
type Binary struct {
	Image
	f    *os.File
	info fs.FileInfo
	path string // with links resolved
}

// Open opens the file that path names. Errors do not repeat the path.
func Open(path string) (*Binary, error) {
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
	b := &Binary{f: f, path: real}
	if b.info, err = f.Stat(); err == nil {
		b.Image, err = readImage(steady.NewReader(f, b.info.Size()), filepath.Base(path))
	}
	if err != nil {
		f.Close() // read only: nothing to lose
		return nil, err
	}
	return b, nil
}

// Close closes the file, which was only read.
func (b *Binary) Close() { _ = b.f.Close() }

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
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if se := (*os.SyscallError)(nil); errors.As(err, &se) {
		err = se.Err
	}
	return err
}

// readImage reads a file as what its magic number says.
func readImage(f *steady.Reader, name string) (Image, error) {
	size := f.Size()
	file, err := elf.NewFile(f, size)
	if !errors.Is(err, elf.ErrNotELF) {
		return ELF{file}, err
	}
	fat, err := macho.NewFile(f, size)
	if !errors.Is(err, macho.ErrNotMachO) {
		return machoImage{fat, name}, err
	}
	image, err := pe.NewFile(f, size)
	if !errors.Is(err, pe.ErrNotPE) {
		return peImage{image}, err
	}
	head := make([]byte, min(size, magic.HeadSize))
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, err
	}
	kind := magic.Describe(head)
	if kind == "" {
		return nil, errors.New("it is neither an ELF nor a Mach-O or PE file, which patch edits")
	}
	return nil, fmt.Errorf("it is %s; patch edits ELF, Mach-O and PE files", kind)
}

// File edits one file, or prints what it is asked to.
func File(ctx context.Context, c *console.Console, path string, f *Call) error {
	b, err := Open(path)
	if err != nil {
		return err
	}
	defer b.Close()
	if len(f.Prints) > 0 {
		prefix := ""
		if f.Named {
			prefix = path + ": "
		}
		return b.printAll(c, prefix, f.Prints)
	}
	edited, err := b.edit(ctx, f.Edits)
	if err != nil {
		return err
	}
	target, err := f.target(b)
	if err != nil {
		return err
	}
	log := c.Log.WithField("file", path)
	if target == b.path && !edited.Edited() {
		log.Info("unchanged: it is as asked for already")
		return nil
	}
	if err := warnNotes(log, b, edited); err != nil {
		return err
	}
	c.Sweep(filepath.Dir(target))
	if target == b.path {
		return b.replace(ctx, c, path, edited)
	}
	if err := atomicfile.Write(target, b.info.Mode().Perm(), b.fill(ctx, edited), b.checkWritten(edited)); err != nil {
		return fmt.Errorf("--output %s: %w", f.Output, reason(err))
	}
	return nil
}

// warnNotes tells what the edit costs.
func warnNotes(log *logrus.Entry, b *Binary, edited *overlay.Overlay) error {
	notes, err := b.notes(edited)
	for _, note := range notes {
		log.Warn(note)
	}
	return err
}

// target returns where the result goes. A symbolic link that leads to the input is
// the input; any other is replaced by the result, which goes nowhere but where the
// user said.
func (f *Call) target(b *Binary) (string, error) {
	if f.Output == "" {
		return b.path, nil
	}
	info, err := os.Lstat(f.Output)
	if errors.Is(err, fs.ErrNotExist) {
		return f.Output, nil
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(f.Output); err == nil {
			if same, err := samePath(real, b.path); err != nil || same {
				return b.path, err
			}
		}
		return f.Output, nil
	}
	if err == nil {
		err = regular(f.Output)
	}
	if err != nil {
		return "", fmt.Errorf("--output %s: %w", f.Output, reason(err))
	}
	real, err := filepath.EvalSymlinks(f.Output)
	if err != nil {
		return "", fmt.Errorf("--output %s: %w", f.Output, reason(err))
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
func (b *Binary) replace(ctx context.Context, c *console.Console, name string, edited *overlay.Overlay) error {
	if err := writable(b.path); err != nil {
		return fmt.Errorf("%w: it may not be written to; make it writable, or name another file with -o", reason(err))
	}
	lost, err := atomicfile.Replace(b.path, b.f, b.fill(ctx, edited), b.checkWritten(edited))
	if err != nil {
		return fmt.Errorf("it cannot be replaced: %w", reason(err))
	}
	log := c.Log.WithField("file", name)
	for _, attribute := range lost {
		log.Warnf("its %s could not be kept: this process may not set it", attribute)
	}
	if n := links(b.info); n > 1 {
		log.Warnf("it had %d names (hard links): the others keep the file as it was", n)
	}
	return nil
}

// fill writes the edited image.
func (b *Binary) fill(ctx context.Context, edited *overlay.Overlay) func(*os.File) error {
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

func (b *Binary) checkWritten(edited *overlay.Overlay) func(*os.File) error {
	return func(f *os.File) error { return b.check(edited, f) }
}
