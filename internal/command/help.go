package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Address of the documents on the web.
const Address = "https://github.com/wheelmend/wheelmend/tree/main/docs"

// Groups of flags, in the order in which help shows them.
const (
	groupEdits     = "Edits"
	groupPrinting  = "Printing"
	groupTag       = "Tag"
	groupLibraries = "Finding libraries"
	groupContents  = "Contents of the wheel"
	groupMacOS     = "macOS"
	groupWindows   = "Windows"
	groupOutput    = "Output"
	groupDisplay   = "Display"
)

var flagGroups = []string{groupEdits, groupPrinting, groupTag, groupLibraries, groupContents, groupMacOS, groupWindows, groupOutput, groupDisplay}

// groupsOfFlags has the group of each flag by its name: one name means the same
// everywhere.
var groupsOfFlags = map[string]string{
	"plat": groupTag, "only-plat": groupTag, "no-update-tags": groupTag, "replace": groupTag, "lower": groupTag, "disable-isa-ext-check": groupTag, "allow-pure-python-wheel": groupTag, "arch": groupTag,
	"search-path": groupLibraries, "ldpaths": groupLibraries, "sysroot": groupLibraries, "exclude": groupLibraries,
	"graft": groupContents, "add-lib": groupContents, "lib-sdir": groupContents, "keep-rpath": groupContents, "fold-copies": groupContents, "strip": groupContents, "clear-execstack": groupContents,
	"no-sbom": groupContents, "rewrite-record": groupContents, "allow": groupContents, "prefer": groupContents, "zip-level": groupContents,
	"executable-path": groupMacOS, "dylibs-only": groupMacOS, "require-archs": groupMacOS, "ignore-missing": groupMacOS, "no-sanitize-rpaths": groupMacOS, "keep-ids": groupMacOS, "resign": groupMacOS, "macos-target": groupMacOS,
	"add-path": groupWindows, "use-path": groupWindows, "no-mangle": groupWindows, "namespace-pkg": groupWindows,
	"wheel-dir": groupOutput, "output": groupOutput, "dry-run": groupOutput, "json": groupOutput, "format": groupOutput, "force": groupOutput, "copy": groupOutput, "python": groupOutput, "jobs": groupOutput, "no-cache": groupOutput,
	"color": groupDisplay, "log-format": groupDisplay, "quiet": groupDisplay, "verbose": groupDisplay, "help": groupDisplay, "no-config": groupDisplay, "version": groupDisplay,
}

// groupOf returns the group of a flag, "" for those of tools whose place is taken.
func groupOf(cmd *cobra.Command, f *pflag.Flag) string {
	group := groupsOfFlags[f.Name]
	if cmd.Name() != "patch" || group == groupDisplay || group == groupOutput {
		return group
	}
	if strings.HasPrefix(f.Name, "print-") {
		return groupPrinting
	}
	return groupEdits
}

// Bounds of the width of help, in columns: what a narrow terminal cannot show, and
// what nobody likes to read.
const (
	narrowest = 40
	widest    = 100
	unknown   = 80 // where there is no terminal
)

// A helper writes help.
type helper struct {
	w     io.Writer
	width int
}

// WriteHelp writes the help of a command for a terminal of that many columns, 0 if it is
// not known.
func WriteHelp(w io.Writer, cmd *cobra.Command, columns int) {
	if columns <= 0 {
		columns = unknown
	}
	h := &helper{w, max(narrowest, min(columns, widest))}
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	h.paragraphs(text)
	h.usage(cmd)
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(w, "\nAliases:\n  %s\n", strings.Join(append([]string{cmd.Name()}, cmd.Aliases...), ", "))
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	h.commands(cmd)
	h.flags(cmd)
	if cmd.HasAvailableSubCommands() {
		h.paragraphs("\nRun '" + cmd.CommandPath() + " help COMMAND' for the flags of a command.")
	}
	if !cmd.HasParent() && cmd.Name() == "wheelmend" {
		h.paragraphs("Guide, troubleshooting and formats: " + Address)
	}
}

