package report

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// SARIF is a log in the Static Analysis Results Interchange Format, which GitHub's code
// scanning and others read. See
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html.
type SARIF struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string    `json:"id"`
	ShortDescription sarifText `json:"shortDescription"`
	HelpURI          string    `json:"helpUri"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// sarifRules describes the kinds of problems.
var sarifRules = map[string]string{
	"version":      "A symbol version is newer than the platform tag promises",
	"library":      "A library that the platform tag does not promise lies outside the wheel",
	"missing":      "A needed library was not found",
	"symbol":       "A symbol is used that the platform tag forbids",
	"isa":          "A file needs a newer processor than the tag promises",
	"architecture": "A file is for another architecture",
	"libc":         "A library is for another C library",
	"interpreter":  "A program names a loader of the build machine",
	"image":        "No loader takes the file",
	"purelib":      "A binary lies where only pure Python belongs",
	"python":       "The Python build is one that manylinux rules out",
	"system":       "A file is for another system",
	"runtime":      "A C++ runtime is older than the compiler of a file",
	"archive":      "Readers of the archive do not all find the same files in it",
	"record":       "RECORD does not list the files as they are",
	"names":        "File name, WHEEL, METADATA and .dist-info contradict each other",
	"install":      "Installers do not all install the same",
	"tags":         "The Tag lines of WHEEL are not those of the file name",
	"binaries":     "A binary cannot be read",
	"platform":     "The wheel does not meet a platform tag of its name",
	"abi":          "The Python tags do not fit the extension modules",
	"libraries":    "A needed library is neither in the wheel nor promised by the tag",
	"order":        "A library is found only if something else has loaded it before",
	"symbols":      "A needed symbol is not defined where the loader looks for it",
	"paths":        "A search path leads to the build machine",
	"stack":        "A file asks for an executable stack",
	"alignment":    "Segments are not aligned for large pages",
	"signatures":   "A code signature does not hold",
	"pypi":         "PyPI does not take the wheel",
	"failure":      "The wheel could not be read or repaired",
}

// ruleText describes a kind of problem.
func ruleText(rule string) string {
	if text := sarifRules[rule]; text != "" {
		return text
	}
	return "The wheel does not hold what it claims: " + rule
}

// NewSARIF begins a log without results.
func NewSARIF(version string) *SARIF {
	return &SARIF{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:    sarifTool{sarifDriver{Name: "wheelmend", Version: version, InformationURI: "https://github.com/wheelmend/wheelmend", Rules: []sarifRule{}}},
			Results: []sarifResult{},
		}},
	}
}

// Add adds the problems of the wheel at path.
func (s *SARIF) Add(path string, problems []Problem) {
	run := &s.Runs[0]
	for _, p := range problems {
		at := slices.IndexFunc(run.Tool.Driver.Rules, func(r sarifRule) bool { return r.ID == p.Rule })
		if at < 0 {
			at = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
				ID: p.Rule, ShortDescription: sarifText{ruleText(p.Rule)},
				HelpURI: "https://github.com/wheelmend/wheelmend/blob/main/docs/troubleshooting.md",
			})
		}
		text := p.Text
		if p.Member != "" && !strings.Contains(text, p.Member) {
			text = p.Member + ": " + text
		}
		if p.Help != "" {
			text += "; " + p.Help
		}
		location := sarifLocation{Physical: sarifPhysical{sarifArtifact{artifactURI(path)}}}
		if p.Member != "" {
			location.Logical = []sarifLogical{{Name: phrase.Cut(p.Member, longestAnnotation), Kind: "member"}}
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: p.Rule, RuleIndex: at, Level: string(p.Level),
			Message: sarifText{sarifMessage(text)}, Locations: []sarifLocation{location},
		})
	}
}

// sarifMessage escapes what a message could be taken for: links and placeholders
// (SARIF 2.1.0, 3.11.5 and 3.11.6).
func sarifMessage(text string) string {
	text = phrase.Cut(text, longestAnnotation)
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", "{{", "}", "}}").Replace(text)
}

// artifactURI spells a path as a URI: relative ones stay relative to where the program
// runs, which is where CI services look for files (RFC 3986).
func artifactURI(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}
