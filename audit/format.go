package audit

import (
	"cmp"
	"context"
	"slices"

	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// A fileFormat is a format of binaries that is read.
type fileFormat interface {
	name() Format
	has(c linkage.Content) bool
	is(head []byte) bool   // by the first bytes of a file
	firm(head []byte) bool // more than its magic number speaks for it
	// read takes a member. A file that no loader takes is named.
	read(c *Contents, member string, image *spool.Content) (finding, error)
	// damaged reports whether an error speaks of bytes that break a rule of the format,
	// which rules names, and not of what kept them from being read.
	damaged(err error) bool
	rules() string
	// system is what a binary is for; where it does not tell, that of the file name that
	// has such files.
	system(b *Binary, named []OS) OS
	// survey adds what the members of a wheel load, load what one file does as it lies,
	// and describe what an image says of itself.
	survey(ctx context.Context, s *Survey, c *Contents, opts SurveyOptions) error
	load(ctx context.Context, s *surveyor, name string) error
	describe(i *linkage.Image, n *Node)
}

// formats are those that are read.
func formats() []fileFormat { return []fileFormat{elfFormat{}, machOFormat{}} }

// formatByHead returns the format of a file by its first bytes, nil for others.
func formatByHead(head []byte) fileFormat {
	for _, f := range formats() {
		if f.is(head) {
			return f
		}
	}
	return nil
}

// formatNamed returns a format that is read.
func formatNamed(name Format) fileFormat {
	for _, f := range formats() {
		if f.name() == name {
			return f
		}
	}
	return nil
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

// formatOf tells the format of a file that has been read.
func formatOf(c linkage.Content) Format {
	for _, f := range formats() {
		if f.has(c) {
			return f.name()
		}
	}
	return Pure
}
