package audit

import (
	"bytes"
	"cmp"
	"context"
	stdelf "debug/elf"
	"errors"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/linkage"
)

// An elfReader reads ELF files, of Linux, Android and others.
type elfReader struct{}

func (elfReader) has(c linkage.Content) bool {
	_, ok := c.(*elf.File)
	return ok
}

func (elfReader) damaged(err error) bool { return errors.As(err, new(*elf.FormatError)) }

// recognizes goes by the magic number. A file is firm that goes on as an ELF file does:
// with a class, a byte order and the version (gABI ch. 4, ELF Identification).
func (elfReader) recognizes(head []byte) (is, firm bool) {
	known := func(b byte) bool { return b == 1 || b == 2 }
	is = bytes.HasPrefix(head, []byte("\x7fELF"))
	return is, len(head) > 6 && known(head[4]) && known(head[5]) && head[6] == 1
}

func (elfReader) read(c *Contents, member string, image *spool.Content) (finding, error) {
	f, err := elf.NewFile(image, image.Size())
	if err == nil {
		err = c.needed.add(f)
	}
	if err != nil {
		return finding{}, err
	}
	return finding{binary: f}, nil
}

func (elfReader) system(b *Binary, named []OS) OS {
	if s := OS(linkage.SystemOf(b.ELF())); s != "" {
		return s
	}
	for _, s := range named {
		if known, ok := systems[s]; !ok || known.format == ELF {
			return s
		}
	}
	return OSLinux
}

func (elfReader) tree(ctx context.Context, s *Tree, c *Contents, options TreeOptions) error {
	opts := options.Options
	opts.Libc = cmp.Or(string(wheelLibc(c)), linkage.Glibc)
	members := map[string][]linkage.Member{}
	var arches []string
	for _, b := range c.of(ELF) {
		if arch, _ := b.ELF().Arch(); arch == "" || !linked(b.ELF()) {
			s.Unlinked = append(s.Unlinked, newForeign(b.Member.Name, unlinkedKind(b.ELF())))
			continue
		}
		arch, _ := b.ELF().Arch()
		if members[arch] == nil {
			arches = append(arches, arch)
		}
		members[arch] = append(members[arch], linkage.Member{Name: b.Member.Name, Content: b.Content})
	}
	for _, arch := range arches {
		g, err := linkage.Resolve(ctx, members[arch], opts)
		if err != nil {
			return err
		}
		s.addProcesses(g, ELF)
		if err := errors.Join(g.ReadError(), g.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (elfReader) load(_ context.Context, s *treeReader, name string) error {
	g, err := s.loader.Load(name)
	if err != nil {
		return err
	}
	f := g.Members[0].Images[0].ELF()
	if !linked(f) {
		s.tree.Unlinked = append(s.tree.Unlinked, newForeign(name, unlinkedKind(f)))
		return g.ReadError()
	}
	s.tree.addProcesses(g, ELF)
	return g.ReadError()
}

func (elfReader) describe(i *linkage.Image, n *Node) {
	f := i.ELF()
	n.RPath, n.RunPath, n.Static = f.RPath(), f.RunPath(), static(f)
}

// static reports a program without a dynamic table, or one that relocates itself:
// a PIE (DF_1_PIE) that names no interpreter.
func static(f *elf.File) bool {
	if !f.Dynamic() {
		return true
	}
	const pie = 0x08000000
	flags, _ := f.DynValue(stdelf.DT_FLAGS_1)
	interp, err := f.Interpreter()
	return flags&pie != 0 && err == nil && interp == "" && len(f.Needed()) == 0
}

// linked reports whether a loader takes files of the kind at all.
func linked(f *elf.File) bool {
	return (f.Type == stdelf.ET_DYN || f.Type == stdelf.ET_EXEC) && !f.SeparateDebug()
}

// unlinkedKind names an ELF file that no loader takes.
func unlinkedKind(f *elf.File) string {
	if f.SeparateDebug() {
		return "debug information of another file"
	}
	switch f.Type {
	case stdelf.ET_REL:
		return "object file"
	case stdelf.ET_CORE:
		return "core dump"
	case stdelf.ET_DYN, stdelf.ET_EXEC:
		return "code for " + f.Machine.String()
	}
	return "ELF file of type " + f.Type.String()
}

// ELF returns what an ELF file is to its own package, nil for others.
func (b *Binary) ELF() *elf.File {
	f, _ := b.Content.(*elf.File)
	return f
}

// A neededCount counts the libraries that ELF files name, which are read at the same
// time, and kept. The zero value is ready.
type neededCount struct{ n, bytes atomic.Int64 }

// add counts those of a file, which the caller names.
func (c *neededCount) add(f *elf.File) error {
	if err := budget.Check("", "libraries (DT_NEEDED) in all files", int(c.n.Add(int64(f.NeededCount()))), maxNeeded); err != nil {
		return err
	}
	return budget.Check("", "bytes of names of libraries (DT_NEEDED) in all files", int(c.bytes.Add(int64(f.NeededBytes()))), maxNeededBytes)
}

// keepVersions counts the versions that a file needs and defines.
func (c *undefinedCount) keepVersions(f *elf.File) error {
	needs, err := f.VersionNeeds()
	if err != nil {
		return err
	}
	defs, err := f.VersionDefs()
	if err != nil {
		return err
	}
	bytes := 0
	for _, n := range needs {
		bytes += len(n.Library)
		for _, v := range n.Versions {
			bytes += len(v.Name)
		}
	}
	for _, d := range defs {
		bytes += len(d.Name)
	}
	return c.keep(bytes)
}
