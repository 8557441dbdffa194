// Package dropin takes the place of nine other tools: called by the name of auditwheel,
// delocate-wheel, patchelf or another of [Names], the program has that tool's flags,
// variables, defaults and exit codes, and what it cannot do is an error. Start with
// [Command]. Each tool has a file of its own; docs/migrating.md tells what becomes of
// each flag, and a test holds the two together.
package dropin
