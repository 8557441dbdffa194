// Package jobs decides how many things are done side by side.
package jobs

import "runtime"

// Count returns how many jobs to run: as many as asked for, or one for each
// processor that Go may use (GOMAXPROCS) if that is less than 1.
func Count(asked int) int {
	if asked < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return asked
}
