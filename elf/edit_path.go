package elf

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SetRPath makes path, entries joined by ":", the DT_RPATH of the file, which
// also serves the libraries that it loads (ld.so(8)). A DT_RUNPATH is removed:
// ld.so would ignore DT_RPATH beside it.
func SetRPath(path string) Edit { return setPath(elf.DT_RPATH, elf.DT_RUNPATH, path) }

// SetRunPath makes path, entries joined by ":", the DT_RUNPATH of the file,
// which serves its own DT_NEEDED only (ld.so(8)). A DT_RPATH is removed.
func SetRunPath(path string) Edit { return setPath(elf.DT_RUNPATH, elf.DT_RPATH, path) }

func setPath(tag, other elf.DynTag, path string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("search path", path), d.pathAllowed()); err != nil {
			return err
		}
		i := d.indexTag(tag)
		if i < 0 {
			i = d.indexTag(other)
		}
		if i < 0 {
			d.insert(d.afterNeeded(), tag, path)
			return nil
		}
		d.setText(i, tag, path)
		d.keepOnly(i, tag, other)
		return nil
	}
}

// pathAllowed refuses a search path for a file that relocates itself: glibc does
// so with the assertion that there is none (elf_get_dynamic_info).
func (d *draft) pathAllowed() error {
	if kind := d.f.relocatesItself(); kind != "" {
		return formatErr(d.f.dynamic.off, "%s has no search path: glibc aborts at one", kind)
	}
	return nil
}

// AddRPath adds the entries of path, joined by ":", behind those of the search
// path in force: DT_RUNPATH, else DT_RPATH, which is also what a file without a
// search path gets. Entries that are there already stay where they are.
func AddRPath(path string) Edit {
	return func(d *draft) error {
		if err := errors.Join(d.dynamic(), checkText("search path", path), d.pathAllowed()); err != nil {
			return err
		}
		i := d.indexTag(elf.DT_RUNPATH)
		if i < 0 {
			i = d.indexTag(elf.DT_RPATH)
		}
		if i < 0 {
			return SetRPath(path)(d)
		}
		entries := splitPath(d.entries[i].text)
		for _, entry := range splitPath(path) {
			if !slices.Contains(entries, entry) {
				entries = append(entries, entry)
			}
		}
		d.setText(i, d.entries[i].Tag, strings.Join(entries, ":"))
		return nil
	}
}

// splitPath takes a search path apart. An empty one has no entries; an empty
// entry beside others means the working directory (ld.so(8)).
func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ":")
}

// RemoveRPathEntry removes one entry from DT_RPATH and DT_RUNPATH, and those
// that have none left. An entry that neither has is an error.
func RemoveRPathEntry(name string) Edit {
	return func(d *draft) error {
		if err := d.dynamic(); err != nil {
			return err
		}
		found := false
		var paths []string
		for i, e := range d.entries {
			if !isPath(e) {
				continue
			}
			paths = append(paths, e.text)
			entries := splitPath(e.text)
			rest := slices.DeleteFunc(slices.Clone(entries), func(s string) bool { return s == name })
			if len(rest) < len(entries) {
				found = true
				d.setText(i, e.Tag, strings.Join(rest, ":"))
			}
		}
		switch {
		case found:
			d.remove(func(e entry) bool { return isPath(e) && e.newText && e.text == "" })
			return nil
		case len(paths) == 0:
			return fmt.Errorf("%q is not in the search path: the file has none", name)
		}
		return fmt.Errorf("%q is not in the search path, which is %s", name, strings.Join(paths, " and "))
	}
}

func isPath(e entry) bool { return e.Tag == elf.DT_RPATH || e.Tag == elf.DT_RUNPATH }

// RemoveRPath removes DT_RPATH and DT_RUNPATH. A file without them stays as it is.
func RemoveRPath() Edit {
	return func(d *draft) error {
		if err := d.dynamic(); err != nil {
			return err
		}
		d.remove(isPath)
		return nil
	}
}
