//go:build integration

package integration

// difference is what wheelmend says of a wheel of the corpus where auditwheel
// says something else, and why that is right. docs/differences.md tells it to
// users.
type difference struct {
	tag       string
	externals []string // sonames, sorted
	reason    string
}

// differences has a row for each wheel of the corpus on which the tools differ.
var differences = map[string]difference{}
