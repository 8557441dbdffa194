package wheel

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrNotZip reports a file without any trace of a zip archive. A file that
// starts like one and is cut short is a [*FormatError] instead.
var ErrNotZip = errors.New("not a zip archive")

// A FormatError reports bytes that break a rule of the wheel or zip format.
type FormatError struct {
	Member string // member the rule is about, "" for the archive as a whole
	Off    int64  // offset in bytes, in the archive or, for WHEEL, METADATA and RECORD, in that file; -1 if there is none
	Rule   string // what was found, and what the specification asks for
}

// Error returns one line: member, offset, rule.
func (e *FormatError) Error() string {
	var b strings.Builder
	if e.Member != "" {
		b.WriteString(quoteName(e.Member) + ": ")
	}
	if e.Off >= 0 {
		fmt.Fprintf(&b, "offset %#x: ", e.Off)
	}
	b.WriteString(e.Rule)
	return b.String()
}

// formatErr builds a FormatError; off is -1 where no offset helps.
func formatErr(member string, off int64, rule string, args ...any) *FormatError {
	return &FormatError{Member: member, Off: off, Rule: fmt.Sprintf(rule, args...)}
}

// inMember names the member in a FormatError that does not know it yet.
func inMember(name string, err error) error {
	var fe *FormatError
	if errors.As(err, &fe) && fe.Member == "" {
		return &FormatError{Member: name, Off: fe.Off, Rule: fe.Rule}
	}
	return err
}

// quoteName leaves an ordinary member name bare, as people write it, and quotes
// one with spaces, quotes or characters that a terminal would act upon.
func quoteName(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` || strings.ContainsAny(name, " :") {
		return q
	}
	return name
}

// itoa, hex and octal write numbers for rules.
func itoa(n int64) string   { return strconv.FormatInt(n, 10) }
func hex(n uint16) string   { return fmt.Sprintf("%#04x", n) }
func octal(n uint16) string { return "0" + strconv.FormatUint(uint64(n), 8) }
