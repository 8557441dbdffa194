package linkage

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// ShrinkPath returns the search path of an ELF file without the absolute
// directories in which none of its libraries lies that was not found before, as
// patchelf --shrink-rpath does. Those that do not begin with one of the prefixes go
// as well, if there are any.
func ShrinkPath(f *elf.File, prefixes []string) (string, error) {
	missing := f.Needed()
	var kept []string
	for dir := range strings.SplitSeq(f.SearchPath(), ":") {
		if dir != "" && !path.IsAbs(dir) {
			kept = append(kept, dir) // $ORIGIN and the like
			continue
		}
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(dir, p) }) {
			continue
		}
		before := len(missing)
		var err error
		missing = slices.DeleteFunc(missing, func(name string) bool {
			serves, cause := servesAt(f, dir+"/"+name)
			err = errors.Join(err, cause)
			return serves
		})
		if err != nil {
			return "", err
		}
		if dir != "" && len(missing) < before {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, ":"), nil
}

// servesAt reports whether there is a library for the machine of f at a path.
func servesAt(f *elf.File, name string) (bool, error) {
	in, err := steady.OpenRegular(name)
	if passesOver(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return false, err
	}
	library, err := elf.NewFile(in, info.Size())
	if rule := (*elf.FormatError)(nil); err == nil || errors.Is(err, elf.ErrNotELF) || errors.As(err, &rule) {
		return err == nil && library.SameTarget(&f.Header), nil
	}
	return false, err
}
