package audit

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/pe"
)

// A peReader reads PE files, of Windows.
type peReader struct{}

func (peReader) has(c linkage.Content) bool {
	_, ok := c.(*pe.File)
	return ok
}

func (peReader) recognizes(head []byte) (is, firm bool) {
	return bytes.HasPrefix(head, []byte("MZ")), false
}

func (peReader) damaged(err error) bool { return errors.As(err, new(*pe.FormatError)) }

// read reads an image. Programs for DOS and data are named if they are called like what
// they are not; so are damaged files where the wheel says that it is for another system. What holds
// nothing but code of .NET is data: Windows loads none of it for a module. Programs in a
// wheel for any platform are data, too: launchers that are copied out.
func (p peReader) read(c *Contents, member string, image *spool.Content) (finding, error) {
	f, err := pe.NewFile(image, image.Size())
	if err == nil {
		err = c.imported.add(f)
	}
	switch named := calledWindowsFile(member); {
	case errors.Is(err, pe.ErrNotPE) && calledWindowsLibrary(member):
		return finding{kind: notPE}, nil
	case errors.Is(err, pe.ErrNotPE) && named:
		return finding{kind: "PE"}, nil
	case errors.Is(err, pe.ErrNotPE), p.damaged(err) && !named: // two bytes do not make a binary
		return finding{}, nil
	}
	if err != nil && !c.forWindows() && (len(c.tagSystems()) > 0 || !calledWindowsLibrary(member)) {
		return finding{kind: "PE"}, unlessFault(err, p.damaged)
	}
	if err != nil {
		return finding{}, err
	}
	managed, err := f.ILOnly()
	switch {
	case err != nil:
		return finding{}, err
	case managed:
		return finding{kind: ".NET assembly"}, nil
	case !f.IsDLL() && len(c.tagSystems()) == 0:
		return finding{kind: "PE"}, nil
	}
	return finding{binary: f}, nil
}

// unlessFault drops an error about the bytes of a file, or about a limit on them.
func unlessFault(err error, damaged func(error) bool) error {
	if damaged(err) || errors.As(err, new(*budget.Error)) {
		return nil
	}
	return err
}

func (peReader) system(*Binary, []OS) OS { return OSWindows }

func (peReader) tree(ctx context.Context, s *Tree, c *Contents, opts TreeOptions) error {
	files := c.of(PE)
	if len(files) == 0 {
		return nil
	}
	g, err := linkage.Resolve(ctx, membersOf(files), c.forLoader(opts.Options))
	if err != nil {
		return err
	}
	s.addProcesses(g, PE)
	return errors.Join(g.ReadError(), g.Close())
}

// load takes a file that lies on this machine for one of any Python.
func (peReader) load(ctx context.Context, s *treeReader, name string) error {
	opts := s.options
	opts.Windows.Owner = ownerFor(nil, opts.Graft)
	g, err := linkage.LoadWindows(ctx, name, opts)
	if err != nil {
		return err
	}
	s.tree.addProcesses(g, PE)
	return errors.Join(g.ReadError(), g.Close())
}

func (peReader) describe(*linkage.Image, *Node) {}

// PE returns what a PE file is to its own package, nil for others.
func (b *Binary) PE() *pe.File {
	f, _ := b.Content.(*pe.File)
	return f
}

// An importCount counts what PE files import, which are read at the same time, and kept.
// The zero value is ready.
type importCount struct{ libraries, symbols atomic.Int64 }

// add counts those of a file, which the caller names.
func (c *importCount) add(f *pe.File) error {
	plain, err := f.Imports()
	if err != nil {
		return err
	}
	delayed, err := f.DelayImports()
	if err != nil {
		return err
	}
	libraries, symbols := len(plain)+len(delayed), 0
	for _, list := range [][]pe.Import{plain, delayed} {
		for _, d := range list {
			symbols += len(d.Symbols)
		}
	}
	if err := budget.Check("", "libraries that all PE files import", int(c.libraries.Add(int64(libraries))), maxNeeded); err != nil {
		return err
	}
	return budget.Check("", "symbols that all PE files import", int(c.symbols.Add(int64(symbols))), maxImported)
}
