package pe

import (
	"context"
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/overlay"
)

// An Edit is one change to an image, made by one of the constructors below and carried
// out by [File.Edit].
type Edit func(*draft) error

// A RefusedError tells why an image cannot be edited with certainty. Nothing is wrong
// with the image.
type RefusedError struct {
	Reason string
}

func (e *RefusedError) Error() string { return e.Reason }

func refuse(format string, args ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, args...)}
}

// A NotImportedError reports an edit of a library that the image does not load.
type NotImportedError struct {
	Name  string
	Delay bool // it was looked for among the delay imports
}

func (e *NotImportedError) Error() string {
	if e.Delay {
		return fmt.Sprintf("there is no delay import of %q", e.Name)
	}
	return fmt.Sprintf("there is no import of %q", e.Name)
}

// A draft is what the edited file shall say, without a word about where.
type draft struct {
	imports, delay []Import
	names, delayed map[int]string // new names, by index
	config         *LoadConfig
	flags          uint16
	setFlags       bool
}

// ReplaceImport gives every import of a library another name; old is compared without
// regard to case, as Windows does. Ordinals and symbols stay. A binding to addresses of
// the old library is taken out. The error of [File.Edit] is a [*NotImportedError] when
// there is no such import, and a [*RefusedError] when the new name is no file name.
func ReplaceImport(old, name string) Edit {
	return func(d *draft) error { return rename(d.imports, d.names, old, name, false) }
}

// ReplaceDelayImport is [ReplaceImport] for the libraries that are loaded when they are
// first called. Descriptors of Visual C++ 6, which hold addresses, are refused.
func ReplaceDelayImport(old, name string) Edit {
	return func(d *draft) error { return rename(d.delay, d.delayed, old, name, true) }
}

// SetDependentLoadFlags sets where Windows may look for what the image imports
// (LOAD_LIBRARY_SEARCH_*, see LoadLibraryEx); 0 leaves it to the process. An image
// whose load configuration has no such field takes 0 alone, which is what it means.
func SetDependentLoadFlags(flags uint16) Edit {
	return func(d *draft) error {
		if flags != 0 && (d.config == nil || !d.config.HasDependent) {
			return refuse("the image has no DependentLoadFlags that could be set")
		}
		d.flags, d.setFlags = flags, d.config != nil && d.config.DependentLoadFlags != flags
		return nil
	}
}

func rename(imports []Import, names map[int]string, old, name string, delay bool) error {
	if err := checkName(name); err != nil {
		return err
	}
	found := false
	for i, d := range imports {
		now := d.Name
		if given, ok := names[i]; ok {
			now = given
		}
		if !SameName(now, old) {
			continue
		}
		found = true
		if delay && d.VA && now != name {
			return refuse("the delay import of %q holds addresses, as Visual C++ 6 made it; it cannot be renamed", d.Name)
		}
		if names[i] = name; name == d.Name {
			delete(names, i)
		}
	}
	if !found {
		return &NotImportedError{old, delay}
	}
	return nil
}

// SameName reports whether Windows takes two names of libraries for the same one.
// Letters beyond ASCII do not appear in them.
func SameName(a, b string) bool {
	return len(a) == len(b) && lower(a) == lower(b)
}

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// checkName holds a new name to what every Windows takes as the name of a file in any
// code page: printable ASCII without separators and wildcards.
func checkName(name string) error {
	const longest = 255
	if name == "" || len(name) > longest || name == "." || name == ".." {
		return refuse("%q cannot be the name of a library: it wants 1 to %d characters", name, longest)
	}
	for _, c := range []byte(name) {
		if c < ' ' || c > '~' || strings.IndexByte(`\/:*?"<>|`, c) >= 0 {
			return refuse("%q cannot be the name of a library: a file name on Windows has no %q", name, c)
		}
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return refuse("%q cannot be the name of a library: Windows drops the last character", name)
	}
	return nil
}

// Edit applies the edits in order and returns the edited image. Where nothing changes it
// is the original, signature and all. Otherwise a certificate is dropped, which the edit
// voids, and a checksum renewed where there was one. An image that cannot be edited with
// certainty is refused with a [*RefusedError]; a broken one gives a [*FormatError].
func (f *File) Edit(ctx context.Context, edits ...Edit) (*overlay.Overlay, error) {
	o, err := f.edit(ctx, edits)
	if err = f.r.Over(err, "pe"); err != nil {
		return nil, err
	}
	return o, nil
}

func (f *File) edit(ctx context.Context, edits []Edit) (*overlay.Overlay, error) {
	d, err := f.newDraft()
	if err != nil {
		return nil, err
	}
	for _, e := range edits {
		if err := e(d); err != nil {
			return nil, err
		}
	}
	if len(d.names) == 0 && len(d.delayed) == 0 && !d.setFlags {
		b := overlay.NewBuilder(f.r)
		b.Original(0, f.size)
		return b.Overlay(false), nil
	}
	if err := f.checkEditable(); err != nil {
		return nil, err
	}
	p := &plan{f: f, draft: d}
	if err := p.lay(); err != nil {
		return nil, err
	}
	o, err := p.write(ctx)
	if err != nil {
		return nil, err
	}
	return o, p.readBack(ctx, o)
}

func (f *File) newDraft() (*draft, error) {
	d := &draft{names: map[int]string{}, delayed: map[int]string{}}
	var err error
	if d.imports, err = f.Imports(); err != nil {
		return nil, err
	}
	if d.delay, err = f.DelayImports(); err != nil {
		return nil, err
	}
	d.config, err = f.LoadConfig()
	return d, err
}

// checkEditable refuses images that an edit would break in a way that nobody sees before
// they are loaded.
func (f *File) checkEditable() error {
	switch hybrid, err := f.Hybrid(); {
	case err != nil:
		return err
	case hybrid != "":
		return refuse("the image is for %s and %s at once; such images are not edited", f.Machine, hybrid)
	}
	switch f.Machine {
	case MachineX86, MachineX64, MachineARM64, MachineARM:
	default:
		return refuse("the image is for %s, which is not known here; it is not edited", f.Machine)
	}
	if f.flat() || f.FileAlignment < 0x200 {
		return refuse("the sections of the image are aligned to %#x bytes (%#x in the file); such images are not edited", f.SectionAlignment, f.FileAlignment)
	}
	if f.DLLFlags&forceIntegrity != 0 {
		return refuse("the image must be signed to be loaded (IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY), and an edit voids the signature")
	}
	if err := f.checkStrongName(); err != nil {
		return err
	}
	return f.checkOverlaps()
}

// checkStrongName refuses .NET images whose own signature covers all bytes. See ECMA-335,
// partition II, 25.3.3 CLI header.
func (f *File) checkStrongName() error {
	if !f.Managed() {
		return nil
	}
	flags, err := f.cliFlags()
	if err != nil {
		return err
	}
	if flags&cliStrongName != 0 {
		return refuse("the image has a strong name of .NET, which an edit voids")
	}
	return nil
}

// checkOverlaps refuses images in which one byte of the file is mapped twice: a patch
// would change both.
func (f *File) checkOverlaps() error {
	parts := make([]region, 0, len(f.regions))
	for _, r := range f.regions {
		if r.file > 0 {
			parts = append(parts, r)
		}
	}
	sortRegions(parts)
	for i := 1; i < len(parts); i++ {
		if prev := parts[i-1]; prev.off+prev.file > parts[i].off {
			return refuse("bytes of the file at %#x are mapped twice; such images are not edited", parts[i].off)
		}
	}
	return nil
}
