package linkage

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/macho"
)

// A dyld is the loader of Mach-O files.
type dyld struct {
	*engine
	byFold map[string][]*File        // members by where they are installed, in lower case
	tried  map[*Need]map[string]bool // rpaths, by text, on which a library is not
	byID   map[string][]*File        // members by install name
	byLeaf map[string][]*File        // members by what they are called, see leaf
	called map[calledAs]*namesakes   // members that libraries may mean

	triedBy map[triedBy]bool
}

// newDyld returns the loader of a system, which knows no file.
func newDyld(root Root, opts Options) *dyld {
	disk := newDisk(parseMachO, maxOpen)
	disk.closed, disk.fold, disk.pool.Through = opts.WheelOnly, true, opts.Through
	d := &dyld{engine: newEngine(root, disk, opts), byFold: map[string][]*File{}, tried: map[*Need]map[string]bool{}, triedBy: map[triedBy]bool{}}
	d.loader = d
	return d
}

func parseMachO(in io.ReaderAt, size int64) (Content, string, error) {
	file, err := macho.NewFile(in, size)
	rule := (*macho.FormatError)(nil)
	switch {
	case err == nil:
		return file, "", nil
	case errors.Is(err, macho.ErrNotMachO):
		return nil, "not Mach-O", nil
	case errors.Is(err, macho.ErrArchive) || errors.As(err, &rule):
		return nil, err.Error(), nil
	}
	return nil, "", err
}

// isMachO reports whether members are Mach-O files.
func isMachO(members []Member) bool {
	if len(members) == 0 {
		return false
	}
	_, ok := members[0].Content.(*macho.File)
	return ok
}

// Image returns the image for an architecture: dyld loads x86_64 code into an
// x86_64h process, and for the rest what is asked for.
func (f *File) Image(arch string) *Image {
	var second *Image
	for _, i := range f.Images {
		switch {
		case i.Arch == arch:
			return i
		case arch == "x86_64h" && i.Arch == "x86_64":
			second = i
		}
	}
	return second
}

// MachO returns what the file is to its own package, nil if it is in another format.
func (f *File) MachO() *macho.File {
	file, _ := f.Content.(*macho.File)
	return file
}

// Slice returns the code of an image of a Mach-O file, nil if it is in another format.
func (i *Image) Slice() *macho.Slice {
	s, _ := i.Code.(*macho.Slice)
	return s
}

// dylibKinds translates the kinds of load commands.
var dylibKinds = map[macho.DylibKind]Kind{macho.Weak: Weak, macho.Reexport: Reexport, macho.Upward: Upward, macho.Lazy: Lazy}

func (d *dyld) images(f *File) (needs int, err error) {
	file := f.MachO()
	f.Universal = file.Fat
	for _, s := range file.Slices {
		image := &Image{File: f, Arch: s.Arch.String(), Name: s.ID, Code: s}
		image.build = func() build { return build{strings.Trim(s.UUID, "0-"), s.Off, s.Size} }
		for _, l := range s.Dylibs {
			image.Needs = append(image.Needs, &Need{Name: l.Name, Kind: dylibKinds[l.Kind]})
		}
		f.Images = append(f.Images, image)
		needs += len(s.Dylibs)
		err = errors.Join(err, checkSlice(f.Path, s))
	}
	if f.InWheel {
		fold := strings.ToLower(f.install)
		d.byFold[fold] = append(d.byFold[fold], f)
	}
	return needs, err
}

// checkSlice holds a slice to the limits.
func checkSlice(name string, s *macho.Slice) error {
	bytes, names := 0, 0
	for _, p := range s.RPaths {
		bytes += len(p)
	}
	for _, d := range s.Dylibs {
		names += len(d.Name)
	}
	for _, limit := range []struct {
		what    string
		n, most int
	}{
		{"libraries (LC_LOAD_DYLIB) in a slice", len(s.Dylibs), maxNeeded},
		{"bytes of names of libraries (LC_LOAD_DYLIB) in a slice", names, maxNeededBytes},
		{"search paths (LC_RPATH) in a slice", len(s.RPaths), maxPathEntries},
		{"bytes of search paths (LC_RPATH) in a slice", bytes, maxPathBytes},
	} {
		if err := budget.Check(name, limit.what, limit.n, limit.most); err != nil {
			return err
		}
	}
	return nil
}

func (d *dyld) order() []*Image { return Images(d.graph.Members) }

// chain makes the LC_RPATHs of an image and of all that led to it count (dyld(1),
// "@rpath").
func (d *dyld) chain(image *Image, by *chain) *chain {
	c := &chain{image: image, up: by}
	if by != nil {
		c.program = by.program
	} else if image.Slice().Type == macho.Execute {
		c.program = image
	}
	return c
}

// unsettled reports whether another way to the image may find the library, or the rule
// that leads to it where it is left out.
func (d *dyld) unsettled(n *Need) bool {
	return n.Status == Missing || n.Status == Excluded && n.Rule.Kind == NoRule
}

// byName settles what is macOS's own, and what files that are no libraries need.
func (d *dyld) byName(c *chain, n *Need) {
	switch {
	case IsMacSystem(n.Name):
		n.Status, n.Rule = System, Rule{Kind: PartOfMacOS}
		if clean := path.Clean(n.Name); clean != n.Name {
			n.SystemName = clean
		}
	case d.opts.Dyld.DylibsOnly && c.image.member() && !IsDylibName(c.image.Path):
		n.Status = Excluded
	}
}

// refuses takes what is a library for macOS and has the architecture.
func (d *dyld) refuses(from *Image, f *File) (*Image, string) {
	to := f.Image(from.Arch)
	if to == nil {
		var archs []string
		for _, i := range f.Images {
			archs = append(archs, i.Arch)
		}
		return nil, fmt.Sprintf("%s, not %v", strings.Join(archs, " and "), from.Arch)
	}
	switch s := to.Slice(); {
	case s.Type == macho.Bundle:
		return nil, "a bundle, not a library (MH_BUNDLE)"
	case s.Type != macho.DyLib:
		return nil, fmt.Sprintf("not a library (%v)", s.Type)
	case s.Platform != 0 && s.Platform != macho.PlatformMacOS:
		return nil, "built for " + macho.PlatformName(s.Platform) + ", not for macOS"
	}
	return to, ""
}

// IsDylibName reports whether a file has one of the names by which libraries and
// modules are known.
func IsDylibName(name string) bool {
	return strings.HasSuffix(name, ".so") || strings.HasSuffix(name, ".dylib")
}

// insists reports whether the user wants the library copied that was found.
func (d *dyld) insists(n *Need) bool {
	names := d.graph.PatternNames(n.Name)
	if n.To != nil {
		names = slices.Concat(names, d.graph.PatternNames(n.To.Path), d.graph.PatternNames(n.To.real))
	}
	return d.graph.matchesAny(d.opts.Graft, names)
}
