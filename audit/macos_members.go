package audit

import (
	"cmp"
	"errors"
	"slices"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// A MachOBinary is a member of the wheel that is a Mach-O file which dyld could load.
type MachOBinary struct {
	Member *wheel.Member
	File   *macho.File
}

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

// readsMachO reports whether the wheel may be for macOS. In one that is for
// another system, a Mach-O file is data.
func (c *Contents) readsMachO() bool {
	families := c.platformFamilies()
	return families[policy.MacOS] || families[policy.Any] || len(families) == 0
}

// inspectMachO reads an image. Object files and the like, which dyld does not
// load, are named. So are damaged files, unless the wheel says that it is for macOS.
func (c *Contents) inspectMachO(image *spool.Content) (finding, error) {
	file, err := macho.NewFile(image, image.Size())
	switch {
	case errors.Is(err, macho.ErrArchive):
		return finding{kind: "static archive"}, nil
	case err != nil && !c.platformFamilies()[policy.MacOS] && damagedBinary(err):
		return finding{kind: "Mach-O"}, nil
	case err != nil:
		return finding{}, err
	}
	if !slices.ContainsFunc(file.Slices, loadable) {
		kind := "Mach-O of no slice"
		if len(file.Slices) > 0 {
			kind = machOKind(file.Slices[0].Type)
		}
		return finding{kind: kind}, nil
	}
	return finding{macho: file}, nil
}

// loadable reports whether dyld could be asked to load the slice.
func loadable(s *macho.Slice) bool {
	switch s.Type {
	case macho.DyLib, macho.Bundle, macho.Execute:
		return true
	}
	return false
}

// machOKind names a file that dyld does not load.
func machOKind(t macho.FileType) string {
	switch t {
	case macho.Object:
		return "Mach-O object file"
	case macho.DSYM:
		return "Mach-O debug symbols"
	}
	return "Mach-O " + t.String()
}

// damagedBinary reports whether an error speaks of bytes that break a rule of a
// format, and not of what kept them from being read.
func damagedBinary(err error) bool {
	return errors.As(err, new(*elf.FormatError)) || errors.As(err, new(*macho.FormatError))
}

// foreignTo returns the members that are in other formats than that of the wheel.
func (c *Contents) foreignTo(f Format) []Foreign {
	all := slices.Clone(c.Foreign)
	if f == MachO {
		for _, b := range c.Binaries {
			all = append(all, Foreign{b.Member.Name, "ELF"})
		}
	} else {
		for _, b := range c.MachO {
			all = append(all, Foreign{b.Member.Name, "Mach-O"})
		}
	}
	slices.SortFunc(all, func(a, b Foreign) int { return cmp.Compare(a.Path, b.Path) })
	return all
}
