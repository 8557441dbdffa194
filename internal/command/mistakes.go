package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/nearest"
)

// broughtFlags maps flags of other tools to ours that do the same, the first that the
// command has.
var broughtFlags = map[string][]string{
	"o": {"wheel-dir", "output"}, "output": {"wheel-dir"}, "output-dir": {"wheel-dir", "output"}, "out": {"wheel-dir", "output"},
	"out-dir": {"wheel-dir"}, "outdir": {"wheel-dir"}, "dest-dir": {"wheel-dir"}, "dest": {"wheel-dir", "output"}, "d": {"dylibs-only", "wheel-dir", "remove-rpath"},
	"w": {"output", "output-dir"}, "wheel-dir": {"output", "output-dir"},
	"l": {"search-path", "print-rpath"}, "lib-dir": {"search-path"}, "library-dir": {"search-path"}, "library-path": {"search-path"},
	"path": {"search-path"}, "L": {"search-path"},
	"e": {"exclude"}, "x": {"exclude"}, "no-dll": {"exclude"}, "ignore": {"exclude"}, "skip": {"exclude"},
	"p": {"plat"}, "plat-tag": {"plat"}, "platform": {"plat"}, "platform-tag": {"plat"}, "tag": {"plat"}, "t": {"plat"}, "policy": {"plat"}, "target": {"plat"},
	"zip-compression-level": {"zip-level"}, "compression-level": {"zip-level"}, "lib-path": {"lib-sdir"}, "add-dll": {"add-lib"}, "include": {"graft", "add-lib"},
	"ignore-missing-dependencies": {"ignore-missing"}, "require-target-macos-version": {"macos-target"},
	"archs": {"require-archs", "arch"}, "arch": {"require-archs"}, "r": {"set-rpath"},
	"id": {"set-soname"}, "change": {"replace-needed"}, "add_rpath": {"add-rpath"}, "delete_rpath": {"remove-rpath"}, "rpath": {"set-rpath"},
	"interpreter": {"set-interpreter"}, "soname": {"set-soname"}, "n": {"dry-run"}, "remove-old": {"replace"}, "remove": {"replace"},
}

// broughtNotes tells what to do without flags of other tools.
var broughtNotes = map[string]string{
	"V":               "the version is printed by wheelmend --version",
	"patcher":         "leave it out: wheelmend edits files itself",
	"check-archs":     "leave it out: architectures are always checked",
	"k":               "leave it out: architectures are always checked",
	"sanitize-rpaths": "leave it out: that is the default",
	"no-sys-paths":    "write --ldpaths '' to look into no default directory",
	"force-rpath":     "--set-rpath writes DT_RPATH, --set-runpath DT_RUNPATH",
	"shrink-rpath":    "name what to remove with --remove-rpath=ENTRY",
	"page-size":       "leave it out: segments are aligned to the largest page size of the architecture",
}

// FlagError words what is wrong with the flags of a call, for people, and names the
// flag that was probably meant.
func FlagError(cmd *cobra.Command, err error) error { return flagError(cmd, err, true) }

// ToolFlagError is FlagError for a program that is called as another tool: flags of
// wheelmend do not help there.
func ToolFlagError(cmd *cobra.Command, err error) error { return flagError(cmd, err, false) }

func flagError(cmd *cobra.Command, err error, ours bool) error {
	var unknown *pflag.NotExistError
	var lacking *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown, ours)
	case errors.As(err, &lacking):
		value, _ := pflag.UnquoteUsage(lacking.GetFlag())
		return console.Usagef("%s needs a value: --%s %s", spelled(lacking.GetSpecifiedName(), lacking.GetSpecifiedShortnames()), lacking.GetFlag().Name, strings.ToUpper(value))
	case errors.As(err, &invalid):
		return invalidValue(cmd, invalid)
	case errors.As(err, &syntax):
		return console.Usagef("%q is not a flag; flags have the form --name or --name=value", syntax.GetSpecifiedFlag())
	}
	return console.Usage(err)
}

