package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/report"
)

// Exit codes, the same for every command.
const (
	ExitDone   = 0
	ExitFailed = 1 // a wheel fails the check or cannot be repaired
	ExitUsage  = 2
)

// An Environment is what the program takes from the process that it is.
type Environment struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
}

// ErrShown ends a command that has been asked for its version alone.
var ErrShown = errors.New("shown")

// ErrFailed ends a command whose failures have been reported wheel by wheel.
var ErrFailed = errors.New("failed")

// A usageError is a wrong call of the program.
type usageError struct{ error }

// Usage makes an error one of a wrong call.
func Usage(err error) error { return usageError{err} }

// Usagef returns the error of a wrong call.
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }

// A Console is one run of the program.
type Console struct {
	Environment
	console Environment // as it was given, to be asked whether it is a terminal
	Name    string      // by which the program was called
	Version string      // of the program
	Log     *logrus.Logger
	Verbose int
	Quiet   bool
	Format  string // of the log: text or json
	Color   string // auto, always or never
	told    bool   // a result has been printed, see Gap
}

// New returns the console of a program of some version.
func New(env Environment, version string) *Console {
	c := &Console{Environment: env, console: env, Name: "wheelmend", Version: version, Log: logrus.New()}
	c.Stdout, c.Stderr = report.NewGuard(env.Stdout), report.NewGuard(env.Stderr)
	c.Log.SetOutput(c.Stderr)
	return c
}

// An exitError ends the program with a code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// WithCode has an error end the program with a code of its own.
func WithCode(err error, code int) error { return exitError{err, code} }

// CodeOf returns the code that the program ends with after a failure.
func CodeOf(err error) int {
	if own := (exitError{}); errors.As(err, &own) {
		return own.code
	}
	return ExitFailed
}

// IsUsage tells a wrong call from a failure. What cobra itself reports is about
// flags and arguments.
func IsUsage(err error) bool {
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

// PrintsVersion gives a command the flag --version, if it has none, which prints a line
// and does nothing else. cobra has its own words for it, and asked for others it links
// text/template, for which the linker keeps every method of the program: 1.8 of 10.5 MB.
func (c *Console) PrintsVersion(cmd *cobra.Command, line string) {
	const name = "version"
	flags := cmd.Flags()
	if flags.Lookup(name) == nil {
		flags.Bool(name, false, "version for "+cmd.Name())
		_ = flags.SetAnnotation(name, cobra.FlagSetByCobraAnnotation, []string{"true"}) // it is there
	}
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if asked, err := flags.GetBool(name); err != nil || asked {
			if _, err := fmt.Fprintln(c.Stdout, line); err != nil {
				return err
			}
			return ErrShown
		}
		if check == nil {
			return cobra.ArbitraryArgs(cmd, args)
		}
		return check(cmd, args)
	}
}

// Style returns how text on stdout is shown.
func (c *Console) Style() report.Style {
	return c.styleOf(c.console.Stdout)
}

// ErrorStyle returns how messages on stderr are shown.
func (c *Console) ErrorStyle() report.Style { return c.styleOf(c.console.Stderr) }

// styleOf asks a file whether it is a terminal, and the environment what else is wanted:
// NO_COLOR (https://no-color.org) goes before CLICOLOR_FORCE (https://bixense.com/clicolors)
// and FORCE_COLOR (https://force-color.org), and a flag before all. COLUMNS is how wide
// text is where there is no terminal.
func (c *Console) styleOf(w io.Writer) report.Style {
	f, _ := w.(*os.File)
	terminal := isTerminal(w)
	s := report.Style{Color: terminal && c.Getenv("TERM") != "dumb"}
	forced := func(name string) bool { v := c.Getenv(name); return v != "" && v != "0" }
	switch {
	case c.Color == "always" || c.Color == "never":
		s.Color = c.Color == "always"
	case c.Getenv("NO_COLOR") != "":
		s.Color = false
	case forced("CLICOLOR_FORCE") || forced("FORCE_COLOR"):
		s.Color = true
	case c.Getenv("CLICOLOR") == "0":
		s.Color = false
	}
	const narrowest = 20
	if terminal {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= narrowest {
			s.Width = width
		}
	} else if width, err := strconv.Atoi(c.Getenv("COLUMNS")); err == nil && width >= narrowest {
		s.Width = width
	}
	return s
}

