package linkage

import (
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/macho"
)

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
