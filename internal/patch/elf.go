package patch

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/overlay"
)

// ExecutableStack spells what PT_GNU_STACK says.
func ExecutableStack(f *elf.File) string {
	return map[elf.Stack]string{elf.StackExecutable: "X", elf.StackPlain: "-", elf.StackUnsaid: "?"}[f.Stack()]
}

// An ELF is an ELF file as patch sees it.
type ELF struct{ *elf.File }

// elfEdits are the edits of an ELF file by flag.
var elfEdits = map[string]func(value string) elf.Edit{
	"set-rpath":       func(path string) elf.Edit { return setOrRemove(elf.SetRPath, path) },
	"set-runpath":     func(path string) elf.Edit { return setOrRemove(elf.SetRunPath, path) },
	"add-rpath":       elf.AddRPath,
	"set-soname":      elf.SetSoname,
	"add-needed":      elf.AddNeeded,
	"remove-needed":   elf.RemoveNeeded,
	"set-interpreter": elf.SetInterpreter,
	"set-execstack":   func(string) elf.Edit { return elf.SetExecutableStack(true) },
	"clear-execstack": func(string) elf.Edit { return elf.SetExecutableStack(false) },
	"strip":           func(string) elf.Edit { return elf.Strip() },
	"remove-rpath": func(entry string) elf.Edit {
		if entry == EveryEntry {
			return elf.RemoveRPath()
		}
		return elf.RemoveRPathEntry(entry)
	},
	"clear-symbol-version": elf.ClearSymbolVersion,
	"expand-relr":          func(string) elf.Edit { return elf.ExpandRelr() },
	"rename-symbol": func(value string) elf.Edit {
		old, now, _ := strings.Cut(value, "=")
		return elf.RenameSymbol(old, now)
	},
	"set-symbol-version": func(value string) elf.Edit {
		symbol, wanted, _ := strings.Cut(value, "=")
		name, from, _ := strings.Cut(symbol, "@")
		library, version, _ := strings.Cut(wanted, ":")
		return elf.SetSymbolVersion(name, from, library, version)
	},
	"replace-needed": func(value string) elf.Edit {
		old, now, _ := strings.Cut(value, "=")
		return elf.ReplaceNeeded(old, now)
	},
}

// setOrRemove removes a search path that is to be empty.
func setOrRemove(set func(string) elf.Edit, path string) elf.Edit {
	if path == "" {
		return elf.RemoveRPath()
	}
	return set(path)
}

// notELF tells why a flag means nothing for an ELF file.
var notELF = map[string]string{
	"sign":             "no loader looks for a signature in an ELF file",
	"set-macos-target": "macOS loads no ELF file",
	"clear-load-flags": "ELF files have no DependentLoadFlags",
}

func (i ELF) edit(ctx context.Context, edits []Request) (*overlay.Overlay, error) {
	var all []elf.Edit
	for _, r := range edits {
		edit, ok := elfEdits[r.Flag]
		if !ok {
			return nil, console.Usagef("--%s: %s; the flag is for Mach-O files", r.Flag, notELF[r.Flag])
		}
		all = append(all, edit(r.Value))
	}
	return i.Edit(ctx, all...)
}

// Print returns what the flag of that name prints.
func (i ELF) Print(flag string) ([]string, error) {
	if flag == "print-interpreter" {
		interpreter, err := i.Interpreter()
		if err == nil && interpreter == "" {
			err = fmt.Errorf("%w interpreter (PT_INTERP)", ErrAbsent)
		}
		if err != nil {
			return nil, err
		}
		return []string{interpreter}, nil
	}
	if flag == "print-execstack" {
		return []string{ExecutableStack(i.File)}, nil
	}
	if !i.Dynamic() {
		return nil, fmt.Errorf("%w dynamic table (PT_DYNAMIC)", ErrAbsent)
	}
	switch flag {
	case "print-needed":
		return i.Needed(), nil
	case "print-rpath":
		return []string{i.SearchPath()}, nil // an empty line for none, as patchelf does
	}
	if i.Soname() == "" {
		return nil, fmt.Errorf("%w soname (DT_SONAME)", ErrAbsent)
	}
	return []string{i.Soname()}, nil
}

func (i ELF) check(edited *overlay.Overlay, f *os.File) error {
	return elf.CheckWritten(edited, f)
}

// notes returns nothing: an edit of an ELF file costs nothing.
func (i ELF) notes(*overlay.Overlay) ([]string, error) { return nil, nil }
