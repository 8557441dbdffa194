package linkage

import (
	"github.com/wheelmend/wheelmend/internal/budget"
)

// Limits on what files ask for, with their reasons in docs/limits.md. Each is ten
// times and more what the largest real wheels have.
const (
	maxNeeded      = 4096    // libraries that one file names
	maxNeededBytes = 1 << 21 // of the names of those
	maxPathBytes   = 1 << 16 // of the search paths of one file
	maxPathEntries = 4096    // likewise, and of a file with those that led to it
	maxEdges       = 1 << 16 // libraries that the files of a wheel name, added up
)

// maxWork bounds one search, in units of some ten nanoseconds: every file of a wheel
// may lead to every other, along every search path.
const maxWork = 1 << 23

// What steps of a search cost.
const (
	costVisit = 1  // of an edge that is settled
	costStep  = 4  // from a file to the one that led to it
	costLoad  = 16 // of a file that is loaded once more
	costLook  = 16 // in a directory, and 1 for each 64 bytes of its name
	costKeep  = 64 // of a directory that a load path has
	costRank  = 96 // of a library that is compared with others of its name
)

// newWork returns the budget of one search.
func newWork() *budget.Budget {
	return budget.New(maxWork, "steps of the search for libraries")
}
