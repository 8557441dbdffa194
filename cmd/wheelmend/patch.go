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
		Short: "Edit the search path, libraries or name of a binary",
		Long: `patch edits what the loader reads of an ELF, Mach-O or PE program or library, or
prints it. Edits are made in the order of the command line, all of them or none:
the file is replaced in one step when the result is complete and checked.
Permissions, owner and extended attributes are kept. A symbolic link stays, and the
file it points to is edited. Several files are edited one by one; one that fails does
not stop the others.

ELF: code and data in memory never move.

Mach-O: every architecture of a universal file is edited; what is removed or replaced
has to be in one of them. The result is signed ad hoc if the file was signed or is
arm64 code. If the load commands do not fit, the image is moved, or the edit refused.
An ad-hoc signature has no hardened runtime and no library validation, because a
program would then refuse its own libraries.

PE: libraries that are imported get other names. A signature is taken away, since the
edit voids it; a checksum is renewed where there was one.

Exit code 0 means that the file is now as you asked. If nothing changes, the file is
not touched.`,
		Example: `  wheelmend patch --print-rpath --print-needed libdemo.so
  wheelmend patch --set-rpath '$ORIGIN/../demo.libs' libdemo.so
  wheelmend patch --replace-needed libfoo.so.1=libfoo-0123abcd.so.1 libdemo.so
  wheelmend patch --remove-rpath=/opt/build/lib --strip -o out.so libdemo.so
  wheelmend patch --set-symbol-version pow=libm.so.6:GLIBC_2.2.5 libdemo.so
  wheelmend patch --set-interpreter /lib/ld-musl-x86_64.so.1 demo
  wheelmend patch --set-soname @rpath/libdemo.dylib --sign libdemo.dylib`,
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
	f.edit(flags, "set-rpath", "set the search path to these `entries`, joined by \":\"; '' empties it (DT_RPATH, and no DT_RUNPATH; LC_RPATH)", nil)
	f.edit(flags, "set-runpath", "the same as DT_RUNPATH, and no DT_RPATH: `entries` (ELF only)", nil)
	f.edit(flags, "add-rpath", "add `entries` to the end of the search path, unless they are in it (repeatable)", checkName)
	f.edit(flags, "remove-rpath", "remove this `entry` from the search path; without =ENTRY, all of them (repeatable)", nil)
	flags.Lookup("remove-rpath").NoOptDefVal = patch.EveryEntry
	f.edit(flags, "set-soname", "set the `name` of a shared library (DT_SONAME; install name, LC_ID_DYLIB)", checkName)
	f.edit(flags, "add-needed", "add a needed `library`, before the others; in Mach-O files after them (repeatable)", checkName)
	f.edit(flags, "remove-needed", "remove a needed `library`, and the symbol versions it stands for (repeatable)", checkName)
	f.edit(flags, "replace-needed", "replace a needed library: `OLD=NEW` (repeatable)", checkReplacement)
	f.edit(flags, "set-interpreter", "set the loader of a program to this `path` (PT_INTERP; ELF only)", checkName)
	f.edit(flags, "rename-symbol", "use symbol NEW of other files in the place of OLD, which this file does not define: `OLD=NEW` (repeatable; ELF only)", checkReplacement)
	f.edit(flags, "set-symbol-version", "use another version of a symbol: `SYM[@OLD]=LIB:VERSION` (repeatable; ELF only)", checkSymbolVersion)
	f.edit(flags, "clear-symbol-version", "use this `symbol`, or offer it, without a version (repeatable; ELF only)", checkName)
	f.turn(flags, "expand-relr", "turn packed relocations (DT_RELR), which glibc before 2.36 ignores, into ordinary ones (ELF only)")
	flags.BoolVar(&f.strip, "strip", false, "remove symbol tables, debug information and everything else that is not loaded (ELF only)")
	f.turn(flags, "clear-execstack", "ask for no executable stack: glibc 2.41 and later do not load a library that does (PT_GNU_STACK; ELF only)")
	f.turn(flags, "set-execstack", "ask for an executable stack (PT_GNU_STACK; ELF only)")
	flags.BoolVar(&f.sign, "sign", false, "sign ad hoc, even if nothing else changes (Mach-O only)")
	flags.StringVar(&f.macTarget, "set-macos-target", "", "set the oldest macOS that the file says it runs on: `version` (Mach-O only)")
	f.turn(flags, "clear-load-flags", "let Windows look for DLLs wherever the process allows (DependentLoadFlags 0; PE only)")
	f.print(flags, "print-needed", "print the needed libraries, one a line (DT_NEEDED, LC_LOAD_DYLIB and the like, imports)")
	f.print(flags, "print-rpath", "print the search path that counts: DT_RUNPATH, else DT_RPATH; LC_RPATH")
	f.print(flags, "print-soname", "print the name: DT_SONAME, or the install name (LC_ID_DYLIB)")
	f.print(flags, "print-interpreter", "print the loader of a program (PT_INTERP; ELF only)")
	f.print(flags, "print-execstack", "print X if the file asks for an executable stack, - if not, ? if it does not say (PT_GNU_STACK; ELF only)")
	flags.StringVarP(&f.Output, "output", "o", "", "write the result to this `file` and leave BINARY as it is")
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
