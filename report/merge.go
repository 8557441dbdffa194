package report

import (
	"io"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/repair"
)

// WriteMerged tells what became of the files of two wheels, as text for people. With
// all, it names those that were joined, and those that one wheel alone had.
func WriteMerged(w io.Writer, m *repair.Merged, all bool) error {
	p := &printer{w: w}
	p.linef("%s: %s joined, %s equal, %d in one wheel alone", Clean(m.Path), phrase.Count(len(m.Joined), "file"), phrase.Count(m.Equal, "file"), len(m.Alone))
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
