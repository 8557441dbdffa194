package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/dropin"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// An app is one run of the program by its own name.
type app struct {
	*console.Console
	noConfig bool            // read no settings of the project
	defaults repair.Defaults // those of the project's settings
}

// run executes the command line, which begins with the name of the program, and
// returns the exit code.
func run(ctx context.Context, args []string, env console.Environment) int {
	a := &app{Console: console.New(env, shownVersion())}
	root := dropin.Command(a.Console, args[0])
	if root == nil {
		root = a.rootCommand()
		if len(args) > 1 && strings.HasPrefix(args[1], cobra.ShellCompRequestCmd) {
			completeValues(root) // for a shell that asks; it takes time that others need not wait
		}
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
	return strings.TrimPrefix(c.CommandPath(), root.CommandPath()+" ") + " "
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "wheelmend",
		Short: "Check, repair and tag Python wheels",
		Long: `wheelmend checks, repairs and tags Python wheels for Linux, macOS, Windows and
Android. It shows which platform tag a wheel meets and what stops a better one, bundles
the libraries that users may not have, and gives the wheel the right tag.

It is one program without dependencies: it works offline, on any system.`,
		Example: `  wheelmend audit demo-1.0-cp312-cp312-linux_x86_64.whl    what does it need?
  wheelmend repair -w wheelhouse dist/*.whl                bundle, retag, check`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.ConfigureLog(); err != nil {
				return err
			}
			return a.applySettings(cmd)
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.UnknownCommand(cmd.Root(), args[0], dropin.Names())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_ = cmd.Help()
			return console.Usagef("no command given; write wheelmend COMMAND, such as wheelmend audit WHEEL")
		},
	}
	root.SetFlagErrorFunc(command.FlagError)
	flags := root.PersistentFlags()
	flags.CountVarP(&a.Verbose, "verbose", "v", "show more: every blocker, every change, every check")
	flags.BoolVarP(&a.Quiet, "quiet", "q", false, "print errors only")
	flags.StringVar(&a.Format, "log-format", "text", "`format` of messages on stderr: text or json")
	flags.StringVar(&a.Color, "color", "auto", "`when` to use color: auto, always or never")
	flags.BoolVar(&a.noConfig, "no-config", false, "read no pyproject.toml and no wheelmend.toml")
	addGroups(root)
	root.AddCommand(a.auditCommand(), a.repairCommand(), a.verifyCommand(), a.patchCommand(), a.treeCommand(), a.mergeCommand(), a.tagCommand(), dropin.InstallShims(a.Console), a.policiesCommand(), a.cacheCommand(), a.versionCommand())
	root.AddCommand(a.manCommands()...)
	checkAddedCommands(root)
	assignGroups(root)
	for _, c := range root.Commands() {
		c.Flags().SortFlags = false // help shows them in the order in which they are declared
	}
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { command.WriteHelp(a.Stdout, cmd, a.Style().Width) })
	a.PrintsVersion(root, "wheelmend "+shownVersion())
	return root
}

// Groups of commands, in the order of the help.
var commandGroups = []struct {
	group    *cobra.Group
	commands []string
}{
	{&cobra.Group{ID: "look", Title: "Look at wheels"}, []string{"audit", "verify", "tree"}},
	{&cobra.Group{ID: "make", Title: "Make wheels"}, []string{"repair", "merge", "tag"}},
	{&cobra.Group{ID: "files", Title: "Edit single files"}, []string{"patch"}},
	{&cobra.Group{ID: "more", Title: "More"}, []string{"policies", "cache", "install-shims", "completion", "version", "help"}},
}

func addGroups(root *cobra.Command) {
	for _, g := range commandGroups {
		root.AddGroup(g.group)
	}
}

func assignGroups(root *cobra.Command) {
	for _, g := range commandGroups {
		for _, c := range root.Commands() {
			if slices.Contains(g.commands, c.Name()) {
				c.GroupID = g.group.ID
			}
		}
	}
}

// completionHelp tells for each shell how its completions are loaded.
var completionHelp = map[string]string{
	"bash": `Prints the completions for bash, which needs the package bash-completion. For this
shell:

  source <(wheelmend completion bash)

For every new shell:

  wheelmend completion bash \
    > ~/.local/share/bash-completion/completions/wheelmend`,
	"zsh": `Prints the completions for zsh. For every new shell, in a directory of $fpath:

  wheelmend completion zsh > "${fpath[1]}/_wheelmend"`,
	"fish": `Prints the completions for fish. For every new shell:

  wheelmend completion fish > ~/.config/fish/completions/wheelmend.fish`,
	"powershell": `Prints the completions for PowerShell. For this shell:

  wheelmend completion powershell | Out-String | Invoke-Expression

For every new shell, write that into the profile.`,
}

// checkAddedCommands makes the commands that cobra adds refuse a shell or a
// command that they do not know, instead of showing help and exiting with 0.
func checkAddedCommands(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Short = "Print the completion script of a shell"
			for _, shell := range c.Commands() {
				shell.Long = completionHelp[shell.Name()]
				shell.Args = func(cmd *cobra.Command, args []string) error {
					if len(args) > 0 {
						return console.Usagef("the completions of one shell are printed at a time, and %q was given after %s", args[0], cmd.Name())
					}
					return nil
				}
			}
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return console.Usagef("there is no completion for the shell %q; there is for bash, fish, powershell and zsh", args[0])
				}
				return console.Usagef("no shell given; write wheelmend completion bash, fish, powershell or zsh")
			}
		case "help":
			c.Short = "Show the help of a command"
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
