// Package wheel reads wheel archives and writes them reproducibly: file names,
// tags, WHEEL, RECORD, zip members. It knows nothing of the binaries inside,
// and it never unpacks to a directory: a member is a range of the archive.
//
// To read, start with [Open] or [NewReader], then [Reader.Scan], which checks
// every byte against RECORD on the way. To write, start with [NewWriter]: copy
// the members that stay ([Writer.Copy]), add the new ones ([Writer.Add]), and
// let [Create] put the result under its final name once it is complete.
//
// A wheel is untrusted. Whatever two installers could read in two ways is
// refused with a [*FormatError] that names the member and the rule: names that
// leave the archive, duplicates, overlaps, bytes that belong to no member,
// links, local headers that contradict the directory, sizes that cannot be.
// No count or size is believed before it is compared with the archive's own
// size, and the memory in use depends on the number of jobs, not on the wheel.
//
// The output has one form: members sorted by name, .dist-info last and RECORD
// at the very end, DOS times, Unix modes, no extra fields but zip64, no data
// descriptors. The same input gives the same bytes on every host and with any
// number of jobs.
//
// Specifications: PEP 427 and PEP 491 (archive, file name, RECORD), PEP 425
// (tags), PEP 440 (versions), PEP 376 (RECORD), APPNOTE.TXT 6.3.10 (zip), RFC
// 1951 (deflate).
package wheel
