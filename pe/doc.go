// Package pe reads Windows images (DLLs, extension modules and programs) and edits
// the names of the libraries that they load; no byte that is mapped or pointed at moves.
//
// Start with [NewFile], then ask [File.Imports], [File.DelayImports], [File.Exports]
// or [File.LoadConfig]. [File.Edit] checks and lays out a list of edits and returns an
// [overlay.Overlay]: the original bytes with replaced ranges, ready to be streamed. A
// longer name goes into the padding of a section, or into a new section behind all
// that the file holds. What cannot be edited with certainty is a [*RefusedError].
//
// The package leaves out what loading does not need: relocations, resources and
// exception data are not read, of COFF symbols and debug data only their place.
//
// Input is untrusted. Numbers from a file are compared with its size before they are
// used, and tables that overlap are read within one budget; a broken rule is a
// [*FormatError] with the offset of the field. Bytes that are no PE image give [ErrNotPE].
//
// Specifications: Microsoft's "PE Format", winnt.h and delayimp.h, and the loader of
// Windows (as wine and ReactOS follow it) where it decides what a file means.
package pe
