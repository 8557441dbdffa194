package macho

import "fmt"

// flatLookup is the ordinal of symbols that are looked for in every image of the
// process: BIND_SPECIAL_DYLIB_FLAT_LOOKUP, as the linker's -undefined dynamic_lookup
// writes it. In a symbol table and in chained fixups it is 0xfe.
const flatLookup = -2

// gone is what a draft has for libraries whose symbols are looked up like that.
const gone = -1 << 30

// LookUpFlat removes a library and has what the slice imports from it looked for in
// the images that the process has loaded, as if it had been linked with -undefined
// dynamic_lookup. A library that is not loaded is an error, and so is one whose
// symbols the slice exports as its own.
func LookUpFlat(name string) Edit {
	return func(d *draft) error {
		i := d.find(name, isDylib)
		if i < 0 {
			return d.notLoaded(name)
		}
		for ; i >= 0; i = d.find(name, isDylib) {
			ordinal := d.ordinal(i)
			originals := d.originals(ordinal)
			if err := d.s.exportsNothingOf(name, originals); err != nil {
				return err
			}
			d.dropDylib(i, ordinal)
			for _, k := range originals {
				d.ordinals[k-1] = gone
			}
		}
		return nil
	}
}

// exportsNothingOf refuses libraries that the slice re-exports, as a whole or by
// symbol: who links to it expects them there.
func (s *Slice) exportsNothingOf(name string, ordinals []int) error {
	exported, err := s.trieImports()
	if err != nil {
		return err
	}
	for _, ordinal := range ordinals {
		if s.Dylibs[ordinal-1].Kind == Reexport {
			return fmt.Errorf("%q cannot be removed from the %v slice, which re-exports it", name, s.Arch)
		}
		for _, x := range exported {
			if x.ordinal == ordinal {
				return fmt.Errorf("%q cannot be removed from the %v slice, which re-exports %s", name, s.Arch, escaped(x.symbol))
			}
		}
	}
	return nil
}
