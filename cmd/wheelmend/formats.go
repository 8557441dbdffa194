package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/nearest"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// formats are those in which commands print, the first by default.
var formats = map[string][]string{
	"audit":  {"text", "json", "github", "markdown", "sarif", "html"},
	"verify": {"text", "json", "github", "markdown", "sarif"},
	"repair": {"text", "json", "github", "markdown"},
	"tree":   {"text", "json", "dot"},
}

// A formatFlag is --format, and --json beside it.
type formatFlag struct {
	command string
	format  string
	json    bool
	flags   *pflag.FlagSet
}

// formatMeanings tells what a format is for.
var formatMeanings = map[string]string{
	"json": "json (one object for each wheel)", "github": "github (annotations of a GitHub Actions run)",
	"markdown": "markdown (a summary for CI, with a graph)", "sarif": "sarif (for code scanning)", "html": "html (one page to look at)",
}

func (f *formatFlag) register(command string, flags *pflag.FlagSet) {
	f.command, f.flags = command, flags
	names := slices.Clone(formats[command])
	for i, name := range names {
		if formatMeanings[name] != "" {
			names[i] = formatMeanings[name]
		}
	}
	flags.StringVar(&f.format, "format", "text", "`format` of the output: "+strings.Join(names[:len(names)-1], ", ")+" or "+names[len(names)-1])
	flags.BoolVar(&f.json, "json", false, "the same as --format json")
}

// check rejects a format that the command does not have.
func (f *formatFlag) check() error {
	known := formats[f.command]
	if !slices.Contains(known, f.format) {
		return console.Usagef("--format %q: want %s or %s%s", f.format, strings.Join(known[:len(known)-1], ", "), known[len(known)-1], nearest.Ask(f.format, known))
	}
	if f.json {
		if f.flags.Changed("format") && f.format != "json" {
			return console.Usagef("--json contradicts --format %s", f.format)
		}
		f.format = "json"
	}
	f.json = f.format == "json"
	return nil
}

// A sink takes the results of a command and writes them in a format. What is written
// for all wheels together comes with close.
type sink struct {
	a      *app
	format string
	sarif  *report.SARIF
	page   *report.HTMLPage
	rows   []report.RepairRow
}

func (a *app) newSink(format string) *sink {
	s := &sink{a: a, format: format}
	switch format {
	case "sarif":
		s.sarif = report.NewSARIF(a.Version)
	case "html":
		s.page = report.NewHTMLPage(a.Stdout)
	}
	return s
}

// audited writes an audit.
func (s *sink) audited(path string, rep *audit.Report) error {
	switch s.format {
	case "json":
		document := report.NewAudit(rep)
		document.Input = path
		return s.a.PrintJSON(document)
	case "github":
		return report.WriteGitHub(s.a.Stdout, path, report.AuditProblems(rep))
	case "markdown":
		return report.WriteAuditMarkdown(s.a.Stdout, rep)
	case "sarif":
		s.sarif.Add(path, report.AuditProblems(rep))
		return nil
	case "html":
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		s.page.Add(rep, info.Size())
		return nil
	}
	if s.a.Quiet {
		return nil
	}
	return errors.Join(s.a.Gap(), report.WriteAudit(s.a.Stdout, rep, s.a.Style(), s.a.Verbose > 0))
}

// verified writes a verification.
func (s *sink) verified(path string, proof *audit.Proof) error {
	switch s.format {
	case "json":
		document := report.NewVerify(proof)
		document.Input = path
		return s.a.PrintJSON(document)
	case "github":
		return report.WriteGitHub(s.a.Stdout, path, report.VerifyProblems(proof))
	case "markdown":
		return report.WriteVerifyMarkdown(s.a.Stdout, proof)
	case "sarif":
		s.sarif.Add(path, report.VerifyProblems(proof))
		return nil
	}
	return nil
}

// repaired writes the result of a repair in the formats for CI, and reports whether it
// has done so.
func (s *sink) repaired(path string, result *repair.Result) (bool, error) {
	row := report.RepairRow{Wheel: filepath.Base(path), Output: filepath.Base(result.Path)}
	if result.Plan != nil {
		row.Output = result.Plan.Output
		for i := range result.Plan.Grafts {
			row.Grafts = append(row.Grafts, filepath.Base(result.Plan.Grafts[i].Source))
		}
	}
	switch s.format {
	case "markdown":
		s.rows = append(s.rows, row)
		return true, nil
	case "github":
		return true, report.WriteGitHub(s.a.Stdout, path, []report.Problem{{
			Rule: "repaired", Level: report.LevelNote, Title: "repaired",
			Text: row.Wheel + " is now " + row.Output + ", with " + phrase.Count(len(row.Grafts), "bundled library"),
		}})
	}
	return false, nil
}

// failed writes that a wheel could not be read or repaired, where the format has a place
// for it. The error is told on stderr, too.
func (s *sink) failed(path string, err error) error {
	switch s.format {
	case "json":
		return s.a.PrintJSON(report.NewFailure(path, err))
	case "github":
		return report.WriteGitHub(s.a.Stdout, path, []report.Problem{report.FailureProblem(err)})
	case "markdown":
		s.rows = append(s.rows, report.RepairRow{Wheel: filepath.Base(path), Err: err})
	case "sarif":
		s.sarif.Add(path, []report.Problem{report.FailureProblem(err)})
	case "html":
		s.page.AddFailure(filepath.Base(path), err)
	}
	return nil
}

// close writes what is about all wheels, and joins its error to that of the command.
func (s *sink) close(err *error) {
	switch {
	case s.sarif != nil:
		*err = errors.Join(*err, s.a.PrintJSON(s.sarif))
	case s.page != nil:
		*err = errors.Join(*err, s.page.Close())
	case len(s.rows) > 0:
		*err = errors.Join(*err, report.WriteRepairMarkdown(s.a.Stdout, s.rows))
	}
}
