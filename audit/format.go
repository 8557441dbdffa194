package audit

import (
	"cmp"
	"context"
	"slices"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// A fileFormat is a format of binaries that is read.
type fileFormat struct {
	Format
	name  string // what people call it
	reads string // what is read of it
	rules string // who says what a file of it looks like
	fileReader
}

// A fileReader reads the files of one format.
type fileReader interface {
	has(c linkage.Content) bool
	// recognizes a file by its first bytes. It is firm if more than its magic number
	// speaks for the format.
	recognizes(head []byte) (is, firm bool)
	// read takes a member. A file that no loader takes is named.
	read(c *Contents, member string, image *spool.Content) (finding, error)
	// damaged reports whether an error speaks of bytes that break a rule of the format,
	// and not of what kept them from being read.
	damaged(err error) bool
	// system is what a binary is for; where it does not tell, that of the file name that
	// has such files.
	system(b *Binary, named []OS) OS
	// tree adds what the members of a wheel load, load what one file does as it lies,
	// and describe what an image says of itself.
	tree(ctx context.Context, s *Tree, c *Contents, opts TreeOptions) error
	load(ctx context.Context, s *treeReader, name string) error
	describe(i *linkage.Image, n *Node)
}

// formats are those that are read.
func formats() []fileFormat {
	return []fileFormat{
		{ELF, "ELF", "ELF files", "the gABI and the rules of ld.so", elfReader{}},
		{MachO, "Mach-O", "programs, libraries and bundles of macOS", "<mach-o/loader.h> and the rules of dyld", machOReader{}},
		{PE, "PE", "programs, libraries and modules of Windows", "Microsoft's PE Format and the rules of its loader", peReader{}},
	}
}

// Binary returns what a file of the format is called, such as "ELF file".
func (f Format) Binary() string {
	return cmp.Or(formatWhere(func(g fileFormat) bool { return g.Format == f }).name, string(f)) + " file"
}

// formatWhere returns the first format that is read and wanted, the zero value if there
// is none.
func formatWhere(wanted func(fileFormat) bool) fileFormat {
	if i := slices.IndexFunc(formats(), wanted); i >= 0 {
		return formats()[i]
	}
	return fileFormat{}
}

// formatByHead returns the format of a file by its first bytes.
func formatByHead(head []byte) fileFormat {
	return formatWhere(func(f fileFormat) bool {
		is, _ := f.recognizes(head)
		return is
	})
}

// formatOf returns the format of a file that has been read.
func formatOf(c linkage.Content) fileFormat {
	return formatWhere(func(f fileFormat) bool { return f.has(c) })
}

// platforms returns the platform tags of the file name that can be taken apart, of a
// family or of all ("").
func (c *Contents) platforms(family policy.Family) []policy.Platform {
	var all []policy.Platform
	for _, tag := range c.Filename.Platform {
		if p, err := policy.ParsePlatform(tag); err == nil && (family == "" || p.Family == family) {
			all = append(all, p)
		}
	}
	return all
}

// forMacOS reports whether the file name says that the wheel is for macOS.
func (c *Contents) forMacOS() bool { return len(c.platforms(policy.MacOS)) > 0 }

// format returns the format of the wheel's binaries, the zero value if it is none that is
// read.
func (r *Report) format() fileFormat {
	return formatWhere(func(f fileFormat) bool { return f.Format == r.Format })
}

// foreignTo returns the members that are in other formats than that of the wheel,
// or for other systems.
func (c *Contents) foreignTo(s OS, u *Unserved) []Foreign {
	all := slices.Clone(c.Foreign)
	for _, b := range c.Files {
		if format := formatOf(b.Content); u != nil || systems[s].format != format.Format {
			all = append(all, newForeign(b.Member.Name, format.name))
		}
	}
	order.Stable(all, func(a, b Foreign) int { return cmp.Compare(a.Path, b.Path) })
	return all
}
