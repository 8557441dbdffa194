package console

import (
	"bytes"

	"github.com/sirupsen/logrus"

	"github.com/wheelmend/wheelmend/report"
)

// LogLines has messages written as lines, as many as are asked for.
func (c *Console) LogLines() {
	c.Log.SetFormatter(lineFormatter{c.ErrorStyle(), report.Voice{Program: c.Name, Terminal: isTerminal(c.console.Stderr)}})
	c.Log.SetLevel([]logrus.Level{logrus.WarnLevel, logrus.InfoLevel, logrus.DebugLevel}[min(c.Verbose, 2)])
}

// ConfigureLog has messages written as the flags of wheelmend ask for.
func (c *Console) ConfigureLog() error {
	switch c.Format {
	case "text":
		c.Log.SetFormatter(lineFormatter{c.ErrorStyle(), report.Voice{Program: c.Name, Terminal: isTerminal(c.console.Stderr)}})
	case "json":
		c.Log.SetFormatter(jsonFormatter{})
	default:
		return Usagef("--log-format %q: want text or json", c.Format)
	}
	if c.Color != "auto" && c.Color != "always" && c.Color != "never" {
		return Usagef("--color %q: want auto, always or never", c.Color)
	}
	switch {
	case c.Quiet:
		c.Log.SetLevel(logrus.ErrorLevel)
	case c.Verbose == 1:
		c.Log.SetLevel(logrus.InfoLevel)
	case c.Verbose > 1:
		c.Log.SetLevel(logrus.DebugLevel)
	default:
		c.Log.SetLevel(logrus.WarnLevel)
	}
	return nil
}

// lineFormatter writes a message as one line: "wheelmend: warning: WHEEL: text",
// or with the file that it is about. The program has the name by which it was called.
type lineFormatter struct {
	style report.Style
	voice report.Voice
}

// Format implements [logrus.Formatter].
func (f lineFormatter) Format(e *logrus.Entry) ([]byte, error) {
	text := e.Message
	for _, field := range []string{"file", "wheel"} {
		if name, ok := e.Data[field].(string); ok && name != "" {
			text = name + ": " + text
		}
	}
	return []byte(report.Message(f.style, f.voice, e.Level.String(), text)), nil
}

// jsonFormatter writes a message as one JSON object on one line.
type jsonFormatter struct{}

// Format implements [logrus.Formatter].
func (jsonFormatter) Format(e *logrus.Entry) ([]byte, error) {
	line, err := (&logrus.JSONFormatter{DisableHTMLEscape: true}).Format(e)
	return append(report.EscapeJSON(bytes.TrimSuffix(line, []byte("\n"))), '\n'), err
}

// Failed reports the failure of one wheel, so that the others can go on.
func (c *Console) Failed(wheel string, err error) { c.PrintError(wheel, err) }
