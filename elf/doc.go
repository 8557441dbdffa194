// Package elf reads ELF images and edits their dynamic linking data; bytes that
// are already mapped never move.
//
// Reading follows the loader: program headers and the dynamic table decide,
// section headers are optional and never trusted. Start with [NewFile], then
// ask [File.Needed], [File.Symbols] or [File.VersionNeeds]. Editing starts with
// [File.Edit], which checks and lays out a list of edits and returns an
// [Overlay]: the original bytes with replaced ranges, ready to be streamed.
// What cannot be edited with certainty is refused, never damaged.
//
// The package leaves out what dynamic linking does not need: relocations are
// looked at only to count symbols, and .symtab only to keep _DYNAMIC true.
//
// Input is untrusted. Numbers from a file are compared with its size before
// they are used; a broken rule is a [*FormatError] with the offset of the
// field. Bytes that are not ELF at all give [ErrNotELF].
//
// Specifications: System V gABI chapters 4 and 5 with the processor supplements,
// the LSB symbol versioning chapter, the x86-64 psABI (.note.gnu.property), and
// ld.so of glibc and musl where they decide what a file means.
package elf
