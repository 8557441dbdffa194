package patch

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/policy"
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
	"set-macos-target": func(version string) []macho.Edit {
		v, _ := policy.ParseMacVersion(version) // the flag has been checked
		return []macho.Edit{macho.SetTarget(macho.MakeVersion(v.Major, v.Minor, v.Patch))}
	},
	"set-rpath": func(entries string) []macho.Edit {
		if entries == "" {
			return []macho.Edit{macho.ClearRPaths()}
		}
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
		if entry == EveryEntry {
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
	"set-runpath":          "Mach-O has one kind of search path (LC_RPATH), which --set-rpath sets",
	"set-interpreter":      "every Mach-O program is loaded by dyld",
	"print-interpreter":    "every Mach-O program is loaded by dyld",
	"set-execstack":        "macOS has no executable stacks for what a program loads",
	"clear-execstack":      "macOS has no executable stacks for what a program loads",
	"print-execstack":      "macOS has no executable stacks for what a program loads",
	"rename-symbol":        "names of symbols lie in tables that are signed and shared; link the file anew",
	"set-symbol-version":   "symbols of Mach-O files have no versions",
	"clear-symbol-version": "symbols of Mach-O files have no versions",
	"expand-relr":          "Mach-O files have no DT_RELR",
	"clear-load-flags":     "Mach-O files have no DependentLoadFlags",
	"strip":                "dyld reads the symbols of a Mach-O file, and they are mapped; strip -x or llvm-strip -x rewrites them",
}

func (i machoImage) edit(ctx context.Context, edits []Request) (*overlay.Overlay, error) {
	var all []macho.Edit
	for _, r := range edits {
		edit, ok := machoEdits[r.Flag]
		if !ok {
			return nil, console.Usagef("--%s: %s", r.Flag, notMachO[r.Flag])
		}
		all = append(all, edit(r.Value)...)
	}
	return i.EditWith(ctx, macho.Options{FileName: i.name, LateSignature: true}, all...)
}

func (i machoImage) check(edited *overlay.Overlay, f *os.File) error {
	return macho.CheckWritten(edited, f)
}

// Print prints what all slices say once, and otherwise what each says, with its
// architecture in front.
func (i machoImage) Print(flag string) ([]string, error) {
	if why, ok := notMachO[flag]; ok {
		return nil, console.Usagef("--%s: %s", flag, why)
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
		return nil, fmt.Errorf("%w install name (LC_ID_DYLIB)", ErrAbsent)
	}
	return []string{s.ID}, nil
}

// notes tells which signatures made with a certificate are no longer, which protection
// goes with them, and which slices now say that they run on an older macOS.
func (i machoImage) notes(edited *overlay.Overlay) ([]string, error) {
	now, err := macho.NewFile(edited, edited.Size())
	if err != nil {
		return nil, err
	}
	var notes []string
	for k, s := range i.Slices {
		if after := now.Slices[k].MinOS; after < s.MinOS {
			notes = append(notes, fmt.Sprintf("its %v code said that it needs macOS %v, now %v: whether it calls what %v lacks is not looked at", s.Arch, s.MinOS, after, after))
		}
		before, err := s.Signature()
		if err != nil || before == nil {
			continue // one that cannot be read stands where nothing changes
		}
		after, err := now.Slices[k].Signature()
		if err != nil {
			return nil, err
		}
		notes = append(notes, lost(s, before, after)...)
	}
	return notes, nil
}

// lost tells what a new signature lacks.
func lost(s *macho.Slice, before, after *macho.Signature) (notes []string) {
	if before.Certificate && !after.Certificate {
		notes = append(notes, fmt.Sprintf("its %v signature was made with a certificate; an ad-hoc one takes its place: sign it again if macOS asks who made it", s.Arch))
	}
	if flags := before.Flags &^ after.Flags & before.Dropped(); flags != 0 {
		notes = append(notes, fmt.Sprintf("its %v signature no longer asks for %v, which keeps what is signed ad hoc from loading its own libraries", s.Arch, flags))
	}
	return notes
}
