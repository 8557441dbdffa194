package linkage

import (
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/macho"
)

// Limits on what files ask for, with their reasons in docs/limits.md. Each is ten
// times and more what the largest real wheels have.
const (
	maxNeeded      = 4096    // libraries that one file names
	maxPathBytes   = 1 << 16 // of the search paths of one file
	maxPathEntries = 4096    // likewise, and of a file with those that led to it
	maxEdges       = 1 << 16 // libraries that the files of a wheel name, added up
)

// maxWork bounds one search, in units of some ten nanoseconds: every file of a wheel
// may lead to every other, along every search path.
const maxWork = 1 << 25

// What steps of a search cost.
const (
	costVisit = 1  // of an edge that is settled
	costLoad  = 16 // of a file that is loaded once more
	costLook  = 16 // in a directory, and 1 for each 64 bytes of its name
	costKeep  = 64 // of a directory that a load path has
)

// newWork returns the budget of one search.
func newWork() *budget.Budget {
	return budget.New(maxWork, "steps of the search for libraries")
}

// checkELF holds a file to the limits.
func checkELF(name string, f *elf.File) error {
	if err := budget.Check(name, "libraries (DT_NEEDED)", f.NeededCount(), maxNeeded); err != nil {
		return err
	}
	for _, text := range []string{f.RPath(), f.RunPath()} {
		if err := budget.Check(name, "bytes of search path (DT_RPATH, DT_RUNPATH)", len(text), maxPathBytes); err != nil {
			return err
		}
		if err := budget.Check(name, "directories in a search path (DT_RPATH, DT_RUNPATH)", strings.Count(text, ":"), maxPathEntries); err != nil {
			return err
		}
	}
	return nil
}

// checkMachO does the same for each slice.
func checkMachO(name string, f *macho.File) error {
	for _, s := range f.Slices {
		bytes := 0
		for _, p := range s.RPaths {
			bytes += len(p)
		}
		for _, limit := range []struct {
			what    string
			n, most int
		}{
			{"libraries (LC_LOAD_DYLIB) in a slice", len(s.Dylibs), maxNeeded},
			{"search paths (LC_RPATH) in a slice", len(s.RPaths), maxPathEntries},
			{"bytes of search paths (LC_RPATH) in a slice", bytes, maxPathBytes},
		} {
			if err := budget.Check(name, limit.what, limit.n, limit.most); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkMembers holds the files of a wheel together to the limits.
func checkMembers(members []Member) error {
	edges := 0
	for _, m := range members {
		if err := checkELF(m.Name, m.elf()); err != nil {
			return err
		}
		edges += m.elf().NeededCount()
		if err := budget.Check(m.Name, "libraries (DT_NEEDED) in all files", edges, maxEdges); err != nil {
			return err
		}
	}
	return nil
}

// checkMachOMembers does the same for those of a macOS wheel.
func checkMachOMembers(members []Member) error {
	edges := 0
	for _, m := range members {
		f := m.Content.(*macho.File)
		if err := checkMachO(m.Name, f); err != nil {
			return err
		}
		for _, s := range f.Slices {
			edges += len(s.Dylibs)
		}
		if err := budget.Check(m.Name, "libraries (LC_LOAD_DYLIB) in all files", edges, maxEdges); err != nil {
			return err
		}
	}
	return nil
}
