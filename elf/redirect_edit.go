package elf

import (
	"debug/elf"
	"errors"
	"fmt"
)

// A VersionedName is the name of a dynamic symbol with the version that it has, and the
// library that has the version. Library and Version are both "" without one.
type VersionedName struct{ Name, Library, Version string }

func (n VersionedName) String() string {
	if n.Version == "" {
		return n.Name
	}
	return fmt.Sprintf("%s@%s of %s", n.Name, n.Version, n.Library)
}

func (n VersionedName) check() error {
	if (n.Version == "") != (n.Library == "") {
		return fmt.Errorf("%s has a version without a library, or a library without a version", n.Name)
	}
	if n.Version == "" {
		return checkText("symbol name", n.Name)
	}
	return errors.Join(checkText("symbol name", n.Name), checkText("library name", n.Library), checkText("version", n.Version))
}

// A Redirection has a file look up another symbol in the place of one that it does not
// define.
type Redirection struct{ From, To VersionedName }

// RedirectSymbols has the file look up other symbols, all in one pass: it does for many
// what [RenameSymbol], [SetSymbolVersion] and [ClearSymbolVersion] do for one, and takes
// only the symbols of just that version. One that the file does not look up is an error,
// and so is a library that the result does not need.
func RedirectSymbols(all []Redirection) Edit {
	return func(d *draft) error {
		if err := d.dynamic(); err != nil {
			return err
		}
		to, left := map[VersionedName]VersionedName{}, map[VersionedName]bool{}
		for _, r := range all {
			if err := errors.Join(r.From.check(), r.To.check()); err != nil {
				return err
			}
			if r.To.Version != "" && !d.f.has(elf.DT_VERSYM) {
				return fmt.Errorf("the file has no versions of symbols (DT_VERSYM) to set that of %s", r.To.Name)
			}
			to[r.From], left[r.From] = r.To, true
		}
		refs, err := d.symbols()
		if err != nil {
			return err
		}
		for _, r := range refs {
			from := VersionedName{r.name, r.library, r.version}
			if target, ok := to[from]; ok && r.Undefined() && r.Type != elf.STT_SECTION {
				r.name, r.library, r.version = target.Name, target.Library, target.Version
				delete(left, from)
			}
		}
		for _, r := range all {
			if left[r.From] {
				return fmt.Errorf("the file does not look up %v", r.From)
			}
		}
		return nil
	}
}
