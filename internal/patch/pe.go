package patch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/pe"
)

// A peImage is a PE file as patch sees it.
type peImage struct{ *pe.File }

// notPE tells why a flag means nothing for a PE file.
var notPE = map[string]string{
	"set-soname":           "Windows goes by the name of the file",
	"add-needed":           "the import table of a PE file has no room for one more; link the file anew",
	"remove-needed":        "what is imported has to come from somewhere; link the file anew",
	"sign":                 "a PE file is signed with a certificate (signtool, osslsigncode)",
	"set-macos-target":     "it is for macOS",
	"set-interpreter":      "every PE program is loaded by Windows",
	"print-interpreter":    "every PE program is loaded by Windows",
	"rename-symbol":        "the names of imports lie in tables that are not edited; link the file anew",
	"set-symbol-version":   "symbols of PE files have no versions",
	"clear-symbol-version": "symbols of PE files have no versions",
	"expand-relr":          "PE files have no DT_RELR",
	"strip":                "PE files are not stripped; the linker leaves what it has for debuggers in a .pdb",
}

// whyNotPE tells why a flag means nothing.
func whyNotPE(flag string) error {
	why := notPE[flag]
	switch {
	case strings.Contains(flag, "rpath") || flag == "set-runpath":
		why = "PE files have no search path; Windows looks into the folder of the file, and into those that os.add_dll_directory adds"
	case strings.Contains(flag, "execstack"):
		why = "Windows has no executable stacks"
	}
	return console.Usagef("--%s: %s", flag, why)
}

func (i peImage) edit(ctx context.Context, edits []Request) (*overlay.Overlay, error) {
	var all []pe.Edit
	now, err := i.names()
	if err != nil {
		return nil, err
	}
	for _, r := range edits {
		switch r.Flag {
		case "replace-needed":
			old, name, _ := strings.Cut(r.Value, "=")
			all = append(all, now.rename(old, name)...)
		case "clear-load-flags":
			all = append(all, pe.SetDependentLoadFlags(0))
		default:
			return nil, whyNotPE(r.Flag)
		}
	}
	return i.Edit(ctx, all...)
}

// peNames are the names of libraries in the two tables of imports.
type peNames struct{ plain, delayed []string }

func (i peImage) names() (*peNames, error) {
	plain, err := i.Imports()
	if err != nil {
		return nil, err
	}
	delayed, err := i.DelayImports()
	if err != nil {
		return nil, err
	}
	n := &peNames{}
	for _, d := range plain {
		n.plain = append(n.plain, d.Name)
	}
	for _, d := range delayed {
		n.delayed = append(n.delayed, d.Name)
	}
	return n, nil
}

// rename returns the edits for a library, in whichever tables it is, and has the names as
// they are afterwards.
func (n *peNames) rename(old, name string) []pe.Edit {
	var edits []pe.Edit
	take := func(names []string, edit pe.Edit) {
		found := false
		for k := range names {
			if pe.SameName(names[k], old) {
				names[k], found = name, true
			}
		}
		if found {
			edits = append(edits, edit)
		}
	}
	take(n.plain, pe.ReplaceImport(old, name))
	take(n.delayed, pe.ReplaceDelayImport(old, name))
	if edits == nil {
		edits = append(edits, pe.ReplaceImport(old, name)) // whose error says that there is none
	}
	return edits
}

func (i peImage) check(edited *overlay.Overlay, f *os.File) error { return pe.CheckWritten(edited, f) }

// Print prints imports, delay imports behind them, and the name in the export table.
func (i peImage) Print(flag string) ([]string, error) {
	switch flag {
	case "print-needed":
		n, err := i.names()
		if err != nil {
			return nil, err
		}
		var lines []string
		for _, name := range slices.Concat(n.plain, n.delayed) {
			if !slices.Contains(lines, name) {
				lines = append(lines, name)
			}
		}
		return lines, nil
	case "print-soname":
		exports, err := i.Exports()
		if err != nil {
			return nil, err
		}
		if exports == nil || exports.Name == "" {
			return nil, fmt.Errorf("%w name in its export table", ErrAbsent)
		}
		return []string{exports.Name}, nil
	}
	return nil, whyNotPE(flag)
}

// notes tells that a signature is gone.
func (i peImage) notes(edited *overlay.Overlay) ([]string, error) {
	before, err := i.Certificate()
	if err != nil || before.Size == 0 {
		return nil, nil // one that cannot be read stands where nothing changes
	}
	now, err := pe.NewFile(edited, edited.Size())
	if err != nil {
		return nil, err
	}
	after, err := now.Certificate()
	if err != nil || after.Size > 0 {
		return nil, errors.Join(err)
	}
	return []string{"its signature is taken away, since the edit voids it: sign it again if that counts"}, nil
}