// An Explained error tells itself at length, beside the one line of its Error.
type Explained interface {
	error
	Explain() report.Explanation
}

// PrintError tells a failure: at length where that helps a person, on one line where
// messages are JSON. wheel is what it is about, "" where the error says so itself.
func (c *Console) PrintError(wheel string, err error) {
	if c.Format == "json" {
		c.Log.WithField("wheel", wheel).Error(err)
		return
	}
	style := c.ErrorStyle()
	voice := report.Voice{Program: c.Name, Wheel: wheel, Terminal: isTerminal(c.console.Stderr)}
	var explained Explained
	if !errors.As(err, &explained) {
		_ = report.WriteFailureLine(c.Stderr, style, voice, err.Error())
		return
	}
	// What was wrapped around it names the wheel.
	if around, found := strings.CutSuffix(err.Error(), ": "+explained.Error()); found && voice.Wheel == "" {
		voice.Wheel = around
	}
	_ = report.WriteExplanation(c.Stderr, style, voice, explained.Explain())
}

// isTerminal reports whether somebody reads what is written there as it comes.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// EachWheel runs do for each wheel. A failure is reported and does not keep the
// others from their turn.
func (c *Console) EachWheel(ctx context.Context, wheels []string, do func(path string) error) error {
	return c.EachArgument(ctx, InDirectories(wheels), filepath.Base, do)
}

// InDirectories puts the wheels of a directory, sorted, in the place of the directory. One
// without wheels stays, for whoever opens it to tell.
func InDirectories(names []string) []string {
	var all []string
	for _, name := range names {
		found := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if wheels := wheelsIn(name); len(wheels) > 0 {
				found = wheels
			}
		}
		all = append(all, found...)
	}
	return all
}

// wheelsIn returns the wheels of a directory, sorted.
func wheelsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var wheels []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".whl") && !e.IsDir() {
			wheels = append(wheels, filepath.Join(dir, e.Name()))
		}
	}
	return wheels
}

// EachArgument does the same for arguments that messages call as shown tells.
func (c *Console) EachArgument(ctx context.Context, args []string, shown func(string) string, do func(path string) error) error {
	failed := false
	for _, path := range args {
		if err := do(path); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				err = context.Cause(ctx)
			}
			c.Failed(shown(path), err)
			failed = true
		}
		if ctx.Err() != nil {
			break // interrupted: the others have no turn
		}
	}
	if failed {
		return ErrFailed
	}
	return nil
}

// Sweep removes what killed runs have left in a directory that is written to, and says
// so. That it cannot be removed is no reason to do nothing else.
func (c *Console) Sweep(dir string) {
	removed, err := atomicfile.Sweep(dir)
	for _, name := range removed {
		c.Log.WithField("file", name).Warn("removed; a run that was killed left it")
	}
	if err != nil {
		c.Log.WithField("file", dir).Warn(err)
	}
}

// Tell prints a line of a result, unless the user wants to see errors only.
func (c *Console) Tell(format string, args ...any) error {
	if c.Quiet {
		return nil
	}
	_, err := fmt.Fprintf(c.Stdout, format, args...)
	return err
}

// Gap prints the empty line between a result and the one before.
func (c *Console) Gap() error {
	if !c.told {
		c.told = true
		return nil
	}
	_, err := fmt.Fprintln(c.Stdout)
	return err
}

// PrintJSON prints a document on one line.
func (c *Console) PrintJSON(document any) error { return report.WriteJSON(c.Stdout, document) }
