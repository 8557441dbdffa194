// Package audit reports what a wheel needs from the system it is installed on,
// and which file and symbol needs it. [Load] reads the binaries of a wheel once
// and checks every member against RECORD; [Assess] finds their libraries and holds them
// to what the wheel may be tagged as: the policies of Linux or of Android's API levels,
// or an oldest macOS and the architectures. [Report.Judge] answers for any tag.
//
// [Verify] holds a wheel to what it claims and returns a [Proof]; a repair reads
// its result back through the same code, [Contents.Prove].
//
// The result keeps its evidence: each [Blocker] names the policy, the file, the
// library, the version and the symbols that stand in the way. Nothing is merged
// before the report.
//
// Rules: PEP 513, 571, 599, 600, 656 and 738 for the policies, PEP 427 for the wheel.
// A binary that is damaged is an error that names it, or a claim that fails,
// never "not a binary".
package audit
