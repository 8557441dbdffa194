package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/report"
)

// patchFlags are the flags of the patch command.
type patchFlags struct {
	edits  []elf.Edit // in the order in which they are asked for
	prints []printer  // likewise
	strip  bool
	output string
}

func (a *app) patchCommand() *cobra.Command {
	var f patchFlags
	cmd := &cobra.Command{
		Use:   "patch BINARY",
		Short: "Edit the search path, libraries, soname or interpreter of an ELF file",
		Long: `patch edits what the loader reads of one ELF program or shared library, or prints
it. Edits are carried out in the order in which they stand on the command line,
and all of them or none: the result is written beside the file, checked, and
then takes its name. Permissions, owner and extended attributes are kept. A
symbolic link stays, and the file that it names is edited. Code and data that
are mapped never move.

Exit code 0 means that the file now is as asked for. Edits that change nothing
leave it alone.`,
		Example: `  wheelmend patch --print-rpath --print-needed libdemo.so
  wheelmend patch --set-rpath '$ORIGIN/../demo.libs' libdemo.so
  wheelmend patch --replace-needed libfoo.so.1=libfoo-0123abcd.so.1 -o out/libdemo.so libdemo.so
  wheelmend patch --remove-rpath=/opt/build/lib --add-rpath '$ORIGIN' --strip libdemo.so
  wheelmend patch --set-interpreter /lib/ld-musl-x86_64.so.1 demo`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 2 && cmd.Flags().Changed("remove-rpath"):
				return usagef("2 files given, want 1; an entry to remove is given as --remove-rpath=ENTRY")
			case len(args) != 1:
				return usagef("%d files given, want 1", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			if err := a.patch(cmd.Context(), args[0], &f); err != nil {
				a.log.WithField("file", args[0]).Error(err)
				return errFailed
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *patchFlags) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	f.edit(flags, "set-rpath", "make these `entries`, joined by \":\", the DT_RPATH, in the place of any DT_RUNPATH", pathEdit(elf.SetRPath))
	f.edit(flags, "set-runpath", "make these `entries` the DT_RUNPATH, in the place of any DT_RPATH", pathEdit(elf.SetRunPath))
	f.edit(flags, "add-rpath", "add `entries` that the search path lacks at its end (repeatable)", pathEdit(elf.AddRPath))
	f.edit(flags, "remove-rpath", "remove this `entry` of the search path (repeatable); without =ENTRY, all of it", removeRPath)
	flags.Lookup("remove-rpath").NoOptDefVal = everyEntry
	f.edit(flags, "set-soname", "make this `name` the DT_SONAME of a shared library", nameEdit(elf.SetSoname))
	f.edit(flags, "add-needed", "need this `library`, in front of the others (repeatable)", nameEdit(elf.AddNeeded))
	f.edit(flags, "remove-needed", "need this `library` no longer, nor versions of it (repeatable)", nameEdit(elf.RemoveNeeded))
	f.edit(flags, "replace-needed", "need library NEW in the place of OLD: `OLD=NEW` (repeatable)", replaceNeeded)
	f.edit(flags, "set-interpreter", "make this `path` the loader of a program (PT_INTERP)", nameEdit(elf.SetInterpreter))
	flags.BoolVar(&f.strip, "strip", false, "remove symbol tables, debug information and all else that is not mapped")
	f.print(flags, "print-needed", "print the libraries needed (DT_NEEDED), one on a line", printNeeded)
	f.print(flags, "print-rpath", "print the search path in force: DT_RUNPATH, else DT_RPATH", printRPath)
	f.print(flags, "print-soname", "print DT_SONAME", printSoname)
	f.print(flags, "print-interpreter", "print the loader of a program (PT_INTERP)", printInterpreter)
	flags.StringVarP(&f.output, "output", "o", "", "write to this `file` and leave BINARY as it is")
}

// check rejects what cannot be meant together.
func (f *patchFlags) check(flags *pflag.FlagSet) error {
	if f.strip {
		f.edits = append(f.edits, elf.Strip())
	}
	if flags.Changed("output") && f.output == "" {
		return usagef("--output is empty, want a file")
	}
	if len(f.prints) > 0 && (len(f.edits) > 0 || f.output != "") {
		return usagef("printing and editing in one call: print before or after")
	}
	if flags.Changed("set-rpath") && flags.Changed("set-runpath") {
		return usagef("--set-rpath and --set-runpath exclude each other: a file has the one or the other")
	}
	return nil
}

// everyEntry is the value of --remove-rpath without one.
const everyEntry = "*"

func removeRPath(entry string) (elf.Edit, error) {
	if entry == everyEntry {
		return elf.RemoveRPath(), nil
	}
	return elf.RemoveRPathEntry(entry), nil
}

func replaceNeeded(value string) (elf.Edit, error) {
	old, now, ok := strings.Cut(value, "=")
	if !ok || old == "" || now == "" {
		return nil, errors.New("want OLD=NEW")
	}
	return elf.ReplaceNeeded(old, now), nil
}

// nameEdit makes an edit of a value that must not be empty.
func nameEdit(edit func(string) elf.Edit) func(string) (elf.Edit, error) {
	return func(value string) (elf.Edit, error) {
		if value == "" {
			return nil, errors.New("it is empty")
		}
		return edit(value), nil
	}
}

// pathEdit makes an edit of a search path.
func pathEdit(edit func(string) elf.Edit) func(string) (elf.Edit, error) {
	return func(value string) (elf.Edit, error) {
		if value == "" {
			return nil, errors.New("it is empty; --remove-rpath removes a search path")
		}
		return edit(value), nil
	}
}

// An editFlag is a flag that asks for an edit each time that it is given.
type editFlag struct {
	edits *[]elf.Edit
	parse func(string) (elf.Edit, error)
}

// Set implements [pflag.Value].
func (e editFlag) Set(value string) error {
	edit, err := e.parse(value)
	if err == nil {
		*e.edits = append(*e.edits, edit)
	}
	return err
}

// String implements [pflag.Value]: there is no default.
func (e editFlag) String() string { return "" }

// Type implements [pflag.Value].
func (e editFlag) Type() string { return "string" }

func (f *patchFlags) edit(flags *pflag.FlagSet, name, usage string, parse func(string) (elf.Edit, error)) {
	flags.Var(editFlag{&f.edits, parse}, name, usage)
}

// A printer returns the lines that tell one thing about a file.
type printer func(*elf.File) ([]string, error)

// A printFlag is a flag that asks for something to be printed.
type printFlag struct {
	prints *[]printer
	print  printer
}

// Set implements [pflag.Value].
func (p printFlag) Set(value string) error {
	on, err := strconv.ParseBool(value)
	if on {
		*p.prints = append(*p.prints, p.print)
	}
	return err
}

// String implements [pflag.Value].
func (p printFlag) String() string { return "false" }

// Type implements [pflag.Value].
func (p printFlag) Type() string { return "bool" }

func (f *patchFlags) print(flags *pflag.FlagSet, name, usage string, print printer) {
	flags.Var(printFlag{&f.prints, print}, name, usage)
	flags.Lookup(name).NoOptDefVal = "true"
}

func printNeeded(f *elf.File) ([]string, error) {
	if !f.Dynamic() {
		return nil, elf.ErrNotDynamic
	}
	return f.Needed(), nil
}

// printRPath prints an empty line for no search path, as patchelf does.
func printRPath(f *elf.File) ([]string, error) {
	if !f.Dynamic() {
		return nil, elf.ErrNotDynamic
	}
	return []string{f.SearchPath()}, nil
}

func printSoname(f *elf.File) ([]string, error) {
	switch {
	case !f.Dynamic():
		return nil, elf.ErrNotDynamic
	case f.Soname() == "":
		return nil, errors.New("it has no soname (DT_SONAME)")
	}
	return []string{f.Soname()}, nil
}

func printInterpreter(f *elf.File) ([]string, error) {
	interpreter, err := f.Interpreter()
	if err == nil && interpreter == "" {
		err = errors.New("it has no interpreter (PT_INTERP)")
	}
	if err != nil {
		return nil, err
	}
	return []string{interpreter}, nil
}

// printAll prints what is asked for, in that order.
func (a *app) printAll(f *elf.File, prints []printer) error {
	for _, print := range prints {
		lines, err := print(f)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(a.stdout, report.Clean(line)); err != nil {
				return err
			}
		}
	}
	return nil
}
