package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wheelmend/wheelmend/report"
)

// Exit codes, the same for every command.
const (
	exitDone   = 0
	exitFailed = 1 // a wheel fails the check or cannot be repaired
	exitUsage  = 2
)

// An environment is what the program takes from the process that it is.
type environment struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

// errShown ends a command that has been asked for its version alone.
var errShown = errors.New("shown")

// errFailed ends a command whose failures have been reported wheel by wheel.
var errFailed = errors.New("failed")

// A usageError is a wrong call of the program.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// An app is one run of the program.
type app struct {
	environment
	console environment // as it was given, to be asked whether it is a terminal
	name    string      // by which the program was called
	log     *logrus.Logger
	verbose int
	quiet   bool
	format  string // of the log: text or json
	color   string // auto, always or never
}

// run executes the command line, which begins with the name of the program, and
// returns the exit code.
func run(ctx context.Context, args []string, env environment) int {
	a := &app{environment: env, console: env, name: "wheelmend", log: logrus.New()}
	a.stdout, a.stderr = report.NewGuard(env.stdout), report.NewGuard(env.stderr)
	a.log.SetOutput(a.stderr)
	root := a.toolCommand(args[0])
	args = args[1:]
	root.SetArgs(args)
	root.SetOut(env.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil || errors.Is(err, errShown):
		return exitDone
	case errors.Is(err, errFailed):
		return exitFailed
	case isUsage(err):
		fmt.Fprintf(a.stderr, "%s: error: %s\nRun '%s %s--help' for usage.\n", a.name, report.Clean(err.Error()), a.name, commandOf(root, args))
		return exitUsage
	}
	fmt.Fprintf(a.stderr, "%s: error: %s\n", a.name, report.Clean(err.Error()))
	if own := (exitError{}); errors.As(err, &own) {
		return own.code
	}
	return exitFailed
}

// isUsage tells a wrong call from a failure. What cobra itself reports is about
// flags and arguments.
func isUsage(err error) bool {
	var usage usageError
	if errors.As(err, &usage) {
		return true
	}
	for _, start := range []string{"unknown command", "accepts ", "requires at least", "invalid argument"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
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
		Long: `wheelmend audits and repairs Python wheels for Linux and macOS: it tells what a
wheel needs from the system, copies the libraries in that no platform tag
promises, rewrites the load paths and gives the wheel the tag that it earns.

It is one static program. It works offline, from any host, and runs no other.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.configureLog() },
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_ = cmd.Help()
			return usagef("no command given")
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.CountVarP(&a.verbose, "verbose", "v", "tell more: everything that stops a policy, that a repair changes, that a claim rests on")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print errors only")
	flags.StringVar(&a.format, "log-format", "text", "format of messages on stderr: text or json")
	flags.StringVar(&a.color, "color", "auto", "color: auto, always or never")
	root.AddCommand(a.auditCommand(), a.repairCommand(), a.verifyCommand(), a.patchCommand(), a.treeCommand(), a.mergeCommand(), a.tagCommand(), a.installShimsCommand(), a.policiesCommand(), a.versionCommand())
	root.AddCommand(a.manCommands()...)
	checkAddedCommands(root)
	a.printsVersion(root, "wheelmend "+version())
	return root
}

// printsVersion gives a command the flag --version, if it has none, which prints a line
// and does nothing else. cobra has its own words for it, and asked for others it links
// text/template, for which the linker keeps every method of the program: 1.8 of 10.5 MB.
func (a *app) printsVersion(cmd *cobra.Command, line string) {
	const name = "version"
	flags := cmd.Flags()
	if flags.Lookup(name) == nil {
		flags.Bool(name, false, "version for "+cmd.Name())
		_ = flags.SetAnnotation(name, cobra.FlagSetByCobraAnnotation, []string{"true"}) // it is there
	}
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if asked, err := flags.GetBool(name); err != nil || asked {
			if _, err := fmt.Fprintln(a.stdout, line); err != nil {
				return err
			}
			return errShown
		}
		if check == nil {
			return cobra.ArbitraryArgs(cmd, args)
		}
		return check(cmd, args)
	}
}

// checkAddedCommands makes the commands that cobra adds refuse a shell or a
// command that they do not know, instead of showing help and exiting with 0.
func checkAddedCommands(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.RunE = func(*cobra.Command, []string) error {
				return usagef("no shell given, want bash, fish, powershell or zsh")
			}
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || found == nil || len(rest) > 0 {
					return usagef("unknown command %q", strings.Join(args, " "))
				}
				return nil
			}
		}
	}
}

func (a *app) configureLog() error {
	switch a.format {
	case "text":
		a.log.SetFormatter(lineFormatter{a.name})
	case "json":
		a.log.SetFormatter(jsonFormatter{})
	default:
		return usagef("--log-format %q: want text or json", a.format)
	}
	if a.color != "auto" && a.color != "always" && a.color != "never" {
		return usagef("--color %q: want auto, always or never", a.color)
	}
	switch {
	case a.quiet:
		a.log.SetLevel(logrus.ErrorLevel)
	case a.verbose == 1:
		a.log.SetLevel(logrus.InfoLevel)
	case a.verbose > 1:
		a.log.SetLevel(logrus.DebugLevel)
	default:
		a.log.SetLevel(logrus.WarnLevel)
	}
	return nil
}

// lineFormatter writes a message as one line: "wheelmend: warning: WHEEL: text",
// or with the file that it is about. The program has the name by which it was called.
type lineFormatter struct{ program string }

// Format implements [logrus.Formatter].
func (f lineFormatter) Format(e *logrus.Entry) ([]byte, error) {
	text := e.Message
	for _, field := range []string{"file", "wheel"} {
		if name, ok := e.Data[field].(string); ok && name != "" {
			text = name + ": " + text
		}
	}
	return []byte(f.program + ": " + e.Level.String() + ": " + report.Clean(text) + "\n"), nil
}

// jsonFormatter writes a message as one JSON object on one line.
type jsonFormatter struct{}

// Format implements [logrus.Formatter].
func (jsonFormatter) Format(e *logrus.Entry) ([]byte, error) {
	line, err := (&logrus.JSONFormatter{DisableHTMLEscape: true}).Format(e)
	return append(report.EscapeJSON(bytes.TrimSuffix(line, []byte("\n"))), '\n'), err
}

// style returns how text on stdout is shown.
func (a *app) style() report.Style {
	s := report.Style{Color: a.color == "always"}
	f, ok := a.console.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	if a.color == "auto" {
		s.Color = a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.Width = width
	}
	return s
}

// failed reports the failure of one wheel, so that the others can go on.
func (a *app) failed(wheel string, err error) {
	a.log.WithField("wheel", wheel).Error(err)
}
