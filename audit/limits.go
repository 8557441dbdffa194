package audit

import (
	"sync/atomic"

	"github.com/wheelmend/wheelmend/internal/budget"
)

// Limits on what the binaries of a wheel have, with their reasons in docs/limits.md.
const (
	maxUndefined = 1 << 18 // symbols that all files want
	maxBlockers  = 1 << 17 // reasons that all policies have
	maxCommands  = 1 << 19 // load commands that all Mach-O files have
	maxImported  = 1 << 20 // symbols that all PE files import
	maxNeeded    = 1 << 16 // libraries that all ELF files name; linkage holds those of a loader to the same

	maxNeededBytes = 1 << 21 // of the names of those libraries
	maxNameBytes   = 1 << 26 // of the names of undefined symbols, and of versions, of all files
)

// maxLookUps bounds the look-up of symbols, in units of some ten nanoseconds: each file
// is looked at with every file that loads it.
const maxLookUps = 1 << 24

// newLookUps returns the budget of one verification.
func newLookUps() *budget.Budget { return budget.New(maxLookUps, "steps of the look-up of symbols") }

// An undefinedCount counts the symbols that files want, which are read at the same
// time. The zero value is ready.
type undefinedCount struct{ n, bytes atomic.Int64 }

// add counts a symbol of a file, which the caller names.
func (c *undefinedCount) add(name string) error {
	if err := budget.Check("", "undefined symbols in all files", int(c.n.Add(1)), maxUndefined); err != nil {
		return err
	}
	return c.keep(len(name))
}

// keep counts bytes of names that are kept.
func (c *undefinedCount) keep(bytes int) error {
	return budget.Check("", "bytes of names of undefined symbols and of versions in all files", int(c.bytes.Add(int64(bytes))), maxNameBytes)
}
