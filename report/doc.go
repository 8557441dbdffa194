// Package report renders audits, plans and policies: as text for people, and as
// JSON for programs, whose schema lies in docs/. It decides nothing.
//
// Text from a wheel is untrusted. Control characters in it are shown escaped, so
// that no name can command a terminal.
package report
