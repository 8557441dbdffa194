package repair

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/wheel"
)

// Options tunes a repair. The zero value is the recommended repair.
type Options struct {
	Audit    audit.Options // where libraries are sought, which are left out or always grafted
	Load     audit.LoadOptions
	Platform string // tag to aim for, as in "manylinux_2_28_x86_64"; "" or "auto" means the oldest system the wheel allows
	// Defaults are what a project asks for in general. Where they mean nothing for a wheel,
	// it is repaired without them, and Platform goes before them.
	Defaults  Defaults
	OnlyPlat  bool   // do not add the tag of an older system that the wheel meets as well
	KeepTags  bool   // leave the file name and the Tag lines of WHEEL as they are
	LibSuffix string // appended to the distribution name for the folder of grafted libraries, or the folder in a package of a macOS wheel; "" means DefaultLibSuffix, DefaultDylibsDir
	// FoldCopies leaves one of several names that a library has in one folder.
	FoldCopies bool
	Strip      bool // remove symbol tables and debug information from the binaries
	// PlainStack has no file ask for an executable stack: glibc refuses to load those
	// that do from 2.41 on. Code that puts functions on the stack needs one.
	PlainStack bool
	// Lower has other symbols stand in for those of C libraries that are newer than
	// Platform promises, or than manylinux_2_28 without one. It is an experiment.
	Lower     bool
	Level     int       // compression of new members, 1 to 9; 0 means the default, wheel.NoCompression stores
	NoSBOM    bool      // write no software bill of materials
	AllowPure bool      // copy a wheel without binaries instead of refusing it
	Epoch     time.Time // time of new members (SOURCE_DATE_EPOCH); zero means that of the WHEEL member
	MacOS     MacOptions
	Windows   WindowsOptions
	Allow     []audit.Topic // claims that may fail in the result: see [Allowable]
	Tool      Tool          // recorded in the software bill of materials
	Cache     wheel.Cache   // of compressed libraries, for runs to come; may be nil
	Progress  func(done, total int64)
}

// Defaults are wishes for all wheels of a project, whatever systems they are for: see
// [Options].
type Defaults struct {
	// Platforms are tags to aim for, with or without an architecture. The one for the C
	// library and the architecture of the wheel is taken, one that names the architecture
	// before one that does not.
	Platforms []string
	Strip     bool // remove symbol tables and debug information where that can be done
}

// Tool names the program that repairs.
type Tool struct{ Name, Version string }

// DefaultLibSuffix makes the folder of grafted libraries "NAME.libs".
const DefaultLibSuffix = ".libs"

// DefaultDylibsDir is the folder of grafted libraries in the package of a macOS
// wheel.
const DefaultDylibsDir = ".dylibs"

// libDir returns the folder for grafted libraries in the wheel.
func (o *Options) libDir(distribution string) (string, error) {
	suffix := o.LibSuffix
	if suffix == "" {
		suffix = DefaultLibSuffix
	}
	dir := distribution + suffix
	return dir, checkLibDir(suffix, dir)
}

// checkLibDir rejects a folder that is none for libraries inside a wheel.
func checkLibDir(suffix, dir string) error {
	top, _, _ := strings.Cut(dir, "/")
	special := strings.HasSuffix(top, ".data") || strings.HasSuffix(top, ".dist-info")
	if special || dir != path.Clean(dir) || path.IsAbs(dir) || strings.HasPrefix(dir, "..") || strings.ContainsAny(dir, "\\\x00:$") {
		return fmt.Errorf("library folder suffix %q gives %q, which is no folder for libraries inside a wheel", suffix, dir)
	}
	return nil
}
