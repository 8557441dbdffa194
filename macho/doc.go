// Package macho reads Mach-O images, thin and fat, edits their load commands,
// and signs them ad hoc.
//
// Start with [NewFile], then look at the [Slice] values of [File.Slices]: one for
// each architecture, a thin file having one. [File.Edit] returns the edited file
// as an [overlay.Overlay]: the original bytes with replaced ranges, ready to be streamed.
// [File.VerifySignatures] compares every page with the signature of its slice.
//
// Input is untrusted. Everything is decoded here, and held to the bytes that there
// are before anything is allocated; of blacktop/go-macho come the names and numbers
// of load commands and flags, and in tests the judge. A broken rule is a
// [*FormatError] with the offset of the field. Bytes that are not Mach-O at all give
// [ErrNotMachO].
//
// Specifications: <mach-o/loader.h>, <mach-o/fat.h>, <mach-o/dyld.h>, Apple's
// dyld (Header.cpp and MachOAnalyzer.cpp for what it refuses), and for signatures
// <kern/cs_blobs.h> of XNU.
package macho
