package linkage

import (
	"context"
	"io"
)

// Options describes the system that the libraries come from. The zero value is
// this machine's own.
type Options struct {
	Libc        string   // of ELF files: whose rules apply; "" means Glibc, and to Loader what the file tells
	Sysroot     string   // directory that stands for / of the target; "" means the host
	SearchPath  []string // searched before the system's directories
	LDPaths     []string // replace the loader's default directories, when UseLDPaths
	UseLDPaths  bool
	LibraryPath []string // LD_LIBRARY_PATH
	Dyld        DyldOptions
	Windows     WindowsOptions

	// Exclude has patterns, see [MatchPattern], of libraries that are left out: of the
	// soname or install name, of the last element of an install name, or of the path of a
	// library that was found. [PartPattern] makes one of a part of a path.
	Exclude []string

	// Graft has patterns, likewise, of libraries that are to be taken from where they were
	// found: the system's or Python's own, or others that a macOS wheel has a copy of.
	Graft []string

	// Add has libraries of this machine, by path, that nothing needs by name: they are
	// opened at run time. A path within the sysroot keeps to it. [Resolve] reads them, for
	// ELF files.
	Add []string

	// Promised tells whether the system that the wheel is for has a library of a
	// name: a library of the wheel to which nothing leads does not stand for it.
	// nil means no. It is asked for ELF files.
	Promised func(name string) bool

	// WheelOnly has [Resolve] look at nothing outside the wheel, wherever a search
	// path leads, so that the answer is the same on every machine.
	WheelOnly bool

	// Through is what the reads of files outside the wheel go through, to count them or to
	// have them fail; nil means nothing.
	Through func(io.ReaderAt) io.ReaderAt

	// HWCaps are the glibc-hwcaps subdirectories that [Loader] searches, best
	// first: see [HWCaps]. They count for files of x86_64 and without a sysroot
	// alone. The libraries of a wheel are never sought there: those need a newer
	// processor than the tag promises.
	HWCaps []string
}

// DyldOptions is what dyld alone knows of.
type DyldOptions struct {
	LibraryPath []string // DYLD_LIBRARY_PATH: searched after SearchPath, by the last element of the name

	// Fallback replaces the folder where dyld looks at last for a library that is not
	// macOS's own, /usr/local/lib (DYLD_FALLBACK_LIBRARY_PATH); nil means that one.
	Fallback []string

	// ExecutablePath is the folder that @executable_path stands for, a path on
	// this machine; "" means that nobody knows: it depends on the Python that
	// loads the wheel. Programs have their own, and so has what they load.
	ExecutablePath string

	// DylibsOnly has members asked for nothing that are not called .so or .dylib:
	// what they load, and is not found by everyone, is left out.
	DylibsOnly bool
}

// A Member is one file of the wheel, which has been read. Those of one [Resolve] are all
// of one format.
type Member struct {
	Name    string
	Content Content
}

// Resolve finds the libraries that the members of a wheel load, directly and
// through others, as the loader of their format does: a Mach-O file for each slice on
// its own. A library that is not found is a [Need] with status Missing, not an error;
// errors concern the options and the system.
func Resolve(ctx context.Context, members []Member, opts Options) (*Graph, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	e := newWheelEngine(members, root, opts)
	if err := e.addMembers(members); err != nil {
		return nil, err
	}
	return e.resolve(ctx)
}

// newWheelEngine returns the engine for members of one format.
func newWheelEngine(members []Member, root Root, opts Options) *engine {
	switch {
	case isMachO(members):
		return newDyld(root, opts).engine
	case isPE(members):
		return newWindows(root, opts).engine
	}
	return newResolver(members, root, opts).engine
}
