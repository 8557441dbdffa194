// Package budget bounds the work that one wheel, or one file, may ask for. Limits on
// counts bound what is kept; a budget bounds what counts multiply to. Start with
// [New].
package budget

import "fmt"

// A Budget is an amount of work that is spent. It is not for concurrent use.
type Budget struct {
	what  string
	limit int
	left  int
	over  *Error
}

// New returns a budget of limit units; what names them for the error, as in "steps of
// a search for libraries".
func New(limit int, what string) *Budget { return &Budget{what: what, limit: limit, left: limit} }

// Spend takes units for work on a file. When there are none left, it returns an
// [*Error] that names the file, and so does every later call.
func (b *Budget) Spend(file string, units int) error {
	if b.over != nil {
		return b.over
	}
	if units > b.left {
		b.over = &Error{File: file, What: b.what, Limit: b.limit}
		return b.over
	}
	b.left -= units
	return nil
}

// Err returns the error of the first [Budget.Spend] that failed, else nil.
func (b *Budget) Err() error {
	if b.over == nil {
		return nil
	}
	return b.over
}

// Spent returns how many units have been taken.
func (b *Budget) Spent() int { return b.limit - b.left }

// An Error tells that a file asks for more than any real one does.
type Error struct {
	File  string // at which the limit was reached; "" where those who pass it on name it
	What  string // that is bounded, with its unit
	Limit int
}

// Error implements error.
func (e *Error) Error() string {
	reason := fmt.Sprintf("more than %d %s, which no real wheel needs; see docs/limits.md", e.Limit, e.What)
	if e.File == "" {
		return reason
	}
	return e.File + ": " + reason
}

// Check returns an [*Error] if n is beyond a limit; file is as in [Error].
func Check(file, what string, n, limit int) error {
	if n <= limit {
		return nil
	}
	return &Error{File: file, What: what, Limit: limit}
}
