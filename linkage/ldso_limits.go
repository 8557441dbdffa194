package linkage

import (
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
)

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
