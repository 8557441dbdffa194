//go:build man

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/command"
)

// manCommands returns the command that writes the man pages. A release comes with the
// pages, and scripts/dist alone builds a program that has it.
func (a *app) manCommands() []*cobra.Command {
	return []*cobra.Command{{
		Use:     "man DIRECTORY",
		Short:   "Write the man pages into a directory",
		Example: "  wheelmend man ~/.local/share/man/man1",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writeManPages(cmd.Root(), args[0])
		},
	}}
}

// writeManPages writes the page of a command and those of the commands below it.
func writeManPages(c *cobra.Command, dir string) error {
	c.InitDefaultHelpFlag()
	if err := os.WriteFile(filepath.Join(dir, manName(c)+".1"), []byte(manPage(c)), 0o644); err != nil {
		return err
	}
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() && !child.IsAdditionalHelpTopicCommand() {
			if err := writeManPages(child, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// environment are the variables that the program reads, see docs/environment.md.
var environment = [][2]string{
	{"AUDITWHEEL_LD_LIBRARY_PATH, LD_LIBRARY_PATH", "Directories to search for ELF libraries before the default ones. The second is ignored with --sysroot and --ldpaths."},
	{"DYLD_LIBRARY_PATH, DYLD_FALLBACK_LIBRARY_PATH", "The same for Mach-O libraries, before and after the place that the file names."},
	{"MACOSX_DEPLOYMENT_TARGET", "Oldest macOS that a repaired macOS wheel has to run on."},
	{"SOURCE_DATE_EPOCH", "Time of the files in the result, in seconds since 1970."},
	{"NO_COLOR, TERM", "No color with NO_COLOR set, or TERM=dumb."},
}

var exitStatus = [][2]string{
	{"0", "Done."},
	{"1", "A wheel failed its check or cannot be repaired, or a file cannot be read or written."},
	{"2", "Wrong usage: nothing was done."},
}

var files = [][2]string{
	{"pyproject.toml, wheelmend.toml", "Settings of the project in the working directory or above it, in the table [tool.wheelmend] of the first."},
	{"wheelhouse/", "Directory for results, unless --wheel-dir names another one."},
	{"/etc/ld.so.conf, /etc/ld-musl-*.path", "Directories that the target's loader searches; with --sysroot those of the target."},
}

// manPage returns the page of a command in the man macros (man(7)). It has no date: it
// is the same whenever it is made.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".nh\n.TH \"%s\" \"1\" \"\" \"wheelmend %s\" \"wheelmend\"\n", strings.ToUpper(manName(c)), shownVersion())
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fP\n", roff(c.UseLine()))
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", manParagraphs(c.Long))
	manFlags(&b, c)
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.EX\n%s\n.EE\n", roff(c.Example))
	}
	var commands [][2]string
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			commands = append(commands, [2]string{manName(child) + "(1)", child.Short})
		}
	}
	manList(&b, "COMMANDS", commands)
	manList(&b, "ENVIRONMENT", environment)
	manList(&b, "EXIT STATUS", exitStatus)
	manList(&b, "FILES", files)
	see := "wheelmend(1), "
	if !c.HasParent() {
		see = ""
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n%sld.so(8), %s\n", see, command.Address)
	return b.String()
}

// manFlags writes the flags, a section for each group.
func manFlags(b *strings.Builder, c *cobra.Command) {
	sections, rows := []string{}, map[string][][2]string{}
	command.EachFlag(c, func(group string, f *pflag.Flag, column, text string) {
		if rows[group] == nil {
			sections = append(sections, group)
		}
		rows[group] = append(rows[group], [2]string{strings.TrimSpace(column), text})
	})
	b.WriteString(".SH OPTIONS\n")
	for _, group := range sections {
		fmt.Fprintf(b, ".SS %s\n", roff(group))
		for _, r := range rows[group] {
			fmt.Fprintf(b, ".TP\n\\fB%s\\fP\n%s\n", roff(r[0]), roff(r[1]))
		}
	}
}

func manList(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, r := range rows {
		fmt.Fprintf(b, ".TP\n\\fB%s\\fP\n%s\n", roff(r[0]), roff(r[1]))
	}
}

// manParagraphs sets off paragraphs, and lines that stand for themselves.
func manParagraphs(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case line == "":
			lines[i] = ".PP"
		case line[0] == ' ' || line[0] == '\t' || line[0] == '#':
			lines[i] = ".br\n" + roff(strings.TrimSpace(line))
		default:
			lines[i] = roff(line)
		}
	}
	return strings.Join(lines, "\n")
}

// roff escapes a text for troff: backslashes and dashes, and lines that would be
// requests (groff(7)).
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
