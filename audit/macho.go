package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// A machOReader reads Mach-O files, of macOS and iOS.
type machOReader struct{}

func (machOReader) has(c linkage.Content) bool {
	_, ok := c.(*macho.File)
	return ok
}

func (machOReader) recognizes(head []byte) (is, firm bool) { return macho.IsMagic(head), false }

func (machOReader) damaged(err error) bool { return errors.As(err, new(*macho.FormatError)) }

// read reads an image. Object files and the like, which dyld does not
// load, are named, unless one has the name of a library: then nothing can load it. So
// are damaged files, unless the wheel says that it is for macOS.
func (m machOReader) read(c *Contents, member string, image *spool.Content) (finding, error) {
	file, err := macho.NewFile(image, image.Size())
	switch {
	case errors.Is(err, macho.ErrArchive):
		return finding{kind: "static archive"}, nil
	case err != nil && !c.forMacOS() && m.damaged(err):
		return finding{kind: "Mach-O"}, nil
	case err != nil:
		return finding{}, err
	}
	if err := c.commands.add(file); err != nil {
		return finding{}, err
	}
	if slices.ContainsFunc(file.Slices, loadable) {
		return finding{binary: file}, nil
	}
	t := file.Slices[0].Type
	if calledBinary(member) && c.forMacOS() {
		const fileType = 12 // offset of the field
		return finding{}, &macho.FormatError{Off: file.Slices[0].Off + fileType, Rule: fmt.Sprintf("it is called like a library, and is of a kind that dyld does not load: %s (%v)", machOKind(t), t)}
	}
	return finding{kind: machOKind(t)}, nil
}

// loadable reports whether dyld could be asked to load the slice.
func loadable(s *macho.Slice) bool { return s.Type.Loadable() }

// machOKinds name files that dyld does not load.
var machOKinds = map[macho.FileType]string{
	macho.Object: "object file", macho.DSYM: "debug symbols", macho.Core: "core file", macho.Stub: "library stub", macho.Kext: "kernel extension",
}

func machOKind(t macho.FileType) string {
	if kind, ok := machOKinds[t]; ok {
		return "Mach-O " + kind
	}
	return "Mach-O " + t.String()
}

// system: iOS when no slice is for macOS
// and one is for a system of Apple's phones (PLATFORM_IOS, PLATFORM_IOSSIMULATOR).
// Mac Catalyst and other systems are told apart where slices are held to tags.
func (machOReader) system(b *Binary, _ []OS) OS {
	const ios, iosSimulator = 2, 7
	phone := false
	for _, s := range b.MachO().Slices {
		if s.Platform != ios && s.Platform != iosSimulator {
			return OSMacOS
		}
		phone = true
	}
	if phone {
		return OSIOS
	}
	return OSMacOS
}

func (machOReader) tree(ctx context.Context, s *Tree, c *Contents, opts TreeOptions) error {
	g, err := linkage.Resolve(ctx, membersOf(c.of(MachO)), opts.Options)
	if err != nil {
		return err
	}
	s.addProcesses(g, MachO)
	return errors.Join(g.ReadError(), g.Close())
}

func (machOReader) load(ctx context.Context, s *treeReader, name string) error {
	g, err := linkage.LoadDyld(ctx, name, s.options)
	if err != nil {
		return err
	}
	if slices := g.Members[0].MachO().Slices; !loadable(slices[0]) {
		s.tree.Unlinked = append(s.tree.Unlinked, newForeign(name, machOKind(slices[0].Type)))
	} else {
		s.tree.addProcesses(g, MachO)
	}
	return errors.Join(g.ReadError(), g.Close())
}

func (machOReader) describe(i *linkage.Image, n *Node) {
	n.RPath = strings.Join(i.Slice().RPaths, ":")
}

// MachO returns what a Mach-O file is to its own package, nil for others.
func (b *Binary) MachO() *macho.File {
	f, _ := b.Content.(*macho.File)
	return f
}

// MachOFiles returns the regular files below a directory that dyld could be asked to
// load, sorted. Links are not followed. A damaged one is an error that names it.
func MachOFiles(ctx context.Context, dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return errors.Join(err, ctx.Err())
		}
		takes, err := dyldTakes(at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if takes {
			files = append(files, at)
		}
		return ctx.Err()
	})
	return files, err
}

// dyldTakes reports whether a file has a slice that dyld could be asked to load.
func dyldTakes(name string) (bool, error) {
	head, err := readHead(name)
	if err != nil || !macho.IsMagic(head) {
		return false, err
	}
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	file, err := macho.NewFile(f, info.Size())
	if errors.Is(err, macho.ErrNotMachO) || errors.Is(err, macho.ErrArchive) {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(file.Slices, loadable), err
}

// A commandCount counts the load commands of Mach-O files, which are read at the same
// time, and kept. The zero value is ready.
type commandCount struct{ n atomic.Int64 }

// add counts those of a file, which the caller names.
func (c *commandCount) add(f *macho.File) error {
	n := 0
	for _, s := range f.Slices {
		n += s.CommandCount()
	}
	return budget.Check("", "load commands in all Mach-O files", int(c.n.Add(int64(n))), maxCommands)
}