// spelled returns a flag as it was typed: shorthands hold the letters that followed one dash.
func spelled(name, shorthands string) string {
	if shorthands != "" {
		return "-" + shorthands
	}
	return "--" + name
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError, ours bool) error {
	typed := e.GetSpecifiedName()
	if short := e.GetSpecifiedShortnames(); len(short) > 1 {
		typed = short // "-change" was meant as one word, not as six flags
	}
	what := spelled(typed, e.GetSpecifiedShortnames())
	none := "there is no flag " + what
	if !ours {
		none = "unrecognized arguments: " + what // argparse's words
	} else if note := broughtNotes[typed]; note != "" {
		return console.Usagef("%s; %s", none, note)
	}
	for _, name := range broughtFlags[typed] {
		if f := flagOf(cmd, name); f != nil {
			return console.Usagef("%s; write %s", none, howToWrite(f))
		}
	}
	if f := flagOf(cmd, typed); f != nil {
		return console.Usagef("%s; write %s", none, howToWrite(f))
	}
	if others := commandsWith(cmd, typed); len(others) > 0 {
		return console.Usagef("%s has no flag %s; it belongs to %s", cmd.Name(), what, strings.Join(others, ", "))
	}
	var names []string
	visitFlags(cmd, func(f *pflag.Flag) { names = append(names, f.Name) })
	if name := nearest.Word(typed, names); name != "" {
		return console.Usagef("%s; did you mean --%s?", none, name)
	}
	return console.Usagef("%s", none)
}

// howToWrite spells a flag with its value: "--wheel-dir DIRECTORY (-w)".
func howToWrite(f *pflag.Flag) string {
	text := "--" + f.Name
	if value, _ := pflag.UnquoteUsage(f); value != "" && f.NoOptDefVal == "" {
		text += " " + strings.ToUpper(value)
	}
	if f.Shorthand != "" {
		text += " (-" + f.Shorthand + ")"
	}
	return text
}

func invalidValue(cmd *cobra.Command, e *pflag.InvalidValueError) error {
	f, value := e.GetFlag(), e.GetValue()
	if whole := f.Shorthand + value; f.Shorthand != "" && flagOf(cmd, whole) != nil {
		return console.Usagef("there is no flag -%s; write --%s, with two dashes", whole, whole)
	}
	switch f.Value.Type() {
	case "int", "count":
		return console.Usagef("--%s %q: want a whole number", f.Name, value)
	case "bool":
		return console.Usagef("--%s takes no value; leave =%s out", f.Name, value)
	}
	return console.Usagef("--%s %q: %w", f.Name, value, e.Unwrap())
}

// flagOf returns the flag of a command by its long name, nil if it has none.
func flagOf(cmd *cobra.Command, name string) *pflag.Flag {
	if f := cmd.Flags().Lookup(name); f != nil {
		return f
	}
	return cmd.InheritedFlags().Lookup(name)
}

func visitFlags(cmd *cobra.Command, visit func(*pflag.Flag)) {
	cmd.Flags().VisitAll(visit)
	cmd.InheritedFlags().VisitAll(visit)
}

// commandsWith returns the other commands of the program that have a flag, in order.
func commandsWith(cmd *cobra.Command, name string) []string {
	var names []string
	for _, c := range cmd.Root().Commands() {
		if c != cmd && c.IsAvailableCommand() && len(name) > 1 && c.Flags().Lookup(name) != nil {
			names = append(names, c.Name())
		}
	}
	slices.Sort(names)
	return names
}

// broughtCommands maps what other tools call their commands, and what people try, to ours.
var broughtCommands = map[string]string{
	"check": "verify", "validate": "verify", "test": "verify", "inspect": "audit", "info": "audit", "analyze": "audit", "analyse": "audit",
	"fix": "repair", "mend": "repair", "delocate": "repair", "bundle": "repair", "graft": "repair", "ldd": "tree", "deps": "tree", "needed": "tree",
	"retag": "tag", "tags": "tag", "edit": "patch", "set-rpath": "patch", "strip": "patch", "list": "policies", "policy": "policies", "shims": "install-shims",
}

// UnknownCommand words that there is no such command, and names the one that was
// probably meant.
func UnknownCommand(root *cobra.Command, word string, tools []string) error {
	shown := fmt.Sprintf("there is no command %q", word)
	lower := strings.ToLower(word)
	switch {
	case word == "":
		return console.Usagef("the name of the command is empty")
	case strings.HasSuffix(lower, ".whl"):
		return console.Usagef("%q is a wheel, not a command; write wheelmend audit %s", word, word)
	case strings.HasSuffix(lower, ".so") || strings.HasSuffix(lower, ".dylib") || strings.Contains(lower, ".so."):
		return console.Usagef("%q is a library, not a command; write wheelmend tree %s", word, word)
	case slices.Contains(tools, lower):
		return console.Usagef("%s; to have wheelmend called as %s, write wheelmend install-shims DIRECTORY", shown, lower)
	case broughtCommands[lower] != "":
		return console.Usagef("%s; write wheelmend %s", shown, broughtCommands[lower])
	}
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(append(names, c.Name()), c.Aliases...)
		}
	}
	if name := nearest.Word(word, names); name != "" {
		return console.Usagef("%s; did you mean wheelmend %s?", shown, name)
	}
	return console.Usagef("%s", shown)
}
