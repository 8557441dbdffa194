// Package repair plans, then applies, the changes that make a wheel
// self-contained. [NewPlan] decides everything and writes nothing: the plan is
// plain data, what a dry run prints. Applying it decides nothing. [Repairer]
// does both for files on disk, reads the result back, and gives it its final
// name only when it holds what the plan promised.
//
// The rules for tags, names of grafted libraries and search paths are those of
// auditwheel for Linux and Android and of delocate for macOS, so that their users find
// what they expect; where they differ, the difference is explained in
// docs/differences.md.
package repair
