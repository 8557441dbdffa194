// Package lower states, as a table, what stands in for a versioned symbol of glibc or
// libstdc++ on systems that are too old to have it: the same code under an older version,
// an older variant whose differences are known, or a function of a small compatibility
// library that is copied into the wheel.
//
// The rule is that unknown means refuse: what has no row is not lowered. Rows of class
// [Same] are generated from real C libraries, in which both versions have one address; those
// of class [Older] and [Rename] are chosen by hand, each with a sentence on the difference and
// its source. scripts/lowering-table writes the tables in data again.
//
// The package sees names and versions only. Everything is read-only and safe for concurrent
// use.
package lower

// A Symbol is a versioned symbol of a library, as in "pow@GLIBC_2.29 of libm.so.6".
type Symbol struct {
	Name    string // as in the dynamic symbol table
	Library string // soname
	Version string // of DT_VERNEED, such as GLIBC_2.29
}

// A Class says how well a replacement stands for the original.
type Class string

const (
	Same   Class = "same"   // the same code: one address in every C library that has both
	Older  Class = "older"  // an older variant, which differs as the note says
	Rename Class = "rename" // another function, which differs as the note says
	Compat Class = "compat" // a function of the compatibility library
	Weak   Class = "weak"   // a weak reference without its version, which old systems leave unset
)

// A Row is one replacement.
type Row struct {
	From, To Symbol
	Class    Class
	Note     string // what differs, one sentence; "" if nothing does
	Source   string // of the note: a section of the manual of glibc, or NEWS of a release
}

// A Library is a compatibility library as it is copied into a wheel.
type Library struct {
	Soname  string
	Content []byte
	License string // the text of its licence
}
