package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
)

// eachCommand goes through the commands of the program, in their order.
func eachCommand(t *testing.T, do func(*cobra.Command)) {
	t.Helper()
	a := &app{Console: console.New(console.Environment{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Getenv: func(string) string { return "" }}, "1.0")}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		do(c)
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(a.rootCommand())
}

// unspoken matches what a flag library writes, and people do not.
var unspoken = regexp.MustCompile(`=true\|false|default "|\(default \[\]\)|\bstringArray\b`)

func TestHelpFitsTheTerminal(t *testing.T) {
	eachCommand(t, func(c *cobra.Command) {
		for _, width := range []int{60, 80, 100, 200} {
			var text bytes.Buffer
			command.WriteHelp(&text, c, width)
			for line := range strings.Lines(text.String()) {
				line = strings.TrimSuffix(line, "\n")
				if len(line) > max(width, 80) || width == 60 && len(line) > width && !strings.HasPrefix(line, "  wheelmend") && !strings.Contains(line, "://") {
					t.Errorf("%s at %d columns: %d in %q", c.CommandPath(), width, len(line), line)
				}
			}
			if found := unspoken.FindString(text.String()); found != "" {
				t.Errorf("%s: the help says %q", c.CommandPath(), found)
			}
		}
	})
}

func TestEveryFlagHasAGroup(t *testing.T) {
	seen := 0
	eachCommand(t, func(c *cobra.Command) {
		if c.Name() == "help" || c.HasParent() && c.Parent().Name() == "completion" {
			return
		}
		command.EachFlag(c, func(group string, f *pflag.Flag, _, _ string) {
			seen++
			if group == "Flags" {
				t.Errorf("%s: --%s is in no group", c.Name(), f.Name)
			}
		})
	})
	if seen < 60 {
		t.Errorf("%d flags seen", seen)
	}
}
