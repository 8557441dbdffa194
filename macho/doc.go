// Package macho reads Mach-O images, thin and fat, edits their load commands,
// and signs them ad hoc.
//
// Start with [NewFile], then look at the [Slice] values of [File.Slices]: one for
// each architecture, a thin file having one. [File.Edit] returns the edited file
// as an [Overlay]: the original bytes with replaced ranges, ready to be streamed.
// [File.VerifySignatures] compares every page with the signature of its slice.
//
// Input is untrusted. The header, the load-command table and the bounds of what
// it names are checked here, and only then does blacktop/go-macho decode the
// commands that name libraries, search paths and versions; it sees no other byte.
// A broken rule is a [*FormatError] with the offset of the field. Bytes that are
// not Mach-O at all give [ErrNotMachO].
//
// Specifications: <mach-o/loader.h>, <mach-o/fat.h>, <mach-o/dyld.h>, Apple's
// dyld (Header.cpp and MachOAnalyzer.cpp for what it refuses), and for signatures
// <kern/cs_blobs.h> of XNU.
package macho
