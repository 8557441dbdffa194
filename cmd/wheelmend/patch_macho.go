package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/overlay"
	"github.com/wheelmend/wheelmend/macho"
)

// A machoImage is a Mach-O file as patch sees it.
type machoImage struct {
	*macho.File
	name string // of the file
}

// machoEdits are the edits of a Mach-O file by flag.
var machoEdits = map[string]func(value string) []macho.Edit{
	"set-soname":    func(name string) []macho.Edit { return []macho.Edit{macho.SetID(name)} },
	"add-needed":    func(name string) []macho.Edit { return []macho.Edit{macho.AddDylib(name)} },
	"remove-needed": func(name string) []macho.Edit { return []macho.Edit{macho.RemoveDylib(name)} },
	"sign":          func(string) []macho.Edit { return []macho.Edit{macho.Sign("")} },
	"set-rpath": func(entries string) []macho.Edit {
		return []macho.Edit{macho.SetRPaths(strings.Split(entries, ":")...)}
	},
	"add-rpath": func(entries string) []macho.Edit {
		var edits []macho.Edit
		for entry := range strings.SplitSeq(entries, ":") {
			edits = append(edits, macho.AddRPath(entry))
		}
		return edits
	},
	"remove-rpath": func(entry string) []macho.Edit {
		if entry == everyEntry {
			return []macho.Edit{macho.ClearRPaths()}
		}
		return []macho.Edit{macho.RemoveRPath(entry)}
	},
	"replace-needed": func(value string) []macho.Edit {
		old, now, _ := strings.Cut(value, "=")
		return []macho.Edit{macho.ReplaceDylib(old, now)}
	},
}

// notMachO tells why a flag means nothing for a Mach-O file, and what does.
var notMachO = map[string]string{
	"set-runpath":       "Mach-O has one kind of search path (LC_RPATH), which --set-rpath sets",
	"set-interpreter":   "every Mach-O program is loaded by dyld",
	"print-interpreter": "every Mach-O program is loaded by dyld",
	"set-execstack":     "macOS has no executable stacks for what a program loads",
	"clear-execstack":   "macOS has no executable stacks for what a program loads",
	"print-execstack":   "macOS has no executable stacks for what a program loads",
	"strip":             "dyld reads the symbols of a Mach-O file, and they are mapped; strip -x or llvm-strip -x rewrites them",
}

func (i machoImage) edit(ctx context.Context, edits []request) (*overlay.Overlay, error) {
	var all []macho.Edit
	for _, r := range edits {
		edit, ok := machoEdits[r.flag]
		if !ok {
			return nil, usagef("--%s: %s", r.flag, notMachO[r.flag])
		}
		all = append(all, edit(r.value)...)
	}
	return i.Edit(ctx, macho.Options{FileName: i.name, LateSignature: true}, all...)
}

func (i machoImage) check(edited *overlay.Overlay, f *os.File) error {
	return macho.CheckWritten(edited, f)
}

// print prints what all slices say once, and otherwise what each says, with its
// architecture in front.
func (i machoImage) print(flag string) ([]string, error) {
	if why, ok := notMachO[flag]; ok {
		return nil, usagef("--%s: %s", flag, why)
	}
	var each [][]string
	for _, s := range i.Slices {
		lines, err := printSlice(s, flag)
		if err != nil {
			return nil, err
		}
		each = append(each, lines)
	}
	if !slices.ContainsFunc(each, func(lines []string) bool { return !slices.Equal(lines, each[0]) }) {
		return each[0], nil
	}
	var all []string
	for k, s := range i.Slices {
		for _, line := range each[k] {
			all = append(all, fmt.Sprintf("%v: %s", s.Arch, line))
		}
	}
	return all, nil
}

func printSlice(s *macho.Slice, flag string) ([]string, error) {
	switch flag {
	case "print-needed":
		var names []string
		for _, l := range s.Dylibs {
			names = append(names, l.Name)
		}
		return names, nil
	case "print-rpath":
		return []string{strings.Join(s.RPaths, ":")}, nil
	}
	if s.ID == "" {
		return nil, errors.New("it has no install name (LC_ID_DYLIB)")
	}
	return []string{s.ID}, nil
}

// voided returns the architectures whose signature was made with a certificate,
// and no longer is.
func (i machoImage) voided(edited *overlay.Overlay) ([]string, error) {
	now, err := macho.NewFile(edited, edited.Size())
	if err != nil {
		return nil, err
	}
	var archs []string
	for k, s := range i.Slices {
		before, err := s.Signature()
		if err != nil || before == nil || !before.Certificate {
			continue // one that cannot be read stands where nothing changes
		}
		after, err := now.Slices[k].Signature()
		if err != nil {
			return nil, err
		}
		if !after.Certificate {
			archs = append(archs, s.Arch.String())
		}
	}
	return archs, nil
}
