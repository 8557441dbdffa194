package audit

import (
	stdelf "debug/elf"
)

// pythonImports returns what the files import of Python: weak references, too, as
// whoever makes them uses what they find.
func (l *linux) pythonImports(r *Report) ([]pythonImports, error) {
	var names []string
	var imports []map[string]bool
	own := map[string]bool{}
	for _, f := range r.Graph.Members {
		for _, image := range f.Images {
			wanted := map[string]bool{}
			for s, err := range image.ELF().Symbols() {
				switch {
				case err != nil:
					return nil, err
				case !isPythons(s.Name) || s.Bind == stdelf.STB_LOCAL:
				case s.Undefined():
					wanted[s.Name] = true
				default:
					own[s.Name] = true
				}
			}
			names, imports = append(names, f.Path), append(imports, wanted)
		}
	}
	return withImports(names, imports, own), nil
}
