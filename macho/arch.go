package macho

import "fmt"

// An Arch is the architecture of a slice: cpu type and subtype of
// <mach/machine.h>, without the capability bits of the subtype.
type Arch struct {
	CPU uint32 // CPU_TYPE_…
	Sub uint32 // CPU_SUBTYPE_…
}

// The cpu types of <mach/machine.h> that macOS has run on.
const (
	cpuI386    = 7
	cpuX86_64  = 7 | wide
	cpuARM     = 12
	cpuARM64   = 12 | wide
	cpuARM6432 = 12 | 0x02000000
	cpuPPC     = 18
	cpuPPC64   = 18 | wide
)

// subtypeMask takes the capability bits, such as CPU_SUBTYPE_LIB64, off.
const subtypeMask = 0x00ffffff

// wide marks the cpu types of the 64-bit ABI (CPU_ARCH_ABI64).
const wide = 0x01000000

// archs names architectures as lipo(1) and platform tags do. An entry with any
// serves the subtypes that have none of their own.
var archs = []struct {
	name string
	arch Arch
	any  bool
	page int64 // largest page size, in bytes
}{
	{"x86_64", Arch{cpuX86_64, 3}, true, 0x1000},
	{"x86_64h", Arch{cpuX86_64, 8}, false, 0x1000},
	{"arm64", Arch{cpuARM64, 0}, true, 0x4000},
	{"arm64e", Arch{cpuARM64, 2}, false, 0x4000},
	{"arm64_32", Arch{cpuARM6432, 1}, true, 0x4000},
	{"i386", Arch{cpuI386, 3}, true, 0x1000},
	{"ppc", Arch{cpuPPC, 0}, true, 0x1000},
	{"ppc64", Arch{cpuPPC64, 0}, true, 0x1000},
	{"armv7", Arch{cpuARM, 9}, true, 0x4000},
}

// row returns the index in archs, -1 for an architecture that is not there.
func (a Arch) row() int {
	found := -1
	for i, row := range archs {
		if row.arch.CPU != a.CPU {
			continue
		}
		if row.arch.Sub == a.Sub {
			return i
		}
		if row.any {
			found = i
		}
	}
	return found
}

// String returns the name that lipo(1) uses, or the two numbers.
func (a Arch) String() string {
	if i := a.row(); i >= 0 {
		return archs[i].name
	}
	return fmt.Sprintf("cpu %#x subtype %#x", a.CPU, a.Sub)
}

// Is64 reports whether the architecture has the 64-bit ABI.
func (a Arch) Is64() bool { return a.CPU&wide != 0 }

// Page returns the largest page size of the architecture, in bytes: what
// segments and slices are aligned to.
func (a Arch) Page() int64 {
	if i := a.row(); i >= 0 {
		return archs[i].page
	}
	return 0x4000
}

// IsARM64 reports whether macOS loads the slice only if it is signed.
func (a Arch) IsARM64() bool { return a.CPU == cpuARM64 }
