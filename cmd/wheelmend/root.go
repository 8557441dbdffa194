package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/dropin"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/report"
)

// An app is one run of the program by its own name.
type app struct{ *console.Console }

// run executes the command line, which begins with the name of the program, and
// returns the exit code.
func run(ctx context.Context, args []string, env console.Environment) int {
	a := &app{console.New(env, version())}
	root := dropin.Command(a.Console, args[0])
	if root == nil {
		root = a.rootCommand()
	}
	args = args[1:]
	root.SetArgs(args)
	root.SetOut(env.Stdout)
	root.SetErr(a.Stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil || errors.Is(err, console.ErrShown):
		return console.ExitDone
	case errors.Is(err, console.ErrFailed):
		return console.ExitFailed
	case console.IsUsage(err):
		fmt.Fprintf(a.Stderr, "%s: error: %s\nRun '%s %s--help' for usage.\n", a.Name, shown(err), a.Name, commandOf(root, args))
		return console.ExitUsage
	}
	a.PrintError("", err)
	return console.CodeOf(err)
}

// commandOf returns the name of the command that args call, with a blank
// behind it, for the hint about its help.
func commandOf(root *cobra.Command, args []string) string {
	c, _, err := root.Find(args)
	if err != nil || c == root {
		return ""
	}
	return c.Name() + " "
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "wheelmend",
		Short: "Audit and repair Python wheels",
		Long: `wheelmend audits and repairs Python wheels for Linux, macOS and Android: it tells
what a wheel needs from the system, copies the libraries in that no platform tag
promises, rewrites the load paths and gives the wheel the tag that it earns.

It is one static program. It works offline, from any host, and runs no other.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.ConfigureLog() },
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.UnknownCommand(cmd.Root(), args[0], dropin.Names())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_ = cmd.Help()
			return console.Usagef("no command given")
		},
	}
	root.SetFlagErrorFunc(command.FlagError)
	flags := root.PersistentFlags()
	flags.CountVarP(&a.Verbose, "verbose", "v", "tell more: everything that stops a policy, that a repair changes, that a claim rests on")
	flags.BoolVarP(&a.Quiet, "quiet", "q", false, "print errors only")
	flags.StringVar(&a.Format, "log-format", "text", "format of messages on stderr: text or json")
	flags.StringVar(&a.Color, "color", "auto", "color: auto, always or never")
	root.AddCommand(a.auditCommand(), a.repairCommand(), a.verifyCommand(), a.patchCommand(), a.treeCommand(), a.mergeCommand(), a.tagCommand(), dropin.InstallShims(a.Console), a.policiesCommand(), a.versionCommand())
	root.AddCommand(a.manCommands()...)
	checkAddedCommands(root)
	a.PrintsVersion(root, "wheelmend "+version())
	return root
}

// checkAddedCommands makes the commands that cobra adds refuse a shell or a
// command that they do not know, instead of showing help and exiting with 0.
func checkAddedCommands(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return console.Usagef("there is no completion for the shell %q; there is for bash, fish, powershell and zsh", args[0])
				}
				return console.Usagef("no shell given; write wheelmend completion bash, fish, powershell or zsh")
			}
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || found == nil || len(rest) > 0 {
					return command.UnknownCommand(root, strings.Join(args, " "), dropin.Names())
				}
				return nil
			}
		}
	}
}

// shown spells an error for people: one that names a text of megabytes is cut.
func shown(err error) string {
	const longest = 64 << 10 // bytes
	return report.Clean(phrase.Cut(err.Error(), longest))
}
