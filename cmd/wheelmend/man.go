//go:build man

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommands returns the command that writes the man pages. A release comes with the
// pages, and scripts/dist alone builds a program that has it: what it takes to format
// them is a fifteenth of the program.
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

// writeManPages writes the page of a command and those of the commands below it. A
// page has no date: it is the same whenever it is made.
func writeManPages(c *cobra.Command, dir string) error {
	page, err := manPage(c)
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil {
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

func manPage(c *cobra.Command) ([]byte, error) {
	var page bytes.Buffer
	c.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Date: &time.Time{}, Source: "wheelmend " + version(), Manual: "wheelmend"}
	if err := doc.GenMan(c, header, &page); err != nil {
		return nil, fmt.Errorf("man page of %s: %w", c.CommandPath(), err)
	}
	date := time.Time{}.Format(`"Jan 2006"`)
	return bytes.Replace(page.Bytes(), []byte(date), []byte(`""`), 1), nil
}
