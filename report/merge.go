package report

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/repair"
)

// Merge is the JSON document of a merge, or of what it would do after a dry run. See
// docs/merge.schema.json.
type Merge struct {
	Schema   int      `json:"schema"`
	DryRun   bool     `json:"dry_run"`
	Inputs   []string `json:"inputs"` // paths as they were given
	Wheels   []string `json:"wheels"` // file names, in the order of the command line
	Path     string   `json:"path"`   // of the finished wheel; "" after a dry run
	Output   string   `json:"output"` // its file name
	Tag      string   `json:"tag"`
	TagAfter string   `json:"tag_after"` // the same
	Joined   []string `json:"joined"`
	Equal    int      `json:"equal"`
	Alone    []string `json:"alone"`
	Warnings []string `json:"warnings"`
	Findings []string `json:"findings"` // claims of the finished wheel that fail
}

// NewMerge returns the JSON document of a merge of the wheels at the paths.
func NewMerge(inputs []string, m *repair.Merged) Merge {
	wheels := make([]string, len(inputs))
	for i, path := range inputs {
		wheels[i] = filepath.Base(path)
	}
	return Merge{
		Schema: Schema, Inputs: inputs, TagAfter: m.Platform, DryRun: m.Path == "", Wheels: wheels, Path: m.Path, Output: m.Output, Tag: m.Platform,
		Joined: list(m.Joined), Equal: m.Equal, Alone: list(m.Alone), Warnings: list(m.Warnings), Findings: list(m.Findings),
	}
}

// WriteMerged tells what became of the files of two wheels, or would, as text for
// people. With all, it names those that are joined, and those that one wheel alone has.
func WriteMerged(w io.Writer, m *repair.Merged, s Style, all bool) error {
	p := &printer{w: w, style: s}
	name := m.Path
	if name == "" {
		name = m.Output
	}
	p.entry(Clean(name)+": ", fmt.Sprintf("%s joined, %s equal, %d in one wheel alone", phrase.Count(len(m.Joined), "file"), phrase.Count(m.Equal, "file"), len(m.Alone)))
	if all {
		for _, name := range m.Joined {
			p.linef("  joined  %s", Clean(name))
		}
		for _, name := range m.Alone {
			p.linef("  alone   %s", Clean(name))
		}
	}
	return p.err
}
