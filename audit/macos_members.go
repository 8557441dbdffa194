package audit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
)

// platformFamilies returns the kinds of systems that the file name speaks of.
func (c *Contents) platformFamilies() map[policy.Family]bool {
	families := map[policy.Family]bool{}
	for _, tag := range c.Filename.Platform {
		if p, err := policy.ParsePlatform(tag); err == nil {
			families[p.Family] = true
		}
	}
	return families
}

// inspectMachO reads an image. Object files and the like, which dyld does not
// load, are named, unless one has the name of a library: then nothing can load it. So
// are damaged files, unless the wheel says that it is for macOS.
func (c *Contents) inspectMachO(member string, image *spool.Content) (finding, error) {
	file, err := macho.NewFile(image, image.Size())
	switch {
	case errors.Is(err, macho.ErrArchive):
		return finding{kind: "static archive"}, nil
	case err != nil && !c.platformFamilies()[policy.MacOS] && damagedBinary(err):
		return finding{kind: "Mach-O"}, nil
	case err != nil:
		return finding{}, err
	}
	if slices.ContainsFunc(file.Slices, loadable) {
		return finding{binary: file}, nil
	}
	t := file.Slices[0].Type
	if calledBinary(member) && c.platformFamilies()[policy.MacOS] {
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

// damagedBinary reports whether an error speaks of bytes that break a rule of a
// format, and not of what kept them from being read.
func damagedBinary(err error) bool {
	return errors.As(err, new(*elf.FormatError)) || errors.As(err, new(*macho.FormatError))
}

// formatNames are what people call the formats.
var formatNames = map[Format]string{ELF: "ELF", MachO: "Mach-O", PE: "PE", Wasm: "WebAssembly"}

// foreignTo returns the members that are in other formats than that of the wheel,
// or for other systems.
func (c *Contents) foreignTo(s OS, u *Unserved) []Foreign {
	all := slices.Clone(c.Foreign)
	for _, b := range c.Files {
		if format := formatOf(b.Content); u != nil || systems[s].format != format {
			all = append(all, newForeign(b.Member.Name, formatNames[format]))
		}
	}
	slices.SortFunc(all, func(a, b Foreign) int { return cmp.Compare(a.Path, b.Path) })
	return all
}
