package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/patch"
	"github.com/wheelmend/wheelmend/policy"
)

// patchFlags are the flags of the patch command.
type patchFlags struct {
	patch.Call
	strip     bool
	sign      bool
	macTarget string // oldest macOS
}

func (a *app) patchCommand() *cobra.Command {
	var f patchFlags
	cmd := &cobra.Command{
		Use:   "patch BINARY...",
		Short: "Edit the search path, libraries or name of an ELF or Mach-O file",
		Long: `patch edits what the loader reads of one ELF or Mach-O program or shared
library, or prints it. Edits are carried out in the order in which they stand on
the command line, and all of them or none: the result is written beside the file,
checked, and then takes its name. Permissions, owner and extended attributes are
kept. A symbolic link stays, and the file that it names is edited. With several
files each is edited on its own, and a failure leaves the others as asked for.

ELF: code and data that are mapped never move.

Mach-O: every architecture of a universal file is edited; what is removed or
replaced has to be in one of them. What changes is signed ad hoc if it was signed
or is arm64 code. Load commands that do not fit move the image, or are refused. An
ad-hoc signature drops the hardened runtime and library validation, with which a
program would refuse its own libraries.

Exit code 0 means that the file now is as asked for. Edits that change nothing
leave it alone.`,
		Example: `  wheelmend patch --print-rpath --print-needed libdemo.so
  wheelmend patch --set-rpath '$ORIGIN/../demo.libs' libdemo.so
  wheelmend patch --replace-needed libfoo.so.1=libfoo-0123abcd.so.1 -o out/libdemo.so libdemo.so
  wheelmend patch --remove-rpath=/opt/build/lib --add-rpath '$ORIGIN' --strip libdemo.so
  wheelmend patch --set-symbol-version pow=libm.so.6:GLIBC_2.2.5 libdemo.so
  wheelmend patch --set-interpreter /lib/ld-musl-x86_64.so.1 demo
  wheelmend patch --set-soname @rpath/libdemo.dylib --add-rpath @loader_path --sign libdemo.dylib`,
		Args: func(cmd *cobra.Command, args []string) error {
			return f.checkFiles(cmd.Flags(), args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			return a.patchAll(cmd.Context(), args, &f)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *patchFlags) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	f.edit(flags, "set-rpath", "make these `entries`, joined by \":\", the search path (DT_RPATH, in the place of any DT_RUNPATH; LC_RPATH); '' empties it", nil)
	f.edit(flags, "set-runpath", "make these `entries` the DT_RUNPATH, in the place of any DT_RPATH (ELF only); '' empties it", nil)
	f.edit(flags, "add-rpath", "add `entries` that the search path lacks at its end (repeatable)", checkName)
	f.edit(flags, "remove-rpath", "remove this `entry` of the search path (repeatable); without =ENTRY, all of it", nil)
	flags.Lookup("remove-rpath").NoOptDefVal = patch.EveryEntry
	f.edit(flags, "set-soname", "make this `name` the DT_SONAME or install name (LC_ID_DYLIB) of a shared library", checkName)
	f.edit(flags, "add-needed", "need this `library`, in front of the others; with Mach-O behind them (repeatable)", checkName)
	f.edit(flags, "remove-needed", "need this `library` no longer, nor versions of it (repeatable)", checkName)
	f.edit(flags, "replace-needed", "need library NEW in the place of OLD: `OLD=NEW` (repeatable)", checkReplacement)
	f.edit(flags, "set-interpreter", "make this `path` the loader of a program (PT_INTERP; ELF only)", checkName)
	f.edit(flags, "rename-symbol", "look up symbol NEW in other files in the place of OLD, which this one does not define: `OLD=NEW` (repeatable; ELF only)", checkReplacement)
	f.edit(flags, "set-symbol-version", "look up a symbol with this version of a needed library: `SYMBOL[@OLD]=LIBRARY:VERSION` (repeatable; ELF only)", checkSymbolVersion)
	f.edit(flags, "clear-symbol-version", "look up this `symbol`, or offer it, without a version (repeatable; ELF only)", checkName)
	f.turn(flags, "expand-relr", "turn packed relocations (DT_RELR), which glibc before 2.36 passes over, into ordinary ones (ELF only)")
	flags.BoolVar(&f.strip, "strip", false, "remove symbol tables, debug information and all else that is not mapped (ELF only)")
	f.turn(flags, "clear-execstack", "ask for no executable stack, which glibc 2.41 and later refuse to make (PT_GNU_STACK; ELF only)")
	f.turn(flags, "set-execstack", "ask for an executable stack (PT_GNU_STACK; ELF only)")
	flags.BoolVar(&f.sign, "sign", false, "sign ad hoc, also where nothing else changes (Mach-O only)")
	flags.StringVar(&f.macTarget, "set-macos-target", "", "make this `version` the oldest macOS that it says it runs on (Mach-O only)")
	f.print(flags, "print-needed", "print the libraries needed (DT_NEEDED, LC_LOAD_DYLIB and the like), one on a line")
	f.print(flags, "print-rpath", "print the search path in force: DT_RUNPATH, else DT_RPATH; LC_RPATH")
	f.print(flags, "print-soname", "print DT_SONAME or the install name (LC_ID_DYLIB)")
	f.print(flags, "print-interpreter", "print the loader of a program (PT_INTERP; ELF only)")
	f.print(flags, "print-execstack", "print X if PT_GNU_STACK asks for an executable stack, - if not, ? without the header (ELF only)")
	flags.StringVarP(&f.Output, "output", "o", "", "write to this `file` and leave BINARY as it is")
}

// checkFiles rejects files that cannot be meant.
func (f *patchFlags) checkFiles(flags *pflag.FlagSet, files []string) error {
	switch {
	case len(files) == 0:
		return f.noFile()
	case len(files) == 1:
		return command.CheckNames("file", files)
	case slices.Contains(f.Edits, patch.Request{Flag: "remove-rpath", Value: patch.EveryEntry}) && !isFile(files[0]):
		return console.Usagef("%d files given, and %q is none; an entry to remove is given as --remove-rpath=ENTRY", len(files), files[0])
	case flags.Changed("output"):
		return console.Usagef("%d files given, and --output names one; without it each file is edited in its place", len(files))
	}
	return command.CheckNames("file", files)
}

// noFile tells which flag took the name of the file for its value.
func (f *patchFlags) noFile() error {
	for _, e := range slices.Backward(f.Edits) {
		if isFile(e.Value) {
			return console.Usagef("no file given: --%s took %q as its value; write --%s VALUE %s", e.Flag, e.Value, e.Flag, e.Value)
		}
	}
	return console.Usagef("no file given; write wheelmend patch FLAGS FILE")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// patchAll patches each of the files. A usage error is one for all of them.
func (a *app) patchAll(ctx context.Context, files []string, f *patchFlags) error {
	failed := false
	f.Named = len(files) > 1
	for _, file := range files {
		err := patch.File(ctx, a.Console, file, &f.Call)
		switch {
		case err != nil && console.IsUsage(err):
			return err
		case err != nil:
			a.Log.WithField("file", file).Error(err)
			failed = true
		}
	}
	if failed {
		return console.ErrFailed
	}
	return nil
}

// check rejects what cannot be meant together.
func (f *patchFlags) check(flags *pflag.FlagSet) error {
	if f.strip {
		f.Edits = append(f.Edits, patch.Request{Flag: "strip"})
	}
	if f.sign {
		f.Edits = append(f.Edits, patch.Request{Flag: "sign"})
	}
	if flags.Changed("set-macos-target") {
		if _, err := policy.ParseMacVersion(f.macTarget); err != nil {
			return console.Usagef("--set-macos-target: %v", err)
		}
		f.Edits = append(f.Edits, patch.Request{Flag: "set-macos-target", Value: f.macTarget})
	}
	if flags.Changed("output") && f.Output == "" {
		return console.Usagef("--output is empty, want a file")
	}
	if len(f.Prints) == 0 && len(f.Edits) == 0 && f.Output == "" {
		return console.Usagef("nothing to do: no edit is asked for, such as --set-rpath PATH, and nothing to print, such as --print-needed")
	}
	if len(f.Prints) > 0 && (len(f.Edits) > 0 || f.Output != "") {
		return console.Usagef("printing and editing in one call: print before or after")
	}
	if flags.Changed("set-execstack") && flags.Changed("clear-execstack") {
		return console.Usagef("--set-execstack and --clear-execstack exclude each other")
	}
	if flags.Changed("set-rpath") && flags.Changed("set-runpath") {
		return console.Usagef("--set-rpath and --set-runpath exclude each other: a file has the one or the other")
	}
	return nil
}

func checkName(value string) error {
	if value == "" {
		return errors.New("it is empty")
	}
	return nil
}

func checkReplacement(value string) error {
	if old, now, _ := strings.Cut(value, "="); old == "" || now == "" {
		return errors.New("want OLD=NEW")
	}
	return nil
}

func checkSymbolVersion(value string) error {
	symbol, wanted, _ := strings.Cut(value, "=")
	library, version, _ := strings.Cut(wanted, ":")
	if name, _, _ := strings.Cut(symbol, "@"); name == "" || library == "" || version == "" {
		return errors.New("want SYMBOL=LIBRARY:VERSION, such as pow=libm.so.6:GLIBC_2.2.5")
	}
	return nil
}

// An editFlag is a flag that asks for an edit each time that it is given.
type editFlag struct {
	edits *[]patch.Request
	name  string
	check func(string) error // nil if every value will do
}

// Set implements [pflag.Value].
func (e editFlag) Set(value string) error {
	if e.check != nil {
		if err := e.check(value); err != nil {
			return err
		}
	}
	*e.edits = append(*e.edits, patch.Request{Flag: e.name, Value: value})
	return nil
}

// String implements [pflag.Value]: there is no default.
func (e editFlag) String() string { return "" }

// Type implements [pflag.Value].
func (e editFlag) Type() string { return "string" }

func (f *patchFlags) edit(flags *pflag.FlagSet, name, usage string, check func(string) error) {
	flags.Var(editFlag{&f.Edits, name, check}, name, usage)
}

// A turnFlag is a flag without a value that asks for an edit.
type turnFlag struct{ editFlag }

// Set implements [pflag.Value].
func (t turnFlag) Set(value string) error {
	on, err := strconv.ParseBool(value)
	if on {
		*t.edits = append(*t.edits, patch.Request{Flag: t.name})
	}
	return err
}

// Type implements [pflag.Value].
func (t turnFlag) Type() string { return "bool" }

func (f *patchFlags) turn(flags *pflag.FlagSet, name, usage string) {
	flags.Var(turnFlag{editFlag{edits: &f.Edits, name: name}}, name, usage)
	flags.Lookup(name).NoOptDefVal = "true"
}

// A printFlag is a flag that asks for something to be printed.
type printFlag struct {
	prints *[]string
	name   string
}

// Set implements [pflag.Value].
func (p printFlag) Set(value string) error {
	on, err := strconv.ParseBool(value)
	if on {
		*p.prints = append(*p.prints, p.name)
	}
	return err
}

// String implements [pflag.Value].
func (p printFlag) String() string { return "false" }

// Type implements [pflag.Value].
func (p printFlag) Type() string { return "bool" }

func (f *patchFlags) print(flags *pflag.FlagSet, name, usage string) {
	flags.Var(printFlag{&f.Prints, name}, name, usage)
	flags.Lookup(name).NoOptDefVal = "true"
}
