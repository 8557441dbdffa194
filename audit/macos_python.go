package audit

import (
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// pythonImports returns what the images import of Python: what they look for in the whole
// process, and what they bind to a library that is Python's or not in the wheel.
func (m *macOS) pythonImports(*Report) ([]pythonImports, error) {
	var names []string
	var imports []map[string]bool
	for _, f := range m.graph.Members {
		wanted := map[string]bool{}
		for _, image := range m.images(f) {
			if err := addPythons(wanted, image); err != nil {
				return nil, err
			}
		}
		names, imports = append(names, f.Path), append(imports, wanted)
	}
	return withImports(names, imports, nil), nil
}

// addPythons adds the names of an image, as C spells them.
func addPythons(wanted map[string]bool, image *linkage.Image) error {
	flat, err := image.Slice().FlatImports()
	if err != nil {
		return err
	}
	bound, err := image.Slice().Imports()
	if err != nil {
		return err
	}
	for _, x := range bound {
		if to := image.Needs[x.Library].To; to == nil || !to.InWheel {
			flat = append(flat, x.Symbol)
		}
	}
	for _, name := range flat {
		wanted[strings.TrimPrefix(name, "_")] = true
	}
	return nil
}