func (h *helper) usage(cmd *cobra.Command) {
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(h.w, "\nUsage:\n  %s\n", line)
}

// paragraphs writes text whose lines are joined, and wrapped anew: a line that begins
// with a blank stands for itself.
func (h *helper) paragraphs(text string) {
	var words []string
	flush := func() {
		for _, line := range wrap(strings.Join(words, " "), h.width) {
			fmt.Fprintln(h.w, line)
		}
		words = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == ' ' {
			if len(words) > 0 {
				flush()
			}
			fmt.Fprintln(h.w, line)
			continue
		}
		words = append(words, line)
	}
	if len(words) > 0 {
		flush()
	}
}

// commands lists the commands below one, group by group.
func (h *helper) commands(cmd *cobra.Command) {
	var groups []*cobra.Group
	groups = append(append(groups, cmd.Groups()...), &cobra.Group{Title: "Commands"})
	for _, g := range groups {
		var rows [][2]string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && c.GroupID == g.ID {
				rows = append(rows, [2]string{c.Name(), c.Short})
			}
		}
		h.table(g.Title, rows)
	}
}

func (h *helper) flags(cmd *cobra.Command) {
	rows := map[string][][2]string{}
	var groups []string
	EachFlag(cmd, func(group string, _ *pflag.Flag, column, text string) {
		if rows[group] == nil {
			groups = append(groups, group)
		}
		rows[group] = append(rows[group], [2]string{column, text})
	})
	for _, group := range groups {
		h.table(group, rows[group])
	}
}

// EachFlag goes through the flags of a command, group by group, with how a flag and its
// value are written and what it does.
func EachFlag(cmd *cobra.Command, do func(group string, f *pflag.Flag, column, text string)) {
	byGroup := map[string][]*pflag.Flag{}
	seen := map[string]bool{}
	add := func(f *pflag.Flag) {
		if !f.Hidden && !seen[f.Name] {
			seen[f.Name] = true
			byGroup[groupOf(cmd, f)] = append(byGroup[groupOf(cmd, f)], f)
		}
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	for _, group := range append([]string{""}, flagGroups...) {
		for _, f := range byGroup[group] {
			title := group
			if title == "" {
				title = "Flags"
			}
			do(title, f, flagColumn(f), flagText(f))
		}
	}
}

// flagColumn spells a flag with its value: "-w, --wheel-dir DIRECTORY".
func flagColumn(f *pflag.Flag) string {
	name := "    --" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", --" + f.Name
	}
	value, _ := pflag.UnquoteUsage(f)
	switch {
	case f.Value.Type() == "bool" || f.Value.Type() == "count" || f.Value.Type() == "boolfunc":
		return name
	case f.NoOptDefVal != "":
		return name + "[=" + strings.ToUpper(value) + "]"
	}
	return name + " " + strings.ToUpper(value)
}

// flagText returns what a flag does, with its default where there is one to tell.
func flagText(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	if slices.Contains([]string{"", "false", "0", "[]", "-1"}, f.DefValue) || strings.Contains(usage, "default") || f.Name == "version" {
		return usage
	}
	return usage + " (default: " + f.DefValue + ")"
}

// table writes rows of two columns below a title; the second is wrapped.
func (h *helper) table(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(h.w, "\n%s:\n", title)
	const most = 30 // columns of the left side; what is longer has a line of its own
	left := 0
	for _, r := range rows {
		if n := len(r[0]); n <= most {
			left = max(left, n)
		}
	}
	if h.width < 60 {
		left = 6 // the text goes below
	}
	for _, r := range rows {
		lines := wrap(r[1], h.width-left-4)
		if len(r[0]) > left {
			fmt.Fprintf(h.w, "  %s\n", r[0])
		} else {
			fmt.Fprintf(h.w, "  %-*s  %s\n", left, r[0], lines[0])
			lines = lines[1:]
		}
		for _, line := range lines {
			fmt.Fprintf(h.w, "  %-*s  %s\n", left, "", line)
		}
	}
}

// wrap breaks text into lines of at most width columns, at blanks. A longer word has a
// line of its own.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len([]rune(*last))+1+len([]rune(word)) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}
